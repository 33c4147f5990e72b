"""Operations for tests: declared like real ones, torch-free, each with a way of its own of going right or wrong."""

import os
from typing import Any

import numpy as np

from ml.core.context import Result
from ml.core.formats import Kind
from ml.core.images import Picture
from ml.core.operation import Estimate, Slot

NAMES = (
    "nap",
    "instant",
    "deaf",
    "crash",
    "brief",
    "stubborn",
    "blunder",
    "picky",
    "endless_numbers",
    "portrait",
)
OPERATIONS = ",".join(f"tests.operations.{name}" for name in NAMES)

PHOTO = Slot(
    name="photo", title="Photo", minimum=0, maximum=4, accepts=frozenset({Kind.IMAGE, Kind.ANIMATION})
)


def seconds(params: Any, facts: Any) -> Estimate:
    """An estimate from the param of that name."""
    return Estimate(seconds=getattr(params, "seconds", 0.01), width=8, height=8)


def tiny_picture(value: int = 128) -> Picture:
    return Picture(np.full((8, 8, 3), value, np.uint8))


def tiny_result() -> Result:
    return Result(images={"result": tiny_picture()}, facts={"pid": os.getpid()})
