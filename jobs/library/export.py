"""Everything that a member has here, as one ZIP that is written while it is sent."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from zipstream import ZIP_STORED, ZipStream

from jobs.library.carrying import Laden, told_of
from jobs.library.naming import file_name
from jobs.messages import told
from jobs.models import Album, Asset, Batch, Job, Owner, ShareLink
from ml.core.about import NOTHING_KNOWN


def everything_of(owner: Owner) -> ZipStream:
    """The photos, the results, and in `latent.json` what was asked for, when, and what came of it."""
    archive = ZipStream(compress_type=ZIP_STORED)  # pictures are compressed already
    assets = list(
        owner.assets.select_related("made_by", "original")
        .prefetch_related("shares")
        .order_by("created_at", "position")
    )
    paths = _paths(assets)
    jobs = owner.jobs.prefetch_related("inputs", "outputs", "shares").order_by("id")
    told = {
        "name": str(owner),
        "since": owner.created_at,
        "photos": [_photo(asset, paths) for asset in assets],
        "jobs": [_job(job, paths) for job in jobs],
        "albums": [_album(album, paths) for album in owner.albums.prefetch_related("places", "shares")],
        "webhooks": [{"url": webhook.url, "made": webhook.created_at} for webhook in owner.webhooks.all()],
        "mail": owner.mail,
    }
    archive.add(json.dumps(told, cls=DjangoJSONEncoder, indent=1), "latent.json")
    for asset in assets:
        archive.add(_chunks(asset, owner), paths[asset.id])
    return archive


def files_of(
    assets: Iterable[Asset], owner: Owner | None, name: Callable[[Asset], str] = file_name
) -> ZipStream:
    """These photos, for whom they belong to, in a ZIP that is written while it is sent, each under the name that it would be downloaded with."""
    archive = ZipStream(compress_type=ZIP_STORED)
    taken: Counter[str] = Counter()
    for asset in assets:
        path = PurePosixPath(_without_folders(name(asset)))
        archive.add(_chunks(asset, owner), _numbered(path, taken))
    return archive


def results_of(batch: Batch) -> Iterable[Asset]:
    """What its last step made of each photo, as far as it is at hand."""
    made = Asset.objects.at_hand().filter(made_by__batch=batch, made_by__step=len(batch.steps) - 1)
    return made.select_related("made_by", "original").order_by("made_by__item", "position")


def _paths(assets: Sequence[Asset]) -> dict[UUID, str]:
    """Where each lies in the archive, by the name that it would be downloaded under; of the same names, numbered."""
    paths: dict[UUID, str] = {}
    taken: Counter[str] = Counter()
    for asset in assets:
        folder = "results" if asset.output else "photos"
        paths[asset.id] = _numbered(PurePosixPath(folder, _without_folders(file_name(asset))), taken)
    return paths


def _without_folders(name: str) -> str:
    """A name that no program takes for a path out of where it unpacks to."""
    return re.sub(r"[/\\:]", "-", name).lstrip(".") or "photo"


def _numbered(path: PurePosixPath, taken: Counter[str]) -> str:
    taken[str(path)] += 1
    number = taken[str(path)]
    return str(path if number == 1 else path.with_stem(f"{path.stem} ({number})"))


def _photo(asset: Asset, paths: Mapping[UUID, str]) -> dict[str, Any]:
    return {
        "id": asset.id,
        "file": paths[asset.id],
        "name": asset.name,
        "sent": asset.created_at,
        "sha256": asset.sha256,
        "original": paths.get(asset.original_id or asset.id),
        "job": asset.made_by and asset.made_by.uuid,
        "favourite": asset.favourite,
        "links": [_link(link) for link in asset.shares.all()],
        "about": asset.about,
    }


def _album(album: Album, paths: Mapping[UUID, str]) -> dict[str, Any]:
    places = sorted(album.places.all(), key=lambda place: (place.position, place.pk))
    return {
        "name": album.name,
        "made": album.created_at,
        "photos": [paths[place.asset_id] for place in places if place.asset_id in paths],
        "links": [_link(link) for link in album.shares.all()],
    }


def _job(job: Job, paths: Mapping[UUID, str]) -> dict[str, Any]:
    return {
        "id": job.uuid,
        "operation": job.operation,
        "params": job.params,
        "seed": job.seed,
        "status": job.status,
        "created": job.created_at,
        "finished": job.finished_at,
        "inputs": [
            {"slot": item.slot, "file": paths.get(item.asset_id) if item.asset_id else None}
            for item in job.inputs.all()
        ],
        "outputs": [paths.get(output.id) for output in job.outputs.all()],
        "metrics": job.metrics,
        "labels": [{**label, "title": told(label["title"])} for label in job.labels],
        "series": job.series,
        "recipe": job.recipe,
        "links": [_link(link) for link in job.shares.all()],
    }


def _link(link: ShareLink) -> dict[str, Any]:
    return {"made": link.created_at, "expires": link.expires_at, "revoked": link.revoked_at}


def _chunks(asset: Asset, owner: Owner | None) -> Iterator[bytes]:
    """A stored file with its facts, as its owner has them; nothing where it was deleted meanwhile."""
    about = told_of(asset, owner.carried) if owner and asset.owner_id == owner.pk else NOTHING_KNOWN
    try:
        yield from Laden(asset, None, about)
    except FileNotFoundError:
        return
