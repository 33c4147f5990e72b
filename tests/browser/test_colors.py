"""A photo is stored in the colours that a colour-managed browser shows."""

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from jobs.intake.decoding import decode
from jobs.intake.developed import Allowed, Order
from jobs.intake.replies import Made
from tests.jobs import profiles
from tests.jobs.hostile import chunk, encode
from tests.jobs.kinds import chrm, cicp, gama, in_linear_light, made_up, png_of

SEEN = made_up(64, 64)
PATCHES = np.kron(made_up(8, 8, disc=False), np.ones((8, 8, 1), np.uint8))
"""For the formats that lose what is sharp: it is colours that are compared."""
MOST_LEVELS = 4
DRAWN = """async address => {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const context = canvas.getContext("2d", {colorSpace: "srgb"});
    context.drawImage(image, 0, 0);
    return Array.from(context.getImageData(0, 0, canvas.width, canvas.height).data);
}"""
P3 = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
SRGB = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
WIDE = (0.3127, 0.329, 0.7, 0.3, 0.2, 0.75, 0.13, 0.05)
PROFILES = {
    "p3": profiles.display_p3(),
    "linear": profiles.linear(b"Linear sRGB"),
    "none": b"",
}


def _profiled() -> Iterator[tuple[str, str, bytes]]:
    for name, profile in PROFILES.items():
        pixels, patches = (
            Image.fromarray(in_linear_light(each) if name == "linear" else each) for each in (SEEN, PATCHES)
        )
        options: dict[str, Any] = {"icc_profile": profile} if profile else {}
        yield f"png {name}", "image/png", encode(pixels, "PNG", **options)
        yield f"jpeg {name}", "image/jpeg", encode(patches, "JPEG", quality=100, subsampling=0, **options)
        yield f"webp {name}", "image/webp", encode(pixels, "WEBP", lossless=True, **options)
        yield (
            f"avif {name}",
            "image/avif",
            encode(patches, "AVIF", quality=100, subsampling="4:4:4", **options),
        )
        yield f"png palette {name}", "image/png", encode(pixels.quantize(200), "PNG", **options)
        yield f"png alpha {name}", "image/png", encode(pixels.convert("RGBA"), "PNG", **options)
    gray = Image.fromarray(PATCHES).convert("L")
    yield "png gray", "image/png", encode(gray, "PNG")
    yield "png gray profile", "image/png", encode(gray, "PNG", icc_profile=profiles.dim_gray())
    yield "jpeg gray", "image/jpeg", encode(gray, "JPEG", quality=100)
    yield (
        "jpeg gray profile",
        "image/jpeg",
        encode(gray, "JPEG", quality=100, icc_profile=profiles.dim_gray()),
    )


def _by_numbers() -> Iterator[tuple[str, str, bytes]]:
    linear = in_linear_light(SEEN)
    for primaries in (1, 9, 12):
        yield f"png cicp {primaries} 13", "image/png", png_of(SEEN, cicp(primaries, 13))
    yield "png cicp 1 8", "image/png", png_of(linear, cicp(1, 8))
    yield "png cicp 12 4", "image/png", png_of(SEEN, cicp(12, 4))
    yield "png cicp 1 1", "image/png", png_of(SEEN, cicp(1, 1))
    yield "png srgb", "image/png", png_of(SEEN, chunk(b"sRGB", b"\0"))
    yield "png srgb and gama", "image/png", png_of(SEEN, chunk(b"sRGB", b"\0"), gama(1))
    for gamma in (1.0, 1.8, 2.2):
        pixels = linear if gamma == 1 else SEEN
        yield f"png gama {gamma} chrm", "image/png", png_of(pixels, gama(gamma), chrm(*SRGB))
        yield f"png gama {gamma} p3", "image/png", png_of(pixels, gama(gamma), chrm(*P3))
    for gamma in (1.0, 2.2):
        yield f"png gama {gamma} alone", "image/png", png_of(SEEN, gama(gamma))
    yield "png gama 1.8 wide", "image/png", png_of(SEEN, gama(1.8), chrm(*WIDE))
    avif = encode(Image.fromarray(PATCHES), "AVIF", quality=100, subsampling="4:4:4")
    place = avif.index(b"colrnclx") + 8
    for primaries, curve in ((12, 13), (9, 13), (1, 13), (1, 1)):
        content = avif[:place] + bytes([0, primaries, 0, curve]) + avif[place + 4 :]
        yield f"avif nclx {primaries} {curve}", "image/avif", content


PICTURES = [*_profiled(), *_by_numbers()]


@pytest.fixture(scope="module")
def canvas(chromium: Browser) -> Iterator[Callable[[str, bytes], Any]]:
    page: Page = chromium.new_page()

    def draw(media_type: str, content: bytes) -> Any:
        address = f"data:{media_type};base64,{base64.b64encode(content).decode()}"
        return np.array(page.evaluate(DRAWN, address)).reshape(64, 64, 4)[:, :, :3]

    yield draw
    page.close()


def test_there_are_as_many_as_are_spoken_of() -> None:
    assert len(PICTURES) >= 40


@pytest.mark.parametrize(("name", "media_type", "content"), PICTURES, ids=[name for name, *_ in PICTURES])
def test_it_is_seen_as_the_browser_shows_it(
    canvas: Callable[[str, bytes], Any], tmp_path: Path, name: str, media_type: str, content: bytes
) -> None:
    (tmp_path / "source").write_bytes(content)
    order = Order(tmp_path / "source", tmp_path / "made", Allowed(40, 40, tmp_path))

    assert isinstance(decode(order), Made)

    with Image.open(io.BytesIO(order.made.read_bytes())) as stored:
        seen = np.asarray(stored.convert("RGB")).astype(int)
    assert np.abs(seen - canvas(media_type, content)).max() <= MOST_LEVELS
