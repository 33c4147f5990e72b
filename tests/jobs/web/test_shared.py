"""What whoever has a link sees."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from jobs.access import sharing
from jobs.models import Asset, ShareLink
from tests.conftest import Person
from tests.jobs.web.pages import finished, page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


def test_a_shared_page_shows_nothing_of_its_owner(
    alice: Person, client: Client, photo: Callable[..., Asset]
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
    alice: Person, client: Client, photo: Callable[..., Asset]
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
