"""Every operation there is. Adding one is adding its room and its line here."""

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from ml.core.errors import UnknownOperation
from ml.core.messages import UNKNOWN_OPERATION
from ml.core.operation import Operation
from ml.core.text import excerpt

ROOMS = (
    "ml.super_resolution",
    "ml.burst_super_resolution",
    "ml.video_super_resolution",
    "ml.denoise",
    "ml.digit_denoise",
    "ml.classify",
    "ml.train_classifier",
    "ml.deep_dream",
    "ml.style_transfer",
    "ml.vae_sample",
    "ml.gan_sample",
    "ml.faces",
    "ml.transform",
    "ml.augmentation",
    "ml.add_noise",
    "ml.denoise_demonstration",
    "ml.comparison",
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
            raise UnknownOperation(UNKNOWN_OPERATION, slug=excerpt(slug), known=known) from None

    def all(self) -> list[Operation]:
        return list(self._operations.values())


@cache
def registry() -> Registry:
    """The rooms above, then those that `LATENT_ROOMS` names (dotted paths, comma separated)."""
    found = Registry()
    further = (room.strip() for room in os.environ.get("LATENT_ROOMS", "").split(",") if room.strip())
    for room in (*ROOMS, *further):
        package = import_module(room)
        found.add(package.operation)
        if hasattr(package, "__path__") and find_spec(f"{room}.messages"):
            import_module(f"{room}.messages")  # so that what a worker's run has said can be told anywhere
    return found
