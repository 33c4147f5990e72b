"""Every operation there is. Adding one is adding its package and its line here."""

import os
from functools import cache
from importlib import import_module

from ml.core.errors import UnknownOperation
from ml.core.operation import Operation
from ml.core.text import _, excerpt

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
    """Operations by slug, in the order they were added."""

    def __init__(self) -> None:
        self._operations: dict[str, Operation] = {}

    def add(self, operation: Operation) -> None:
        """Raises ValueError, and changes nothing, where the slug is taken."""
        if operation.slug in self._operations:
            raise ValueError(f"there are two operations named {operation.slug!r}")
        self._operations[operation.slug] = operation

    def get(self, slug: str) -> Operation:
        """Raises `UnknownOperation`."""
        try:
            return self._operations[slug]
        except KeyError:
            known = ", ".join(self._operations)
            raise UnknownOperation(
                _("There is no operation “{slug}”; there are: {known}.").format(
                    slug=excerpt(slug), known=known
                )
            ) from None

    def all(self) -> list[Operation]:
        return list(self._operations.values())


@cache
def registry() -> Registry:
    """The operations above, then those of the packages that `LATENT_ROOMS` names (dotted paths, comma separated)."""
    found = Registry()
    further = (package.strip() for package in os.environ.get("LATENT_ROOMS", "").split(","))
    for package in (*OPERATIONS, *filter(None, further)):
        found.add(import_module(package).operation)
    return found
