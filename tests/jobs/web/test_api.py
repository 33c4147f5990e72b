"""The HTTP API, as a program uses it."""

import io
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from jobs.models import Asset, Job, ShareLink
from jobs.queue import lifecycle
from tests.conftest import Person
from tests.support import saying

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("operations", "redis")]

API = "/api/v1"


class Program:
    """A program with a person's token."""

    def __init__(self, person: Person) -> None:
        self.headers = {"Authorization": f"Bearer {person.token}"}
        self.client = Client(headers=self.headers, enforce_csrf_checks=True)

    def get(self, path: str) -> Any:
        return self.client.get(API + path)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(API + path, json.dumps(body), "application/json", headers=headers)

    def delete(self, path: str) -> Any:
        return self.client.delete(API + path)

    def upload(self, content: bytes, name: str = "photo.png") -> Any:
        return self.client.post(f"{API}/photos", {"file": SimpleUploadedFile(name, content)})

    def submit(self, operation: str = "instant", **params: Any) -> Any:
        return self.post("/jobs", {"operation": operation, "params": params})


@pytest.fixture
def program(alice: Person) -> Program:
    return Program(alice)


def png(width: int = 8, height: int = 6) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def assert_problem(response: Any, status: int, code: str) -> str:
    """The one sentence of a refusal."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["detail"].endswith((".", "…"))
    assert "Traceback" not in body["detail"]
    assert body["detail"].isprintable()
    return str(body["detail"])


def succeed(job_id: str) -> Job:
    """What a worker would do, with nothing to show for it."""
    claim = lifecycle.claim("cpu")
    assert claim is not None
    assert str(claim.job.uuid) == job_id
    assert lifecycle.finish(claim, lifecycle.Outcome(recipe={"operation": "instant"}))
    return claim.job


def test_operations_are_public_and_carry_their_schema(client: Client) -> None:
    operations = {operation["slug"]: operation for operation in client.get(f"{API}/operations").json()}
    assert "seconds" in operations["nap"]["params"]["properties"]
    assert operations["nap"]["title"]


@pytest.mark.slow
def test_the_openapi_document_and_its_page_come_from_this_host(client: Client) -> None:
    document = client.get(f"{API}/openapi.json").json()
    assert f"{API}/jobs/{{job_uuid}}/retry" in document["paths"]
    page = client.get(f"{API}/docs").content.decode()
    assert "//cdn" not in page
    assert "https://" not in page


def test_a_photo_goes_up_and_comes_down(program: Program) -> None:
    response = program.upload(png(8, 6))
    assert response.status_code == 201, response.content
    photo = response.json()
    assert (photo["kind"], photo["width"], photo["height"], photo["format"]) == ("image", 8, 6, "png")
    download = program.client.get(photo["url"])
    with Image.open(io.BytesIO(b"".join(download.streaming_content))) as image:
        assert image.size == (8, 6)
    assert download["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in download["Content-Security-Policy"]


def test_a_file_that_is_no_picture_leaves_nothing(program: Program, media: Callable[[], set[str]]) -> None:
    before = media()
    sentence = assert_problem(program.upload(b"hello", "photo.png"), 422, "not_a_picture")
    assert "JPEG" in sentence
    assert media() == before
    assert not Asset.objects.exists()


def test_an_upload_without_a_file_says_how(program: Program) -> None:
    assert "file" in assert_problem(program.client.post(f"{API}/photos", {}), 422, "invalid")


def test_a_job_is_accepted_with_its_place(program: Program) -> None:
    response = program.submit()
    assert response.status_code == 202
    job = response.json()
    assert response["Location"] == f"{API}/jobs/{job['id']}"
    assert (job["status"], job["position"], job["outputs"], job["error"]) == ("queued", 1, [], None)
    assert program.submit().json()["position"] == 2


def test_a_finished_job_tells_everything(program: Program) -> None:
    job_id = program.submit().json()["id"]
    succeed(job_id)
    job = program.get(f"/jobs/{job_id}").json()
    assert (job["status"], job["progress"], job["position"], job["eta"]) == ("succeeded", 1.0, None, None)
    assert job["recipe"] == {"operation": "instant"}
    assert job["kept_until"] > job["finished_at"]


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"operation": "levitate"}, "unknown_operation"),
        ({"operation": "lines\n\0\ud800"}, "unknown_operation"),
        ({"operation": "nap", "params": {"seconds": -1}}, "bad_params"),
        ({"operation": "nap", "params": {"secconds": 1}}, "bad_params"),
        ({"operation": "instant", "inputs": {"sky": str(uuid4())}}, "unknown_photo"),
        ({"operation": "instant", "seed": -1}, "invalid"),
        ({"operations": "instant"}, "invalid"),
        ([], "invalid"),
    ],
)
def test_a_wrong_request_is_refused_in_words(program: Program, body: Any, code: str) -> None:
    assert_problem(program.post("/jobs", body), 422, code)
    assert not Job.objects.exists()


def test_a_wrong_slot_is_refused(program: Program) -> None:
    photo_id = program.upload(png()).json()["id"]
    body = {"operation": "instant", "inputs": {"sky": photo_id}}
    assert "sky" in assert_problem(program.post("/jobs", body), 422, "bad_input")


def test_somebody_elses_photo_is_refused(program: Program, bob: Person) -> None:
    photo_id = Program(bob).upload(png()).json()["id"]
    body = {"operation": "instant", "inputs": {"photo": photo_id}}
    assert_problem(program.post("/jobs", body), 422, "unknown_photo")


def test_a_body_that_is_no_json_is_refused(program: Program) -> None:
    response = program.client.post(f"{API}/jobs", "{", "application/json")
    assert_problem(response, 400, "bad_request")


def test_the_same_key_makes_one_job(program: Program) -> None:
    body = {"operation": "instant"}
    key = {"Idempotency-Key": "abc"}
    first = program.client.post(f"{API}/jobs", json.dumps(body), "application/json", headers=key).json()
    again = program.client.post(f"{API}/jobs", json.dumps(body), "application/json", headers=key).json()
    assert first["id"] == again["id"]
    other = json.dumps({"operation": "nap"})
    response = program.client.post(f"{API}/jobs", other, "application/json", headers=key)
    assert_problem(response, 409, "idempotency_conflict")


@pytest.mark.slow
def test_jobs_are_listed_a_page_at_a_time(program: Program) -> None:
    ids = [program.submit().json()["id"] for _ in range(52)]
    page = program.get("/jobs").json()
    rest = program.get(f"/jobs?cursor={page['next_cursor']}").json()
    assert [job["id"] for job in page["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None


def test_jobs_are_filtered(program: Program) -> None:
    cancelled, queued = (program.submit(operation).json()["id"] for operation in ("instant", "nap"))
    program.post(f"/jobs/{cancelled}/cancel")
    assert [job["id"] for job in program.get("/jobs?status=cancelled").json()["items"]] == [cancelled]
    assert [job["id"] for job in program.get("/jobs?operation=nap").json()["items"]] == [queued]
    assert_problem(program.get("/jobs?status=lost"), 422, "invalid")
    assert_problem(program.get("/jobs?cursor=x"), 422, "bad_cursor")


def test_a_queued_job_is_cancelled_at_once(program: Program) -> None:
    job_id = program.submit().json()["id"]
    assert program.post(f"/jobs/{job_id}/cancel").json()["status"] == "cancelled"
    assert_problem(program.post(f"/jobs/{job_id}/cancel"), 409, "already_ended")


def test_a_failed_job_says_why_and_is_tried_again(program: Program) -> None:
    job_id = program.submit().json()["id"]
    assert_problem(program.post(f"/jobs/{job_id}/retry"), 409, "not_failed")
    claim = lifecycle.claim("cpu")
    assert claim
    lifecycle.fail(claim, "bad_input", saying("This picture is upside down. Turn it."))
    failed = program.get(f"/jobs/{job_id}").json()
    assert failed["error"] == {
        "code": "bad_input",
        "reason": "test.This picture is upside down. Turn it.",
        "message": "This picture is upside down. Turn it.",
        "values": {},
    }
    again = program.post(f"/jobs/{job_id}/retry").json()
    assert (again["status"], again["error"]) == ("queued", None)


def test_deleting_a_running_job_ends_it(program: Program) -> None:
    job_id = program.submit().json()["id"]
    claim = lifecycle.claim("cpu")
    assert claim
    assert program.delete(f"/jobs/{job_id}").status_code == 204
    assert lifecycle.renew(claim) is lifecycle.Lease.LOST
    assert_problem(program.get(f"/jobs/{job_id}"), 404, "not_found")


def test_a_share_link_expires_after_thirty_days_unless_told_otherwise(program: Program) -> None:
    job_id = program.submit().json()["id"]
    assert_problem(program.post(f"/jobs/{job_id}/share"), 409, "nothing_to_share")
    succeed(job_id)
    usual = program.post(f"/jobs/{job_id}/share", {})
    assert usual.status_code == 201
    link = ShareLink.objects.get()
    assert link.expires_at is not None
    assert (link.expires_at - link.created_at).days in (29, 30)
    assert program.post(f"/jobs/{job_id}/share", {"expires_in": None}).json()["expires_at"] is None
    assert_problem(program.post(f"/jobs/{job_id}/share", {"expires_in": 0}), 422, "invalid")


def test_a_revoked_link_is_dead_at_once(program: Program) -> None:
    job_id = program.submit().json()["id"]
    succeed(job_id)
    url = program.post(f"/jobs/{job_id}/share").json()["url"]
    bob = Client()
    assert bob.get(url).status_code == 200
    assert program.delete(f"/jobs/{job_id}/share").status_code == 204
    assert bob.get(url).status_code == 404


@pytest.mark.sampled(2)
@pytest.mark.parametrize("path", ["", "/cancel", "/retry", "/share"])
def test_a_job_of_somebody_else_is_not_there(program: Program, charlie: Person, path: str) -> None:
    job_id = program.submit().json()["id"]
    stranger = Program(charlie)
    response = stranger.post(f"/jobs/{job_id}{path}") if path else stranger.get(f"/jobs/{job_id}")
    assert_problem(response, 404, "not_found")
    assert_problem(stranger.delete(f"/jobs/{job_id}"), 404, "not_found")
    assert Job.objects.get().status == "queued"


def test_without_a_token_or_a_session_nobody_gets_in(db: None) -> None:
    assert_problem(Client().get(f"{API}/jobs"), 401, "unauthenticated")
    wrong = Client(headers={"Authorization": "Bearer latent_wrong"})
    assert_problem(wrong.get(f"{API}/jobs"), 401, "bad_token")


def test_a_session_needs_the_csrf_token(alice: Person) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice.user)
    response = browser.post(f"{API}/jobs", json.dumps({"operation": "instant"}), "application/json")
    assert_problem(response, 403, "csrf")
    assert browser.get(f"{API}/jobs").status_code == 200


def test_a_visitor_owns_jobs_by_the_session() -> None:
    browser, other = Client(), Client()
    browser.cookies["csrftoken"] = other.cookies["csrftoken"] = "x" * 32
    body = json.dumps({"operation": "instant"})
    job_id = browser.post(f"{API}/jobs", body, "application/json").json()["id"]
    assert browser.get(f"{API}/jobs/{job_id}").status_code == 200
    assert_problem(other.get(f"{API}/jobs/{job_id}"), 404, "not_found")


def test_a_file_url_takes_the_token_too(program: Program, charlie: Person) -> None:
    url = program.upload(png()).json()["url"]
    assert program.client.get(url).status_code == 200
    assert Program(charlie).client.get(url).status_code == 404
    assert Client().get(url).status_code == 404


def test_a_method_that_an_address_does_not_take_is_a_problem(program: Program) -> None:
    response = program.client.put(f"{API}/jobs", "{}", "application/json")
    assert "PUT" in assert_problem(response, 405, "wrong_method")
    assert set(response["Allow"].split(", ")) == {"GET", "POST"}


def test_an_idempotency_key_that_no_row_holds_is_refused(program: Program) -> None:
    body = {"operation": "instant"}
    assert program.post("/jobs", body, **{"Idempotency-Key": "k" * 255}).status_code == 202
    answer = program.post("/jobs", body, **{"Idempotency-Key": "k" * 256})
    assert "255" in assert_problem(answer, 422, "invalid")


def test_the_document_says_what_a_refusal_looks_like(client: Client) -> None:
    paths = client.get(f"{API}/openapi.json").json()["paths"]
    answers = paths[f"{API}/jobs"]["post"]["responses"]
    assert {"202", "400", "401", "403", "409", "413", "422", "429", "503", "507"} <= answers.keys()
    assert "Location" in answers["202"]["headers"]
    assert "Retry-After" in answers["429"]["headers"]
    for operations in paths.values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                kinds = list(answer.get("content", {}))
                assert kinds in (
                    [],
                    ["application/json" if int(status) < 400 else "application/problem+json"],
                )


def test_an_address_that_is_not_there_is_a_problem_too(program: Program) -> None:
    assert_problem(program.get("/nowhere"), 404, "not_found")
