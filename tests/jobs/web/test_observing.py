"""What the site tells those who watch over it: metrics, and a log in which one id leads to all lines of a request."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from jobs import logs
from jobs.models import Owner
from jobs.queue import lifecycle, workers
from jobs.queue.lifecycle import Outcome
from tests.conftest import Person
from tests.support import Redis, Worker, saying, submit, wait_for
from webapp.config import config
from webapp.logs import json_formatter, json_line
from webapp.supervisor import output

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis", "operations")]

Samples = dict[tuple[str, ...], float]


def scraped() -> Samples:
    """Each sample by its name and the values of its labels, in the order of the labels' names."""
    page = Client().get("/metrics").content.decode()
    return {
        (sample.name, *(value for _name, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


@pytest.fixture
def json_lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What this process has logged, as a program reads it."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(json_formatter())
    handler.addFilter(logs.About())
    root, access = logging.getLogger(), logging.getLogger(logs.ACCESS)
    root.addHandler(handler)
    access.setLevel("INFO")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    access.setLevel("WARNING")
    root.removeHandler(handler)


def test_metrics_tell_how_long_jobs_waited_and_ran(visitor: Owner) -> None:
    submit(visitor)
    claim = lifecycle.claim("cpu")
    assert claim
    lifecycle.finish(claim, Outcome(run_seconds=3.0))
    seen = scraped()
    wait, run = "latent_job_wait_seconds", "latent_job_run_seconds"
    assert seen[f"{wait}_count", "instant"] == seen[f"{run}_count", "instant"] == 1
    assert seen[f"{wait}_bucket", "10", "instant"] == 1
    assert (seen[f"{run}_bucket", "2.5", "instant"], seen[f"{run}_bucket", "5", "instant"]) == (0, 1)
    assert seen[f"{run}_sum", "instant"] == 3
    assert seen["latent_jobs", "instant", "succeeded"] == 1


def test_metrics_tell_what_waits_and_which_workers_are_up(
    visitor: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(visitor)
    workers.i_am_here("here", ["cpu"], "cuda")
    now = time.time()
    monkeypatch.setattr(workers.time, "time", lambda: now - 600)
    workers.i_am_here("gone", ["cpu"], "cpu")
    monkeypatch.undo()
    seen = scraped()
    assert seen["latent_queue_depth", "cpu"] == 1
    assert 0 <= seen["latent_queue_age_seconds", "cpu"] < 60
    assert (seen["latent_worker_up", "cuda", "here"], seen["latent_worker_up", "cpu", "gone"]) == (1, 0)
    assert 590 < seen["latent_worker_seen_seconds", "gone"] < 660
    assert seen["latent_worker_memory_bytes", "here"] > 1e6
    assert 0 < seen["latent_disk_free_bytes",] <= seen["latent_disk_total_bytes",]
    assert [worker.name for worker in workers.workers()] == ["here"]


def test_metrics_do_without_redis(visitor: Owner, redis: Redis) -> None:
    submit(visitor)
    redis.kill()
    assert scraped()["latent_jobs", "instant", "queued"] == 1


def test_an_answer_names_its_request(alice: Person) -> None:
    assert alice.client.get("/healthz", headers={"X-Request-ID": "front-7"})["X-Request-ID"] == "front-7"
    odd = alice.client.get("/healthz", headers={"X-Request-ID": "two\nlines"})["X-Request-ID"]
    other = alice.client.get("/healthz")["X-Request-ID"]
    assert odd.isalnum()
    assert other.isalnum()
    assert odd != other


def test_one_id_leads_from_the_request_to_the_job(alice: Person, json_lines: Any) -> None:
    headers = {"Authorization": f"Bearer {alice.token}", "X-Request-ID": "front-7"}
    body = {"operation": "instant"}
    said = Client().post("/api/v1/jobs", body, content_type="application/json", headers=headers)
    job = said.json()["id"]
    claim = lifecycle.claim("cpu")
    assert claim
    lifecycle.fail(claim, "internal", saying("It did not work."))
    submitted, access, started, failed = json_lines()
    for line in (submitted, started, failed):
        assert (line["logger"], line["job"], line["request"]) == ("jobs.queue.events", job, "front-7")
    assert (access["method"], access["route"], access["status"]) == ("POST", "api/v1/jobs", 202)
    assert access["request"] == "front-7"
    assert access["milliseconds"] > 0


def test_an_admin_sees_the_request_of_a_job_and_when_a_worker_was_there(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with logs.about(request="front-7"):
        job = submit(ada.owner)
    assert "front-7" in ada.client.get(f"/admin/jobs/job/{job.pk}/change/").content.decode()
    now = time.time()
    monkeypatch.setattr(workers.time, "time", lambda: now - 600)
    workers.i_am_here("worker@gone", ["cpu", "gpu"], "cuda")
    monkeypatch.undo()
    dashboard = ada.client.get("/admin/").content.decode()
    (row,) = (row for row in dashboard.split("<tr>") if "worker@gone" in row)
    assert "10\xa0minutes ago" in row
    assert "cuda" in row
    assert "cpu, gpu" in row
    assert "waiting for work" not in row


def test_no_line_holds_the_token_of_a_share_or_the_key_of_a_page(alice: Person, json_lines: Any) -> None:
    job = submit(alice.owner)
    Client().get("/s/verysecret?key=verysecret")
    Client().get("/s/verysecret/and/no/such/page")
    alice.client.get(f"/jobs/{job.uuid}/status?key=verysecret")
    *_, missing, lost, polled = json_lines()
    assert (missing["status"], lost["status"]) == (404, 404)
    assert (polled["status"], polled["job"]) == (200, str(job.uuid))
    assert "verysecret" not in json.dumps(json_lines())


@pytest.mark.slow
def test_a_worker_names_the_job_and_the_request_in_its_lines(
    alice: Person, start_worker: Callable[..., Worker]
) -> None:
    worker = start_worker(LOG_FORMAT="json")
    with logs.about(request="front-7"):
        job = submit(alice.owner, "blunder")
    wait_for(lambda: type(job).objects.get(pk=job.pk).finished)
    lines = [json.loads(line) for line in worker.said().splitlines() if line.startswith("{")]
    about = [line for line in lines if line.get("job") == str(job.uuid)]
    assert {line["request"] for line in about} == {"front-7"}
    assert any("exc_info" in line for line in about)


def test_the_supervisor_gives_programs_objects_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = json_line("jobs", "done").encode()
    output.show("worker", said)
    output.show("redis", b"Server initialized\n")
    assert capsys.readouterr().out.splitlines()[1] == "redis  | Server initialized"
    monkeypatch.setattr(output, "read_config", lambda: config().model_copy(update={"log_format": "json"}))
    output.show("worker", said)
    output.show("redis", b"Server initialized\n")
    passed, wrapped = capsys.readouterr().out.splitlines()
    assert passed.encode() == said
    assert (json.loads(wrapped)["logger"], json.loads(wrapped)["message"]) == ("redis", "Server initialized")
