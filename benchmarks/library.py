"""How long a member's library takes with 100,000 photos and as many jobs: `python -m benchmarks.library [--jobs N]`.

Makes a database of its own in a temporary folder, and prints, for each page, the median time of `REPEATS`
requests, by the clock and of the CPU (the database is in the same process), and how many queries one makes: at most
`MOST_QUERIES`, however much there is. The member has 500 albums too, one of them full, and a link to that.
"""

import argparse
import os
import tempfile
from typing import Any

from benchmarks.admin import GOAL_MILLISECONDS, fill, time_pages

MOST_QUERIES = 20
ALBUMS = 500
IN_AN_ALBUM = 20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=100_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="latent-") as home:
        os.environ |= {"LATENT_HOME": home, "LOG_LEVEL": "ERROR", "DATABASE_URL": ""}
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        fill(arguments.jobs)
        member = give_all_to_one()
        measure(member, put_in_albums(member.owner))


def give_all_to_one() -> Any:
    """All jobs and photos belong to one member, who has named the photos; returns the user.

    A photo is as old as its job; one of them has a name of its own, another one was recognised.
    """
    from django.db import connection
    from django.db.models import CharField, F, OuterRef, Subquery, Value
    from django.db.models.functions import Cast, Concat

    from jobs.models import Asset, Job, JobInput, Owner

    owner = Owner.objects.select_related("user").filter(user__isnull=False).first()
    assert owner is not None
    Job.objects.update(owner=owner)
    name = Concat(Value("IMG_"), Cast(F("id"), CharField()), Value(".jpg"), output_field=CharField())
    Asset.objects.update(owner=owner)
    Asset.objects.uploaded().update(name=name)
    last = JobInput.objects.order_by("-id").first()
    assert last is not None
    Asset.objects.filter(uses=last).update(name="a cat.jpg")
    Asset.objects.filter(pk=Asset.objects.uploaded().values("pk")[:1]).update(words=" tabby cat animal ")
    asked = JobInput.objects.filter(asset=OuterRef("pk")).values("job__created_at")[:1]
    Asset.objects.uploaded().update(created_at=Subquery(asked))
    Asset.objects.made().update(alone=False)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return owner.user


def put_in_albums(owner: Any) -> tuple[Any, Any]:
    """Albums of the newest photos; the full one, and a link to it."""
    from jobs.access import sharing
    from jobs.library import albums

    photos = list(owner.assets.uploaded().order_by("-created_at")[: ALBUMS * IN_AN_ALBUM])
    full = albums.create(owner, "All of the summer", photos[: albums.MOST_PHOTOS])
    for number in range(ALBUMS - 1):
        some = photos[number * IN_AN_ALBUM : (number + 1) * IN_AN_ALBUM]
        albums.create(owner, f"Week {number}", some)
    return full, sharing.share(full, expires_in=None)


def measure(member: Any, shared: tuple[Any, Any]) -> None:
    from django.db import connection
    from django.test import Client

    from jobs.library import listing
    from jobs.models import Asset, Job

    client = Client(HTTP_HOST="localhost")
    client.force_login(member)
    middle = Job.objects.order_by("-id")[Job.objects.count() // 2].pk
    photos = listing.photos(member.owner)
    cursor = listing.page(photos, "", photos.count() // 2).cursor
    some = Asset.objects.uploaded().filter(versions__isnull=False)[0]
    album, link = shared
    pages = {
        "albums": "/albums/",
        "a full album": f"/albums/{album.pk}",
        "a full album, to arrange": f"/albums/{album.pk}?arrange",
        "the same by its link": f"/s/{link.token}",
        "a photo of it by the link": f"/s/{link.token}/view/{album.places.first().asset_id}",
        "my links": "/links/",
        "library, of an album": f"/library/?album={album.pk}",
        "library, search for an album": "/library/?q=summer",
        "library, search for 499": "/library/?q=week",
        "library": "/library/",
        "library, half way down": f"/library/?cursor={cursor}",
        "library, favourites": "/library/?show=favourites",
        "library, at work": "/library/?show=running",
        "library, one operation": "/library/?operation=denoise",
        "library, one kind in vain": "/library/?kind=video",
        "library, search for many": "/library/?q=IMG_",
        "library, search for one": "/library/?q=a+cat",
        "library, what is on it": "/library/?q=tabby",
        "library, search in vain": "/library/?q=nothing",
        "a photo": f"/library/{some.pk}",
        "photos of the API": "/api/v1/photos",
        "the trash": "/library/trash",
        "jobs": "/library/jobs",
        "half way down": f"/library/jobs?before={middle}",
        "back up": f"/library/jobs?after={middle}",
        "failed": "/library/jobs?status=failed",
        "cancelled, one operation": "/library/jobs?status=cancelled&operation=denoise",
        "waiting": "/library/jobs?status=queued",
        "one operation": "/library/jobs?operation=denoise",
        "search for many": "/library/jobs?q=IMG_",
        "search for one": "/library/jobs?q=a+cat",
        "search in vain": "/library/jobs?q=nothing",
    }
    print(f"{Job.objects.count():,} jobs of one member, {connection.vendor}; goal {GOAL_MILLISECONDS} ms")
    time_pages(client, pages, MOST_QUERIES)


if __name__ == "__main__":
    main()
