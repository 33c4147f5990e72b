"""The pages, as a browser without a script uses them."""

import html
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from PIL import Image

from jobs.access import sharing
from jobs.library.samples import submit_sample
from jobs.models import ApiToken, FairShare, Job, Output, Owner, Photo, ShareLink
from jobs.queue import adoption, lifecycle, live
from jobs.queue.state import state_of
from jobs.web.forms import ParamsForm, form_url
from jobs.web.presenters.job import JobPresenter
from ml import registry as ml_registry
from ml.core import recipe as recipes
from ml.core.operation import Choice, Estimate, FineTuning, Group, Operation, Option, Params, Slot
from ml.super_resolution import operation as super_resolution
from tests.conftest import Person
from tests.support import saying, submit_one
from webapp.config import config

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


def png(width: int = 40, height: int = 30, color: str = "teal") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), color).save(buffer, "PNG")
    return buffer.getvalue()


def upload(client: Client, content: bytes | None = None, name: str = "teal.png") -> Any:
    return client.post("/photos", {"file": SimpleUploadedFile(name, content or png())})


def uploaded(client: Client, content: bytes | None = None) -> str:
    """The id of a fresh photo."""
    return parse_qs(urlsplit(upload(client, content)["Location"]).query)["photo"][0]


def finished(owner: Owner | None, photo: Photo | None = None, **changes: Any) -> Job:
    """A job that has succeeded, with one output."""
    inputs = {"photo": [photo]} if photo else {}
    job = submit_one(owner, "instant", {}, inputs)
    claim = lifecycle.claim("cpu")
    assert claim
    output = Output(
        job=job, attempt=1, position=0, name="result", media_type="image/png", width=40, height=30, bytes=len(png()),
        sha256=uuid4().hex * 2, color="#336699",
    )  # fmt: skip
    output.file.save(f"outputs/{job.uuid}/result.png", ContentFile(png()), save=False)
    recipe = {"operation": "instant", "version": 1, "params": {}, "seed": 0, "inputs": {}}
    lifecycle.finish(claim, lifecycle.Outcome(outputs=[output], recipe=recipe, run_seconds=0.2))
    Job.objects.filter(pk=job.pk).update(**changes)
    job.refresh_from_db()
    return job


def page(response: Any) -> str:
    return str(response.content.decode())


# The form from the params --------------------------------------------------------------------------------


class ManyParams(Params):
    method: str = Choice("a", {"a": Option("First", "Quick"), "b": Option("Second", "Slow")}, title="Method")
    scale: int = 2
    strength: float = FineTuning(0.5, title="Strength", ge=0, le=1, unit="%")
    sigma: float | None = FineTuning(None, title="Sigma", ge=0, le=75)
    keep: bool = FineTuning(True, title="Keep")


def operation(params: type[Params] = ManyParams, random: bool = False) -> Operation:
    return Operation(
        slug="many", title="Many", summary="", group=Group.EDIT, inputs=(Slot(name="image", title="Picture"),), params=params,
        estimate=lambda params, inputs: Estimate(1, 1, 1), run="nowhere:run", random=random,
    )  # fmt: skip


def form(sent: str, **options: Any) -> ParamsForm:
    return ParamsForm(operation(**options), QueryDict(sent))


def test_bounds_make_a_slider_and_their_absence_a_number() -> None:
    fields = ParamsForm(operation()).fields
    assert fields["strength"].control.kind == "range"
    assert fields["strength"].control.step == "0.01"
    assert fields["strength"].control.default_percent == 50
    assert fields["scale"].control.kind == "number"
    assert fields["keep"].control.kind == "switch"


def test_what_params_refuse_the_form_refuses_at_the_field() -> None:
    refused = form("scale=2&strength=7")
    assert not refused.is_valid()
    assert list(refused.errors) == ["strength"]
    assert "less than or equal to 1" in refused.errors["strength"][0]


def test_an_optional_number_left_empty_is_none_and_others_are_at_their_default() -> None:
    sent = form("scale=&strength=&sigma=&keep=True")
    assert sent.is_valid(), sent.errors
    assert sent.params.model_dump() == ManyParams().model_dump()


def test_a_switch_that_is_not_sent_is_off() -> None:
    sent = form("scale=2")
    assert sent.is_valid()
    assert sent.params.model_dump()["keep"] is False


