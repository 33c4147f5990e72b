"""What has happened becomes what is to be told. Nothing is lost where a process dies: an event waits until its deliveries are rows."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from jobs.models import Delivery, Job, JobEvent, Owner, Webhook
from jobs.notify import mail

AT_ONCE = 500
ENDS = (Job.Status.SUCCEEDED, Job.Status.FAILED, Job.Status.CANCELLED)


def hand_over() -> int:
    """Make deliveries of the events that nobody has looked at yet, at most so many; returns how many events it took."""
    if not JobEvent.objects.filter(
        delivered_at=None
    ).exists():  # asked first, since a transaction locks SQLite
        return 0
    with transaction.atomic():
        found = JobEvent.objects.select_for_update(skip_locked=True, of=("self",)).filter(delivered_at=None)
        events = list(
            found.select_related("job", "batch").only(
                "status", "snapshot", "at", "job__owner", "batch__owner"
            )[:AT_ONCE]
        )
        _deliver([event for event in events if _type_of(event)])
        JobEvent.objects.filter(pk__in=[event.pk for event in events]).update(delivered_at=Now())
    return len(events)


def _deliver(events: Iterable[JobEvent]) -> None:
    of_owner: dict[UUID, list[JobEvent]] = defaultdict(list)
    for event in events:
        if whose := _owner_of(event):
            of_owner[whose].append(event)
    Delivery.objects.bulk_create(
        Delivery(owner_id=webhook.owner_id, webhook=webhook, event=event, type=said["type"], payload=said)
        for webhook in Webhook.objects.filter(owner__in=of_owner, enabled=True)
        for event in of_owner[webhook.owner_id]
        if (said := _payload(event))
    )
    for owner in Owner.objects.filter(pk__in=of_owner).exclude(mail=""):
        if ended := [_payload(event) for event in of_owner[owner.pk] if not _is_part(event)]:
            mail.collect(owner, ended)


def _type_of(event: JobEvent) -> str:
    """What it is called where it is told; empty for what is told to nobody."""
    said: str = event.snapshot.get("type", "")
    return said or (f"job.{event.status}" if event.status in ENDS else "")


def _is_part(event: JobEvent) -> bool:
    """Of a batch, whose end is told to people once for all of its jobs."""
    return event.batch_id is None and bool(event.snapshot.get("batch"))


def _owner_of(event: JobEvent) -> UUID | None:
    """Whose it is now: a visitor may have logged in while the job ran."""
    if about := event.job or event.batch:
        return about.owner_id
    named = event.snapshot.get("owner")
    return UUID(named) if named else None


def _payload(event: JobEvent) -> Mapping[str, Any]:
    data = {name: value for name, value in event.snapshot.items() if name not in ("type", "owner")}
    return {"type": _type_of(event), "timestamp": event.at.isoformat(), "data": data}
