"""Running an operation on pictures made here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ml.core.context import Context, Inputs, Result
from ml.core.execution import execute
from ml.core.images import Picture, write_picture
from ml.registry import registry


def develop(
    slug: str, folder: Path, pictures: Mapping[str, Picture], params: Mapping[str, Any], context: Context
) -> Result:
    """Run an operation on pictures, one a slot, as the command line does."""
    files = {}
    for slot, picture in pictures.items():
        files[slot] = [folder / f"{slot}.png"]
        write_picture(picture, files[slot][0], "png")
    operation = registry().get(slug)
    return execute(operation, operation.parse(params), Inputs(files), context)


def odd_pictures() -> dict[str, Picture]:
    """Kinds of pictures that break careless code."""
    rng = np.random.default_rng(0)
    deep = rng.integers(0, 65536, (40, 56, 3), dtype=np.uint16)
    return {
        "one pixel": Picture(np.full((1, 1, 3), 90, np.uint8)),
        "very wide": Picture(rng.integers(0, 256, (3, 700, 3), dtype=np.uint8)),
        "gray": Picture(rng.integers(0, 256, (50, 41, 1), dtype=np.uint8)),
        "gray with alpha": Picture(rng.integers(0, 256, (50, 41, 2), dtype=np.uint8)),
        "16 bits": Picture(deep),
        "16 bits with alpha": Picture(np.concatenate([deep, deep[:, :, :1]], axis=2)),
    }
