"""A request as it comes in, and the answer to it."""

import time
from typing import Any
from wsgiref.util import FileWrapper

from django.conf import settings
from waitress.buffers import ReadOnlyFileBasedBuffer
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import WSGITask
from waitress.utilities import Error

from jobs.intake import limits
from jobs.web.middleware import most_body_bytes


class NoRoom(Error):
    code = 507
    reason = "Insufficient Storage"


class Request(HTTPRequestParser):
    """Takes no body that the site refuses by its length, and none that the disk has no room for."""

    completed: bool
    content_length: int

    def __init__(self, adj: Any) -> None:
        super().__init__(adj)
        self.begun_at = time.time()

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError:  # a length of more digits than Python reads
            raise ParsingError("Content-Length is invalid") from None
        if self.content_length > most_body_bytes():
            self.content_length, self.body_rcv, self.expect_continue = 0, None, False
            self.headers["CONNECTION"] = "close"

    def received(self, data: bytes) -> int:
        taken: int = super().received(data)
        if not self.completed and self.body_bytes_received > self.adj.inbuf_overflow and disk_is_full():
            self.error = NoRoom("The disk of this site is nearly full. Try again later.")
            self.completed = True
        return taken


class Answer(WSGITask):
    """Keeps the connection after an answer that has no body, as most polls have."""

    def set_close_on_finish(self) -> None:
        # Else waitress closes where no header tells the length of a body, also where there is none.
        asked_to = self.version == "1.0" or self.request.headers.get("CONNECTION", "").lower() == "close"
        if self.has_body or asked_to:
            super().set_close_on_finish()

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        parked = self.channel.server.task_dispatcher.parked
        return environ | {"wsgi.file_wrapper": sent_as_it_is, "latent.parked": parked}


def sent_as_it_is(file: Any, block_bytes: int) -> Any:
    """A file of the disk is read by the thread that sends; one that comes from elsewhere would make all others wait."""
    try:
        file.fileno()
    except (OSError, AttributeError):
        return FileWrapper(file, block_bytes)
    return ReadOnlyFileBasedBuffer(file, block_bytes)


def disk_is_full() -> bool:
    return limits.free_bytes() < settings.LATENT.min_free_megabytes * 1_000_000
