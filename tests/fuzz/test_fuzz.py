"""Short forms of `make fuzz`."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from jobs.models import Asset
from ml.core.formats import FORMATS
from tests.conftest import Person
from tests.fuzz import facts
from tests.fuzz.corpus import hostile_file
from tests.fuzz.headers import odd_request, odd_result, wrong_with

FILES = 300
CALLS = 200
HEADERS = 1000
RECIPES = 150
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_nothing_of_hostile_metadata_is_copied() -> None:
    found = facts.run(count=150, seed=1)
    assert not found.wrong
    assert found.taken > 50


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_a_hostile_file_is_a_photo_or_one_sentence(
    alice: Person, media: Callable[[], set[str]], settings: Any
) -> None:
    settings.LATENT = settings.LATENT.model_copy(update={"upload_formats": ",".join(FORMATS)})
    client = Client(headers={"authorization": f"Bearer {alice.token}"})
    for number in range(FILES):
        file = hostile_file(0, number)
        answer = client.post("/api/v1/photos", {"file": SimpleUploadedFile("photo", file.content)})
        told = answer.json()
        if answer.status_code == 201:
            photo = Asset.objects.get()
            if photo.kind in ("image", "animation", "video"):
                small = client.get(f"/files/photos/{photo.id}?size=256")
                assert small.status_code == 200, (number, file.label)
            photo.delete()
            photo.file.storage.delete(str(photo.file))
        else:
            assert 400 <= answer.status_code < 500, (number, file.label, told)
            assert answer["Content-Type"] == "application/problem+json"
            assert told["detail"].endswith((".", "…")), told
        left = {name for name in media() if not name.startswith("thumbnails/")}
        assert not left, (number, file.label)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.usefixtures("redis", "operations")
def test_an_odd_header_is_no_error_of_the_site(alice: Person, photo: Any) -> None:
    address = f"/files/photos/{photo(alice.owner).id}"
    for number in range(HEADERS):
        asked = odd_request(0, number, address)
        client = alice.client if number % 2 else Client()
        answer = client.generic(asked.method, asked.path, asked.body, headers=dict(asked.headers))
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert not wrong_with(asked, answer.status_code, body.decode(errors="replace"))


@pytest.mark.slow
@pytest.mark.django_db
def test_a_result_with_an_odd_recipe_is_a_photo(alice: Person, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(RECIPES):
        sent = SimpleUploadedFile("a.png", odd_result(0, number))
        answer = alice.client.post("/photos", {"file": sent}, headers={"accept": "application/json"})
        assert answer.status_code == 201, number
        if again := answer.json()["again"]:
            assert alice.client.get(again).status_code == 200, number
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("operations", "redis")
def test_the_api_answers_as_its_document_says(alice: Person) -> None:
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", WSGIHandler())
    answers: Counter[int] = Counter()
    for mode in GenerationMode:

        @seed(0)
        @given(document.as_strategy(generation_mode=mode))
        @settings(
            max_examples=CALLS // 2,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def call(case: Any) -> None:
            headers = {"Authorization": f"Bearer {alice.token}"}
            answer = case.call_and_validate(headers=headers, checks=CHECKS)
            answers[answer.status_code] += 1

        call()
    assert sum(answers.values()) >= CALLS
    assert {200, 404, 422} <= answers.keys()
