"""Facts of a photo are parsed, bounded and written anew."""

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from ml.core.about import About, about_of, exif_of
from ml.core.recipe import HEAD_BYTES, embed
from tests.ml.samples import encoded, photo

ALL = About(
    taken="2020-01-02T03:04:05+01:00", maker="Mäker", camera="X1", lens="50 mm ƒ/1.8", exposure=1 / 250, aperture=2.8,
    iso=400, focal_length=50.5, dpi=300, artist="Émile", copyright="© Émile", place=(51.4778, -0.0014),
)  # fmt: skip
PICTURE = Image.fromarray(photo(60, 40))


def test_all_facts_come_back() -> None:
    assert about_of(exif_of(ALL)) == ALL
    assert about_of(exif_of(ALL.without_place())) == ALL.model_copy(update={"place": None})


def test_what_was_left_out_is_not_in_the_bytes() -> None:
    assert b"GPS" not in exif_of(ALL.without_place())
    assert 0x8825 not in dict(_read(exif_of(ALL.without_place())))
    assert 0x8825 in dict(_read(exif_of(ALL)))


def test_it_says_which_program_wrote_it() -> None:
    assert _read(exif_of(About()))[0x0131] == "Latent"


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "webp-alpha"])
def test_a_file_carries_them_and_its_pixels_stay(name: str) -> None:
    plain = {
        "jpeg": encoded(PICTURE, "JPEG"),
        "png": encoded(PICTURE, "PNG"),
        "webp": encoded(PICTURE, "WEBP"),
        "webp-alpha": encoded(PICTURE.convert("RGBA"), "WEBP", lossless=True),
    }[name]

    head, tail = embed(plain[:HEAD_BYTES], len(plain), {"operation": "denoise"}, exif_of(ALL), ALL.dpi)

    with Image.open(io.BytesIO(head + tail)) as laden, Image.open(io.BytesIO(plain)) as bare:
        assert about_of(laden.info["exif"]) == ALL
        assert laden.tobytes() == bare.tobytes()
        if name in ("jpeg", "png"):
            assert laden.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert b"denoise" in head + tail


@pytest.mark.parametrize(
    ("tag", "value", "name"),
    [
        (0x9003, "2020:13:02 03:04:05", "taken"),
        (0x9003, "0000:00:00 00:00:00", "taken"),
        (0x9003, "yesterday", "taken"),
        (0x829A, IFDRational(1, 0), "exposure"),
        (0x829A, IFDRational(0, 1), "exposure"),
        (0x829D, (1.0, 2.0), "aperture"),
        (0x8827, 0, "iso"),
        (0x920A, b"\0\0", "focal_length"),
        (0xA434, "\0\x01\x02 ", "lens"),
    ],
)
def test_what_cannot_be_is_left_out_and_the_rest_stays(tag: int, value: Any, name: str) -> None:
    tags = Image.Exif()
    tags[0x0110] = "X1"
    tags.get_ifd(0x8769)[tag] = value

    about = about_of(tags.tobytes())

    assert (getattr(about, name), about.camera) == (None, "X1")


@pytest.mark.parametrize(
    ("directory", "place"),
    [
        ({1: "S", 2: (10.0, 30.0, 0.0), 3: "W", 4: (20.0, 0.0, 36.0)}, (-10.5, -20.01)),
        ({1: "N", 2: (91.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)}, None),
        ({2: (10.0, 0.0, 0.0), 4: (20.0, 0.0, 0.0)}, None),
        ({1: "N", 2: (10.0,), 3: "E", 4: (20.0, 0.0, 0.0)}, None),
    ],
)
def test_a_place_is_degrees_north_and_east(
    directory: dict[int, Any], place: tuple[float, float] | None
) -> None:
    tags = Image.Exif()
    tags.get_ifd(0x8825).update(directory)

    assert about_of(tags.tobytes()).place == (place and pytest.approx(place))


def test_words_are_bounded_and_can_be_seen() -> None:
    tags = Image.Exif()
    tags[0x013B] = "a" * 5000
    tags[0x8298] = "two\n lines\x07"

    about = about_of(tags.tobytes())

    assert about.artist == "a" * 199 + "…"
    assert about.copyright == "two lines"


@pytest.mark.parametrize(("unit", "dpi"), [(2, 300), (3, 762), (1, None)])
def test_a_resolution_is_in_dots_an_inch(unit: int, dpi: float | None) -> None:
    tags = Image.Exif()
    tags[0x011A], tags[0x0128] = 300.0, unit

    assert about_of(tags.tobytes()).dpi == dpi


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_bytes_break_it(data: st.DataObject) -> None:
    sound = bytearray(exif_of(ALL))
    for _flip in range(data.draw(st.integers(1, 12))):
        sound[data.draw(st.integers(0, len(sound) - 1))] = data.draw(st.integers(0, 255))

    about = about_of(bytes(sound[: data.draw(st.integers(0, len(sound)))]))

    assert about_of(exif_of(about)).known().keys() <= ALL.known().keys()


def _read(exif: bytes) -> Image.Exif:
    tags = Image.Exif()
    tags.load(exif)
    return tags
