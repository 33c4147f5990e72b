"""What a file is called when it leaves: after its photo, what was done to it, and what it is."""

import re

from jobs.models import Asset
from ml.core.formats import FORMATS

NAMELESS = "photo"


def file_name(asset: Asset) -> str:
    """Of a stored file, for its owner; its ending is what it is. `made_by` and `original` are asked for."""
    return f"{stem(asset)}{FORMATS[asset.format].suffix}"


def nameless(asset: Asset) -> str:
    """The same for a stranger, whom it does not tell what the owner called the photo."""
    return f"{'-'.join(filter(None, [NAMELESS, *_done(asset)]))}{FORMATS[asset.format].suffix}"


def stem(asset: Asset) -> str:
    """What it is called without an ending; a name that its owner gave it stands as it is."""
    if asset.name:
        return _without_ending(asset.name)
    before = stem(asset.original) if asset.original else ""
    return "-".join(filter(None, [before, *_done(asset)])) or NAMELESS


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
