"""A chain that really runs gives what the command line gives."""

import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from jobs.models import Asset, Draft
from jobs.queue import lifecycle, submission
from jobs.queue.request import Request, Step
from jobs.work import runner
from ml.command_line import main
from ml.core import recipe as recipes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis", "real_operations")]

STEPS = [
    Step("add-noise", {"sigma": 20, "format": "webp"}, seed=7),
    Step("denoise", {"method": "median"}),
    Step("transform", {"percent": 50, "format": "jpeg"}),
]


@pytest.fixture
def result(alice, photo):
    """The last job of a chain that has run, and the photo that it began with."""
    picture = photo(alice.owner, 48, 32)
    jobs = submission.submit(Request(alice.owner, STEPS, [{"image": [picture]}]))
    for _ in jobs:
        runner.run(lifecycle.claim("cpu"))
    jobs[-1].refresh_from_db()
    assert jobs[-1].status == "succeeded", jobs[-1].error_message
    return jobs[-1], picture


def test_the_site_and_the_command_line_give_the_same_bytes(alice, result, tmp_path):
    job, picture = result
    asked = alice.client.get(f"/files/outputs/{job.outputs.get().pk}?download")
    downloaded = b"".join(asked.streaming_content)
    (tmp_path / "result.jpg").write_bytes(downloaded)
    recipe = recipes.extract(tmp_path / "result.jpg")
    assert [step["operation"] for step in recipe["steps"]] == [step.operation for step in STEPS]
    (tmp_path / "chain.json").write_text(json.dumps(recipe))
    out = tmp_path / "out"
    asked = ["run", "--recipe", str(tmp_path / "chain.json"), picture.file.path, "-o", str(out)]
    assert main(asked) == 0
    assert next(out.iterdir()).read_bytes() == downloaded


def test_the_last_step_goes_back_to_the_format_of_the_photo(alice):
    """Between the steps it is PNG, which is what the last one is given."""
    buffer = io.BytesIO()
    Image.new("RGB", (48, 32), "teal").save(buffer, "JPEG")
    alice.client.post("/photos", {"file": SimpleUploadedFile("a.jpg", buffer.getvalue(), "image/jpeg")})
    steps = [Step("transform", {"percent": 50}), Step("transform", {"action": "flip"})]
    jobs = submission.submit(Request(alice.owner, steps, [{"image": [Asset.objects.get()]}]))
    for _ in jobs:
        runner.run(lifecycle.claim("cpu"))
    assert [job.outputs.get().format for job in jobs] == ["png", "jpeg"]


def test_a_result_that_is_dropped_on_the_page_opens_its_whole_chain(alice, result):
    job, _picture = result
    asked = alice.client.get(f"/files/outputs/{job.outputs.get().pk}?download")
    dropped = SimpleUploadedFile("a.jpg", b"".join(asked.streaming_content), "image/jpeg")
    address = alice.client.post("/photos", {"file": dropped})["Location"]
    draft = Draft.objects.get(pk=address.partition("draft=")[2])
    assert [step["operation"] for step in draft.steps] == [step.operation for step in STEPS]
    assert draft.steps[0]["seed"] == 7