def test_a_choice_among_numbers_is_a_number() -> None:
    chosen = ParamsForm(super_resolution, QueryDict("scale=3&method=bicubic"))
    assert chosen.is_valid(), chosen.errors
    assert chosen.params.model_dump()["scale"] == 3


def test_a_seed_is_asked_for_where_the_operation_draws_at_random() -> None:
    assert form("seed=7", random=True).is_valid()
    assert not form("seed=-7", random=True).is_valid()
    assert "seed" not in form("").fields


@pytest.mark.sampled(2)
@pytest.mark.parametrize("found", ml_registry.registry().all(), ids=lambda found: found.slug)
def test_every_operation_has_a_form_whose_defaults_are_valid(
    found: Operation, client: Client, real_operations: None
) -> None:
    response = client.get(reverse("new-job", args=[found.slug]))
    assert response.status_code == 200
    fields = response.context["form"]
    sent = QueryDict(mutable=True)
    for bound in fields:
        value = bound.value()
        if isinstance(value, list | tuple):
            sent.setlist(bound.html_name, [str(item) for item in value])
        elif value is not None and value is not False:
            sent[bound.html_name] = str(value)
    again = ParamsForm(found, sent)
    assert again.is_valid(), again.errors
    assert again.params == found.params()


def test_the_address_of_a_form_brings_its_settings_back() -> None:
    url = form_url(
        "many", {"method": "b", "scale": 3, "strength": 0.25, "sigma": None, "keep": False}, {}, seed=5
    )
    query = parse_qs(urlsplit(url).query)
    assert query == {"method": ["b"], "scale": ["3"], "strength": ["0.25"], "seed": ["5"], "again": ["1"]}


# From a photo to a job -----------------------------------------------------------------------------------


def test_a_visitor_uploads_chooses_and_starts() -> None:
    client = Client(enforce_csrf_checks=False)
    assert client.get("/").status_code == 200
    chosen = upload(client)
    assert chosen.status_code == 302
    assert chosen["Location"].startswith("/choose?photo=")
    offers = page(client.get(chosen["Location"]))
    photo = parse_qs(urlsplit(chosen["Location"]).query)["photo"][0]
    assert f"/new/instant?photo={photo}" in offers
    started = client.post("/new/instant", {"slot-photo": photo})
    job = Job.objects.get()
    assert started["Location"] == f"/jobs/{job.uuid}"
    assert [str(item.photo_id) for item in job.inputs.all()] == [photo]
    assert "Next in line" in page(client.get(started["Location"]))


def test_a_form_takes_a_file_without_an_upload_before() -> None:
    client = Client()
    started = client.post("/new/instant", {"file-photo": SimpleUploadedFile("a.png", png())})
    assert started.status_code == 302
    assert Job.objects.get().inputs.count() == 1


def test_a_sample_photo_becomes_the_visitors_own(client: Client) -> None:
    response = client.post("/photos", {"sample": "coffee"})
    assert response.status_code == 302
    photo = Photo.objects.get()
    assert (photo.width, photo.height, photo.owner) == (600, 400, Owner.objects.get())


