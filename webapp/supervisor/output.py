"""What a person or a program reads of it."""

from contextlib import suppress

from webapp import logs
from webapp.config import config as read_config


def say(name: str, line: str, *, text: str = "") -> None:
    """Pass a line on. Programs get objects only, so what Redis and the supervisor say becomes one."""
    if read_config().log_format == "text":
        line = text or f"{name:<6} | {line}"
    elif not line.startswith("{"):
        line = logs.json_line(name, line)
    with suppress(OSError):  # nobody reads any more, which is no reason to end
        print(line, flush=True)


def log(line: str) -> None:
    say("latent", line)


def show(name: str, line: bytes) -> None:
    say(name, line.decode(errors="replace").rstrip())
