"""What is told of a photo beside its pixels: when and with what it was taken, by whom, and where.

Values are parsed out of EXIF (Exif 2.32), bounded, and written anew; no byte of what was there is copied.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any

from PIL import Image
from PIL.TiffImagePlugin import IFDRational
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ml.core.text import excerpt

EXIF_HEADER = b"Exif\0\0"
CAMERA_DIRECTORY, PLACE_DIRECTORY = 0x8769, 0x8825
MAKER, CAMERA, SOFTWARE, ARTIST, COPYRIGHT, CHANGED = 0x010F, 0x0110, 0x0131, 0x013B, 0x8298, 0x0132
WIDTH_DOTS, HEIGHT_DOTS, DOTS_UNIT = 0x011A, 0x011B, 0x0128
EXPOSURE, APERTURE, ISO, TAKEN, DIGITISED, FOCAL_LENGTH, LENS = (
    0x829A, 0x829D, 0x8827, 0x9003, 0x9004, 0x920A, 0xA434,
)  # fmt: skip
OFFSETS = {TAKEN: 0x9011, DIGITISED: 0x9012, CHANGED: 0x9010}
"""Of the time zone, by the date that they are for."""
INCH, CENTIMETRE = 2, 3
OURS = "Latent"
FINEST = 1_000_000
"""No fraction that is written has a larger denominator."""


def _date(text: str) -> str:
    datetime.fromisoformat(text)
    return text


Words = Annotated[str, Field(min_length=1, max_length=200)]
Date = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[+-]\d\d:\d\d)?$"), AfterValidator(_date)
]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class About(BaseModel):
    """Facts of a photo; None where they are not known. `exposure` is in seconds, `focal_length` in millimetres."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    taken: Date | None = None
    """ISO 8601, with a time zone where that is known."""
    maker: Words | None = None
    camera: Words | None = None
    lens: Words | None = None
    exposure: float | None = Field(None, gt=0, le=1_000_000)
    aperture: float | None = Field(None, gt=0, le=1000)
    iso: int | None = Field(None, ge=1, le=100_000_000)
    focal_length: float | None = Field(None, gt=0, le=100_000)
    dpi: float | None = Field(None, ge=1, le=100_000)
    artist: Words | None = None
    copyright: Words | None = None
    place: tuple[Latitude, Longitude] | None = None
    """Degrees north and east."""

    def known(self) -> dict[str, Any]:
        """What is known, ready for JSON."""
        return self.model_dump(mode="json", exclude_none=True)

    def without_place(self) -> "About":
        return self.model_copy(update={"place": None})


NOTHING_KNOWN = About()


def about_of(exif: bytes, dpi: float | None = None) -> About:
    """By EXIF, or by a whole TIFF; `dpi` as the format itself says it. What cannot be understood is left out."""
    tags = Image.Exif()
    try:
        tags.load(exif)
        camera, place = tags.get_ifd(CAMERA_DIRECTORY), tags.get_ifd(PLACE_DIRECTORY)
    except Exception:  # a hostile directory may raise anything, and a picture is no worse for it
        return _checked({"dpi": dpi})
    return _checked(
        {
            "taken": _taken(tags, camera),
            "maker": _words(tags.get(MAKER)),
            "camera": _words(tags.get(CAMERA)),
            "lens": _words(camera.get(LENS)),
            "exposure": _number(camera.get(EXPOSURE)),
            "aperture": _number(camera.get(APERTURE)),
            "iso": _whole(camera.get(ISO)),
            "focal_length": _number(camera.get(FOCAL_LENGTH)),
            "dpi": dpi or _dpi(tags),
            "artist": _words(tags.get(ARTIST)),
            "copyright": _words(tags.get(COPYRIGHT)),
            "place": _place(place),
        }
    )


