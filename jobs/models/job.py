"""What somebody asked for, whose turn it is, and what came of it. The status of a job is changed by `jobs.queue.lifecycle` alone."""

import uuid
from datetime import UTC, datetime
from typing import Self

from django.db import connections, models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from jobs.messages import told
from jobs.models.asset import Asset
from jobs.models.batch import Batch
from jobs.models.owner import Owner
from ml.core.errors import UnknownOperation
from ml.core.operation import Operation
from ml.registry import registry

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class FairShare(models.Model):
    """An owner's bucket in the round robin of a queue. The counts are kept in step with the queued jobs by `jobs.queue.fair_share`."""

    key = models.CharField(max_length=80)
    queue = models.CharField(max_length=32)
    last_served = models.DateTimeField(default=NEVER)
    waiting = models.PositiveIntegerField(default=0, help_text=_("Queued jobs."))
    waiting_seconds = models.FloatField(default=0, help_text=_("What they are expected to take, in all."))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "queue"], name="fair_share_key_queue")]
        indexes = [
            models.Index(
                fields=["queue", "last_served", "id"], condition=Q(waiting__gt=0), name="fair_share_next"
            )
        ]

    def __str__(self) -> str:
        return f"{self.key} in {self.queue}"


# In SQL, since pages ask again and again: a third of what the same costs by way of the ORM.
POLLED = """
SELECT
    id, uuid, owner_id, operation, method, status, queue, fair_share_id, priority,
    expected_seconds, started_at, cancel_requested_at
FROM jobs_job
WHERE uuid = %s AND status IN ('blocked', 'queued', 'running') AND (
    %s = '' OR EXISTS (
        SELECT 1 FROM django_session WHERE session_key = %s AND expire_date > CURRENT_TIMESTAMP
    )
)
"""


class JobQuerySet(models.QuerySet["Job"]):
    def queued(self) -> Self:
        return self.filter(status=Job.Status.QUEUED)

    def running(self) -> Self:
        return self.filter(status=Job.Status.RUNNING)

    def waiting(self) -> Self:
        """Whoever's turn it is: these have not begun."""
        return self.filter(status__in=(Job.Status.BLOCKED, Job.Status.QUEUED))

    def unfinished(self) -> Self:
        return self.filter(status__in=UNFINISHED)

    def polled(self, job_uuid: uuid.UUID, session: str) -> "Job | None":
        """A job that has not ended, with what its page needs at each poll and the rest to be asked for.

        None where the session that the page was shown in is over.
        """
        name = Job._meta.get_field("uuid").get_db_prep_value(job_uuid, connections[self.db])
        return next(iter(self.raw(POLLED, [name, session, session])), None)


