"""The HTTP API, version 1."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Annotated, Any
from uuid import UUID

import pydantic
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import File, Header, NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.files import UploadedFile
from ninja.openapi.docs import Swagger
from ninja.openapi.schema import OpenAPISchema, get_schema
from ninja.responses import Status as HttpStatus
from ninja.utils import check_csrf

from jobs import access, lifecycle, uploads
from jobs.errors import Refused
from jobs.models import Job, Output, Owner, Photo
from jobs.state import State, kept_until, state_of
from ml.core.operation import Operation, Slot
from ml.core.text import excerpt
from ml.registry import registry
from webapp.config import config

PAGE = 50
PROBLEM_TYPE = "application/problem+json"
LONGEST_SHARE_SECONDS = 10 * 365 * 86400


class BearerOrSession:
    """A Bearer token where one is given, else the session of the site, guarded against CSRF."""

    openapi_security_schema = {"type": "http", "scheme": "bearer"}

    def __call__(self, request: HttpRequest) -> Owner | None:
        if access.has_bearer(request):
            return access.owner_of(request)
        if not request.COOKIES:
            return None
        if check_csrf(request):
            raise Refused("csrf", _("Send the CSRF token of the site in the header X-CSRFToken."), status=403)
        return access.owner_made_if_needed(request)


class Api(NinjaAPI):
    """Its document is made once, and says of a refusal that it is a problem, and which headers an answer has."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        return _document(self, self.get_root_path(path_params or {}) if path_prefix is None else path_prefix)


@cache
def _document(described: NinjaAPI, path_prefix: str) -> OpenAPISchema:
    document = get_schema(described, path_prefix)
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if status >= 400 and "content" in answer:
                    answer["content"] = {PROBLEM_TYPE: answer["content"].pop("application/json")}
                if status in HEADERS:
                    answer["headers"] = HEADERS[status]
    return document


api = Api(
    title="Latent",
    version="1.0.0",
    description="A photo goes in, a job is made, the result comes out. Errors are application/problem+json.",
    docs=Swagger(settings={"persistAuthorization": True}),
    urls_namespace="api",
)
auth = BearerOrSession()


# What goes in and out ------------------------------------------------------------------------------------


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
            version=operation.version,
            accelerator=operation.accelerator,
            deadline_seconds=operation.deadline_seconds,
            inputs=[SlotOut.of(slot) for slot in operation.inputs],
            params=operation.params.model_json_schema(),
        )


