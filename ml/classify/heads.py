"""A classifier of somebody's own: one linear layer on Lite0's features, in a safetensors file.

Reading needs no torch, so that the web process can verify an upload. Nothing but this one format is taken.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ml.classify import FEATURES, LITE0
from ml.classify.messages import FOREIGN_MODEL, MODEL_OF_ANOTHER_NETWORK
from ml.core.errors import InputError

MOST_BYTES = 200_000
FEWEST_CLASSES, MOST_CLASSES = 2, 10
LONGEST_CLASS = 40
KEY = "latent-classifier"
"""Of the one entry of the file's metadata: a second one would be written in an order of its own."""


@dataclass(frozen=True)
class Head:
    """`weight` (classes, 1280) and `bias` (classes,) in float32, and what the classes are called."""

    classes: tuple[str, ...]
    weight: np.ndarray
    bias: np.ndarray


def write_head(head: Head, path: Path) -> None:
    """The same head makes the same bytes."""
    about = {"classes": head.classes, "network": LITE0.name, "network_sha256": LITE0.sha256}
    tensors = {"weight": np.ascontiguousarray(head.weight), "bias": np.ascontiguousarray(head.bias)}
    save_file(tensors, path, {KEY: json.dumps(about, ensure_ascii=False, sort_keys=True)})


def read_head(path: Path) -> Head:
    """The head in a file of ours; raises `InputError` for any other file."""
    if path.stat().st_size > MOST_BYTES:
        raise _foreign()
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {})[KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
        classes = tuple(about["classes"])
        network, digest = about["network"], about["network_sha256"]
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise _foreign() from None
    if (network, digest) != (LITE0.name, LITE0.sha256):
        raise InputError(MODEL_OF_ANOTHER_NETWORK)
    if not (_are_names(classes) and _are_layers(tensors, len(classes))):
        raise _foreign()
    return Head(classes, tensors["weight"], tensors["bias"])


def _are_names(classes: tuple[object, ...]) -> bool:
    return (
        FEWEST_CLASSES <= len(classes) <= MOST_CLASSES
        and all(isinstance(name, str) and is_name(name) for name in classes)
        and len(set(classes)) == len(classes)
    )


def is_name(name: str) -> bool:
    """Whether a class can be called so: something that can be seen, of at most 40 characters."""
    return 0 < len(name) <= LONGEST_CLASS and name == name.strip() and name.isprintable()


def _are_layers(tensors: dict[str, np.ndarray], classes: int) -> bool:
    shapes = {"weight": (classes, FEATURES), "bias": (classes,)}
    return tensors.keys() == shapes.keys() and all(
        tensor.dtype == np.float32 and tensor.shape == shapes[name] and bool(np.isfinite(tensor).all())
        for name, tensor in tensors.items()
    )


def _foreign() -> InputError:
    return InputError(FOREIGN_MODEL)
