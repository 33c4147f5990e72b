"""The admin: who gets in, what it shows, and that all it changes goes through the rules of a job's life."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from jobs.access import sharing
from jobs.admin import base
from jobs.library import albums
from jobs.models import Album, ApiToken, Asset, Job, ShareLink
from tests.jobs.admin.jobs import JOBS, act, claimed, failed, listed, page_of, succeeded, waiting
from tests.jobs.conftest import assert_counters_true

pytestmark = pytest.mark.django_db

Status = Job.Status


# Who gets in ---------------------------------------------------------------------------------------------


@pytest.fixture
def pages(alice):
    job = waiting(alice.owner)
    return [
        reverse("admin:index"),
        reverse(JOBS),
        page_of(job),
        reverse("admin:jobs_job_delete", args=[job.pk]),
        reverse("admin:jobs_asset_changelist"),
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


def test_ada_requeues_failed_jobs_and_hears_of_each_that_cannot_run_again(ada, alice):
    first, second, gone = failed(alice.owner), failed(alice.owner), failed(alice.owner)
    gone.inputs.create(slot="photo", asset=None)
    html = act(ada.client, "requeue_jobs", first, second, gone, query="?status__exact=failed").text
    assert set(Job.objects.queued()) == {first, second}
    assert "2 jobs wait again." in html
    assert f"<b>{gone}</b>: A photo of this job has been deleted. Upload it again." in html
    assert_counters_true()


@pytest.mark.parametrize(
    ("status", "offered"),
    [
        ("", {"cancel_jobs"}), ("queued", {"cancel_jobs"}), ("running", {"cancel_jobs"}), ("succeeded", set()),
        ("cancelled", set()), ("failed", {"requeue_jobs"}),
    ],
)  # fmt: skip
def test_an_action_is_offered_where_it_can_work(ada, alice, status, offered):
    failed(alice.owner)
    html = ada.client.get(reverse(JOBS), {"status__exact": status} if status else {}).text
    assert {action for action in ("cancel_jobs", "requeue_jobs") if f'value="{action}"' in html} == offered


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


# Albums, owners ------------------------------------------------------------------------------------------


def test_ada_sees_what_an_owner_has_and_what_it_takes(ada, alice, photo, visitor):
    kept, thrown = photo(alice.owner), photo(alice.owner)
    Asset.objects.update(bytes=2048)
    album = albums.create(alice.owner, "Summer", [kept])
    sharing.share(album, expires_in=None)
    Asset.objects.filter(pk=thrown.pk).update(trashed_at=timezone.now())
    html = ada.client.get(reverse("admin:jobs_owner_change", args=[alice.owner.pk])).text
    assert "4.0\xa0KB, of it 2.0\xa0KB in the trash" in html
    assert "2 uploads · 0 results · 1 in the trash · 1 albums · 1 links that work" in html
    owners = ada.client.get(reverse("admin:jobs_owner_changelist")).text
    assert "member" in owners
    assert "visitor" in owners
    assert "cancel" not in owners  # the red cross of unfold


def test_ada_sees_albums_and_what_links_show_and_photos_stay(ada, alice, photo):
    album = albums.create(alice.owner, "Summer", [photo(alice.owner)])
    link = sharing.share(album, expires_in=None)
    assert "Summer" in ada.client.get(reverse("admin:jobs_album_changelist")).text
    html = ada.client.get(reverse("admin:jobs_sharelink_changelist")).text
    assert "Summer" in html
    assert "alice" in html
    assert link.token not in html
    ada.client.post(reverse("admin:jobs_album_delete", args=[album.pk]), {"post": "yes"})
    assert not Album.objects.exists()
    assert Asset.objects.exists()


def test_dates_are_written_in_one_way(ada, alice, photo):
    Job.objects.filter(pk=succeeded(alice.owner).pk).update(
        created_at=datetime(2026, 3, 4, 17, 5, 9, tzinfo=UTC)
    )
    Asset.objects.filter(pk=photo(alice.owner).pk).update(
        created_at=datetime(2026, 3, 4, 17, 5, 9, tzinfo=UTC)
    )
    for model in ("job", "asset"):
        assert "4 Mar 2026, 17:05:09" in ada.client.get(reverse(f"admin:jobs_{model}_changelist")).text


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
