"""A real worker, a real Redis, a real clock; and what may happen to them."""

import json
import os
import signal
import time
from collections import Counter

import psutil
import pytest
from django.conf import settings

from jobs.models import Asset, Job
from jobs.queue import broker, deletion, lifecycle, live, submission
from jobs.queue.request import Request, Step
from tests.support import submit, submit_one, unreachable, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Status = Job.Status


def fresh(job):
    return Job.objects.get(pk=job.pk)


def running(job):
    return fresh(job).status == Status.RUNNING


def ended(*jobs):
    return not Job.objects.unfinished().filter(pk__in=[job.pk for job in jobs]).exists()


def all_well(jobs, media):
    """Every job succeeded once, with one set of outputs, and no file lies about."""
    for job in map(fresh, jobs):
        assert job.status == Status.SUCCEEDED, (job, job.error_code, job.error_message)
        assert Counter(job.events.values_list("status", flat=True))[Status.SUCCEEDED] == 1
        assert [(output.position, output.attempt) for output in job.outputs.all()] == [(0, job.attempt)]
    known = set(Asset.objects.values_list("file", flat=True))
    assert {name for name in media() if name.startswith("outputs/")} == known
    wait_for(lambda: not list((settings.HOME / "scratch").iterdir()), 5)


# What a run does -----------------------------------------------------------------------------------------


def test_a_run_shows_its_progress_and_then_its_result(worker, alice, photo):
    job = submit_one(alice.owner, "nap", {"seconds": 2}, {"photo": [photo(alice.owner)]})
    told = wait_for(lambda: (told := live.read(job.uuid)).fraction > 0.2 and told)
    assert str(told.note) == "sleeping"
    assert told.series["depth"]
    assert live.preview(job.uuid)[8:12] == b"WEBP"
    version = live.version(job.uuid)
    wait_for(lambda: live.version(job.uuid) != version)
    assert running(job)
    wait_for(lambda: ended(job))
    job = fresh(job)
    assert (job.status, job.attempt, job.worker) == (Status.SUCCEEDED, 1, worker.nodename)
    assert job.run_seconds >= 2
    assert job.series["depth"]
    assert job.recipe["operation"] == "nap"
    assert job.recipe["inputs"]["photo"] == [job.inputs.get().asset.sha256]
    output = job.outputs.get()
    assert (output.output, output.media_type, output.width, output.color) == (
        "result",
        "image/png",
        8,
        "#808080",
    )
    assert output.file.size == output.bytes


def test_a_failure_is_one_sentence_that_keeps_our_secrets(worker):
    foreseen, unforeseen = submit(None, "picky"), submit(None, "blunder")
    wait_for(lambda: ended(foreseen, unforeseen))
    assert (fresh(foreseen).error_code, fresh(foreseen).error_message) == (
        "bad_input",
        "This photo is too blue. Take another one.",
    )
    assert fresh(unforeseen).error_code == "internal"
    assert "secret" not in fresh(unforeseen).error_message


def test_numbers_that_json_cannot_hold_do_no_harm(worker):
    job = submit(None, "endless-numbers")
    wait_for(lambda: ended(job), 10)
    job = fresh(job)
    assert job.status == Status.SUCCEEDED
    assert job.metrics == {"psnr": None, "ssim": 1.0}
    assert job.series == {"loss": [[1, 0.5]], "curve": [[1.0, 2.0]]}


def test_a_deleted_photo_is_said_in_words(worker, alice, photo):
    picture = photo(alice.owner)
    block = submit(alice.owner, "nap", seconds=1)
    job = submit_one(alice.owner, "instant", {}, {"photo": [picture]})
    picture.delete()
    wait_for(lambda: ended(block, job))
    assert "photo of this job has been deleted" in fresh(job).error_message


# Cancelling and deadlines --------------------------------------------------------------------------------


def test_a_running_job_hears_of_a_cancel_before_its_next_renewal(start_worker, media):
    """Its lease is renewed once a minute: what it heeds can only be the hint."""
    start_worker(RENEW_SECONDS="60", LEASE_SECONDS="240")
    for _ in range(3):
        job = submit(None, "nap", seconds=60)
        wait_for(lambda job=job: running(job))
        lifecycle.cancel(fresh(job))
        wait_for(lambda job=job: ended(job), 10)
        assert fresh(job).status == Status.CANCELLED
        assert not fresh(job).outputs.exists()
    assert not [name for name in media() if name.startswith("outputs/")]


