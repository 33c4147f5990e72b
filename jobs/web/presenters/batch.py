"""A batch as a page shows it: every photo in its place, and how far all of them are."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.library.naming import file_name
from jobs.models import Asset, Batch, Job
from jobs.queue.batches import BatchState
from jobs.queue.chain import result_of
from jobs.queue.state import State
from jobs.web.presenters import humanize
from jobs.web.presenters.picture import PicturePresenter
from jobs.web.presenters.steps import StepPresenter


@dataclass(frozen=True)
class ItemPresenter:
    """One photo of a batch, with the jobs that its steps are, in their order."""

    jobs: Sequence[Job]
    steps: int

    @cached_property
    def job(self) -> Job:
        """Where it stands: the first that has not succeeded, or the last."""
        return next((job for job in self.jobs if job.status != Job.Status.SUCCEEDED), self.jobs[-1])

    @property
    def done(self) -> bool:
        return self.job.status == Job.Status.SUCCEEDED

    @property
    def url(self) -> str:
        return reverse("job", args=[self.job.uuid])

    @cached_property
    def asset(self) -> Asset | None:
        """The newest picture that there is of it."""
        for job in reversed(self.jobs):
            result = result_of(job, [output for output in job.outputs.all() if output.trashed_at is None])
            if result:
                return result
        return self.photo

    @cached_property
    def photo(self) -> Asset | None:
        return next((item.asset for item in self.jobs[0].inputs.all() if item.asset), None)

    @property
    def picture(self) -> PicturePresenter | None:
        return PicturePresenter.of(self.asset, title=self.name) if self.asset else None

    @property
    def name(self) -> str:
        original = self.photo.original if self.photo and self.photo.original else self.photo
        return file_name(original) if original else ""

    @property
    def status_line(self) -> str:
        if self.job.status in (Job.Status.FAILED, Job.Status.CANCELLED) and self.job.error_message:
            return self.job.error_message
        if self.job.status == Job.Status.RUNNING and self.steps > 1:
            return _("Step {step} of {count}").format(step=self.job.step + 1, count=self.steps)
        if self.job.status == Job.Status.QUEUED:
            return _("Waits")
        if self.done:
            return _("Done")
        return humanize.status_line(self.job, State())


@dataclass(frozen=True)
class BatchPresenter:
    batch: Batch
    jobs: Sequence[Job]
    state: BatchState

    @property
    def title(self) -> str:
        count = len(self.items)
        return self.batch.name or ngettext("{count} photo", "{count} photos", count).format(count=count)

    @cached_property
    def steps(self) -> list[StepPresenter]:
        return [StepPresenter.of_recipe(step) for step in self.batch.steps]

    @cached_property
    def items(self) -> list[ItemPresenter]:
        of_one = groupby(self.jobs, key=lambda job: job.item)
        return [ItemPresenter(list(jobs), len(self.batch.steps)) for _item, jobs in of_one]

    @property
    def done(self) -> int:
        return sum(item.done for item in self.items)

    @property
    def failed(self) -> int:
        return self.state.counts.get(Job.Status.FAILED, 0)

    @property
    def going_on(self) -> bool:
        return bool(self.state.unfinished)

    @property
    def status_line(self) -> str:
        count = len(self.items)
        if self.going_on:
            said = _("{done} of {count}").format(done=self.done, count=count)
            left = humanize.duration(max(1, self.state.eta_seconds or 0))
            return _("{said}, about {left} left").format(said=said, left=left)
        if self.done == count:
            return ngettext("Done", "All {count} are done", count).format(count=count)
        return _("{done} of {count} are done").format(done=self.done, count=count)


@dataclass(frozen=True)
class BatchTile:
    """A batch in a list; it was counted when it was looked up."""

    batch: Batch
    cover_asset: Asset | None

    @property
    def cover(self) -> PicturePresenter | None:
        return PicturePresenter.of(self.cover_asset, title="") if self.cover_asset else None

    @property
    def name(self) -> str:
        return self.batch.name or " → ".join(StepPresenter.of_recipe(step).title for step in self.batch.steps)

    @property
    def said(self) -> str:
        count: int = self.batch.photo_count  # type: ignore[attr-defined]
        photos = ngettext("{count} photo", "{count} photos", count).format(count=count)
        going_on = self.batch.jobs_left  # type: ignore[attr-defined]
        return ", ".join([photos, _("at work") if going_on else date_format(self.batch.created_at, "j F")])
