"""`manage.py up`, the real one: what it starts, how it says so, and that nothing outlives it."""

import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from jobs.library.samples import shown_first
from tests.site import MARKS, UP, Site, environment, free_port
from tests.support import wait_for
from webapp.config import BASE_DIR, Config
from webapp.supervisor import preconditions, supervisor
from webapp.supervisor.preconditions import CannotStart
from webapp.supervisor.processes import NICENESS
from webapp.supervisor.supervisor import Child, Supervisor

pytestmark = pytest.mark.slow

WEB_MEGABYTES = 150


def refusal(home: Path, port: int) -> str:
    """What `manage.py up` says where it cannot start."""
    ended = subprocess.run(
        UP, cwd=BASE_DIR, env=environment(home, port), capture_output=True, text=True, timeout=30
    )
    assert ended.returncode != 0
    return (ended.stdout + ended.stderr).strip()


def assert_all_gone(processes: list[psutil.Process], seconds: float) -> None:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    alive = [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    for process in alive:
        process.kill()
    assert not alive


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up") / "home"


@pytest.fixture(scope="module")
def reused_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("again") / "home"


@pytest.fixture
def start(reused_home: Path) -> Iterator[Callable[..., Site]]:
    """Starts sites of a test's own, one after the other."""
    started: list[Site] = []

    def start(command: list[str] = UP) -> Site:
        again = (reused_home / "latent.sqlite3").exists()
        site = Site(reused_home, free_port(), command)
        started.append(site)
        print(f"{'another' if again else 'the first'} start took {site.wait_until_ready():.1f} s")
        return site

    yield start
    for site in started:
        site.end()
        print(site.said())


@pytest.fixture(scope="module")
def site(home: Path) -> Iterator[Site]:
    """One that several tests share."""
    site = Site(home, free_port())
    print(f"ready for the first time after {site.wait_until_ready():.1f} s")
    yield site
    site.end()
    print(site.said())


def test_it_says_once_where_the_site_is_and_the_site_answers(site: Site) -> None:
    assert re.findall("^Ready: .*$", site.said(), re.MULTILINE) == [f"Ready: {site.url}"]
    assert site.answers()


def test_a_fresh_site_has_something_to_show(site: Site, home: Path) -> None:
    def samples() -> int:
        with closing(sqlite3.connect(home / "latent.sqlite3")) as database:
            (count,) = database.execute("SELECT COUNT(*) FROM jobs_job WHERE sample").fetchone()
        return int(count)

    wait_for(lambda: 0 < samples() <= len(shown_first()))


def test_only_the_child_of_the_worker_may_be_large(site: Site) -> None:
    for path in ("/", "/api/v1/operations", "/admin/login/"):
        urllib.request.urlopen(f"{site.url}{path}", timeout=10).read()
    web = site.child("web")
    worker = site.child("worker")
    assert web is not None
    assert worker is not None
    assert max(process.memory_info().rss for process in web.children()) < WEB_MEGABYTES * 1e6
    for process in site.family():
        if process not in worker.children():
            assert "torch" not in " ".join(mapped.path for mapped in process.memory_maps()), process.cmdline()


def test_a_worker_lets_the_web_server_go_first(site: Site) -> None:
    web, worker = site.child("web"), site.child("worker")
    assert web is not None
    assert worker is not None
    wait_for(worker.children)
    assert {process.nice() - web.nice() for process in (worker, *worker.children())} == {NICENESS}


@pytest.mark.parametrize("name", MARKS)
def test_a_killed_child_is_started_again_and_it_says_so(site: Site, name: str) -> None:
    victim = site.child(name)
    assert victim is not None
    left_behind = victim.children(recursive=True)
    victim.kill()
    wait_for(lambda: (fresh := site.child(name)) and fresh.pid != victim.pid)
    assert_all_gone(left_behind, 5)
    assert f"latent | {name} ended (Killed); starting it again" in site.said()
    wait_for(site.answers)


def test_a_second_site_with_the_same_folder_is_refused(site: Site, home: Path) -> None:
    said = refusal(home, free_port())
    assert said.startswith(f"CommandError: Latent runs already with the folder {home}: ")
    assert len(said.splitlines()) == 1


def test_a_port_in_use_is_a_sentence(site: Site, tmp_path: Path) -> None:
    port = int(site.url.rpartition(":")[2])
    said = refusal(tmp_path / "other", port)
    assert said.startswith(
        f"CommandError: The web server cannot listen on 127.0.0.1, port {port} (Address already in use)"
    )
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_everything_within_ten_seconds(
    start: Callable[..., Site], number: signal.Signals
) -> None:
    site = start()
    family = site.family()
    began_at = time.monotonic()
    site.started.send_signal(number)
    assert site.started.wait(10) == 0
    assert_all_gone(family, 10 - (time.monotonic() - began_at))


def test_nothing_outlives_a_killed_supervisor(start: Callable[..., Site]) -> None:
    site = start()
    # Redis, gunicorn and its two processes, Celery and its child, the clock, and the supervisor itself.
    wait_for(lambda: len(site.family()) >= 8)
    family = site.family()
    site.started.kill()
    assert_all_gone(family, 3)


def test_it_ends_with_the_make_that_started_it(start: Callable[..., Site]) -> None:
    site = start(["sh", "-c", f"{sys.executable} manage.py up --end-with-parent; true"])
    family = site.family()
    site.started.kill()
    assert_all_gone(family, 10)


def test_a_folder_for_sockets_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "sockets"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(CannotStart, match="remove it"):
        preconditions.make_runtime_folder(folder)


def test_it_outlives_a_child_whose_pipe_another_process_still_holds(tmp_path: Path) -> None:
    parent = Supervisor(Config(latent_home=tmp_path), end_with_parent=False)
    child = Child("brief", ["sh", "-c", "setsid sleep 1 & exit 1"])
    parent._start(child)
    enough = time.monotonic() + 2.5
    parent._stay_until(lambda: time.monotonic() > enough)
    parent._end()
    assert child.failures >= 2


def test_a_child_that_served_for_a_while_is_started_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: now)
    parent = Supervisor(Config(latent_home=tmp_path), end_with_parent=False)
    child = Child("steady", ["true"], failures=5, started_at=now - supervisor.STEADY_SECONDS - 1)
    parent._schedule(child, "ended")
    assert child.start_at == now + supervisor.SHORTEST_PAUSE
    child.started_at = now
    for _ in range(4):
        parent._schedule(child, "ended")
    assert child.start_at == now + 16 * supervisor.SHORTEST_PAUSE, "it may be its start that it dies of"
