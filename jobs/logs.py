"""Whom a line of the log is about.

`request` is the id of an HTTP request, `job` the public name of a job; a job remembers the request that asked
for it, so that one id leads from the front's log through the web server's to the worker's and the scheduler's.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

ACCESS = "latent.access"
_about: ContextVar[Mapping[str, str]] = ContextVar("about", default=MappingProxyType({}))


@contextmanager
def about(**names: str) -> Iterator[None]:
    """What is logged in here, in this thread, is about these."""
    token = _about.set({**_about.get(), **{name: value for name, value in names.items() if value}})
    try:
        yield
    finally:
        _about.reset(token)


def current(name: str) -> str:
    """What is being logged about; empty for nothing in particular."""
    return _about.get().get(name, "")


class About(logging.Filter):
    """Adds to a line whom it is about, where the line does not say so itself."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in _about.get().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True
