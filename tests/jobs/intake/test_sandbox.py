"""What an upload is decoded in: a child with limits, whose death costs one upload, and whose words are not believed."""

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from jobs.errors import Refused
from jobs.intake import decoding, sandbox
from jobs.intake.developed import Allowed, Order
from jobs.intake.forking import PROJECT, Forker
from jobs.intake.replies import Death, Made
from jobs.intake.sandbox import Limits
from jobs.models import Asset
from tests.jobs.hostile import encode, picture
from tests.jobs.intake.received import DAMAGED, SOUND, Send, assert_nothing_left
from tests.ml.films import film
from tests.support import wait_for

BUSY = "The server is short of memory just now. Try again later or send a smaller picture."
NEEDS_TIME = (
    "To read this file takes longer than an upload may take. Make it shorter or smaller and try again."
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A video that is coded anew for some seconds."""
    folder = tmp_path_factory.mktemp("slow")
    return film(folder / "slow.mp4", codec="mpeg4", size=(1280, 720), count=100, sound="").read_bytes()


def ordered(content: bytes, folder: Path) -> Order:
    folder.mkdir()
    (folder / "source").write_bytes(content)
    return Order(folder / "source", folder / "made", Allowed(40, 40, folder))


@pytest.mark.parametrize("name", SOUND)
def test_a_child_makes_what_is_made_here(tmp_path: Path, name: str) -> None:
    here, there = (ordered(SOUND[name], tmp_path / place) for place in ("here", "there"))

    told = decoding.decode(here)

    assert isinstance(told, Made)
    assert sandbox.ask(there) == told
    assert there.made.read_bytes() == here.made.read_bytes()


def test_this_process_hardly_grows(send: Send) -> None:
    import cv2

    deep = np.zeros((3000, 3000, 4), np.uint16)
    content = cv2.imencode(".png", deep)[1].tobytes()
    del deep
    send(SOUND["png"])
    Path("/proc/self/clear_refs").write_text("5")  # begins to measure anew
    before = _peak()

    assert send(content).width == 3000

    assert _peak() - before < 20_000_000, "of 72 MB of pixels, three times over"


def _peak() -> int:
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


# Limits --------------------------------------------------------------------------------------------------


def test_a_child_over_its_time_is_ended(
    assert_refused: Callable[..., None], monkeypatch: pytest.MonkeyPatch, slow: bytes
) -> None:
    monkeypatch.setattr(sandbox, "LIMITS", Limits(seconds=1))

    assert_refused(slow, "upload_needs_time", NEEDS_TIME)
    assert_nobody_is_left()


def test_a_child_that_waits_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sandbox, "LIMITS", Limits(seconds=1))
    order = ordered(b"", tmp_path / "there")
    order.source.unlink()
    os.mkfifo(order.source)  # which nobody writes to: it takes no time of a processor

    assert sandbox.ask(order) == Death(signal=signal.SIGALRM)
    assert_nobody_is_left()


def test_a_child_gets_no_more_memory_than_it_may_have(
    assert_refused: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "LIMITS", Limits(bytes=150_000_000, bytes_per_megapixel=0))
    content = encode(picture().resize((6000, 6000)), "PNG")

    assert_refused(
        content,
        "upload_needs_memory",
        "To read this file takes more memory than an upload may take. Make it smaller and try again.",
    )


# Deaths --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code", "sentence", "status"),
    [
        (signal.SIGSEGV, "damaged", DAMAGED, 422),
        (signal.SIGABRT, "damaged", DAMAGED, 422),
        (signal.SIGALRM, "upload_needs_time", NEEDS_TIME, 422),
        (signal.SIGKILL, "out_of_memory", BUSY, 503),  # as the kernel does where memory runs out
    ],
)
def test_a_decoder_that_crashes_costs_one_upload(
    assert_refused: Callable[..., None],
    send: Send,
    slow: bytes,
    number: signal.Signals,
    code: str,
    sentence: str,
    status: int,
) -> None:
    forget(send(SOUND["png"]))
    forker = sandbox.forker.pid
    death = threading.Thread(target=lambda: a_child().send_signal(number))
    death.start()

    assert_refused(slow, code, sentence, status)

    death.join()
    assert send(SOUND["png"]).width == 48
    assert sandbox.forker.pid == forker


@pytest.mark.parametrize("when", ["idle", "busy"])
def test_a_forker_that_dies_costs_no_upload(send: Send, when: str, slow: bytes) -> None:
    send(SOUND["png"])
    forker = psutil.Process(sandbox.forker.pid)
    if when == "idle":
        forker.kill()
        assert send(SOUND["png"]).width == 48
    else:
        death = threading.Thread(target=lambda: (a_child(), forker.kill()))
        death.start()
        assert send(slow).kind == "video"
        death.join()
        assert send(SOUND["png"]).width == 48
    assert sandbox.forker.pid != forker.pid


def test_where_nothing_can_be_forked_that_is_said(
    assert_refused: Callable[..., None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sandbox, "forker", Forker())
    monkeypatch.setattr(subprocess, "Popen", _no_room)

    assert_refused(SOUND["png"], "out_of_memory", BUSY, 503)
    assert "No child could be forked" in caplog.text


def _no_room(*_args: object, **_options: object) -> None:
    raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))


def forget(photo: Asset) -> None:
    photo.file.delete(save=False)
    photo.delete()


def a_child() -> psutil.Process:
    found = wait_for(lambda: psutil.Process(sandbox.forker.pid).children())
    assert isinstance(found, list)
    child: psutil.Process = found[0]
    # Not in its first moments, when it still makes itself known.
    wait_for(lambda: "libavcodec" in Path(f"/proc/{child.pid}/maps").read_text())
    return child


def assert_nobody_is_left() -> None:
    wait_for(lambda: not psutil.Process(sandbox.forker.pid).children())


@pytest.mark.parametrize("at_work", [False, True])
def test_it_ends_with_its_web_process(tmp_path: Path, slow: bytes, at_work: bool) -> None:
    (tmp_path / "source").write_bytes(slow if at_work else SOUND["png"])
    code = (
        "import sys, time; from pathlib import Path; from jobs.intake.forking import Forker; forker = Forker();"
        "forker._start(); print(forker.pid, flush=True); line = sys.stdin.readline().strip().encode();"
        "forker.ask(line, 60); print('done', flush=True); time.sleep(60)"
    )
    order = (
        f'{{"source": "{tmp_path}/source", "made": "{tmp_path}/made", "folder": "{tmp_path}", "megabytes": 40,'
        f' "megapixels": 40, "formats": ["png", "mp4"], "seconds": 60, "bytes": {10**9}}}\n'
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as web:
        assert web.stdin
        assert web.stdout
        forker = psutil.Process(int(web.stdout.readline()))
        web.stdin.write(order)
        web.stdin.flush()
        if at_work:
            family = [forker, *wait_for(forker.children)]
        else:
            assert web.stdout.readline() == "done\n"
            family = [forker]

        web.kill()

    wait_for(lambda: not any(each.is_running() for each in family))


def test_an_idle_forker_ends() -> None:
    code = "from jobs.intake import forker; forker.IDLE_SECONDS = 0.1; forker.main()"
    ours, theirs = socket.socketpair()
    with ours, theirs, subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdin=theirs) as forker:
        assert forker.wait(60) == 0


# Trust ---------------------------------------------------------------------------------------------------


def test_no_secret_of_the_site_is_there(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "one that nobody should know")
    monkeypatch.setattr(sandbox, "forker", Forker())
    send(SOUND["png"])

    variables = psutil.Process(sandbox.forker.pid).environ()

    assert not {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "LATENT_HOME"} & variables.keys()
    assert not any("django/db" in line for line in _maps_and_files(sandbox.forker.pid))


def _maps_and_files(pid: int | None) -> list[str]:
    return [os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()]


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"\xff",
        b"[]\n",
        b'{"told": "made"}\n',
        b'{"told":"made","kind":"image","format":"html","width":1,"height":1,"color":"#000000","frames":1,'
        b'"seconds":0,"notes":[]}\n',
        b'{"told":"made","kind":"image","format":"png","width":-1,"height":1,"color":"#000000","frames":1,'
        b'"seconds":0,"notes":[]}\n',
        b'{"told":"made","kind":"image","format":"png","width":1,"height":1,"color":"red;","frames":1,'
        b'"seconds":0,"notes":[]}\n',
        b'{"told":"refusal","words":{"code":"damaged","values":{}},"code":"damaged","status":200}\n',
    ],
)
def test_a_reply_that_is_none_is_damage(
    assert_refused: Callable[..., None], monkeypatch: pytest.MonkeyPatch, reply: bytes
) -> None:
    monkeypatch.setattr(sandbox.forker, "ask", lambda *_: reply)

    assert_refused(SOUND["png"], "damaged", DAMAGED)


def test_a_reply_without_its_file_leaves_nothing(
    send: Send, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = Made(
        kind="image",
        format="png",
        width=1,
        height=1,
        color="#000000",
        frames=1,
        seconds=0,
        notes=[],
        about={},
    )
    monkeypatch.setattr(sandbox, "ask", lambda _order: reply)

    with pytest.raises(Refused) as refusal:
        send(SOUND["png"])

    assert refusal.value.code == "damaged"
    assert_nothing_left(folders)
    assert not Asset.objects.exists()
