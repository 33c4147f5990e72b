"""What goes in and out."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import pydantic
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Header, Schema

from jobs.access import identity, signing
from jobs.library import albums
from jobs.library.naming import file_name
from jobs.messages import told
from jobs.models import Album, Asset, Job
from jobs.queue.state import State, kept_until
from ml.core.operation import Operation, Slot
from ml.core.recipe import LARGEST_SEED

LONGEST_SHARE_SECONDS = 10 * 365 * 86400


class SlotOut(Schema):
    name: str
    title: str
    help: str
    accepts: list[str]
    minimum: int
    maximum: int
    required: bool

    @classmethod
    def of(cls, slot: Slot) -> "SlotOut":
        return cls(
            name=slot.name,
            title=_(slot.title),
            help=_(slot.help) if slot.help else "",
            accepts=sorted(slot.accepts),
            minimum=slot.minimum,
            maximum=slot.maximum,
            required=slot.required,
        )


class OperationOut(Schema):
    slug: str
    title: str
    summary: str
    group: str
    version: int
    accelerator: str
    deadline_seconds: float
    inputs: list[SlotOut]
    params: dict[str, Any]
    """JSON Schema."""

    @classmethod
    def of(cls, operation: Operation) -> "OperationOut":
        return cls(
            slug=operation.slug,
            title=_(operation.title),
            summary=_(operation.summary),
            group=operation.group,
            version=operation.version,
            accelerator=operation.accelerator,
            deadline_seconds=operation.deadline_seconds,
            inputs=[SlotOut.of(slot) for slot in operation.inputs],
            params=operation.params.model_json_schema(),
        )


class PhotoOut(Schema):
    id: UUID
    name: str
    kind: str
    width: int
    height: int
    frames: int
    format: str
    bytes: int
    sha256: str
    note: str
    about: dict[str, Any] = pydantic.Field(
        description="When and with what it was taken, by whom, where, as far as that is known; to its owner alone."
    )
    url: str
    created_at: datetime
    made_by: UUID | None
    output: str
    original: UUID
    favourite: bool
    trashed_at: datetime | None

    @classmethod
    def of(cls, request: HttpRequest, photo: Asset) -> "PhotoOut":
        return cls(
            id=photo.id,
            name=file_name(photo),
            kind=photo.kind,
            width=photo.width,
            height=photo.height,
            frames=photo.frames,
            format=photo.format,
            bytes=photo.bytes,
            sha256=photo.sha256,
            note=photo.note,
            about=photo.about if identity.is_owner_of(request, photo) else {},
            url=_address(request, "output-file" if photo.output else "photo-file", photo.id),
            created_at=photo.created_at,
            made_by=photo.made_by.uuid if photo.made_by else None,
            output=photo.output,
            original=photo.original_id or photo.id,
            favourite=photo.favourite,
            trashed_at=photo.trashed_at,
        )


class PhotoPage(Schema):
    items: list[PhotoOut]
    next_cursor: str | None


class PhotoChange(Schema):
    model_config = pydantic.ConfigDict(extra="forbid")

    name: str | None = pydantic.Field(None, max_length=120)
    favourite: bool | None = None
    trashed: bool | None = pydantic.Field(None, description="False takes it out of the trash again.")


class AlbumOut(Schema):
    id: UUID
    name: str
    cover: UUID | None
    photos: list[UUID]
    """In their order."""
    created_at: datetime

    @classmethod
    def of(cls, album: Album) -> "AlbumOut":
        photos = list(albums.photos(album).values_list("pk", flat=True))
        cover = album.cover_id if album.cover_id in photos else next(iter(photos), None)
        return cls(id=album.id, name=album.name, cover=cover, photos=photos, created_at=album.created_at)


class AlbumPage(Schema):
    items: list[AlbumOut]
    next_cursor: str | None


class AlbumIn(Schema):
    model_config = pydantic.ConfigDict(extra="forbid")

    name: str = pydantic.Field(max_length=120)
    photos: list[UUID] = pydantic.Field([], max_length=albums.MOST_PHOTOS)


class AlbumChange(Schema):
    model_config = pydantic.ConfigDict(extra="forbid")

    name: str | None = pydantic.Field(None, max_length=120)
    cover: UUID | None = pydantic.Field(None, description="One of its photos.")
    photos: list[UUID] | None = pydantic.Field(
        None, max_length=albums.MOST_PHOTOS, description="All that are to be in it, in their order."
    )


class OutputOut(Schema):
    id: UUID
    name: str
    url: str
    media_type: str
    width: int | None
    height: int | None
    bytes: int
    sha256: str

    @classmethod
    def of(cls, request: HttpRequest, output: Asset) -> "OutputOut":
        return cls(
            id=output.id,
            name=output.output,
            url=_address(request, "output-file", output.id),
            media_type=output.media_type,
            width=output.width or None,
            height=output.height or None,
            bytes=output.bytes,
            sha256=output.sha256,
        )


def _address(request: HttpRequest, view: str, file_id: UUID) -> str:
    return request.build_absolute_uri(signing.address(reverse(view, args=[file_id])))


class ErrorOut(Schema):
    code: str
    reason: str
    message: str
    values: dict[str, Any]

    @classmethod
    def of(cls, job: Job) -> "ErrorOut | None":
        if not job.error_code:
            return None
        said = job.error or {"code": job.error_code, "values": {}}
        return cls(code=job.error_code, reason=said["code"], message=job.error_message, values=said["values"])


class JobOut(Schema):
    id: UUID
    url: str
    operation: str
    params: dict[str, Any]
    seed: int
    inputs: dict[str, list[UUID | None]]
    batch: UUID | None
    step: int
    status: Job.Status
    progress: float
    note: str
    position: int | None
    eta: float | None
    attempt: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    kept_until: datetime | None
    metrics: dict[str, float | None]
    labels: list[dict[str, Any]]
    series: dict[str, list[tuple[float, float]]]
    outputs: list[OutputOut]
    error: ErrorOut | None
    recipe: dict[str, Any] | None

    @classmethod
    def of(cls, request: HttpRequest, job: Job, state: State) -> "JobOut":
        inputs: dict[str, list[UUID | None]] = {}
        for item in job.inputs.all():
            inputs.setdefault(item.slot, []).append(item.asset_id)
        return cls(
            id=job.uuid,
            url=request.build_absolute_uri(reverse("api:job", args=[job.uuid])),
            operation=job.operation,
            params=job.params,
            seed=job.seed,
            inputs=inputs,
            batch=job.batch_id,
            step=job.step,
            status=Job.Status(job.status),
            progress=state.fraction,
            note=told(state.note),
            position=state.position,
            eta=state.eta_seconds,
            attempt=job.attempt,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            kept_until=kept_until(job),
            metrics=job.metrics,
            labels=[{**label, "title": told(label["title"])} for label in job.labels],
            series=state.series,
            outputs=[OutputOut.of(request, output) for output in job.outputs.all() if not output.trashed_at],
            error=ErrorOut.of(job),
            recipe=job.recipe,
        )


class JobPage(Schema):
    items: list[JobOut]
    next_cursor: str | None


class JobIn(Schema):
    model_config = pydantic.ConfigDict(extra="forbid")

    operation: str
    params: dict[str, Any] = {}
    inputs: dict[str, UUID | list[UUID]] = {}
    seed: int | None = pydantic.Field(None, ge=0, le=LARGEST_SEED)


IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=255, description="Of your making; it is kept for a day."),
]


Prefer = Annotated[
    str | None,
    Header(
        description="`wait=N`: the answer comes when it has ended, or after N seconds, 60 at most (RFC 7240)."
    ),
]


class ShareIn(Schema):
    model_config = pydantic.ConfigDict(extra="forbid")

    expires_in: int | None = pydantic.Field(
        default=None,
        ge=1,
        le=LONGEST_SHARE_SECONDS,
        description="Seconds; left out, the site's default; null, never.",
    )
    original: bool = True
    recipe: bool = False
    download: bool = pydantic.Field(
        default=True, description="If not, copies for the screen are shown, and no files."
    )
    password: str = pydantic.Field(default="", max_length=128)


class ShareOut(Schema):
    url: str
    expires_at: datetime | None
