"""What must be so before anything is started."""

import fcntl
import os
import socket
from pathlib import Path
from typing import TextIO

from webapp.config import Config


class CannotStart(Exception):
    """Why nothing can be started, in one sentence that says what to do."""


def lock(home: Path) -> TextIO:
    """Take a LATENT_HOME for as long as the file stays open; raises `CannotStart` where somebody has it."""
    file = (home / "supervisor.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotStart(
            f"Latent runs already with the folder {home}: stop it, or set LATENT_HOME to another folder."
        ) from None
    return file


def check_address(config: Config) -> None:
    """Raises `CannotStart` where the web server could not listen."""
    try:
        family, _, _, _, where = socket.getaddrinfo(
            config.bind_address, config.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, socket.SOCK_STREAM) as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            candidate.bind(where)
    except OSError as error:
        raise CannotStart(
            f"The web server cannot listen on {config.bind_address}, port {config.port} ({error.strerror}): "
            "stop what uses it, or set PORT or BIND_ADDRESS to others."
        ) from None


def make_runtime_folder(folder: Path) -> None:
    """A folder for sockets that nobody else can enter; raises `CannotStart`."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise CannotStart(
            f"{folder} belongs to somebody else or is open to others: remove it, then start again."
        )
