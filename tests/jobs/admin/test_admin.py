"""The admin: who gets in, what it shows, and that all it changes goes through the rules of a job's life."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from jobs.admin import base, dashboard, presenters
from jobs.models import ApiToken, Job, Owner, Photo, ShareLink
from jobs.queue import lifecycle
from jobs.queue.lifecycle import Outcome
from tests.jobs.conftest import assert_counters_true
from tests.support import saying, submit_one

pytestmark = pytest.mark.django_db

Status = Job.Status
JOBS = "admin:jobs_job_changelist"


def page_of(job):
    return reverse("admin:jobs_job_change", args=[job.pk])


def waiting(owner, operation="nap", *photos):
    return submit_one(owner, operation, {}, {"photo": photos} if photos else {})


def claimed(owner, operation="nap", *photos, worker="worker@here"):
    job = waiting(owner, operation, *photos)
    claim = lifecycle.claim("cpu", worker=worker, pid=1, task_id="task")
    assert claim.job == job
    return claim


def failed(owner, code="internal"):
    claim = claimed(owner)
    lifecycle.fail(claim, code, saying("Oh no, it broke."))
    claim.job.refresh_from_db()
    return claim.job


def succeeded(owner, operation="nap", *photos, outcome=lambda claim: Outcome(run_seconds=0.5)):
    claim = claimed(owner, operation, *photos, worker="worker@there")
    lifecycle.finish(claim, outcome(claim))
    claim.job.refresh_from_db()
    return claim.job


def act(client, action, *jobs, **fields):
    """Run an action of the list of jobs; the page that follows."""
    data = {"action": action, "_selected_action": [job.pk for job in jobs], **fields}
    return client.post(reverse(JOBS), data, follow=True)


def listed(client, query):
    """The jobs that the list shows."""
    response = client.get(f"{reverse(JOBS)}?{query}")
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


# Who gets in ---------------------------------------------------------------------------------------------


@pytest.fixture
def pages(alice):
    job = waiting(alice.owner)
    return [
        reverse("admin:index"),
        reverse(JOBS),
        page_of(job),
        reverse("admin:jobs_job_delete", args=[job.pk]),
        reverse("admin:jobs_photo_changelist"),
        reverse("admin:jobs_owner_changelist"),
        reverse("admin:jobs_sharelink_changelist"),
        reverse("admin:jobs_apitoken_changelist"),
        reverse("admin:auth_user_changelist"),
    ]


def test_it_sends_everybody_but_staff_to_the_login(alice, pages):
    for client in (Client(), alice.client):
        for address in pages:
            response = client.get(address)
            assert response.status_code == 302
            assert response.url.startswith(reverse("admin:login"))


def test_it_heeds_nobody_but_staff(alice):
    job = waiting(alice.owner)
    act(alice.client, "cancel_jobs", job)
    alice.client.post(page_of(job), {"action": "cancel"})
    alice.client.post(reverse("admin:jobs_job_delete", args=[job.pk]), {"post": "yes"})
    job.refresh_from_db()
    assert job.status == Status.QUEUED


def test_a_token_of_an_admin_opens_nothing(ada, pages):
    response = Client().get(reverse(JOBS), headers={"Authorization": f"Bearer {ada.token}"})
    assert response.status_code == 302


@pytest.mark.slow
def test_staff_sees_jobs_without_further_permissions_but_no_accounts(pages):
    clerk = User.objects.create_user("clerk", password="clerk", is_staff=True)
    client = Client()
    client.force_login(clerk)
    *jobs, accounts = pages
    assert [client.get(address).status_code for address in jobs] == [200] * len(jobs)
    assert client.get(accounts).status_code == 403
    assert accounts not in client.get(reverse("admin:index")).text


@pytest.mark.slow
def test_an_admin_opens_every_page(ada, pages):
    assert [ada.client.get(address).status_code for address in pages] == [200] * len(pages)


def test_only_the_admin_has_a_laxer_policy(ada, client):
    lax = ada.client.get(reverse("admin:index"))["Content-Security-Policy"]
    login = client.get(reverse("admin:login"))["Content-Security-Policy"]
    strict = client.get("/healthz")["Content-Security-Policy"]
    assert "'unsafe-eval'" in lax
    assert "'unsafe-eval'" in login
    assert "default-src 'none'" in lax
    assert "unsafe" not in strict


# The list ------------------------------------------------------------------------------------------------


def test_the_list_shows_what_became_of_each_job(ada, alice, photo, stored):
    claimed(alice.owner)
    failed(alice.owner, "out_of_memory")
    done = succeeded(alice.owner, "nap", photo(alice.owner), outcome=stored)
    html = ada.client.get(reverse(JOBS)).text
    assert "out_of_memory" in html
    assert "worker@here" in html
    assert "alice" in html
    assert str(done.uuid)[:8] in html
    assert reverse("output-file", args=[done.outputs.get().pk]) in html
    assert re.search(r"field-ran[^>]*>0\.5 s<", html)
    for status in ("running", "failed", "succeeded"):
        assert f'latent-status is-{status}"' in html


def test_a_job_without_a_result_is_shown_by_its_photo(ada, alice, photo):
    blue = photo(alice.owner)
    waiting(alice.owner, "nap", blue)
    html = ada.client.get(reverse(JOBS)).text
    assert reverse("photo-file", args=[blue.pk]) in html


@pytest.fixture
def mixed(alice, bob):
    """A failed nap of Alice from two days ago, and what Bob got."""
    old = failed(alice.owner, "deadline")
    Job.objects.filter(pk=old.pk).update(created_at=F("created_at") - timedelta(days=2))
    new = succeeded(bob.owner, "instant")
    Job.objects.filter(pk=new.pk).update(method="quick")
    return old, new


@pytest.mark.slow
def test_it_filters_by_status_operation_method_owner_and_worker(ada, alice, mixed):
    old, new = mixed
    assert listed(ada.client, "status__exact=failed") == [old]
    assert listed(ada.client, "operation=instant") == [new]
    assert listed(ada.client, "method=quick") == [new]
    assert listed(ada.client, f"owner__id__exact={alice.owner.pk}") == [old]
    assert listed(ada.client, "worker=worker@there") == [new]
    assert listed(ada.client, "worker=worker@there&status__exact=failed") == []


@pytest.mark.slow
def test_it_filters_by_days_with_both_ends_in(ada, mixed):
    old, new = mixed
    old.refresh_from_db()
    then, today = old.created_at.date(), timezone.now().date()
    assert listed(ada.client, f"created_at_from={today}") == [new]
    assert listed(ada.client, f"created_at_to={then}") == [old]
    assert listed(ada.client, f"created_at_from={then}&created_at_to={today}") == [new, old]
    assert listed(ada.client, "created_at_from=nonsense&created_at_to=2026-02-31") == [new, old]


def test_the_filters_offer_the_declared_operations_and_the_workers_that_were_seen(ada, mixed):
    html = ada.client.get(reverse(JOBS)).text
    assert '<option value="nap"' in html
    assert '<option value="worker@there"' in html


@pytest.mark.slow
def test_it_finds_a_job_by_its_public_name_its_owner_and_its_error(ada, mixed):
    old, new = mixed
    assert listed(ada.client, f"q={new.uuid}") == [new]
    assert listed(ada.client, f"q={str(new.uuid)[:8]}") == [new]
    assert listed(ada.client, "q=ali") == [old]
    assert listed(ada.client, "q=deadline") == [old]
    assert listed(ada.client, "q=nobody") == []


@pytest.mark.slow
def test_the_number_of_queries_does_not_grow_with_the_jobs(ada, alice, photo, stored):
    def count():
        with CaptureQueriesContext(connection) as queries:
            assert ada.client.get(reverse(JOBS)).status_code == 200
        return len(queries)

    def work():
        succeeded(alice.owner, "nap", photo(alice.owner), outcome=stored)
        failed(alice.owner)
        claimed(alice.owner)

    work()
    count()  # logs in
    few = count()
    for _ in range(5):
        work()
    assert count() == few
    assert few <= 7


def test_it_never_counts_all_rows(ada, alice, monkeypatch):
    monkeypatch.setattr(base, "MOST_COUNTED", 2)
    for _ in range(4):
        waiting(alice.owner)
    with CaptureQueriesContext(connection) as queries:
        html = ada.client.get(reverse(JOBS)).text
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"] and "jobs_job" in query["sql"]]
    assert counts
    assert all("LIMIT 3" in sql for sql in counts)
    assert "More than 2" in html


# Actions -------------------------------------------------------------------------------------------------


def test_ada_cancels_a_waiting_job_and_hears_why_another_cannot_be(ada, alice):
    done = failed(alice.owner)
    job = waiting(alice.owner)
    html = act(ada.client, "cancel_jobs", job, done).text
    job.refresh_from_db()
    done.refresh_from_db()
    assert job.status == Status.CANCELLED
    assert done.status == Status.FAILED
    assert "One job was told to stop." in html
    assert f"<b>{done}</b>: This job has ended already." in html
    assert_counters_true()


def test_ada_asks_a_running_job_to_stop(ada, alice):
    claim = claimed(alice.owner)
    act(ada.client, "cancel_jobs", claim.job)
    claim.job.refresh_from_db()
    assert claim.job.status == Status.RUNNING
    assert claim.job.cancel_requested_at
    assert "cancelling" in ada.client.get(reverse(JOBS)).text


def test_ada_requeues_failed_jobs_and_hears_of_each_that_did_not_fail(ada, alice):
    first, second, done = failed(alice.owner), failed(alice.owner), succeeded(alice.owner)
    html = act(ada.client, "requeue_jobs", first, second, done).text
    assert set(Job.objects.queued()) == {first, second}
    assert "2 jobs wait again." in html
    assert f"<b>{done}</b>: Only a failed job can be tried again." in html
    assert_counters_true()


def test_ada_requeues_from_the_page_of_a_job_and_the_timeline_names_her(ada, alice):
    job = failed(alice.owner)
    assert "Requeue" in ada.client.get(page_of(job)).text
    response = ada.client.post(page_of(job), {"action": "requeue"}, follow=True)
    assert response.redirect_chain == [(page_of(job), 302)]
    job.refresh_from_db()
    assert job.status == Status.QUEUED
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (ada.user, str(job.pk))
    assert [moment.name for moment in response.context["timeline"]][-1] == "ada"
    assert "Requeue" not in ada.client.get(page_of(job)).text


def test_the_page_of_a_job_changes_nothing_it_is_not_asked_to(ada, alice):
    job = failed(alice.owner)
    before = Job.objects.filter(pk=job.pk).values().get()
    for data in ({}, {"action": "finish"}, {"status": "succeeded", "_save": "Save"}):
        assert ada.client.post(page_of(job), data).status_code == 302
    assert Job.objects.filter(pk=job.pk).values().get() == before
    assert ada.client.get(reverse("admin:jobs_job_add")).status_code == 403


# Deleting ------------------------------------------------------------------------------------------------


def test_deleting_jobs_takes_their_files_and_places_along(
    ada, alice, stored, media, django_capture_on_commit_callbacks
):
    done, job = succeeded(alice.owner, outcome=stored), waiting(alice.owner)
    assert len(media()) == 1
    question = act(ada.client, "delete_selected", done, job)
    assert str(done) in question.text
    assert Job.objects.count() == 2
    with django_capture_on_commit_callbacks(execute=True):
        act(ada.client, "delete_selected", done, job, post="yes")
    assert not Job.objects.exists()
    assert not media()
    assert_counters_true()


def test_deleting_one_job_takes_its_files_and_its_place_along(
    ada, alice, stored, media, django_capture_on_commit_callbacks
):
    for job in (succeeded(alice.owner, outcome=stored), waiting(alice.owner)):
        address = reverse("admin:jobs_job_delete", args=[job.pk])
        assert ada.client.get(address).status_code == 200
        with django_capture_on_commit_callbacks(execute=True):
            ada.client.post(address, {"post": "yes"})
    assert not Job.objects.exists()
    assert not media()
    assert_counters_true()


def test_a_photo_that_a_waiting_job_needs_stays(ada, alice, photo, media, django_capture_on_commit_callbacks):
    needed, free = photo(alice.owner), photo(alice.owner, color="#c04080")
    job = waiting(alice.owner, "nap", needed)
    for each in (needed, free):
        with django_capture_on_commit_callbacks(execute=True):
            ada.client.post(reverse("admin:jobs_photo_delete", args=[each.pk]), {"post": "yes"})
    assert list(Photo.objects.all()) == [needed]
    assert media() == {needed.file.name}
    question = ada.client.get(reverse("admin:jobs_photo_delete", args=[needed.pk])).text
    assert str(job) in question


@pytest.mark.parametrize("what", ["auth_user", "jobs_owner"])
def test_deleting_somebody_takes_their_files_and_places_along(
    ada, alice, photo, stored, media, django_capture_on_commit_callbacks, what
):
    succeeded(alice.owner, "nap", photo(alice.owner), outcome=stored)
    waiting(alice.owner)
    key = alice.user.pk if what == "auth_user" else alice.owner.pk
    address = reverse(f"admin:{what}_delete", args=[key])
    assert dict(ada.client.get(address).context["model_count"])["jobs"] == 2
    with django_capture_on_commit_callbacks(execute=True):
        ada.client.post(address, {"post": "yes"})
    assert not Owner.objects.filter(pk=alice.owner.pk).exists()
    assert not Job.objects.exists()
    assert not media()
    assert_counters_true()


# The page of a job ---------------------------------------------------------------------------------------


def test_the_page_of_a_job_shows_its_inputs_outputs_timeline_and_error(ada, alice, photo, stored):
    blue = photo(alice.owner)
    done = succeeded(alice.owner, "nap", blue, outcome=stored)
    Job.objects.filter(pk=done.pk).update(metrics={"psnr": 31.25, "ssim": None}, recipe={"engine": "torch"})
    response = ada.client.get(page_of(done))
    assert [moment.status for moment in response.context["timeline"]] == ["queued", "running", "succeeded"]
    for text in (
        reverse("photo-file", args=[blue.pk]),
        reverse("output-file", args=[done.outputs.get().pk]),
        "31.25",
        "&quot;engine&quot;: &quot;torch&quot;",
        "worker@there",
        str(done.uuid),
    ):
        assert text in response.text
    broken = ada.client.get(page_of(failed(alice.owner, "out_of_memory"))).text
    assert "out_of_memory" in broken
    assert "Oh no, it broke." in broken


def test_it_escapes_what_strangers_wrote(ada, alice, photo):
    evil = photo(alice.owner)
    Photo.objects.filter(pk=evil.pk).update(name="<script>alert(1)</script>")
    job = waiting(alice.owner, "nap", evil)
    for address in (reverse(JOBS), page_of(job), reverse("admin:jobs_photo_changelist")):
        assert "<script>alert(1)" not in ada.client.get(address).text


def test_a_job_that_is_not_there_is_not_found(ada):
    for name in ("12345", "nonsense"):
        assert ada.client.get(reverse("admin:jobs_job_change", args=[name])).status_code == 404


# Links and tokens ----------------------------------------------------------------------------------------


def test_ada_revokes_a_share_link(ada, alice):
    link = ShareLink.objects.create(job=succeeded(alice.owner))
    address = reverse("admin:jobs_sharelink_changelist")
    html = ada.client.post(address, {"action": "revoke", "_selected_action": [link.pk]}, follow=True).text
    link.refresh_from_db()
    assert link.revoked_at
    assert link.token not in html
    assert link.token not in ada.client.get(reverse("admin:jobs_sharelink_change", args=[link.pk])).text


def test_ada_deletes_a_token_and_never_sees_its_digest(ada, alice):
    ApiToken.issue(alice.user, "laptop")
    token = ApiToken.objects.get()
    address = reverse("admin:jobs_apitoken_change", args=[token.pk])
    for page in (address, reverse("admin:jobs_apitoken_changelist")):
        html = ada.client.get(page).text
        assert "laptop" in html
        assert token.digest not in html
    ada.client.post(reverse("admin:jobs_apitoken_delete", args=[token.pk]), {"post": "yes"})
    assert not ApiToken.objects.exists()


# The dashboard -------------------------------------------------------------------------------------------


def test_the_dashboard_counts_what_ended_waits_and_runs(ada, alice):
    failed(alice.owner)
    for _ in range(3):
        succeeded(alice.owner)
    claimed(alice.owner)
    waiting(alice.owner)
    context = ada.client.get(reverse("admin:index")).context
    assert context["week"] == {"today": 4, "total": 4, "failure_percent": 25}
    assert (context["waiting"], context["running"]) == (1, 1)
    (nap,) = context["operations"]
    assert (nap.operation, nap.succeeded, nap.failed, nap.runs) == ("nap", 3, 1, [0.5, 0.5, 0.5])
    here = next(worker for worker in context["workers"] if worker.name == "worker@here")
    assert len(here.doing) == 1
    (cpu,) = context["queues"]
    assert (cpu.name, cpu.waiting, cpu.running, cpu.workers) == ("cpu", 1, 1, 0)


def test_the_dashboard_of_an_empty_site_is_calm(ada, redis):
    html = ada.client.get(reverse("admin:index")).text
    assert "No job has ended in the last 30 days." in html
    assert "No worker has been seen." in html


@pytest.mark.slow
def test_the_dashboard_asks_few_queries_however_many_jobs_there_are(ada, alice):
    def count():
        with CaptureQueriesContext(connection) as queries:
            ada.client.get(reverse("admin:index"))
        return len(queries)

    failed(alice.owner)
    succeeded(alice.owner)
    count()  # logs in
    few = count()
    for _ in range(5):
        failed(alice.owner)
        succeeded(alice.owner)
    assert count() == few
    assert few <= 12


def test_days_without_jobs_have_their_place(alice):
    job = succeeded(alice.owner)
    today = timezone.now().date()
    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(days=3))
    days = dashboard.last_days(today)
    assert len(days) == dashboard.DAYS
    assert [day.succeeded for day in days[-4:]] == [1, 0, 0, 0]
    assert days[-1].day == today


def test_percentiles_are_of_the_values_that_were_seen():
    values = [float(value) for value in range(1, 101)]
    assert dashboard.percentile(values, 50) == 50
    assert dashboard.percentile(values[::-1], 95) == 95
    assert dashboard.percentile([7.0], 95) == 7
    assert dashboard.percentile([], 50) is None


def test_the_highest_bar_is_as_high_as_the_chart():
    low, high = dashboard.bars(["low", "high"], [[("a", 1)], [("a", 3), ("b", 1)]])
    assert low.boxes == [("a", 90, 30)]
    assert high.boxes == [("a", 30, 90), ("b", 0, 30)]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0.44, "0.4 s"), (12.4, "12 s"), (200, "3 min 20 s"), (600, "10 min"), (7500, "2 h 5 min")],
)
def test_times_read_as_a_person_says_them(seconds, text):
    assert presenters.duration(seconds) == text
