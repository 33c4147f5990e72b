"""The API itself: who may ask, what its document says, which refusals any request may meet."""

import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja import NinjaAPI, Schema
from ninja.openapi.docs import Swagger
from ninja.openapi.schema import OpenAPISchema, get_schema
from ninja.utils import check_csrf

from jobs.access import identity
from jobs.errors import Refused
from jobs.messages import CSRF
from jobs.models import Owner
from jobs.web.problems import PROBLEM_TYPE


class BearerOrSession:
    """A Bearer token where one is given, else the session of the site, guarded against CSRF.

    A browser that has nothing here yet may ask too, and becomes a visitor by what it sends, not by asking.
    """

    openapi_security_schema = {"type": "http", "scheme": "bearer"}

    def __call__(self, request: HttpRequest) -> Owner | dict[str, str] | None:
        if identity.has_bearer(request):
            return identity.owner_of(request)
        if not request.COOKIES:
            return None
        if check_csrf(request):
            raise Refused(CSRF, status=403)
        return identity.owner_of(request) or request.COOKIES


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


def _version() -> str:
    """Of the package. The images of the Dockerfile hold the folder without installing it; there pyproject.toml says it."""
    try:
        return version("latent")
    except PackageNotFoundError:
        project: dict[str, Any] = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]
        return str(project["version"])


api = Api(
    title="Latent",
    version=_version(),
    description="A photo goes in, a job is made, the result comes out. Errors are application/problem+json.",
    docs=Swagger(settings={"persistAuthorization": True}),
    urls_namespace="api",
)
auth = BearerOrSession()


class Problem(Schema):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    reason: str
    values: dict[str, Any]


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
