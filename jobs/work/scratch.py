"""Folders in which runs keep what they need only while they run."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for one run. It is locked, so that one which nobody holds was left by a run that was killed."""
    path, lock = _made()
    try:
        yield path
    finally:
        _remove(path, lock)


def sweep() -> int:
    """Remove the folders of runs that were killed; returns how many there were."""
    count = 0
    for path in _root().iterdir():
        with suppress(BlockingIOError, FileNotFoundError):
            _remove(path, _lock(path, fcntl.LOCK_NB))
            count += 1
    return count


def _root() -> Path:
    root = Path(settings.HOME) / "scratch"
    root.mkdir(parents=True, exist_ok=True)
    return root


def _made() -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(dir=_root()))
        with suppress(FileNotFoundError):
            lock = _lock(path)
            if path.exists():
                return path, lock
            os.close(lock)
        # A sweep came between the making and the locking.


def _lock(path: Path, flags: int = 0) -> int:
    """A descriptor that holds the lock; the kernel lets it go when the process dies."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | flags)
    except BlockingIOError:
        os.close(descriptor)
        raise
    return descriptor


def _remove(path: Path, lock: int) -> None:
    shutil.rmtree(path, ignore_errors=True)
    os.close(lock)
