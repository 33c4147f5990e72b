"""A recipe goes into a finished file and comes out again, and the pixels stay what they are."""

import json
import struct
import zlib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ml.core.recipe import HEAD_BYTES, LONGEST_RECIPE, PNG_SIGNATURE, XMP_MARKER, copy, embed, extract
from tests.ml.samples import SAMPLES, encoded, ints, photo, scene, write_sample

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
RECIPE = {"operation": "denoise", "params": {"sigma": None, "title": "Größe “x” <&> \u56fe 🎞"}, "seed": 7}


def webp(kind: str) -> bytes:
    image = Image.fromarray(photo(200, 150)).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    match kind:
        case "lossy":
            return encoded(image.convert("RGB"), "WEBP", quality=80)
        case "lossless":
            return encoded(image.convert("RGB"), "WEBP", lossless=True)
        case "lossless-alpha":
            return encoded(image, "WEBP", lossless=True)
        case "extended-alpha":
            return encoded(image, "WEBP", quality=80)
        case _:
            return encoded(image.convert("RGB"), "WEBP", quality=80, icc_profile=b"profile" * 10)


FILES = {
    "png": encoded(Image.fromarray(photo(200, 150)), "PNG"),
    "png-alpha": encoded(Image.fromarray(ints(scene())).convert("RGBA"), "PNG"),
    "jpeg": encoded(Image.fromarray(photo(200, 150)), "JPEG"),
    "jpeg-exif": encoded(
        Image.fromarray(photo(200, 150)), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"
    ),
    **{
        f"webp-{kind}": webp(kind)
        for kind in ("lossy", "lossless", "lossless-alpha", "extended-alpha", "extended-icc")
    },
}


@pytest.fixture(params=FILES)
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"plain.{request.param}"
    path.write_bytes(FILES[request.param])
    return path


def test_a_recipe_comes_back_and_the_pixels_stay(plain: Path, tmp_path: Path) -> None:
    carrying = tmp_path / "carrying"
    copy(plain, carrying, RECIPE)
    assert extract(carrying) == RECIPE
    assert extract(plain) is None
    with Image.open(plain) as before, Image.open(carrying) as after:
        assert (after.format, after.size, after.mode) == (before.format, before.size, before.mode)
        assert np.array_equal(np.asarray(before), np.asarray(after))
        assert after.info.get("icc_profile") == before.info.get("icc_profile")
        if before.format == "JPEG":
            assert after.quantization == before.quantization
            assert dict(after.getexif()) == dict(before.getexif())


def test_pillow_sees_the_recipe_as_the_standards_say(plain: Path, tmp_path: Path) -> None:
    carrying = tmp_path / "carrying"
    copy(plain, carrying, {"operation": "denoise"})
    with Image.open(carrying) as image:
        if image.format == "PNG":
            assert json.loads(image.info["latent"]) == {"operation": "denoise"}
        else:
            (description,) = ElementTree.fromstring(image.info["xmp"]).iter(f"{RDF}Description")
            assert json.loads(description.attrib["{urn:latent:1.0:}recipe"]) == {"operation": "denoise"}


def test_the_beginning_of_a_file_is_enough(tmp_path: Path) -> None:
    """What is behind it may be streamed from far away."""
    for name, file_format in (("big.png", "PNG"), ("big.jpg", "JPEG"), ("big.webp", "WEBP")):
        data = encoded(
            Image.fromarray(np.random.default_rng(0).integers(0, 255, (400, 400, 3), np.uint8)), file_format
        )
        assert len(data) > HEAD_BYTES
        head, tail = embed(data[:HEAD_BYTES], len(data), RECIPE)
        path = tmp_path / name
        path.write_bytes(head + data[HEAD_BYTES:] + tail)
        assert extract(path) == RECIPE
        Image.open(path).load()