def exif_of(about: About) -> bytes:
    """EXIF that says so, and which program wrote it."""
    tags = Image.Exif()
    tags[SOFTWARE] = OURS
    for tag, words in (
        (MAKER, about.maker),
        (CAMERA, about.camera),
        (ARTIST, about.artist),
        (COPYRIGHT, about.copyright),
    ):
        if words:
            tags[tag] = _ascii(words)
    if about.dpi:
        tags[WIDTH_DOTS] = tags[HEIGHT_DOTS] = _fraction(about.dpi)
        tags[DOTS_UNIT] = INCH
    camera = tags.get_ifd(CAMERA_DIRECTORY)
    if about.taken:
        camera[TAKEN] = about.taken[:19].replace("-", ":").replace("T", " ")
        if about.taken[19:]:
            camera[OFFSETS[TAKEN]] = about.taken[19:]
    if about.lens:
        camera[LENS] = _ascii(about.lens)
    for tag, number in (
        (EXPOSURE, about.exposure),
        (APERTURE, about.aperture),
        (FOCAL_LENGTH, about.focal_length),
    ):
        if number:
            camera[tag] = _fraction(number)
    if about.iso and about.iso <= 0xFFFF:
        camera[ISO] = about.iso
    if about.place:
        tags.get_ifd(PLACE_DIRECTORY).update(_directions(*about.place))
    return tags.tobytes()


def _checked(found: Mapping[str, Any]) -> About:
    """Each fact for itself: one that cannot be is left out."""
    known = {}
    for name, value in found.items():
        try:
            known[name] = getattr(About.model_validate({name: value}), name)
        except ValidationError:
            continue
    return About(**known)


def _taken(tags: Mapping[int, Any], camera: Mapping[int, Any]) -> str | None:
    for tag, directory in ((TAKEN, camera), (DIGITISED, camera), (CHANGED, tags)):
        said = re.fullmatch(
            r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)", _words(directory.get(tag)) or "", re.ASCII
        )
        if said:
            year, month, day, time = said.groups()
            offset = _words(camera.get(OFFSETS[tag])) or ""
            zone = offset if re.fullmatch(r"[+-](?:0\d|1[0-4]):[0-5]\d", offset, re.ASCII) else ""
            return f"{year}-{month}-{day}T{time}{zone}"
    return None


def _words(value: Any) -> str | None:
    """Pillow reads UTF-8, which many programs write, as Latin-1."""
    if isinstance(value, str):
        value = value.encode("latin-1", "replace")
    if not isinstance(value, bytes):
        return None
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    return excerpt(text.split("\0")[0], 200) or None


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None


def _whole(value: Any) -> int | None:
    number = _number(value[0] if isinstance(value, tuple) and value else value)
    return int(number) if number is not None and abs(number) < 1e12 else None


def _dpi(tags: Mapping[int, Any]) -> float | None:
    dots = _number(tags.get(WIDTH_DOTS))
    match tags.get(DOTS_UNIT, INCH):
        case 2:
            return dots
        case 3:
            return dots and dots * 2.54
    return None


def _place(directory: Mapping[int, Any]) -> tuple[float, float] | None:
    north, east = _degrees(directory.get(2)), _degrees(directory.get(4))
    if north is None or east is None or not (directory.get(1) and directory.get(3)):
        return None
    south, west = str(directory[1])[:1] == "S", str(directory[3])[:1] == "W"
    return (-north if south else north, -east if west else east)


def _degrees(value: Any) -> float | None:
    """Of degrees, minutes and seconds."""
    parts = [_number(part) for part in value] if isinstance(value, tuple) and len(value) == 3 else [None]
    known = [part for part in parts if part is not None]
    if len(known) < 3:
        return None
    return known[0] + known[1] / 60 + known[2] / 3600


def _directions(north: float, east: float) -> dict[int, Any]:
    def parts(degrees: float) -> tuple[IFDRational, ...]:
        seconds = round(abs(degrees) * 3600 * 10_000)
        whole, rest = divmod(seconds, 3600 * 10_000)
        minutes, rest = divmod(rest, 60 * 10_000)
        return IFDRational(whole, 1), IFDRational(minutes, 1), IFDRational(rest, 10_000)

    return {1: "S" if north < 0 else "N", 2: parts(north), 3: "W" if east < 0 else "E", 4: parts(east)}


def _fraction(value: float) -> IFDRational:
    exact = Fraction(value).limit_denominator(FINEST)
    return IFDRational(exact.numerator, exact.denominator)


def _ascii(words: str) -> bytes:
    """As programs write what is none: in UTF-8."""
    return words.encode()
