"""The facts of a photo, as its owner reads them."""

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from ml.core.about import About


def facts(about: About) -> list[tuple[str, str]]:
    """Title and value of each that is known."""
    found = {
        _("Taken"): _date(about.taken) if about.taken else "",
        _("Camera"): _camera(about.maker or "", about.camera or ""),
        _("Lens"): about.lens,
        _("Exposure"): ", ".join(_exposure(about)),
        _("Resolution"): _("{count} dots an inch").format(count=f"{about.dpi:g}") if about.dpi else "",
        _("By"): about.artist,
        _("Copyright"): about.copyright,
        _("Place"): "{:.5f}°, {:.5f}°".format(*about.place) if about.place else "",
    }
    return [(title, value) for title, value in found.items() if value]


def _date(taken: str) -> str:
    """By the clock of the camera."""
    return date_format(datetime.fromisoformat(taken).replace(tzinfo=None), "j F Y, H:i")


def _camera(maker: str, camera: str) -> str:
    """Many say who made them twice."""
    return camera if camera.casefold().startswith(maker.casefold()) else f"{maker} {camera}".strip()


def _exposure(about: About) -> Iterator[str]:
    if about.exposure:
        short = Fraction(about.exposure).limit_denominator(100_000)
        yield f"1/{round(1 / short)} s" if short < Fraction(1, 3) else f"{about.exposure:g} s"
    if about.aperture:
        yield f"f/{about.aperture:g}"
    if about.iso:
        yield f"ISO {about.iso}"
    if about.focal_length:
        yield f"{about.focal_length:g} mm"
