"""What goes in and out of batches and presets."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pydantic
from django.http import HttpRequest
from django.urls import reverse
from ninja import Schema

from jobs.models import Batch, Job
from jobs.queue import batches
from jobs.queue.batches import BatchState
from jobs.queue.presets import Recipe
from jobs.web.api.schemas import ErrorOut, OutputOut
from jobs.web.presenters.presets import left_out, said
from ml.core.recipe import LARGEST_SEED

MOST_IN_ONE = 10_000
"""Photos that a body may name; how many are taken, the site's settings say."""


class StepIn(Schema):
    model_config = pydantic.ConfigDict(extra="forbid")

    operation: str
    params: dict[str, Any] = {}
    seed: int | None = pydantic.Field(None, ge=0, le=LARGEST_SEED)


class BatchIn(Schema):
    model_config = pydantic.ConfigDict(extra="forbid")

    steps: list[StepIn] = pydantic.Field([], description="One after the other; or a preset.")
    preset: str = pydantic.Field("", max_length=80, description="The id of one.")
    photos: list[UUID] = pydantic.Field([], max_length=MOST_IN_ONE)
    inputs: dict[str, UUID | list[UUID]] = pydantic.Field(
        {}, description="For the other slots of the steps; all photos share them."
    )
    name: str = pydantic.Field("", max_length=120)

    def inputs_by_slot(self) -> dict[str, list[UUID]]:
        return {slot: ids if isinstance(ids, list) else [ids] for slot, ids in self.inputs.items()}


class BatchJobOut(Schema):
    id: UUID
    url: str
    item: int
    step: int
    operation: str
    status: Job.Status
    error: ErrorOut | None
    outputs: list[OutputOut]

    @classmethod
    def of(cls, request: HttpRequest, job: Job) -> "BatchJobOut":
        return cls(
            id=job.uuid,
            url=request.build_absolute_uri(reverse("api:job", args=[job.uuid])),
            item=job.item,
            step=job.step,
            operation=job.operation,
            status=Job.Status(job.status),
            error=ErrorOut.of(job),
            outputs=[OutputOut.of(request, output) for output in job.outputs.all() if not output.trashed_at],
        )


class BatchSummary(Schema):
    id: UUID
    url: str
    name: str
    steps: list[dict[str, Any]]
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, request: HttpRequest, batch: Batch) -> "BatchSummary":
        return cls(**_summary(request, batch))


class BatchOut(BatchSummary):
    status: Job.Status
    counts: dict[str, int]
    progress: float
    eta: float | None
    jobs: list[BatchJobOut]

    @classmethod
    def of(cls, request: HttpRequest, batch: Batch) -> "BatchOut":
        jobs = list(batch.jobs.prefetch_related("outputs").order_by("pk"))
        state: BatchState = batches.state_of_jobs(jobs)
        return cls(
            **_summary(request, batch),
            status=state.status,
            counts=state.counts,
            progress=state.fraction,
            eta=state.eta_seconds,
            jobs=[BatchJobOut.of(request, job) for job in jobs],
        )


def _summary(request: HttpRequest, batch: Batch) -> dict[str, Any]:
    return {
        "id": batch.pk,
        "url": request.build_absolute_uri(reverse("api:batch", args=[batch.pk])),
        "name": batch.name,
        "steps": batch.steps,
        "created_at": batch.created_at,
        "ended_at": batch.ended_at,
    }


class BatchPage(Schema):
    items: list[BatchSummary]
    next_cursor: str | None


class PresetIn(Schema):
    model_config = pydantic.ConfigDict(extra="forbid")

    name: str = pydantic.Field(min_length=1, max_length=120)
    summary: str = pydantic.Field("", max_length=200)
    steps: list[StepIn]


class PresetChange(Schema):
    model_config = pydantic.ConfigDict(extra="forbid")

    name: str | None = pydantic.Field(None, min_length=1, max_length=120)
    summary: str | None = pydantic.Field(None, max_length=200)
    steps: list[StepIn] | None = None


class PresetStepOut(Schema):
    operation: str
    params: dict[str, Any]
    seed: int | None


class PresetOut(Schema):
    id: str
    name: str
    summary: str
    mine: bool
    steps: list[PresetStepOut]
    left_out: list[str]
    """Settings that its operations no longer have."""

    @classmethod
    def of(cls, recipe: Recipe) -> "PresetOut":
        return cls(
            id=recipe.id,
            name=said(recipe, recipe.name),
            summary=said(recipe, recipe.summary),
            mine=recipe.mine,
            steps=[
                PresetStepOut(operation=step.operation, params=dict(step.params), seed=step.seed)
                for step in recipe.steps
            ],
            left_out=left_out(recipe),
        )