def test_a_webp_says_its_true_size(tmp_path: Path) -> None:
    for kind in ("lossy", "lossless-alpha", "extended-alpha"):
        data = webp(kind)
        head, tail = embed(data, len(data), RECIPE)
        assert int.from_bytes(head[4:8], "little") + 8 == len(head + tail)
        assert head[20] & 0x04, "the flag of XMP"
        assert bool(head[20] & 0x10) == ("alpha" in kind), "the flag of alpha"
        assert int.from_bytes(head[24:27], "little") == 199
        assert int.from_bytes(head[27:30], "little") == 149


@pytest.mark.parametrize("name", ["animation", "avif", "bmp", "rgb-16-tiff"])
def test_other_formats_stay_as_they_are(name: str, tmp_path: Path) -> None:
    data = write_sample(name, tmp_path).read_bytes()
    assert embed(data, len(data), RECIPE) == (data, b"")


@pytest.mark.parametrize("name", FILES)
def test_a_recipe_too_long_for_a_segment_is_left_out(name: str) -> None:
    data = FILES[name]
    assert embed(data, len(data), {"text": "x" * LONGEST_RECIPE}) == (data, b"")


def test_a_recipe_that_another_program_wrote_as_an_element_is_found(tmp_path: Path) -> None:
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:latent="urn:latent:1.0:"><latent:recipe>{"seed": 3}</latent:recipe>'
        b"</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    path = tmp_path / "edited.jpg"
    path.write_bytes(with_segment(packet))
    assert extract(path) == {"seed": 3}


def with_segment(packet: bytes) -> bytes:
    data = FILES["jpeg"]
    return (
        data[:2]
        + b"\xff\xe1"
        + struct.pack(">H", len(XMP_MARKER + packet) + 2)
        + XMP_MARKER
        + packet
        + data[2:]
    )


def with_text(text: bytes) -> bytes:
    data = FILES["png"]
    chunk = struct.pack(">I", len(text)) + b"iTXt" + text + struct.pack(">I", zlib.crc32(b"iTXt" + text))
    return data[:33] + chunk + data[33:]


LAUGHS = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]><a>&c;</a>'


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        PNG_SIGNATURE,
        b"RIFF\xff\xff\xff\xffWEBP",
        b"RIFF\xff\xff\xff\xffWEBPXMP \xff\xff\xff\xff",
        PNG_SIGNATURE + b"\xff\xff\xff\xffiTXtlatent\0\0\0\0\0{}",
        with_text(b"latent\0"),
        with_text(b"latent\0\0\0"),
        with_text(b"latent\0\0\0\0\0not json"),
        with_text(b"latent\0\0\0\0\0[1, 2]"),
        with_text(b"latent\0\0\0\0\0\xff\xfe"),
        with_text(b"latent\0\0\0\0\0" + b"[" * 50_000),
        with_segment(LAUGHS),
        with_segment(b"<a"),
        with_segment(b"\xff\xfe\x00"),
        with_segment(b"<a xmlns:l='urn:latent:1.0:' l:recipe='{'/>"),
    ],
)
def test_hostile_files_carry_nothing_and_raise_nothing(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "hostile"
    path.write_bytes(data)
    assert extract(path) is None
    embed(data, len(data), RECIPE)


def test_a_missing_file_carries_nothing(tmp_path: Path) -> None:
    assert extract(tmp_path / "missing") is None


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recipe") / "mutated"


@pytest.mark.slow
@given(st.data())
@settings(deadline=None, max_examples=150)
def test_damaged_files_never_raise(scratch: Path, data: st.DataObject) -> None:
    original = FILES[data.draw(st.sampled_from(list(FILES)))]
    head, tail = embed(original, len(original), RECIPE)
    damaged = bytearray(head + tail)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    scratch.write_bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    extract(scratch)
    embed(bytes(damaged), len(damaged), RECIPE)


def test_every_sample_survives(tmp_path: Path) -> None:
    for name in SAMPLES:
        path = write_sample(name, tmp_path)
        assert extract(path) is None
