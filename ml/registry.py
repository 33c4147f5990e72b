"""Every operation there is. Adding one is adding its package and its line here."""

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from ml.core.errors import UnknownOperation
from ml.core.messages import UNKNOWN_OPERATION
from ml.core.operation import Group, Operation
from ml.core.text import excerpt

OPERATIONS = (
    "ml.super_resolution",
    "ml.burst_super_resolution",
    "ml.video_super_resolution",
    "ml.denoise",
    "ml.style_transfer",
    "ml.deep_dream",
    "ml.classify",
    "ml.faces",
    "ml.train_classifier",
    "ml.transform",
    "ml.vae_sample",
    "ml.gan_sample",
    "ml.add_noise",
    "ml.denoise_demonstration",
    "ml.augmentation",
    "ml.comparison",
    "ml.digit_denoise",
)


class Registry:
    """Operations by slug, group by group, and in a group in the order they were added."""

    def __init__(self) -> None:
        self._operations: dict[str, Operation] = {}
        self._slugs: dict[str, str] = {}

    def add(self, operation: Operation) -> None:
        """Raises ValueError, and changes nothing, where a slug is taken."""
        names = (operation.slug, *operation.also)
        if taken := [name for name in names if name in self._slugs]:
            raise ValueError(f"there are two operations named {taken[0]!r}")
        self._operations[operation.slug] = operation
        self._slugs |= dict.fromkeys(names, operation.slug)

    def get(self, slug: str) -> Operation:
        """By its slug, or one that it is found by as well; raises `UnknownOperation`."""
        try:
            return self._operations[self._slugs[slug]]
        except KeyError:
            known = ", ".join(self._operations)
            raise UnknownOperation(UNKNOWN_OPERATION, slug=excerpt(slug), known=known) from None

    def __contains__(self, slug: str) -> bool:
        return slug in self._slugs

    def all(self) -> list[Operation]:
        groups = list(Group)
        return sorted(self._operations.values(), key=lambda operation: groups.index(operation.group))


@cache
def registry() -> Registry:
    """The operations above, then those of the packages that `LATENT_ROOMS` names (dotted paths, comma separated)."""
    found = Registry()
    further = (package.strip() for package in os.environ.get("LATENT_ROOMS", "").split(","))
    for name in (*OPERATIONS, *filter(None, further)):
        package = import_module(name)
        found.add(package.operation)
        if hasattr(package, "__path__") and find_spec(f"{name}.messages"):
            import_module(f"{name}.messages")  # so that what a worker's run has said can be told anywhere
    return found
