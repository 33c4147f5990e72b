"""What a run made becomes stored outputs."""

import hashlib
from itertools import chain
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage

from jobs.models import Asset
from jobs.queue.lifecycle import Claim
from jobs.storage import outputs
from ml.core.context import Inputs, Result
from ml.core.files import facts
from ml.core.formats import FORMATS, Format, Kind
from ml.core.images import mean_color, write_picture, written_as
from ml.core.operation import Facts, Params
from ml.core.sniffing import sniffed_at


def store(claim: Claim, result: Result, params: Params, inputs: Inputs, folder: Path) -> list[Asset]:
    """Write every output under this attempt, pictures like the photo they began with unless another format is asked for."""
    outputs: list[Asset] = []
    source = _begun_with(claim) or _first_of(inputs)
    for name, picture in result.images.items():
        file_format = written_as(getattr(params, "format", "png"), picture, source)
        written = FORMATS[file_format]
        path = folder / f"{name}{written.suffix}"
        write_picture(picture, path, file_format)
        seen = Facts(Kind.IMAGE, picture.width, picture.height)
        outputs.append(_stored(claim, len(outputs), name, path, written, seen, mean_color(picture)))
        path.unlink()
    for name, file in result.files.items():
        outputs.append(_stored(claim, len(outputs), name, file.path, file.format, facts(file.path)))
    return outputs


def _begun_with(claim: Claim) -> Format | None:
    """The format of the photo that a later step of a chain goes back to; what lies between them is but a go-between."""
    if not claim.job.step:
        return None
    given = claim.job.inputs.select_related("asset__original").order_by("pk").first()
    original = given.asset.original if given and given.asset else None
    return FORMATS[original.format] if original else None


def _first_of(inputs: Inputs) -> Format | None:
    first = next(chain.from_iterable(inputs.values()), None)
    return sniffed_at(first) if first else None


def _stored(
    claim: Claim,
    position: int,
    name: str,
    path: Path,
    written: Format,
    facts: Facts,
    color: str = "#808080",
) -> Asset:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        stored = default_storage.save(f"{outputs.folder_of(claim.job)}/{name}{path.suffix}", File(file))
    return Asset(
        made_by=claim.job,
        attempt=claim.attempt,
        position=position,
        output=name,
        file=stored,
        kind=facts.kind,
        format=written.name,
        width=facts.width,
        height=facts.height,
        frames=facts.frames,
        seconds=facts.seconds,
        bytes=path.stat().st_size,
        sha256=digest,
        color=color,
    )
