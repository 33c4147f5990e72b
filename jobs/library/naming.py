"""What a file is called when it leaves: after its photo, what was done to it, and what it is."""

import re

from jobs.models import Asset
from ml.core.formats import FORMATS
from ml.core.text import fitting

NAMELESS = "photo"
LONGEST_BYTES = 240
"""Of a name: what a browser or an archive adds to tell two apart has room on any disk."""


def file_name(asset: Asset) -> str:
    """Of a stored file, for its owner; its ending is what it is. `made_by` and `original` are asked for."""
    before, done = _parts(asset)
    return fitting(before, done + FORMATS[asset.format].suffix, LONGEST_BYTES)


def nameless(asset: Asset) -> str:
    """The same for a stranger, whom it does not tell what the owner called the photo."""
    return f"{'-'.join(filter(None, [NAMELESS, *_done(asset)]))}{FORMATS[asset.format].suffix}"


def stem(asset: Asset) -> str:
    """What it is called without an ending; a name that its owner gave it stands as it is."""
    return "".join(_parts(asset))


def _parts(asset: Asset) -> tuple[str, str]:
    """What its photo is called, which gives way where all of it is too long, and what was done."""
    if asset.name:
        return _without_ending(asset.name), ""
    before, done = stem(asset.original) if asset.original else "", "-".join(filter(None, _done(asset)))
    return (before, f"-{done}" if done else "") if before else ("", done or NAMELESS)


def _done(asset: Asset) -> list[str]:
    """What was done to make it, and which of several results it is."""
    job, which = asset.made_by, asset.output.replace("_", "-")
    if job is None:
        return [which]
    operation = job.declaration
    if operation is None:
        return [job.operation, which]
    word = operation.word if isinstance(operation.word, str) else operation.word(job.params)
    word = word or operation.slug
    return [word] if asset.output == operation.result else [word, which]


def _without_ending(name: str) -> str:
    known = {suffix for each in FORMATS.values() for suffix in each.suffixes}
    found = re.fullmatch(r"(.+)(\.\w{1,11})", name)
    return found[1] if found and found[2].lower() in known else name