class PhotoOut(Schema):
    id: UUID
    kind: str
    width: int
    height: int
    frames: int
    format: str
    bytes: int
    sha256: str
    note: str
    url: str

    @classmethod
    def of(cls, request: HttpRequest, photo: Photo) -> "PhotoOut":
        return cls(
            id=photo.id,
            kind=photo.kind,
            width=photo.width,
            height=photo.height,
            frames=photo.frames,
            format=photo.format,
            bytes=photo.bytes,
            sha256=photo.sha256,
            note=photo.note,
            url=_address(request, "photo-file", photo.id),
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
    def of(cls, request: HttpRequest, output: Output) -> "OutputOut":
        return cls(
            id=output.id,
            name=output.name,
            url=_address(request, "output-file", output.id),
            media_type=output.media_type,
            width=output.width,
            height=output.height,
            bytes=output.bytes,
            sha256=output.sha256,
        )


def _address(request: HttpRequest, view: str, file_id: UUID) -> str:
    return request.build_absolute_uri(access.address(reverse(view, args=[file_id])))


class ErrorOut(Schema):
    code: str
    message: str


class JobOut(Schema):
    id: UUID
    url: str
    operation: str
    params: dict[str, Any]
    seed: int
    inputs: dict[str, list[UUID | None]]
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
            inputs.setdefault(item.slot, []).append(item.photo_id)
        return cls(
            id=job.uuid,
            url=request.build_absolute_uri(reverse("api:job", args=[job.uuid])),
            operation=job.operation,
            params=job.params,
            seed=job.seed,
            inputs=inputs,
            status=Job.Status(job.status),
            progress=state.fraction,
            note=state.note,
            position=state.position,
            eta=state.eta_seconds,
            attempt=job.attempt,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            kept_until=kept_until(job),
            metrics=job.metrics,
            labels=job.labels,
            series=state.series,
            outputs=[OutputOut.of(request, output) for output in job.outputs.all()],
            error=ErrorOut(code=job.error_code, message=job.error_message) if job.error_code else None,
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
    seed: int | None = pydantic.Field(None, ge=0, lt=2**53)


IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=255, description="Of your making; it is kept for a day."),
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


class ShareOut(Schema):
    url: str
    expires_at: datetime | None


class Problem(Schema):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str


SERVERS_OWN: dict[int, Any] = dict.fromkeys((414, 431))
"""What the web server itself refuses, an address or a header that is too long, and not as a problem."""


def refusals(*statuses: int) -> dict[int, Any]:
    """The refusals that any request may meet, and `statuses`."""
    problems: dict[int, Any] = dict.fromkeys(sorted({400, 401, 403, 405, 413, 422, *statuses}), Problem)
    return problems | SERVERS_OWN


def _header(description: str, schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"description": description, "schema": schema, "required": required}


_LATER = _header("Seconds after which it may do.", {"type": "integer", "minimum": 1}, required=False)
HEADERS: dict[int, dict[str, Any]] = {
    202: {"Location": _header("The job's own address.", {"type": "string", "format": "uri-reference"})},
    401: {"WWW-Authenticate": _header("How to prove who you are.", {"type": "string"})},
    **{status: {"Retry-After": _LATER} for status in (429, 503, 507)},
}
"""By status, what an answer has beside its body."""


# Operations and photos -----------------------------------------------------------------------------------


@api.get(
    "/operations",
    response={200: list[OperationOut], 400: Problem, 405: Problem, 413: Problem} | SERVERS_OWN,
    auth=None,
)
def operations(request: HttpRequest) -> list[OperationOut]:
    """What can be asked for."""
    return [OperationOut.of(operation) for operation in registry().all()]


@api.post("/photos", response={201: PhotoOut} | refusals(429, 503, 507), auth=auth)
def upload(request: HttpRequest, file: File[UploadedFile]) -> Any:
    """Upload a photo as the form field `file`."""
    photo = uploads.receive(access.owner_made_if_needed(request), file)
    return HttpStatus(201, PhotoOut.of(request, photo))


@api.get("/photos/{photo_id}", response={200: PhotoOut} | refusals(404), auth=auth)
def photo(request: HttpRequest, photo_id: UUID) -> Any:
    return PhotoOut.of(request, access.visible_photo(request, photo_id))


# Jobs ----------------------------------------------------------------------------------------------------


@api.post("/jobs", response={202: JobOut} | refusals(409, 429, 503, 507), auth=auth)
def create_job(
    request: HttpRequest, body: JobIn, response: HttpResponse, idempotency_key: IdempotencyKey = None
) -> Any:
    """Ask for a job. With an `Idempotency-Key` header the same request makes one job, however often it is sent."""
    owner = access.owner_made_if_needed(request)
    inputs = {
        slot: access.own_photos(owner, ids if isinstance(ids, list) else [ids])
        for slot, ids in body.inputs.items()
    }
    job = lifecycle.submit(
        owner,
        body.operation,
        body.params,
        inputs,
        seed=body.seed,
        idempotency_key=idempotency_key or None,
    )
    response["Location"] = reverse("api:job", args=[job.uuid])
    return HttpStatus(202, _job(request, job))


@api.get("/jobs", response={200: JobPage} | refusals(), auth=auth)
def jobs(
    request: HttpRequest, status: Job.Status | None = None, operation: str = "", cursor: str = ""
) -> JobPage:
    """Your jobs, the newest first, a page at a time."""
    owner = access.owner_made_if_needed(request)
    found = access.jobs_of(owner).prefetch_related("inputs", "outputs").order_by("-id")
    if status:
        found = found.filter(status=status)
    if operation:
        found = found.filter(operation=operation)
    if cursor:
        if not cursor.isdecimal() or len(cursor) > 18:
            raise Refused("bad_cursor", _("Use the next_cursor of an earlier page."))
        found = found.filter(id__lt=int(cursor))
    page = list(found[: PAGE + 1])
    return JobPage(
        items=[_job(request, job) for job in page[:PAGE]],
        next_cursor=str(page[PAGE - 1].pk) if len(page) > PAGE else None,
    )


@api.get("/jobs/{job_uuid}", response={200: JobOut} | refusals(404), auth=auth, url_name="job")
def job(request: HttpRequest, job_uuid: UUID) -> Any:
    return _job(request, access.visible_job(request, job_uuid))


@api.delete("/jobs/{job_uuid}", response={204: None} | refusals(404), auth=auth)
def delete_job(request: HttpRequest, job_uuid: UUID) -> Any:
    """Delete a job and its files; one that runs is cancelled first."""
    lifecycle.delete(access.own_job(request, job_uuid))
    return HttpStatus(204, None)


@api.post("/jobs/{job_uuid}/cancel", response={200: JobOut} | refusals(404, 409), auth=auth)
def cancel_job(request: HttpRequest, job_uuid: UUID) -> Any:
    """A queued job is cancelled at once, a running one as soon as it heeds, within seconds."""
    return _changed(request, job_uuid, lifecycle.cancel)


@api.post("/jobs/{job_uuid}/retry", response={200: JobOut} | refusals(404, 409, 429, 503, 507), auth=auth)
def retry_job(request: HttpRequest, job_uuid: UUID) -> Any:
    """Queue a failed job again."""
    return _changed(request, job_uuid, lifecycle.retry)


@api.post("/jobs/{job_uuid}/share", response={201: ShareOut} | refusals(404, 409), auth=auth)
def share_job(request: HttpRequest, job_uuid: UUID, body: ShareIn | None = None) -> Any:
    """A link by which anybody sees the result."""
    body = body or ShareIn()
    seconds = body.expires_in if "expires_in" in body.model_fields_set else config().share_days * 86400
    link = access.share(
        access.own_job(request, job_uuid),
        expires_in=timedelta(seconds=seconds) if seconds is not None else None,
        original=body.original,
        recipe=body.recipe,
    )
    url = request.build_absolute_uri(reverse("shared", args=[link.token]))
    return HttpStatus(201, ShareOut(url=url, expires_at=link.expires_at))


@api.delete("/jobs/{job_uuid}/share", response={204: None} | refusals(404), auth=auth)
def revoke_shares(request: HttpRequest, job_uuid: UUID) -> Any:
    """Every link to the job is dead at once."""
    access.revoke(access.own_job(request, job_uuid).shares.all())
    return HttpStatus(204, None)


def _job(request: HttpRequest, job: Job) -> JobOut:
    return JobOut.of(request, job, state_of(job))


def _changed(request: HttpRequest, job_uuid: UUID, change: Callable[[Job], None]) -> JobOut:
    job = access.own_job(request, job_uuid)
    change(job)
    job.refresh_from_db()
    return _job(request, job)


# Errors --------------------------------------------------------------------------------------------------


def problem(status: int, code: str, detail: str, retry_after: int | None = None) -> JsonResponse:
    """An error as RFC 9457 has it."""
    body = {
        "type": "about:blank",
        "title": HttpResponse(status=status).reason_phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    response = JsonResponse(body, status=status, content_type=PROBLEM_TYPE)
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if retry_after:
        response["Retry-After"] = str(retry_after)
    return response


@api.exception_handler(Refused)
def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return problem(error.status, error.code, str(error), error.retry_after)


@api.exception_handler(Http404)
def not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem(404, "not_found", _("There is nothing here, or it is not yours to see."))


@api.exception_handler(AuthenticationError)
def unauthenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return problem(401, "unauthenticated", _("Send a token: Authorization: Bearer …"))


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return problem(422, "invalid", " ".join(_sentence(item["loc"], item["msg"]) for item in error.errors))


@api.exception_handler(HttpError)
def http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem(
        error.status_code,
        "bad_request",
        _("This request cannot be read: {why}.").format(why=error.message.rstrip(".")),
    )


def _sentence(location: Sequence[Any], message: str) -> str:
    name = excerpt(".".join(str(part) for part in location[1:] if part != "body"))
    return _("“{name}” is not right: {message}.").format(
        name=name or _("body"), message=excerpt(message, 300).rstrip(".")
    )
