"""What a job costs beyond a bare Celery task on the same Redis, and a poll beyond a bare Django view.

python -m benchmarks.queue [--gradio PYTHON]

The last table is a program's whole round trip; PYTHON, which has gradio, runs the same work as a Gradio app.
Both of each pair run in turn in the same minute, since a shared machine is never equally fast for long. Where
others keep it busy, `chrt --rr 1 python -m benchmarks.queue` (as root) keeps them out of the figures.
"""

import argparse
import os
import re
import shutil
import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from html import unescape
from http.client import HTTPConnection
from itertools import count
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
os.environ["LOG_LEVEL"] = "WARNING"
os.environ["LATENT_ROOMS"] = "tests.operations.instant,tests.operations.nap"

import django

django.setup()

import psutil  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.management import call_command  # noqa: E402

from benchmarks import bare, programs, report  # noqa: E402
from jobs.access import identity  # noqa: E402
from jobs.models import ApiToken, Job, Owner  # noqa: E402
from jobs.queue import lifecycle, live  # noqa: E402
from ml.core.messages import LOADING  # noqa: E402
from tests.settings import TEST_HOME  # noqa: E402
from tests.site import free_port  # noqa: E402
from tests.support import Process, Redis, Worker, submit, wait_for  # noqa: E402
from webapp.config import config  # noqa: E402

ONE_BY_ONE = 100
CLIENTS = 8
SECONDS = 4.0
ROUNDS = 3
WARM_UP_SECONDS = 15.0  # a fresh child imports the networks beside its first jobs
PATIENCE_SECONDS = 30
POLLS = 400
SELDOM_SECONDS = 0.02  # so that the clients' looking takes no processor from the workers

names = count()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gradio", metavar="PYTHON")
    gradio = parser.parse_args().gradio
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, TEST_HOME, ignore_errors=True)
        redis = Redis()
        stack.callback(redis.kill)
        call_command("migrate", verbosity=0)
        with running(Worker("jobs"), bare_worker()):
            latency = latency_rows()
            throughput = throughput_row()
        polls = poll_rows()
        write_trips(gradio)
    report.write(
        "A job that does nothing, against a bare Celery task with late acks",
        "python -m benchmarks.queue",
        report.table([("", "bare task", "job", "difference"), *latency, throughput])
        + "\n\nOne worker process each, the same Redis, SQLite; from the call that submits to the moment when "
        "the result can be seen.\n\n"
        + report.table([("polling", "milliseconds of the processor", "of the floor", "polls/s"), *polls])
        + f"\n\nA visitor's page, gunicorn with {config().web_processes} processes of {config().web_threads} threads, {CLIENTS} clients that keep "
        "their connections. The floor is a view that reads one row and one hash of Redis, on the same gunicorn, and does not ask who is looking.",
    )


# A job, and a bare task ----------------------------------------------------------------------------------


