"""What of the web server can be seen without one."""

import io
from contextlib import ExitStack
from pathlib import Path
from wsgiref.util import FileWrapper

import pytest
from waitress.buffers import ReadOnlyFileBasedBuffer

from tests.support import wait_for
from webapp.server.connections import MOST_PARKED, Connection, Threads, end_the_quietest
from webapp.server.requests import sent_as_it_is


def test_only_a_file_of_the_disk_is_read_by_the_thread_that_sends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    with path.open("rb") as file:
        assert isinstance(sent_as_it_is(file, 100), ReadOnlyFileBasedBuffer)
    assert isinstance(sent_as_it_is(io.BytesIO(b"from a bucket"), 100), FileWrapper)


def test_whoever_waits_for_a_reader_has_another_in_its_place_up_to_a_number() -> None:
    threads = Threads(2)
    with ExitStack() as waiting:
        assert all(waiting.enter_context(threads.parked()) for _ in range(MOST_PARKED))
        assert not waiting.enter_context(threads.parked())
        assert len(threads.threads) > MOST_PARKED
    wait_for(lambda: len(threads.threads) == 2)
    threads.shutdown()


class Client(Connection):
    """One that is served, or has been quiet since a moment."""

    def __init__(self, last_activity: float, *requests: object) -> None:
        self.last_activity, self.requests, self.gone = last_activity, list(requests), False

    def let_go(self) -> None:
        self.gone = True


@pytest.mark.parametrize(("served", "gone"), [(0, 0), (1, 1), (2, 2)])
def test_the_quietest_makes_room_but_nobody_whom_the_site_serves(served: int, gone: int) -> None:
    clients = [Client(number, *["a request"] * (number < served)) for number in range(3)]
    end_the_quietest([*clients])
    assert [client.gone for client in clients] == [number == gone for number in range(3)]
