"""Seeing to it that nothing is stuck: lost workers, overrun deadlines, unheeded cancels, lost messages."""

from datetime import timedelta

import psutil
from django.conf import settings
from django.db.models.functions import Now

from jobs.models import FairShare, Job
from jobs.queue import broker
from jobs.queue.lifecycle import Status, end, lose, past_deadline

REAP_AT_ONCE = 200


def reap() -> int:
    """Give up on lost workers, overrun deadlines and unheeded cancels, and see that waiting work has a message.

    Safe to call from several processes at once. Returns how many jobs it moved.
    """
    _heed_a_clock_set_back()
    running = Job.objects.running()
    grace = timedelta(seconds=settings.LATENT.cancel_grace_seconds)
    unheeded = running.filter(cancel_requested_at__lt=Now() - grace)
    # Where the lease has ended too, the job was lost, not slow: the machine was off, or its clock was set.
    overrun = running.filter(deadline_at__lt=Now() - grace, lease_expires_at__gte=Now())
    moved = 0
    for job in unheeded[:REAP_AT_ONCE]:
        if end(job, Status.CANCELLED):
            broker.end_child(job)
            moved += 1
    for job in overrun[:REAP_AT_ONCE]:
        if end(job, Status.FAILED, "deadline", past_deadline(job)):
            broker.end_child(job)
            moved += 1
    for job in running.filter(lease_expires_at__lt=Now())[:REAP_AT_ONCE]:
        moved += lose(job)
    for queue in FairShare.objects.filter(waiting__gt=0).values_list("queue", flat=True).distinct():
        broker.announce_if_silent(queue)
    return moved


def _heed_a_clock_set_back() -> None:
    """No lease reaches further than a lease from now, and no fair share was served in the future."""
    longest = Now() + timedelta(seconds=settings.LATENT.lease_seconds)
    too_long = Job.objects.running().filter(lease_expires_at__gt=longest)
    yet_to_come = FairShare.objects.filter(waiting__gt=0, last_served__gt=Now())
    if too_long.exists():  # asked first, since an UPDATE of nothing locks SQLite too
        too_long.update(lease_expires_at=longest)
    if yet_to_come.exists():
        yet_to_come.update(last_served=Now())


def lose_dead_children(worker: str) -> None:
    """Give up at once the jobs of this worker's children that are no more, rather than when their leases end.

    Called in a child of the same worker, so that process ids mean the same.
    """
    for job in Job.objects.running().filter(worker=worker):
        if job.worker_pid and not psutil.pid_exists(job.worker_pid):
            lose(job)
