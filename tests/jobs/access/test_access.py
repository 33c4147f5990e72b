"""The access matrix: every address and method of pages, files, API and admin, against everybody."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from jobs.access import identity, sharing, visibility
from jobs.library import albums
from jobs.models import (
    Album,
    AlbumPhoto,
    ApiToken,
    Asset,
    Batch,
    Delivery,
    Draft,
    Job,
    JobInput,
    Owner,
    Preset,
    ShareLink,
    Webhook,
)
from jobs.queue import lifecycle, live, presets, submission
from jobs.queue.request import Request, Step
from tests.conftest import Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
LESSER = ("HEAD", "OPTIONS")  # by these nobody sees more than by GET, and nobody changes anything
ALBUM = "an album of alice's"
NAME = "a photo of alice's garden.png"
HOOK = "https://hook.example/alice"

BOBS = ("bob", "bob, expired", "bob, revoked")  # who has opened a link, and what has become of it since
TOKENS = ("alice's token", "charlie's token", "ada's token")
MEMBERS = ("alice", "charlie", "ada")
KNOWN = (*MEMBERS, *TOKENS, "visitor")  # to the API: not a stranger
ALL = (*KNOWN, *BOBS)
HERS = ("alice", "alice's token", "ada")  # whoever may see and change what is Alice's
ALONE = ("alice", "alice's token")  # what no admin sees either: an address may hold a secret
STRANGERS = tuple(person for person in ALL if person not in HERS)

MATRIX: dict[str, dict[str, tuple[str, ...]]] = {
    # Pages that are the same for everybody, or show each their own.
    "": {"GET": ALL},
    "choose": {"GET": HERS, "POST": HERS},
    "photos": {"POST": ALL},
    "share-target": {"POST": ()},  # without a browser's word that it is a person who shares
    "manifest.webmanifest": {"GET": ALL},
    "service-worker.js": {"GET": ALL},
    "offline": {"GET": ALL},
    "new/<slug:slug>": dict.fromkeys(METHODS, ALL),
    "new/<slug:slug>/cost": {"POST": ALL},
    "drafts/<uuid:draft_id>/start": {"POST": ("alice", "alice's token")},
    "drafts/<uuid:draft_id>/steps/<int:number>/drop": {"POST": ("alice", "alice's token")},
    "presets/": {"GET": ALL, "POST": HERS},
    "presets/start": {"POST": ()},
    "presets/<uuid:preset_id>/delete": {"POST": ("alice", "alice's token")},
    "presets/<str:preset_id>/recipe.json": {"GET": ("alice", "alice's token")},
    "batches/": {"GET": ALL},
    "batches/<uuid:batch_id>": {"GET": HERS},
    "batches/<uuid:batch_id>/status": {"GET": HERS},
    "batches/<uuid:batch_id>/results.zip": {"GET": HERS},
    "batches/<uuid:batch_id>/cancel": {"POST": HERS},
    "batches/<uuid:batch_id>/retry": {"POST": HERS},
    "batches/<uuid:batch_id>/delete": {"POST": HERS},
    "batches/<uuid:batch_id>/again": {"POST": HERS},
    "library/": {"GET": ALL},
    "library/do": {"POST": ALL},
    "library/trash": {"GET": ALL},
    "library/jobs": {"GET": ALL},
    "albums/": {"GET": ALL, "POST": ALL},
    "jobs/": {"GET": ALL},
    "jobs/delete": {"POST": ALL},
    "links/": {"GET": ALL},
    "operations/<slug:slug>": {"GET": ALL},
    "weights/": {"GET": ALL},
    "weights/<str:name>": {"GET": ()},
    "weights/<str:name>/curve": {"GET": ()},
    "weights/<str:name>/nearest": {"GET": ()},
    "signup": dict.fromkeys(METHODS, ALL),
    "login": {"GET": ALL, "POST": ALL, "PUT": ALL, "PATCH": MEMBERS, "DELETE": MEMBERS},
    "logout": {"POST": ALL},
    "healthz": dict.fromkeys(METHODS, ALL),
    "readyz": dict.fromkeys(METHODS, ALL),
    "metrics": dict.fromkeys(METHODS, ALL),
    # Jobs and files.
    "jobs/<uuid:job_uuid>": {"GET": HERS},
    "jobs/<uuid:job_uuid>/status": {"GET": HERS},
    "jobs/<uuid:job_uuid>/tile": {"GET": HERS},
    "jobs/<uuid:job_uuid>/preview": {"GET": HERS},
    "jobs/<uuid:job_uuid>/cancel": {"POST": HERS},
    "jobs/<uuid:job_uuid>/retry": {"POST": HERS},
    "jobs/<uuid:job_uuid>/delete": {"POST": HERS},
    "jobs/<uuid:job_uuid>/keep": {"POST": ("alice", "ada")},
    "jobs/<uuid:job_uuid>/share": {"POST": HERS},
    "jobs/<uuid:job_uuid>/use": {"POST": HERS},
    "library/<uuid:photo_id>": {"GET": HERS},
    "library/<uuid:photo_id>/share": {"POST": HERS},
    "albums/<uuid:album_id>": {"GET": HERS},
    "albums/<uuid:album_id>/do": {"POST": HERS},
    "albums/<uuid:album_id>/share": {"POST": HERS},
    "albums/<uuid:album_id>/zip": {"GET": HERS},
    "files/photos/<uuid:photo_id>": {"GET": HERS},
    "files/outputs/<uuid:output_id>": {"GET": HERS},
    "links/<int:link_id>/qr": {"GET": HERS},
    "links/<int:link_id>/revoke": {"POST": HERS},
    # Accounts: each their own.
    "account/": dict.fromkeys(METHODS, MEMBERS),
    "account/facts": dict.fromkeys(METHODS, MEMBERS),
    "account/password": dict.fromkeys(METHODS, MEMBERS),
    "account/delete": dict.fromkeys(METHODS, MEMBERS),
    "account/export": {"GET": MEMBERS},
    "account/tokens": dict.fromkeys(METHODS, MEMBERS),
    "account/tokens/<int:token_id>/revoke": {"POST": MEMBERS},
    "account/webhooks": dict.fromkeys(METHODS, MEMBERS),
    "account/webhooks/<uuid:webhook_id>": {"GET": ("alice",)},
    "account/webhooks/<uuid:webhook_id>/test": {"POST": ("alice",)},
    "account/webhooks/<uuid:webhook_id>/switch": {"POST": ("alice",)},
    "account/webhooks/<uuid:webhook_id>/delete": {"POST": ("alice",)},
    "account/deliveries/<uuid:delivery_id>/again": {"POST": ("alice",)},
    "account/mail": dict.fromkeys(METHODS, MEMBERS),
    "account/mail/confirm": dict.fromkeys(METHODS, MEMBERS),
    # The API.
    "api/v1/openapi.json": dict.fromkeys(METHODS, ALL),
    "api/v1/docs": dict.fromkeys(METHODS, ALL),
    "api/v1/": {},
    "api/v1/operations": {"GET": ALL},
    "api/v1/photos": {"GET": KNOWN, "POST": KNOWN},
    "api/v1/photos/<photo_id>": {"GET": HERS, "PATCH": HERS, "DELETE": HERS},
    "api/v1/photos/<photo_id>/versions": {"GET": HERS},
    "api/v1/batches": {"GET": KNOWN, "POST": KNOWN},
    "api/v1/batches/<batch_id>": {"GET": HERS, "DELETE": HERS},
    "api/v1/batches/<batch_id>/cancel": {"POST": HERS},
    "api/v1/batches/<batch_id>/retry": {"POST": HERS},
    "api/v1/batches/<batch_id>/zip": {"GET": HERS},
    "api/v1/presets": {"GET": KNOWN, "POST": KNOWN},
    "api/v1/presets/<preset_id>": {
        "GET": ("alice", "alice's token"),
        "PATCH": ("alice", "alice's token"),
        "DELETE": ("alice", "alice's token"),
    },
    "api/v1/photos/<photo_id>/share": {"POST": HERS, "DELETE": HERS},
    "api/v1/albums": {"GET": KNOWN, "POST": KNOWN},
    "api/v1/albums/<album_id>": {"GET": HERS, "PATCH": HERS, "DELETE": HERS},
    "api/v1/albums/<album_id>/share": {"POST": HERS, "DELETE": HERS},
    "api/v1/jobs": {"GET": KNOWN, "POST": KNOWN},
    "api/v1/jobs/<job_uuid>": {"GET": HERS, "DELETE": HERS},
    "api/v1/jobs/<job_uuid>/cancel": {"POST": HERS},
    "api/v1/jobs/<job_uuid>/retry": {"POST": HERS},
    "api/v1/jobs/<job_uuid>/share": {"POST": HERS, "DELETE": HERS},
    "api/v1/webhooks": {"GET": (*MEMBERS, *TOKENS), "POST": (*MEMBERS, *TOKENS)},
    "api/v1/webhooks/<webhook_id>": {"GET": ALONE, "PATCH": ALONE, "DELETE": ALONE},
    "api/v1/webhooks/<webhook_id>/test": {"POST": ALONE},
    "api/v1/webhooks/<webhook_id>/deliveries": {"GET": ALONE},
    "api/v1/deliveries/<delivery_id>/again": {"POST": ALONE},
}
OPEN_ADMIN = ("admin/login/", "admin/logout/")
SHARED = (
    "s/<str:token>",
    "s/<str:token>/outputs/<uuid:output_id>",
    "s/<str:token>/photos/<uuid:photo_id>",
    "s/<str:token>/zip",
)
OF_AN_ALBUM = ("s/<str:token>/view/<uuid:photo_id>",)


def routes() -> Iterator[str]:
    def below(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
        for pattern in resolver.url_patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                yield route
            else:
                yield from below(pattern, route)

    return iter(dict.fromkeys(below(get_resolver())))


@dataclass
class World:
    """What Alice has, and everybody's browser or program."""

    job: Job
    photo: Asset
    output: Asset
    preset: Preset
    draft: Draft
    album: Album
    token: ApiToken
    delivery: Delivery
    live: ShareLink
    expired: ShareLink
    revoked: ShareLink
    clients: dict[str, Client]

    def address(self, route: str, link: ShareLink | None = None) -> str:
        job, person = self.job, self.job.owner
        assert person
        assert person.user
        values = {
            "<uuid:job_uuid>": job.uuid,
            "<job_uuid>": job.uuid,
            "<uuid:photo_id>": self.photo.id,
            "<photo_id>": self.photo.id,
            "<uuid:output_id>": self.output.id,
            "<batch_id>": job.batch_id,
            "<uuid:batch_id>": job.batch_id,
            "<uuid:draft_id>": self.draft.pk,
            "<int:number>": 0,
            "<str:preset_id>": self.preset.pk,
            "<preset_id>": self.preset.pk,
            "<uuid:preset_id>": self.preset.pk,
            "<uuid:album_id>": self.album.id,
            "<album_id>": self.album.id,
            "<int:link_id>": self.live.pk,
            "<str:token>": (link or self.live).token,
            "<int:token_id>": self.token.pk,
            "<uuid:webhook_id>": self.delivery.webhook_id,
            "<webhook_id>": self.delivery.webhook_id,
            "<uuid:delivery_id>": self.delivery.pk,
            "<delivery_id>": self.delivery.pk,
            "<slug:slug>": "instant",
            "<str:name>": "none",
            "<path:content_type_id>": 1,
            "<id>": person.user.pk,
            "^(?P<app_label>jobs|auth)/$": "jobs/",
            "(?P<url>.*)$": "nothing",
        }
        model = route.removeprefix("admin/").split("/")[1] if route.count("/") > 2 else ""
        values["<path:object_id>"] = {
            "asset": self.photo.pk, "owner": person.pk, "sharelink": self.live.pk, "album": self.album.pk, "apitoken": self.token.pk,
            "user": person.user.pk,
        }.get(model, job.pk)  # fmt: skip
        for placeholder, value in values.items():
            route = route.replace(placeholder, str(value))
        query = {"choose": "photo", "new/instant": "photo", "new/instant/cost": "photo"}.get(route)
        return f"/{route}" + (f"?{query}={self.photo.id}" if query else "")

    def asks(self, person: str, method: str, address: str) -> Any:
        client = self.clients[person]
        if not address.startswith("/api/") and method == "POST":
            sent = {"job": str(self.job.uuid), "slot-photo": str(self.photo.id), "photo": str(self.photo.id)}
            sent |= {"do": "remove", "name": "an album"} if address.startswith("/albums/") else {}
            return client.post(address, sent)
        body = {"operation": "instant", "inputs": {"photo": str(self.photo.id)}}
        if address.endswith("/share") or method == "PATCH":
            body = {}
        elif address.endswith("/albums"):
            body = {"name": "an album"}
        elif address.endswith("/webhooks"):
            body = {"url": "http://127.0.0.1/"}
        return client.generic(method, address, json.dumps(body), "application/json")

    def state(self) -> Any:
        """Everything that is Alice's."""
        owner = self.job.owner
        assert owner
        return (
            list(Job.objects.filter(owner=owner).values("uuid", "status", "kept", "attempt")),
            list(Asset.objects.filter(owner=owner).values("id", "name", "favourite", "trashed_at")),
            list(ShareLink.objects.filter(visibility.given_by(owner)).values("id", "revoked_at")),
            list(Album.objects.filter(owner=owner).values("id", "name", "cover")),
            list(AlbumPhoto.objects.filter(album__owner=owner).values("asset", "position")),
            list(ApiToken.objects.filter(user=owner.user if owner else None).values_list("id")),
            list(Batch.objects.filter(owner=owner).values()),
            list(Preset.objects.filter(owner=owner).values()),
            list(Draft.objects.filter(owner=owner).values()),
            JobInput.objects.filter(asset__owner=owner).count(),
            list(Webhook.objects.filter(owner=owner).values("id", "url", "enabled")),
            list(Delivery.objects.filter(owner=owner).values("id", "asked_at")),
            Owner.objects.filter(pk=owner.pk if owner else None).values_list("mail")[0],
        )


