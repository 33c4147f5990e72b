"""How times, sizes and pictures are written in the admin."""

from datetime import datetime

from django.template.defaultfilters import date as format_date
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jobs.models import Asset, Job

NOTHING = "–"
SIDE = 256


def duration(seconds: float | None) -> str:
    """As 0.4 s, 12 s, 3 min 20 s, 10 min, 2 h 5 min."""
    if seconds is None:
        return NOTHING
    if seconds < 10:
        return _("{seconds:.1f} s").format(seconds=seconds)
    if seconds < 60:
        return _("{seconds:.0f} s").format(seconds=seconds)
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60 and rest:
        return _("{minutes} min {seconds} s").format(minutes=minutes, seconds=rest)
    if minutes < 60:
        return _("{minutes} min").format(minutes=minutes)
    hours, minutes = divmod(minutes, 60)
    return _("{hours} h {minutes} min").format(hours=hours, minutes=minutes)


def owner_name(job: Job) -> str:
    if job.sample:
        return _("sample")
    return str(job.owner) if job.owner else NOTHING


def waited(job: Job) -> float | None:
    """Seconds in the queue: until the start, the end, or now."""
    until = job.started_at or job.finished_at or timezone.now()
    return max(0.0, (until - job.queued_at).total_seconds())


def ran(job: Job) -> float | None:
    """Seconds of running, still going or over; None before the start."""
    if job.run_seconds is not None:
        return job.run_seconds
    if job.started_at is None:
        return None
    return ((job.finished_at or timezone.now()) - job.started_at).total_seconds()


def moment(at: datetime | None) -> str:
    return format_date(timezone.localtime(at), "DATETIME_FORMAT") if at else ""


def status(job: Job) -> SafeString:
    name = _("cancelling") if job.cancel_requested_at and not job.finished else job.get_status_display()
    return format_html('<span class="latent-status is-{}">{}</span>', job.status, name)


def operation_title(job: Job) -> str:
    declaration = job.declaration
    return _(declaration.title) if declaration else job.operation


def thumbnail(address: str, color: str, alternative: str) -> SafeString:
    """A small picture in its place, on its own mean colour until it arrives."""
    return format_html(
        '<img class="latent-thumbnail" src="{}" alt="{}" width="44" height="44" loading="lazy"'
        ' decoding="async" style="background-color: {}">',
        address,
        alternative,
        color,
    )


def asset_address(asset: Asset) -> str:
    return reverse("output-file" if asset.output else "photo-file", args=[asset.pk])


def asset_thumbnail(asset: Asset | None) -> SafeString | None:
    if asset is None or not asset.is_picture:
        return None
    return thumbnail(f"{asset_address(asset)}?size={SIDE}", asset.color, _alternative(asset))


def large_picture(asset: Asset) -> SafeString | None:
    if not asset.is_picture:
        return None
    return format_html(
        '<img class="latent-large" src="{}?size=1024" alt="{}" width="{}" height="{}"'
        ' style="background-color: {}">',
        asset_address(asset),
        _alternative(asset),
        asset.width,
        asset.height,
        asset.color,
    )


def _alternative(asset: Asset) -> str:
    said = _("Output {name}") if asset.output else _("Photo {name}")
    return said.format(name=asset)
