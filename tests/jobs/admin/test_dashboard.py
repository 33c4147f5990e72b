"""The dashboard."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from jobs.admin import dashboard, presenters
from jobs.models import Job
from tests.jobs.admin.jobs import claimed, failed, succeeded, waiting

pytestmark = pytest.mark.django_db

Status = Job.Status


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