def test_a_running_job_is_cancelled_without_redis_too(worker, redis):
    job = submit(None, "nap", seconds=60)
    wait_for(lambda: running(job))
    redis.kill()
    lifecycle.cancel(fresh(job))
    wait_for(lambda: ended(job), 10)
    assert fresh(job).status == Status.CANCELLED


def test_a_run_that_does_not_heed_is_ended_with_its_process(worker, clock):
    deaf, following = submit(None, "deaf", seconds=60), submit(None, "instant")
    wait_for(lambda: running(deaf))
    child = worker.child
    lifecycle.cancel(fresh(deaf))
    wait_for(lambda: ended(deaf, following))
    assert fresh(deaf).status == Status.CANCELLED
    assert fresh(following).status == Status.SUCCEEDED
    assert not psutil.pid_exists(child)


@pytest.mark.parametrize("operation", ["brief", "stubborn"])
def test_a_run_past_its_deadline_ends_whether_it_heeds_or_not(worker, clock, operation):
    late, following = submit(None, operation, seconds=60), submit(None, "instant")
    wait_for(lambda: ended(late, following))
    assert (fresh(late).status, fresh(late).error_code) == (Status.FAILED, "deadline")
    assert fresh(following).status == Status.SUCCEEDED


def test_deleting_a_running_job_ends_its_run(worker, media):
    job, following = submit(None, "nap", seconds=60), submit(None, "instant")
    wait_for(lambda: running(job))
    deletion.delete(fresh(job))
    wait_for(lambda: ended(following), 10)
    all_well([following], media)


# What may happen -----------------------------------------------------------------------------------------


def test_a_killed_child_loses_no_job(worker, clock, media):
    jobs = [submit(None, "nap", seconds=1.5) for _ in range(3)]
    wait_for(lambda: running(jobs[0]))
    os.kill(worker.child, signal.SIGKILL)
    wait_for(lambda: ended(*jobs), 40)
    all_well(jobs, media)
    assert fresh(jobs[0]).losses == 1


def test_a_killed_worker_loses_no_job(start_worker, clock, media):
    worker = start_worker()
    jobs = [submit(None, "nap", seconds=1) for _ in range(3)]
    wait_for(lambda: running(jobs[0]))
    family = worker.family()
    os.kill(worker.pid, signal.SIGKILL)
    wait_for(lambda: not any(map(psutil.pid_exists, family[1:])), 5)
    start_worker()
    wait_for(lambda: ended(*jobs), 40)
    all_well(jobs, media)


def test_a_killed_redis_that_lost_its_data_loses_no_job(worker, clock, redis, media, tries, pauses):
    jobs = [submit(None, "nap", seconds=1.5) for _ in range(3)]
    wait_for(lambda: running(jobs[0]))
    redis.kill(lose_data=True)
    jobs.append(submit(None, "instant"))
    assert pauses == [], "asking for work does not wait for a broker that is away"
    assert len(tries) <= 4
    time.sleep(1)
    redis.start()
    wait_for(lambda: ended(*jobs), 40)
    all_well(jobs, media)
    assert {fresh(job).attempt for job in jobs} == {1}, "nobody was interrupted"


def test_a_job_that_kills_its_process_every_time_ends(worker, clock):
    crash, following = submit(None, "crash"), submit(None, "instant")
    wait_for(lambda: ended(crash, following), 60)
    crash = fresh(crash)
    assert (crash.status, crash.error_code, crash.losses, crash.attempt) == (
        Status.FAILED,
        "worker_lost",
        3,
        3,
    )
    assert fresh(following).status == Status.SUCCEEDED


@pytest.mark.parametrize("wakes", ["while its heir runs the job", "when its heir has done the job"])
def test_a_worker_that_was_away_beyond_its_lease_writes_nothing(start_worker, clock, media, wakes):
    workers = [start_worker(), start_worker()]
    job = submit(None, "nap", seconds=10 if wakes.startswith("while") else 3)
    wait_for(lambda: running(job))
    zombie, heir = sorted(workers, key=lambda worker: worker.nodename != fresh(job).worker)
    zombie.signal(signal.SIGSTOP)
    wait_for(lambda: fresh(job).worker == heir.nodename)
    if wakes.startswith("when"):
        wait_for(lambda: ended(job))
    zombie.signal(signal.SIGCONT)
    wait_for(lambda: "no longer ours" in zombie.said())
    wait_for(lambda: ended(job))
    assert (fresh(job).worker, fresh(job).attempt, fresh(job).losses) == (heir.nodename, 2, 1)
    all_well([job], media)