@pytest.fixture
def world(alice: Person, charlie: Person, ada: Person, visitor: Owner, photo: Any, stored: Any) -> World:
    picture = photo(alice.owner)
    Asset.objects.filter(pk=picture.pk).update(name=NAME)
    (job,) = submission.submit(
        Request(alice.owner, [Step("instant")], [{"photo": [picture]}], name="a batch of alice's")
    )
    preset = presets.save(alice.owner, "a preset of alice's", [Step("instant")])
    step = {"operation": "instant", "params": {}, "seed": None, "inputs": {}}
    draft = Draft.objects.create(owner=alice.owner, photos=[str(picture.pk)], steps=[step])
    claim = lifecycle.claim("cpu")
    assert claim
    lifecycle.finish(claim, stored(claim))
    job.refresh_from_db()
    live.show(job.uuid, b"preview")
    album = albums.create(alice.owner, ALBUM, [picture, job.outputs.get()])
    links = [sharing.share(job, expires_in=timedelta(days=1), recipe=True) for _ in range(3)]
    bobs = {name: Client() for name in BOBS}
    for bob, link in zip(bobs.values(), links, strict=True):
        assert bob.get(f"/s/{link.token}").status_code == 200
    past = timezone.now() - timedelta(hours=1)
    ShareLink.objects.filter(pk=links[1].pk).update(expires_at=past)
    ShareLink.objects.filter(pk=links[2].pk).update(revoked_at=past)
    from_session = Client()
    session = from_session.session
    session[identity.SESSION_OWNER] = str(visitor.pk)
    session.save()
    clients = {
        "alice": alice.client,
        "alice's token": Client(headers={"authorization": f"Bearer {alice.token}"}),
        **bobs,
        "charlie": charlie.client,
        "charlie's token": Client(headers={"authorization": f"Bearer {charlie.token}"}),
        "visitor": from_session,
        "ada": ada.client,
        "ada's token": Client(headers={"authorization": f"Bearer {ada.token}"}),
    }
    token = ApiToken.objects.get(user=alice.user)
    webhook = Webhook.objects.create(owner=alice.owner, url=HOOK)
    delivery = Delivery.objects.create(
        owner=alice.owner, webhook=webhook, type="test", payload={}, asked_at=past
    )
    return World(job, picture, job.outputs.get(), preset, draft, album, token, delivery, *links, clients)


