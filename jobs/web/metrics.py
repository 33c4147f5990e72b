"""What /metrics tells, in the words of Prometheus.

How long jobs waited and ran is counted as it happens, in Redis: no scrape reads a job for it, and where Redis has
lost its data the counts begin anew, as Prometheus expects of counters.
"""

import logging
import shutil
import time
from collections.abc import Iterator
from itertools import accumulate

from django.conf import settings
from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from jobs.models import Job
from jobs.queue import workers
from jobs.queue.timings import BOUNDS, EDGES, HELP, told

log = logging.getLogger(__name__)


class Site(Collector):
    """The site as it is now, its database, its workers and its disk."""

    def collect(self) -> Iterator[Metric]:
        yield from _jobs()
        yield from _queues()
        for what in HELP:
            yield _histogram(what)
        yield from _workers()
        yield from _disk()


def _jobs() -> Iterator[Metric]:
    jobs = GaugeMetricFamily("latent_jobs", "Jobs by operation and status", labels=["operation", "status"])
    for operation, status, count in (
        Job.objects.values_list("operation", "status").annotate(Count("id")).order_by()
    ):
        jobs.add_metric([operation, status], count)
    yield jobs


def _queues() -> Iterator[Metric]:
    depth = GaugeMetricFamily("latent_queue_depth", "Jobs waiting in a queue", labels=["queue"])
    age = GaugeMetricFamily(
        "latent_queue_age_seconds", "How long the oldest job of a queue waits", labels=["queue"]
    )
    now = timezone.now()
    waiting = Job.objects.queued().values_list("queue").annotate(Count("id"), Min("queued_at")).order_by()
    for queue, count, oldest in waiting:
        depth.add_metric([queue], count)
        age.add_metric([queue], (now - oldest).total_seconds())
    yield from (depth, age)


def _histogram(what: str) -> Metric:
    histogram = HistogramMetricFamily(f"latent_job_{what}_seconds", HELP[what], labels=["operation"])
    for operation, counted in told(what).items():
        counts = accumulate(int(counted.get(str(index), 0)) for index in range(len(BOUNDS)))
        buckets = list(zip(EDGES, map(float, counts), strict=True))
        histogram.add_metric([operation], buckets, float(counted.get("sum", 0)))
    return histogram


def _workers() -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "latent_worker_up", "1 if the worker was seen within the last minute", labels=["worker", "device"]
    )
    seen = GaugeMetricFamily("latent_worker_seen_seconds", "Since the worker was seen", labels=["worker"])
    memory = GaugeMetricFamily("latent_worker_memory_bytes", "Of the worker's processes", labels=["worker"])
    for worker in workers.known_workers():
        up.add_metric([worker.name, worker.device], worker.is_up)
        seen.add_metric([worker.name], time.time() - worker.seen_at)
        memory.add_metric([worker.name], worker.memory_bytes if worker.is_up else 0)
    yield from (up, seen, memory)


def _disk() -> Iterator[Metric]:
    disk = shutil.disk_usage(settings.HOME)
    yield GaugeMetricFamily("latent_disk_free_bytes", "Free space where files are kept", value=disk.free)
    yield GaugeMetricFamily("latent_disk_total_bytes", "All space where files are kept", value=disk.total)