def test_the_same_message_ten_times_runs_a_job_once(worker, redis, media):
    jobs = [submit(None, "instant") for _ in range(2)]
    for _ in range(10):
        broker.announce("cpu")
    wait_for(lambda: ended(*jobs) and not redis.client.llen("cpu"))
    all_well(jobs, media)
    assert {fresh(job).attempt for job in jobs} == {1}


def test_of_many_jobs_with_one_message_a_worker_that_has_done_one_says_that_there_is_more(worker, media):
    request = Request(None, [Step("instant")], [{} for _ in range(4)])
    jobs = submission.submit(request)
    wait_for(lambda: ended(*jobs))
    all_well(jobs, media)
    assert "dropped" not in worker.said()


def test_a_message_may_have_headers_of_whoever_traces_it(worker, redis, media):
    broker.announce("elsewhere")
    traced = json.loads(redis.client.lpop("elsewhere"))
    traced["headers"]["traceparent"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    traced["properties"]["delivery_info"]["routing_key"] = "cpu"
    job = submit(None)
    wait_for(lambda: ended(job))
    following = submission.submit(Request(None, [Step("instant")], [{}]))
    redis.client.lpush("cpu", json.dumps(traced))
    wait_for(lambda: ended(*following) and not redis.client.llen("cpu"))
    all_well([job, *following], media)
    assert "dropped" not in worker.said()


def test_a_message_that_nobody_can_read_is_dropped_with_a_line(worker, redis, media):
    broker.announce("elsewhere")
    sound = json.loads(redis.client.lpop("elsewhere"))
    headers, properties = sound["headers"], sound["properties"]
    spoilt = [
        *(sound | {part: odd} for part in sound for odd in (None, 1, "x", [], {})),
        *(sound | {"headers": headers | {name: odd}} for name in headers for odd in (None, 1, "x", [], {})),
        *(
            sound | {"properties": properties | {name: odd}}
            for name in properties
            for odd in (None, 1, [], {})
        ),
        *({name: value for name, value in sound.items() if name != left_out} for left_out in sound),
    ]
    garbage = [
        "",
        "x",
        "[]",
        "null",
        "1",
        '"x"',
        "{}",
        "[" * 5000,
        "9" * 5000,
        b"\xff",
        *map(json.dumps, spoilt),
    ]
    for message in garbage:
        redis.client.lpush("cpu", message)
    job = submit(None)
    wait_for(lambda: ended(job), 25)
    all_well([job], media)
    assert worker.alive
    wait_for(lambda: not redis.client.llen("cpu") and not redis.client.hlen("unacked"), 30)
    assert "A message that cannot be read was dropped" in worker.said()


def test_a_worker_that_could_not_acknowledge_takes_more_work(worker, clock, redis, alice):
    first = submit(alice.owner, "nap", seconds=1)
    wait_for(lambda: running(first))
    with unreachable(redis.socket, redis.client):
        wait_for(lambda: ended(first))
        time.sleep(0.5)
    second = submit(alice.owner)
    wait_for(lambda: ended(first, second), 30)


def test_a_lost_message_is_said_again(worker, clock, redis, media):
    block = submit(None, "nap", seconds=1)
    wait_for(lambda: running(block))
    jobs = [submit(None, "instant") for _ in range(3)]
    redis.client.flushall()
    wait_for(lambda: ended(*jobs), 10)
    all_well([block, *jobs], media)


def test_a_worker_that_is_told_to_go_hands_its_job_back(start_worker, clock, media):
    worker = start_worker()
    jobs = [submit(None, "nap", seconds=3), submit(None, "instant")]
    wait_for(lambda: running(jobs[0]))
    worker.process.terminate()
    wait_for(lambda: fresh(jobs[0]).status == Status.QUEUED, 5)
    assert fresh(jobs[0]).losses == 0
    start_worker()
    wait_for(lambda: ended(*jobs), 30)
    all_well(jobs, media)


def test_a_deaf_run_does_not_keep_a_worker_from_going(start_worker):
    worker = start_worker()
    job = submit(None, "deaf", seconds=60)
    wait_for(lambda: running(job))
    worker.process.terminate()
    wait_for(lambda: fresh(job).status == Status.QUEUED, 5)
    assert fresh(job).losses == 0


# What it costs -------------------------------------------------------------------------------------------


def test_neither_the_workers_parent_nor_the_clock_holds_torch(worker, clock):
    job = submit(None, "instant")
    wait_for(lambda: ended(job))
    wait_for(lambda: holds_torch(worker.child), 60)
    assert not holds_torch(worker.pid)
    assert not holds_torch(clock.pid)


def holds_torch(pid: int) -> bool:
    return any("libtorch" in region.path for region in psutil.Process(pid).memory_maps())