def denied(response: Any) -> bool:
    to_log_in = response.status_code == 302 and "/login" in response["Location"]
    return to_log_in or response.status_code in (401, 403, 404, 405)


def said(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return str(content.decode(errors="replace"))


def secrets_in(world: World, response: Any) -> list[str]:
    """What of Alice's an answer tells, but for what the asker named."""
    text = said(response)
    secrets = (
        NAME,
        ALBUM,
        HOOK,
        str(world.album.id),
        str(world.output.id),
        world.live.token,
        world.job.outputs.get().sha256,
        "of alice's",
    )
    return [secret for secret in secrets if secret in text and secret not in response.request["PATH_INFO"]]


def test_every_address_is_in_the_matrix() -> None:
    assert {route for route in routes() if not route.startswith("admin/")} == {*MATRIX, *SHARED, *OF_AN_ALBUM}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("route", MATRIX, ids=lambda route: route or "home")
def test_who_may(world: World, route: str) -> None:
    address = world.address(route)
    before = world.state()
    for method in METHODS + LESSER:
        allowed = MATRIX[route].get("GET" if method == "HEAD" else method, ())
        for person in ALL:
            with rolled_back():
                response = world.asks(person, method, address)
                assert response.status_code < 500 or route == "readyz", (person, method, address)
                if method in METHODS or (method == "HEAD" and not denied(response)):
                    assert denied(response) == (person not in allowed), (person, method, response.status_code)
                if person not in HERS:
                    assert secrets_in(world, response) == [], (person, method)
                    assert world.state() == before, (person, method)


@pytest.mark.slow
@pytest.mark.parametrize("person", ["a stranger with cookies", *ALL, "a stranger"])
def test_reading_makes_no_rows(world: World, person: str) -> None:
    world.clients |= {"a stranger": Client(), "a stranger with cookies": with_odd_cookies()}
    for route in routes():
        for method in ("GET", *LESSER):
            with CaptureQueriesContext(connection) as queries:
                said(world.asks(person, method, world.address(route)))
            made = [query["sql"] for query in queries if "INSERT INTO" in query["sql"]]
            assert not made, (method, route)


@pytest.mark.slow
def test_a_stranger_who_is_refused_stays_one(world: World) -> None:
    """Whatever is refused leaves nothing behind, not even a visitor."""
    refused = set()
    for route in routes():
        for method in METHODS[1:]:
            world.clients["a stranger"] = with_odd_cookies()
            before = (Owner.objects.count(), Session.objects.count())
            response = world.asks("a stranger", method, world.address(route))
            if response.status_code >= 400:
                refused.add(route)
                assert (Owner.objects.count(), Session.objects.count()) == before, (method, route)
    assert {"photos", "api/v1/jobs", "api/v1/photos"} <= refused


def with_odd_cookies() -> Client:
    client = Client()
    client.cookies.load({"sessionid": "x" * 32, "csrftoken": "x" * 32, "any": "cookie"})
    return client


@pytest.mark.slow
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_bad_token_is_refused_in_words_at_every_address(world: World, method: str) -> None:
    for header in ("Bearer x", "bearer \xff"):
        program = Client(headers={"authorization": header})
        world.clients["program"] = program
        for route in routes():
            response = world.asks("program", method, world.address(route))
            assert response.status_code < 500 or route == "readyz", (header, route)
            if response.status_code == 401:
                assert response["WWW-Authenticate"] == "Bearer"
                assert "This token is not good. Make a new one." in said(response), route


@pytest.mark.sampled(1)
@pytest.mark.parametrize("route", [route for route in routes() if route.startswith("admin/")])
def test_nobody_but_staff_sees_the_admin(world: World, route: str) -> None:
    address = world.address(route)
    before = world.state()
    for method in METHODS + LESSER:
        for person in ALL:
            with rolled_back():
                response = world.asks(person, method, address)
                assert response.status_code < 500, (person, method, address)
                if person != "ada":
                    assert route in OPEN_ADMIN or denied(response), (person, method, response.status_code)
                    assert secrets_in(world, response) == [], (person, method)
                    assert world.state() == before, (person, method)
    if route in ("admin/", "admin/jobs/job/", "admin/jobs/job/<path:object_id>/change/"):
        assert world.asks("ada", "GET", address).status_code == 200


@pytest.mark.sampled(1)
@pytest.mark.parametrize("route", SHARED)
def test_a_link_opens_what_it_is_for_until_it_is_over(world: World, route: str) -> None:
    for person in ALL:
        for link, opens in ((world.live, True), (world.expired, False), (world.revoked, False)):
            response = world.asks(person, "GET", world.address(route, link))
            assert (response.status_code == 200) == opens, (person, link.pk)
            assert opens or response.status_code == 404
            if route == "s/<str:token>":
                assert "alice" not in said(response).replace(NAME, "") or person in HERS
        for method in METHODS[1:]:
            answer = world.asks(person, method, world.address(route))
            if (
                method == "POST" and route == "s/<str:token>"
            ):  # where a password is given, and here is none to give
                assert (answer.status_code, answer["Location"]) == (302, world.address(route))
            else:
                assert denied(answer), (person, method)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("route", [*SHARED, *OF_AN_ALBUM])
def test_a_link_to_an_album_opens_what_is_in_it_until_it_is_over(world: World, route: str) -> None:
    past = timezone.now() - timedelta(hours=1)
    links = [sharing.share(world.album, expires_in=None) for _ in range(3)]
    ShareLink.objects.filter(pk=links[1].pk).update(expires_at=past)
    ShareLink.objects.filter(pk=links[2].pk).update(revoked_at=past)
    for person in ALL:
        for link, opens in zip(links, (True, False, False), strict=True):
            ShareLink.objects.update(zips=0)
            response = world.asks(person, "GET", world.address(route, link))
            assert response.status_code == (200 if opens else 404), (person, link.pk)
            assert NAME not in said(response)
        for method in METHODS[1:]:
            answer = world.asks(person, method, world.address(route, links[0]))
            assert denied(answer) or answer.status_code == 302, (person, method)


class rolled_back:
    """What is done within it is undone."""

    def __enter__(self) -> None:
        self._atomic = transaction.atomic()
        self._atomic.__enter__()

    def __exit__(self, *error: Any) -> None:
        transaction.set_rollback(True)
        self._atomic.__exit__(*error)
