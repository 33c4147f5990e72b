"""What a command writes and says of a result."""

import json
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml.core import recipe as recipes
from ml.core.context import Result
from ml.core.formats import FORMATS, Format, WantedFormat
from ml.core.images import write_picture, written_as
from ml.core.text import fitting


def into_folder(out: Path) -> bool:
    """Whether it names a folder for all outputs, rather than a file for the first."""
    return out.is_dir() or not out.suffix


def write(
    result: Result, out: Path, stem: str, wanted: WantedFormat, source: Format | None, how: dict[str, Any]
) -> list[Path]:
    """Write the first output, or into a folder all of them, like the `source` unless another format is wanted.

    Pictures carry the recipe.
    """
    folder = into_folder(out)
    if folder:
        out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name in [*result.images, *result.files]:
        named = stem if not written else f"{stem}-{name}"
        if name in result.images:
            file_format = written_as(wanted, result.images[name], source)
            target = out / fitting(named, FORMATS[file_format].suffix) if folder else out
            partial = target.with_name(f".{secrets.token_hex(8)}.partial")
            try:
                write_picture(result.images[name], partial, file_format)
                recipes.copy(partial, target, how)
            finally:
                partial.unlink(missing_ok=True)
        else:
            made = result.files[name].path
            target = out / fitting(named, made.suffix) if folder else out
            shutil.copyfile(made, target)
        written.append(target)
        if not folder:
            break
    return written


def tell(written: Sequence[Path], result: Result) -> None:
    """One line of JSON: where the outputs lie, and what was found out beside them."""
    print(json.dumps({"outputs": [str(path) for path in written], **_findings(result)}, ensure_ascii=False))


def _findings(result: Result) -> dict[str, Any]:
    """What a run found out beside its pictures."""
    findings = {
        "metrics": result.metrics,
        "labels": [{"title": str(label.title), "score": label.score} for label in result.labels],
    }
    return {name: value for name, value in findings.items() if value}
