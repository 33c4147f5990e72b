"""What a run made becomes stored outputs."""

import hashlib
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage

from jobs.models import Output
from jobs.queue.lifecycle import Claim
from jobs.storage import outputs
from ml.core.context import Result
from ml.core.formats import FORMATS, FileFormat
from ml.core.images import Picture, mean_color, write_picture
from ml.core.operation import Params


def store(claim: Claim, result: Result, params: Params, folder: Path) -> list[Output]:
    """Write every output under this attempt."""
    outputs: list[Output] = []
    file_format: FileFormat = getattr(params, "format", "png")
    written = FORMATS[file_format]
    for name, picture in result.images.items():
        path = folder / f"{name}{written.suffix}"
        write_picture(picture, path, file_format)
        outputs.append(_stored(claim, len(outputs), name, path, written.media_type, picture))
        path.unlink()
    for name, file in result.files.items():
        outputs.append(_stored(claim, len(outputs), name, file.path, file.media_type))
    return outputs


def _stored(
    claim: Claim, position: int, name: str, path: Path, media_type: str, picture: Picture | None = None
) -> Output:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        stored = default_storage.save(f"{outputs.folder_of(claim.job)}/{name}{path.suffix}", File(file))
    return Output(
        job=claim.job,
        attempt=claim.attempt,
        position=position,
        name=name,
        file=stored,
        media_type=media_type,
        width=picture.width if picture else None,
        height=picture.height if picture else None,
        bytes=path.stat().st_size,
        sha256=digest,
        color=mean_color(picture) if picture else "#808080",
    )