def bare_worker() -> Process:
    process = Process(
        "bare",
        *(sys.executable, "-m", "celery", "--app", "benchmarks.bare", "--quiet", "worker"),
        *("--pool", "prefork", "--concurrency", "1", "--hostname", "bare@tests"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    )
    wait_for(task_seconds, 60)
    return process


def task_seconds(look_seconds: float = 0.001) -> float:
    """From the call to the end of one bare task."""
    key = f"bare:{next(names)}"
    begun = time.perf_counter()
    bare.nothing.delay(key)
    while not bare.client.exists(key):
        time.sleep(look_seconds)
        assert time.perf_counter() < begun + PATIENCE_SECONDS
    return time.perf_counter() - begun


def job_seconds(look_seconds: float = 0.001) -> float:
    """From the call to the committed end of one job."""
    begun = time.perf_counter()
    job = submit(None)
    while True:
        version = live.version(job.uuid)
        if not Job.objects.unfinished().filter(pk=job.pk).exists():
            return time.perf_counter() - begun
        while live.version(job.uuid) == version:
            time.sleep(look_seconds)
            assert time.perf_counter() < begun + PATIENCE_SECONDS


def latency_rows() -> list[tuple[str, ...]]:
    warm_at = time.monotonic() + WARM_UP_SECONDS
    while time.monotonic() < warm_at:
        task_seconds(), job_seconds()
    pairs = [(1000 * task_seconds(), 1000 * job_seconds()) for _ in range(ONE_BY_ONE)]
    tasks, jobs = ([pair[index] for pair in pairs] for index in (0, 1))
    return [
        ("submit to done, median", *milliseconds(statistics.median(tasks), statistics.median(jobs))),
        ("95 % are done within", *milliseconds(p95(tasks), p95(jobs))),
    ]


def throughput_row() -> tuple[str, ...]:
    tasks: list[float] = []
    jobs: list[float] = []
    for _ in range(ROUNDS):
        tasks.append(per_second(task_seconds))
        jobs.append(per_second(job_seconds))
    task, job = statistics.median(tasks), statistics.median(jobs)
    return (f"with {CLIENTS} clients", f"{task:.0f}/s", f"{job:.0f}/s", f"{100 * job / task:.0f} %")


def per_second(act: Callable[[float], float]) -> float:
    """How often it is done by `CLIENTS` that each wait for the end of one before they begin the next."""
    end_at = time.monotonic() + SECONDS

    def go_on(_: int) -> int:
        done = 0
        while time.monotonic() < end_at:
            act(SELDOM_SECONDS)
            done += 1
        return done

    with ThreadPoolExecutor(CLIENTS) as pool:
        return sum(pool.map(go_on, range(CLIENTS))) / SECONDS


def milliseconds(task: float, job: float) -> tuple[str, str, str]:
    return f"{task:.1f} ms", f"{job:.1f} ms", f"{job - task:+.1f} ms"


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


# A poll, and a bare view ---------------------------------------------------------------------------------


def poll_rows() -> list[tuple[str, ...]]:
    visitor = Owner.objects.create(address="benchmark")
    session = SessionStore()
    session[identity.SESSION_OWNER] = str(visitor.pk)
    session.save()
    cookie = f"sessionid={session.session_key}"
    submit(visitor, "nap", seconds=60)
    claim = lifecycle.claim("cpu")
    assert claim is not None
    runs, waits = claim.job, submit(visitor, "nap", seconds=60)
    live.say(runs.uuid, 0.4, LOADING)
    site, port = web()
    with running(site):
        views = {
            "the floor": (f"/floor/{runs.uuid}", 200),
            "a job that runs, 204": (polled(port, cookie, runs), 204),
            "a job that runs, 200": (polled(port, cookie, runs) + "&v=old", 200),
            "a job that waits, 200": (polled(port, cookie, waits) + "&v=old", 200),
        }
        costs: dict[str, list[tuple[float, float]]] = {name: [] for name in views}
        for _ in range(ROUNDS):
            for name, (path, status) in views.items():
                costs[name].append(poll_cost(site, partial(polls, port, path, cookie, status)))
    cpu = {name: statistics.median(cost for cost, _ in measured) for name, measured in costs.items()}
    rate = {name: statistics.median(rate for _, rate in measured) for name, measured in costs.items()}
    floor_cpu = cpu["the floor"]
    return [
        (name, f"{cost:.2f}", f"{100 * floor_cpu / cost:.0f} %", f"{rate[name]:.0f}")
        for name, cost in cpu.items()
    ]


# A program's round trip -----------------------------------------------------------------------------------


def write_trips(gradio: str | None) -> None:
    report.write(
        "A program's round trip, beside Gradio's",
        "python -m benchmarks.queue --gradio PYTHON",
        report.table([programs.HEAD, *trip_rows(gradio)])
        + "\n\nA PNG of 512 px goes up, is made 1024 px, and comes back as JPEG: by `latent.client`, one worker of one child, "
        "each client a member; and by Gradio's own queue, in turn, in the same minutes.",
    )


def trip_rows(gradio: str | None) -> list[tuple[str, ...]]:
    site, port = web()
    peer_port = free_port()
    with ExitStack() as stack:
        stack.enter_context(running(site, Worker("trips", LATENT_ROOMS="")))
        folder = Path(stack.enter_context(programs.folder()))
        members = (ApiToken.issue(User.objects.create(username=f"member{number}")) for number in count())
        asked: dict[str, Callable[[], programs.Program]] = {
            "Latent": lambda: programs.Latent(f"http://127.0.0.1:{port}", next(members), folder)
        }
        if gradio:
            app = str(Path(programs.__file__).with_name("gradio_app.py"))
            peer = Process("gradio", gradio, "-I", app, str(peer_port), GRADIO_ANALYTICS_ENABLED="False")
            stack.enter_context(running(peer))
            wait_for(lambda: not peer.alive or listens(peer_port), 60)
            asked["Gradio"] = lambda: programs.Gradio(f"http://127.0.0.1:{peer_port}")
        return programs.rows(asked)


def polled(port: int, cookie: str, job: Job) -> str:
    """What the page of a job asks for again and again."""
    with closing(HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("GET", f"/jobs/{job.uuid}", headers={"Cookie": cookie})
        page = connection.getresponse().read().decode()
    found = re.search(r'hx-get="([^"]+)" hx-trigger="poll"', page)
    assert found
    return unescape(found[1])


def web() -> tuple[Process, int]:
    """A web server as `make run` starts it, and its port."""
    port = free_port()
    process = Process(
        f"web-{port}",
        *(sys.executable, "-m", "gunicorn", "--config", "python:webapp.gunicorn"),
        PORT=str(port),
        DJANGO_SETTINGS_MODULE="benchmarks.floor_settings",
    )
    wait_for(lambda: not process.alive or listens(port), 30)
    return process, port


def listens(port: int) -> bool:
    with closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def poll_cost(process: Process, act: Callable[[int], None]) -> tuple[float, float]:
    """Milliseconds of the server's processor per poll, and polls per second."""
    before, begun = cpu_seconds(process), time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(act, range(CLIENTS)))
    took = time.perf_counter() - begun
    return 1000 * (cpu_seconds(process) - before) / POLLS, POLLS / took


def cpu_seconds(process: Process) -> float:
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in process.family())


def polls(port: int, path: str, cookie: str, status: int, _client: int) -> None:
    with closing(HTTPConnection("127.0.0.1", port)) as connection:
        for _ in range(POLLS // CLIENTS):
            connection.request("GET", path, headers={"Cookie": cookie, "HX-Request": "true"})
            response = connection.getresponse()
            response.read()
            assert response.status == status, (path, response.status)


@contextmanager
def running(*processes: Process) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.kill()


if __name__ == "__main__":
    main()