def test_several_photos_make_a_job_each_where_one_is_wanted(client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(ml_registry, "OPERATIONS", ("ml.transform",))
    ml_registry.registry.cache_clear()
    photos = [uploaded(client, png(color=color)) for color in ("red", "green", "blue")]
    form = client.get("/new/transform?" + "&".join(f"photo={photo}" for photo in photos))
    assert "Start 3 jobs" in page(form)
    response = client.post("/new/transform", {"slot-image": photos, "percent": "10"})
    assert response["Location"] == "/jobs/"
    assert Job.objects.count() == 3


def test_a_refused_upload_leaves_the_form_with_its_settings_and_a_sentence(client: Client) -> None:
    response = client.post(
        "/new/nap",
        {"seconds": "3.5", "file-photo": SimpleUploadedFile("a.png", b"no picture at all, really")},
    )
    assert response.status_code == 422
    assert "not a picture or video we can read" in page(response)
    assert 'value="3.5"' in page(response)
    assert not Job.objects.exists()


def test_wrong_settings_are_refused_in_words_at_the_field(client: Client) -> None:
    response = client.post("/new/nap", {"seconds": "-1"})
    assert response.status_code == 422
    assert "greater than or equal to 0" in page(response)


def test_the_cost_is_told_before_the_start(client: Client) -> None:
    told = page(client.post("/new/nap/cost", {"seconds": "30"}))
    assert "About 30 s on this machine." in told
    submit_one(None, "nap", {}, {})
    assert "1 ahead of you" in page(client.post("/new/nap/cost", {"seconds": "30"}))


def test_an_upload_by_a_script_gets_json(client: Client) -> None:
    headers = {"Accept": "application/json"}
    response = client.post("/photos", {"file": SimpleUploadedFile("a.png", png())}, headers=headers)
    assert response.status_code == 201
    assert response.json()["width"] == 40
    refused = client.post("/photos", {"file": SimpleUploadedFile("a.png", b"junk" * 20)}, headers=headers)
    assert refused.status_code == 422
    assert refused.json()["detail"].endswith(".")


def test_another_visitors_photo_cannot_be_used(client: Client, alice: Person) -> None:
    photo = uploaded(alice.client)
    client.post("/new/instant", {"slot-photo": photo})
    assert not Job.objects.filter(inputs__photo=photo).exists()
    assert client.get(f"/choose?photo={photo}").status_code == 404


# Recipes -------------------------------------------------------------------------------------------------


def with_recipe(tmp_path: Path, recipe: dict[str, Any]) -> bytes:
    source, target = tmp_path / "plain.png", tmp_path / "result.png"
    source.write_bytes(png())
    recipes.copy(source, target, recipe)
    return target.read_bytes()


def test_a_result_that_is_dropped_opens_its_operation_with_those_settings(
    client: Client, tmp_path: Path
) -> None:
    original = uploaded(client, png(color="navy"))
    digest = Photo.objects.get(pk=original).sha256
    recipe = {"operation": "nap", "params": {"seconds": 12.5}, "seed": 0, "inputs": {"photo": [digest]}}
    response = upload(client, with_recipe(tmp_path, recipe), "result.png")
    assert response["Location"].startswith("/new/nap?")
    form = page(client.get(response["Location"]))
    assert 'value="12.5"' in form
    assert f'name="slot-photo" value="{original}"' in form


@pytest.mark.parametrize(
    "recipe", [{}, {"operation": "none"}, {"operation": "nap", "params": {"seconds": -4}}]
)
def test_a_recipe_that_makes_no_sense_is_no_recipe(
    client: Client, tmp_path: Path, recipe: dict[str, Any]
) -> None:
    assert upload(client, with_recipe(tmp_path, recipe))["Location"].startswith("/choose?")


def test_the_owners_download_carries_the_recipe_and_a_shares_only_if_it_says_so(
    alice: Person, client: Client, tmp_path: Path
) -> None:
    job = finished(alice.owner)
    output = job.outputs.get()
    plain = sharing.share(job, expires_in=None)
    telling = sharing.share(job, expires_in=None, recipe=True)

    def recipe_at(browser: Client, address: str) -> Any:
        response = browser.get(f"{address}?download")
        content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
        assert int(response["Content-Length"]) == len(content)
        path = tmp_path / "download.png"
        path.write_bytes(content)
        assert Image.open(path).size == (40, 30)
        return recipes.extract(path)

    assert recipe_at(alice.client, reverse("output-file", args=[output.id])) == job.recipe
    assert recipe_at(client, reverse("shared-output", args=[plain.token, output.id])) is None
    assert recipe_at(client, reverse("shared-output", args=[telling.token, output.id])) == job.recipe


def test_a_video_player_gets_the_range_it_asks_for(alice: Person) -> None:
    job = finished(alice.owner)
    response = alice.client.get(
        reverse("output-file", args=[job.outputs.get().id]), headers={"Range": "bytes=4-9"}
    )
    assert response.status_code == 206
    assert b"".join(response.streaming_content) == png()[4:10]  # type: ignore[attr-defined]
    assert response["Content-Range"] == f"bytes 4-9/{len(png())}"


# The page of a job ---------------------------------------------------------------------------------------


def test_a_page_that_has_the_latest_version_is_answered_without_a_query(
    alice: Person, django_assert_num_queries: Callable[..., Any]
) -> None:
    job = submit_one(alice.owner, "nap", {}, {})
    address = reverse("job-status", args=[job.uuid])
    version = live.version(job.uuid)
    browser = alice.client
    with django_assert_num_queries(0):
        response = browser.get(f"{address}?v={version}")
    assert response.status_code == 204
    live.say(job.uuid, 0.5, saying("half"))
    assert alice.client.get(f"{address}?v={version}").status_code == 200


def test_a_page_that_waits_is_told_of_its_place_now_and_then_and_of_its_turn_at_once(
    alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def polled(said: str) -> str:
        found = re.search(r'hx-get="([^"]+)" hx-trigger="poll"', said)
        assert found
        return html.unescape(found[1])

    submit_one(charlie.owner, "nap", {}, {})
    before = submit_one(charlie.owner, "nap", {}, {})
    job = submit_one(alice.owner, "nap", {}, {})
    address = polled(page(alice.client.get(reverse("job", args=[job.uuid]))))
    lifecycle.cancel(before)
    assert alice.client.get(address).status_code == 204
    monkeypatch.setattr("jobs.web.views.job.PLACE_SECONDS", 0)
    assert alice.client.get(address).status_code == 200
    monkeypatch.undo()
    address = polled(page(alice.client.get(reverse("job", args=[job.uuid]))))
    while lifecycle.claim("cpu"):
        pass
    assert alice.client.get(address).status_code == 200


def test_a_page_that_polls_is_not_looked_up_again_but_no_other_browser_can_poll_for_it(
    alice: Person, charlie: Person, django_assert_num_queries: Callable[..., Any]
) -> None:
    job = submit_one(alice.owner, "nap", {}, {})
    assert lifecycle.claim("cpu")
    found = re.search(r'hx-get="([^"]+)"', page(alice.client.get(reverse("job", args=[job.uuid]))))
    assert found
    polled = html.unescape(found[1])
    live.say(job.uuid, 0.5, saying("half"))
    with django_assert_num_queries(1):
        assert "Half" in page(alice.client.get(polled))
    assert charlie.client.get(polled).status_code == 404
    assert Client().get(polled).status_code == 404
    alice.client.logout()
    assert alice.client.get(polled).status_code == 404


def test_a_poll_of_a_job_that_waits_asks_for_its_row_its_place_and_what_runs(
    alice: Person, django_assert_num_queries: Callable[..., Any]
) -> None:
    submit_one(alice.owner, "nap", {}, {})
    assert lifecycle.claim("cpu")
    job = submit_one(alice.owner, "nap", {}, {})
    found = re.search(r'hx-get="([^"]+)"', page(alice.client.get(reverse("job", args=[job.uuid]))))
    assert found
    with django_assert_num_queries(3):
        assert "Next in line" in page(alice.client.get(f"{html.unescape(found[1])}&v=old"))


def test_the_last_fragment_asks_no_more_and_brings_the_result(alice: Person) -> None:
    job = finished(alice.owner)
    response = alice.client.get(reverse("job-status", args=[job.uuid]))
    assert "data-poll" not in page(response)
    assert 'hx-swap-oob="true"' in page(response)
    assert response["HX-Retarget"] == "#status"


def test_a_page_without_scripts_refreshes_itself_until_the_end(alice: Person) -> None:
    job = submit_one(alice.owner, "nap", {}, {})
    address = reverse("job", args=[job.uuid])
    assert '<noscript><meta http-equiv="refresh"' in page(alice.client.get(address))
    lifecycle.cancel(job)
    assert "refresh" not in page(alice.client.get(address))


def test_a_failure_says_why_and_whose_fault_it_is(alice: Person) -> None:
    job = submit_one(alice.owner, "nap", {}, {})
    claim = lifecycle.claim("cpu")
    assert claim
    lifecycle.fail(claim, "internal", saying("Something went wrong on our side."))
    said = page(alice.client.get(reverse("job", args=[job.uuid])))
    assert "Something went wrong on our side." in said
    assert "our fault" in said
    alice.client.post(reverse("job-retry", args=[job.uuid]))
    job.refresh_from_db()
    assert job.status == "queued"


def test_a_job_can_be_cancelled_and_cancelling_it_twice_is_no_error(alice: Person) -> None:
    job = submit_one(alice.owner, "nap", {}, {})
    for _ in range(2):
        assert alice.client.post(reverse("job-cancel", args=[job.uuid])).status_code == 302
    job.refresh_from_db()
    assert job.status == "cancelled"


def test_a_result_becomes_the_input_of_another_operation(alice: Person) -> None:
    job = finished(alice.owner)
    response = alice.client.post(reverse("job-use", args=[job.uuid]))
    photo = Photo.objects.get()
    assert response["Location"] == f"/choose?photo={photo.id}"
    assert photo.owner == alice.owner


def test_again_brings_photos_and_settings_back(alice: Person, photo: Callable[..., Photo]) -> None:
    used = photo(alice.owner)
    job = submit_one(alice.owner, "nap", {"seconds": 4}, {"photo": [used]})
    shown = alice.client.get(reverse("job", args=[job.uuid])).context["presenter"]
    form = page(alice.client.get(shown.again_url))
    assert str(used.id) in form
    assert 'value="4"' in form


@pytest.mark.sampled(1)
@pytest.mark.parametrize("action", ["cancel", "retry", "delete", "keep", "share"])
def test_nobody_else_changes_a_job(alice: Person, charlie: Person, client: Client, action: str) -> None:
    job = finished(alice.owner)
    address = reverse(f"job-{action}", args=[job.uuid])
    assert charlie.client.post(address).status_code == 404
    assert client.post(address).status_code in (403, 404)
    assert Job.objects.filter(pk=job.pk, kept=False).exists()
    assert not ShareLink.objects.exists()


def test_only_members_keep_jobs_for_good(alice: Person, client: Client) -> None:
    job = finished(alice.owner)
    alice.client.post(reverse("job-keep", args=[job.uuid]), {"kept": "yes"})
    job.refresh_from_db()
    assert job.kept
    uploaded(client)
    theirs = finished(Owner.objects.get(user=None))
    assert client.post(reverse("job-keep", args=[theirs.uuid]), {"kept": "yes"}).status_code == 403


# Sharing -------------------------------------------------------------------------------------------------


def test_a_shared_page_shows_nothing_of_its_owner(
    alice: Person, client: Client, photo: Callable[..., Photo]
) -> None:
    used = photo(alice.owner)
    job = finished(alice.owner, used)
    made = alice.client.post(reverse("job-share", args=[job.uuid]), {"days": "7", "original": "on"})
    link = ShareLink.objects.get()
    assert made["Location"] == f"/jobs/{job.uuid}?link={link.pk}#share"
    response = client.get(reverse("shared", args=[link.token]))
    said = page(response)
    assert response.status_code == 200
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert 'property="og:image" content="http://testserver/s/' in said
    for secret in ("alice", used.name, str(job.uuid), str(alice.owner.id)):
        assert secret not in said
    assert str(used.id) in said


def test_a_share_without_the_original_shows_none(
    alice: Person, client: Client, photo: Callable[..., Photo]
) -> None:
    used = photo(alice.owner)
    job = finished(alice.owner, used)
    alice.client.post(reverse("job-share", args=[job.uuid]), {"days": "0"})
    link = ShareLink.objects.get()
    assert link.expires_at is None
    assert str(used.id) not in page(client.get(reverse("shared", args=[link.token])))
    assert client.get(reverse("shared-photo", args=[link.token, used.id])).status_code == 404


@pytest.mark.slow
def test_links_are_listed_and_revoked_by_their_owner_alone(
    alice: Person, charlie: Person, client: Client
) -> None:
    job = finished(alice.owner)
    link = sharing.share(job, expires_in=None)
    assert link.token in page(alice.client.get("/links/"))
    assert link.token not in page(charlie.client.get("/links/"))
    revoke = reverse("link-revoke", args=[link.pk])
    assert charlie.client.post(revoke).status_code == 404
    assert client.get(reverse("shared", args=[link.token])).status_code == 200
    assert alice.client.post(revoke).status_code == 302
    assert client.get(reverse("shared", args=[link.token])).status_code == 404
    assert link.token not in page(alice.client.get("/links/"))


# The gallery ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_gallery_filters_by_state_operation_and_name(alice: Person, photo: Callable[..., Photo]) -> None:
    done = finished(alice.owner, photo(alice.owner))
    waiting = submit_one(alice.owner, "nap", {}, {})

    def shown(query: str) -> list[Job]:
        return [tile.job for tile in alice.client.get(f"/jobs/{query}").context["tiles"]]

    assert shown("") == [waiting, done]
    assert shown("?status=succeeded") == [done]
    assert shown("?operation=nap") == [waiting]
    assert shown("?q=BLUE") == [done]
    assert shown("?q=nothing") == []
    assert shown("?status=nonsense&before=x") == [waiting, done]


@pytest.mark.slow
def test_the_gallery_turns_its_pages_both_ways(alice: Person) -> None:
    jobs = [submit_one(alice.owner, "nap", {}, {}) for _ in range(100)][::-1]
    first = alice.client.get("/jobs/")
    second = alice.client.get(first.context["older"])
    third = alice.client.get(second.context["older"])
    seen = [tile.job for response in (first, second, third) for tile in response.context["tiles"]]
    assert seen == jobs
    assert third.context["older"] == ""
    back = alice.client.get(third.context["newer"])
    assert [tile.job for tile in back.context["tiles"]] == jobs[48:96]


@pytest.mark.slow
def test_the_gallery_takes_as_many_queries_for_many_jobs_as_for_few(
    alice: Person, photo: Callable[..., Photo], django_assert_max_num_queries: Callable[..., Any]
) -> None:
    used = photo(alice.owner)
    for _ in range(20):
        finished(alice.owner, used)
        submit_one(alice.owner, "nap", {}, {"photo": [used]})
    alice.client.get("/jobs/")
    with django_assert_max_num_queries(7):
        assert len(alice.client.get("/jobs/").context["tiles"]) == 40


def test_ticked_jobs_are_deleted_and_only_ones_own(alice: Person, charlie: Person) -> None:
    mine, kept, theirs = finished(alice.owner), finished(alice.owner), finished(charlie.owner)
    alice.client.post(
        "/jobs/delete", {"job": [str(mine.uuid), str(theirs.uuid), "nonsense"], "back": "//evil.example"}
    )
    assert set(Job.objects.all()) == {kept, theirs}


# Accounts ------------------------------------------------------------------------------------------------


def test_signing_up_takes_photos_and_jobs_along_and_the_counters_stay_true(
    client: Client, counters_true: Callable[[], None]
) -> None:
    photo = uploaded(client)
    visitor = Owner.objects.get()
    for _ in range(3):
        client.post("/new/nap", {"slot-photo": photo})
    response = client.post(
        "/signup", {"username": "dora", "password1": "korn-blume-7", "password2": "korn-blume-7"}
    )
    assert response["Location"] == "/jobs/"
    member = Owner.objects.get(user__username="dora")
    assert set(Job.objects.values_list("owner", flat=True)) == {member.pk}
    assert Photo.objects.get().owner == member
    assert not Owner.objects.filter(pk=visitor.pk).exists()
    assert FairShare.objects.get(key=member.fair_share_key).waiting == 3
    counters_true()
    assert len(client.get("/jobs/").context["tiles"]) == 3
    claim = lifecycle.claim("cpu")
    assert claim
    assert claim.job.owner == member
    counters_true()


def test_logging_in_takes_jobs_along_and_logging_out_leaves_them(client: Client, alice: Person) -> None:
    client.post("/new/nap", {})
    response = client.post("/login", {"username": "alice", "password": "alice", "next": ""})
    assert response["Location"] == "/jobs/"
    assert Job.objects.get().owner == alice.owner
    client.post("/logout")
    assert client.get("/jobs/").context["tiles"] == []


def test_a_job_that_is_cancelled_while_it_changes_hands_is_counted_out_where_it_waits(
    visitor: Owner, alice: Person, counters_true: Callable[[], None]
) -> None:
    stale = submit_one(visitor, "nap", {}, {})
    adoption.adopt(visitor, alice.owner)
    lifecycle.cancel(stale)
    counters_true()


def test_logging_in_leads_back_to_this_site_only(alice: Person, client: Client) -> None:
    sent = {"username": "alice", "password": "alice", "next": "https://evil.example/"}
    assert client.post("/login", sent)["Location"] == "/jobs/"


def test_the_password_can_be_changed(alice: Person) -> None:
    sent = {"old_password": "alice", "new_password1": "korn-blume-7", "new_password2": "korn-blume-7"}
    assert alice.client.post("/account/password", sent)["Location"] == "/account/"
    assert alice.client.get("/account/").status_code == 200
    assert User.objects.get(username="alice").check_password("korn-blume-7")


def test_deleting_an_account_takes_everything_along(
    alice: Person, charlie: Person, media: Callable[[], set[str]]
) -> None:
    theirs = finished(charlie.owner)
    before = media()
    finished(alice.owner)
    uploaded(alice.client)
    submit_one(alice.owner, "nap", {}, {})
    assert alice.client.post("/account/delete", {"password": "wrong"}).status_code == 422
    assert alice.client.post("/account/delete", {"password": "alice"})["Location"] == "/"
    assert not User.objects.filter(username="alice").exists()
    assert list(Job.objects.all()) == [theirs]
    assert not Photo.objects.exists()
    assert media() == before
    assert alice.client.get("/account/").status_code == 302


def test_a_token_is_shown_once_works_and_can_be_revoked(
    alice: Person, charlie: Person, client: Client
) -> None:
    made = page(alice.client.post("/account/tokens", {"name": "script"}))
    found = re.search(r"latent_[\w-]+", made)
    assert found
    assert found[0] not in page(alice.client.get("/account/tokens"))
    bearer = {"Authorization": f"Bearer {found[0]}"}
    assert client.get("/api/v1/jobs", headers=bearer).status_code == 200
    revoke = reverse("token-revoke", args=[ApiToken.objects.get().pk])
    charlie.client.post(revoke)
    assert ApiToken.objects.exists()
    alice.client.post(revoke)
    assert client.get("/api/v1/jobs", headers=bearer).status_code == 401


@pytest.mark.parametrize("address", ["/account/", "/account/tokens", "/account/password", "/account/delete"])
def test_account_pages_ask_who_you_are(client: Client, address: str) -> None:
    assert client.get(address)["Location"] == f"/login?next={address}"


# What there is -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_operation_and_every_weights_file_has_a_page(client: Client, real_operations: None) -> None:
    for operation in ml_registry.registry().all():
        assert operation.summary in page(client.get(reverse("operation", args=[operation.slug])))
        for weights in operation.weights:
            card = page(client.get(reverse("weights-card", args=[weights.name])))
            assert weights.sha256 in card
            assert weights.name in page(client.get("/weights/"))


def test_every_value_that_is_chosen_by_picture_has_one(client: Client, real_operations: None) -> None:
    shown = set()
    for operation in ml_registry.registry().all():
        for bound in ParamsForm(operation):
            if bound.field.control.kind == "pictures":  # type: ignore[attr-defined]
                shown.add(f"{operation.slug} {bound.name}")
                content = page(client.get(reverse("new-job", args=[operation.slug])))
                for option in bound.field.control.options:  # type: ignore[attr-defined]
                    assert f"choices/{operation.slug}/{bound.name}/{option.value}." in content
                    assert f'name="{bound.name}" value="{option.value}"' in content
    assert shown == {"deep-dream pattern", "style-transfer look", "style-transfer painting"}


@pytest.mark.parametrize(
    "address",
    ["/weights/none", "/weights/none/curve", "/weights/vae-2/nearest", "/operations/none", "/new/none"],
)
def test_what_there_is_not_is_a_404(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


def test_samples_are_shown_to_everybody_and_belong_to_nobody(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ml_registry, "OPERATIONS", ("ml.super_resolution",))
    ml_registry.registry.cache_clear()
    sample = submit_sample("super-resolution")
    assert sample.sample
    assert sample.owner is None
    assert str(sample.uuid) in page(client.get("/jobs/"))
    shown = client.get(reverse("job", args=[sample.uuid]))
    assert shown.status_code == 200
    assert client.post(reverse("job-delete", args=[sample.uuid])).status_code == 404
    form = client.get(shown.context["presenter"].again_url)
    photo = form.context["draft"].main.photos[0]
    client.post("/new/super-resolution", {"slot-image": str(photo.id), "method": "bicubic", "scale": "2"})
    mine = Job.objects.get(sample=False)
    used = mine.inputs.get().photo
    assert used
    assert used.owner == mine.owner


# Errors --------------------------------------------------------------------------------------------------


def test_an_unknown_address_is_answered_in_words_and_to_programs_as_a_problem(client: Client) -> None:
    lost = client.get("/nowhere")
    assert lost.status_code == 404
    assert "There is nothing at this address" in page(lost)
    problem = client.get("/api/v1/nowhere")
    assert problem.status_code == 404
    assert problem["Content-Type"] == "application/problem+json"


def test_a_fault_of_ours_is_told_without_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(sharing, "live_share", broken)
    client = Client(raise_request_exception=False)
    response = client.get("/s/whatever")
    assert response.status_code == 500
    assert "on our side" in page(response)
    assert "secret" not in page(response)


@pytest.mark.parametrize("path", ["/", "/api/v1/jobs", "/s/whatever"])
def test_while_the_database_is_away_whoever_asks_may_come_back(path: str) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("secret")

    client = Client(raise_request_exception=False)
    with connection.execute_wrapper(away):
        response = client.get(path, headers={"Authorization": "Bearer latent_x", "Cookie": "sessionid=x"})
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert "try again in a minute" in page(response)
    assert "secret" not in page(response)


def test_a_form_without_its_token_is_refused_in_words() -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/photos", {"sample": "coffee"})
    assert response.status_code == 403
    assert "reload the page" in page(response)


@pytest.mark.parametrize("address", ["/photos", "/new/nap", "/api/v1/photos"])
def test_a_body_beyond_any_upload_is_refused_before_it_is_read(client: Client, address: str) -> None:
    size = str(config().max_upload_megabytes * 1_000_000 + 1_000_001)
    response = client.post(address, b"", "multipart/form-data; boundary=x", CONTENT_LENGTH=size)
    assert response.status_code == 413
    said = json.loads(response.content)["detail"] if address.startswith("/api") else page(response)
    assert "at most 40 MB can be sent" in said


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "address", ["/", "/jobs/", "/login", "/signup", "/weights/", "/new/nap", "/nowhere", "/links/"]
)
def test_no_page_needs_inline_script_or_style(client: Client, address: str) -> None:
    response = client.get(address)
    policy = response["Content-Security-Policy"]
    assert "script-src 'self';" in f"{policy};"
    assert "unsafe" not in policy
    said = page(response)
    assert " style=" not in said
    assert "<style" not in said
    assert not re.search(r"<script(?![^>]*src=)", said)
    assert not re.search(r"\son\w+=", said)


def test_figures_are_named_in_words_and_those_of_a_comparison_make_a_table(
    alice: Person, request: pytest.FixtureRequest
) -> None:
    metrics = {"nlm_psnr": 28.1234, "dncnn_ssim": 0.9, "dncnn_psnr": None, "nlm_seconds": 1.5, "sigma": 30.0}
    job = finished(alice.owner, operation="denoise", metrics={**metrics, "odd_name": 2.0})
    job.outputs.update(name="dncnn")
    request.getfixturevalue("real_operations")
    presenter = JobPresenter(job, state_of(job))
    assert presenter.metrics == [("Noise level, of 255", "30"), ("odd name", "2")]
    assert presenter.scores
    assert presenter.scores.measures == ["PSNR, dB", "SSIM", "Time, s"]
    assert presenter.scores.rows == [
        ("CNN", ["∞", "0.9000", "–"]),
        ("Non-local means", ["28.12", "–", "1.5"]),
    ]
    said = page(alice.client.get(reverse("job", args=[job.uuid])))
    assert re.search(r'<th scope="row">Non-local means</th>\s*<td>28.12</td>', said)


@pytest.mark.usefixtures("real_operations")
def test_what_most_people_leave_empty_is_folded_away_until_it_is_filled(client: Client) -> None:
    picture, reference = uploaded(client), uploaded(client, png(color="olive"))
    form = page(client.get(f"/new/denoise?photo={picture}"))
    assert form.index('name="method"') < form.index('<details class="fold">')
    assert form.index('<details class="fold">') < form.index('data-slot="reference"')
    form = page(client.get(f"/new/denoise?photo={picture}&slot-reference={reference}"))
    assert form.index('<details class="fold" open>') < form.index(reference)


def test_the_picture_of_a_method_has_its_title_and_its_psnr(
    alice: Person, request: pytest.FixtureRequest
) -> None:
    job = finished(alice.owner, operation="denoise", metrics={"nlm_psnr": 28.1234})
    job.outputs.update(name="nlm")
    request.getfixturevalue("real_operations")
    (shown,) = JobPresenter(job, state_of(job)).outputs
    assert (shown.name, shown.measured) == ("Non-local means", "28.12 dB")