class Job(models.Model):
    """One run of an operation that somebody asked for. `id` is the order of arrival, `uuid` its public name."""

    class Status(models.TextChoices):
        BLOCKED = "blocked", _("waits for an earlier step")
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Owner, null=True, on_delete=models.CASCADE, related_name="jobs")
    sample = models.BooleanField(default=False, help_text=_("Belongs to nobody and is shown to everybody."))
    kept = models.BooleanField(default=False, help_text=_("Kept for good by its owner."))

    operation = models.CharField(max_length=64)
    operation_version = models.PositiveIntegerField(default=1)
    method = models.CharField(max_length=64, blank=True)
    params = models.JSONField(default=dict)
    seed = models.PositiveBigIntegerField(default=0)
    megapixels = models.FloatField(default=0, help_text=_("Of all inputs together."))

    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    queue = models.CharField(max_length=32)
    fair_share = models.ForeignKey(FairShare, on_delete=models.PROTECT, related_name="jobs")
    priority = models.SmallIntegerField(default=0)
    batch = models.ForeignKey(
        Batch, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs", db_index=False
    )
    item = models.PositiveIntegerField(default=0, help_text=_("Which of the photos of its batch it is for."))
    step = models.PositiveSmallIntegerField(
        default=0, help_text=_("Which of the steps of its batch it does.")
    )
    declared_seconds = models.FloatField(help_text=_("The cost its operation declares."))
    expected_seconds = models.FloatField(help_text=_("The same, corrected by history."))
    deadline_seconds = models.FloatField()

    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    run_seconds = models.FloatField(null=True, blank=True)

    attempt = models.PositiveIntegerField(default=0)
    losses = models.PositiveIntegerField(default=0, help_text=_("How often its worker was lost."))
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=120, blank=True)
    worker_pid = models.PositiveIntegerField(null=True, blank=True)
    task_id = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(
        max_length=64, blank=True, help_text=_("Of the HTTP request that asked for it, as the log names it.")
    )

    metrics = models.JSONField(default=dict, blank=True)
    labels = models.JSONField(default=list, blank=True)
    series = models.JSONField(default=dict, blank=True)
    recipe = models.JSONField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.JSONField(null=True, blank=True, help_text=_("The message: its code and its values."))
    error_text = models.TextField(
        blank=True,
        db_column="error_message",
        help_text=_("The message as versions before kept it, in words."),
    )

    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 (unique among those set)
    idempotency_digest = models.CharField(max_length=64, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        constraints = [
            models.UniqueConstraint(fields=["owner", "idempotency_key"], name="job_idempotency"),
        ]
        indexes = [
            models.Index(
                fields=["fair_share", "-priority", "id"], condition=Q(status="queued"), name="job_next"
            ),
            models.Index(fields=["lease_expires_at"], condition=Q(status="running"), name="job_running"),
            models.Index(fields=["owner", "-id"], name="job_owner"),
            models.Index(fields=["owner", "operation", "-id"], name="job_owner_operation"),
            models.Index(fields=["owner", "status", "-id"], name="job_owner_status"),
            models.Index(
                fields=["operation", "method", "-id"], condition=Q(status="succeeded"), name="job_history"
            ),
            models.Index(fields=["status", "-id"], name="job_status"),
            models.Index(fields=["finished_at", "status"], name="job_finished"),
            models.Index(fields=["-id"], condition=Q(sample=True), name="job_samples"),
            models.Index(fields=["batch", "status"], name="job_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {str(self.uuid)[:8]}"

    @property
    def finished(self) -> bool:
        return self.status in (self.Status.SUCCEEDED, self.Status.FAILED, self.Status.CANCELLED)

    @property
    def error_message(self) -> str:
        """What went wrong, in the reader's language; empty where nothing did."""
        return told(self.error or self.error_text)

    @property
    def declaration(self) -> Operation | None:
        """The operation, or None where a later version of Latent no longer has it."""
        try:
            return registry().get(self.operation)
        except UnknownOperation:
            return None


UNFINISHED = (Job.Status.BLOCKED, Job.Status.QUEUED, Job.Status.RUNNING)


class JobInput(models.Model):
    """An asset in a slot of a job; of a job that is blocked, what the job before it is to make."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="inputs")
    slot = models.CharField(max_length=64)
    position = models.PositiveSmallIntegerField(default=0)
    asset = models.ForeignKey(Asset, null=True, on_delete=models.SET_NULL, related_name="uses")
    source = models.ForeignKey(
        Job,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="feeds",
        help_text=_("The job whose result this is."),
    )

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["job", "slot", "position"], name="job_input_place")]

    def __str__(self) -> str:
        return f"{self.slot} of {self.job}"


class JobEvent(models.Model):
    """A line of a job's timeline, or the end of a batch, and what is to be told of it: the outbox. It outlives both."""

    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="events")
    batch = models.ForeignKey(Batch, null=True, blank=True, on_delete=models.SET_NULL, related_name="events")
    at = models.DateTimeField(db_default=Now())
    status = models.CharField(max_length=16, choices=Job.Status)
    attempt = models.PositiveIntegerField()
    code = models.CharField(max_length=80, blank=True, help_text=_("Of the message that goes with it."))
    values = models.JSONField(default=dict, blank=True)
    detail_text = models.CharField(
        max_length=200, blank=True, db_column="detail", help_text=_("The message as versions before kept it.")
    )
    snapshot = models.JSONField(default=dict, blank=True, help_text=_("What is delivered of it."))
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["id"], condition=Q(delivered_at=None), name="event_to_deliver"),
            models.Index(fields=["at"], condition=Q(job=None), name="event_of_no_job"),
        ]

    def __str__(self) -> str:
        return f"{self.job or self.batch}: {self.status}"

    @property
    def detail(self) -> str:
        """What goes with it, in the reader's language."""
        return told({"code": self.code, "values": self.values} if self.code else self.detail_text)
