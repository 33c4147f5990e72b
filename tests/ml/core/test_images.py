"""Pictures of every kind come in, and go through every method of every operation, undamaged."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.core.context import Context, Inputs
from ml.core.errors import InputError
from ml.core.execution import execute
from ml.core.formats import FORMATS, Kind
from ml.core.images import Picture, flattened, to_depth, visible_color, write_picture, written_as
from ml.core.reading import facts, read_picture
from ml.registry import registry
from tests.ml.samples import (
    GRAY,
    HEIGHT,
    RGB,
    RGBA,
    SAMPLES,
    STILL,
    WIDTH,
    ints,
    photo,
    truncated,
    write_sample,
)

LOSSLESS = {
    "rgb": ints(RGB),
    "rgba": ints(RGBA),
    "gray": ints(GRAY),
    "gray-16": ints(GRAY, np.uint16),
    "rgb-16": ints(RGB, np.uint16),
    "rgba-16": ints(RGBA, np.uint16),
    "gray-16-tiff": ints(GRAY, np.uint16),
    "rgb-16-tiff": ints(RGB, np.uint16),
    "bmp": ints(RGB),
    "webp-alpha": ints(RGBA),
}
METHODS = [
    ("denoise", {"method": "nlm", "sigma": 10}),
    ("denoise", {"method": "bilateral", "sigma": 10}),
    ("denoise", {"method": "median", "sigma": 10}),
    ("denoise", {"method": "gaussian", "sigma": 10}),
    ("super-resolution", {"method": "bicubic", "scale": 2}),
    ("super-resolution", {"method": "real-esrgan-compact", "scale": 3}),
    ("transform", {"action": "resize", "percent": 200}),
    ("transform", {"action": "crop"}),
    ("transform", {"action": "rotate", "angle": 30}),
    ("transform", {"action": "flip"}),
    ("transform", {"action": "copy"}),
]


def run(slug: str, params: dict[str, object], path: Path) -> Picture:
    operation = registry().get(slug)
    result = execute(operation, operation.parse(params), Inputs({"image": [path]}), Context())
    return next(iter(result.images.values()))


@pytest.mark.parametrize("name", SAMPLES)
def test_it_reads_every_kind_in_the_least_form_that_holds_it(name: str, tmp_path: Path) -> None:
    path = write_sample(name, tmp_path)
    _, channels, depth, _ = SAMPLES[name]
    picture, known = read_picture(path), facts(path)
    assert (picture.pixels.shape[2], picture.pixels.dtype) == (channels, depth)
    assert (known.width, known.height) == (picture.width, picture.height)


@pytest.mark.parametrize("name", LOSSLESS)
def test_it_reads_lossless_pictures_exactly(name: str, tmp_path: Path) -> None:
    assert np.array_equal(read_picture(write_sample(name, tmp_path)).pixels, LOSSLESS[name])


@pytest.mark.parametrize("name", ["jpeg", "cmyk", "webp", "avif", "palette"])
def test_it_reads_lossy_pictures_nearly(name: str, tmp_path: Path) -> None:
    pixels = read_picture(write_sample(name, tmp_path)).pixels.astype(int)
    assert np.abs(pixels - ints(RGB)).mean() < 9


def test_it_turns_a_picture_as_its_exif_says(tmp_path: Path) -> None:
    path = write_sample("turned", tmp_path)
    picture = read_picture(path)
    assert (picture.width, picture.height) == (HEIGHT, WIDTH)
    assert np.abs(picture.pixels.astype(int) - np.rot90(ints(RGB), -1)).mean() < 6


def test_it_converts_a_wide_gamut_to_srgb(tmp_path: Path) -> None:
    path = write_sample("wide-gamut", tmp_path)
    stored = ints(RGB).astype(int)
    read = read_picture(path).pixels.astype(int)
    strongest_red = np.unravel_index(np.argmax(stored[:, :, 0] - stored[:, :, 1]), stored.shape[:2])
    assert read[strongest_red][0] >= stored[strongest_red][0]
    assert read[strongest_red][1] < stored[strongest_red][1] - 3


def test_it_keeps_a_hole_in_a_palette(tmp_path: Path) -> None:
    alpha = read_picture(write_sample("palette-with-hole", tmp_path)).alpha
    assert alpha is not None
    assert alpha.min() == 0
    assert alpha.max() == 255


def test_it_reads_the_first_frame_and_counts_them_all(tmp_path: Path) -> None:
    path = write_sample("animation", tmp_path)
    assert facts(path).kind is Kind.ANIMATION
    assert facts(path).frames == 3
    assert read_picture(path).pixels[0, 0].tolist() == [255, 0, 0]


def test_the_second_page_of_a_tiff_is_no_frame(tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    Image.new("L", (4, 4)).save(path, save_all=True, append_images=[Image.new("L", (4, 4))])
    assert facts(path).kind is Kind.IMAGE


@pytest.mark.parametrize(
    ("source", "channels", "depth", "written"),
    [
        ("jpeg", 3, np.uint8, "jpeg"),
        ("heic", 3, np.uint8, "jpeg"),
        ("avif", 1, np.uint8, "jpeg"),
        ("webp", 3, np.uint8, "webp"),
        ("jpeg", 4, np.uint8, "webp"),
        ("jpeg", 3, np.uint16, "png"),
        ("png", 3, np.uint8, "png"),
        ("raw", 3, np.uint16, "png"),
        ("gif", 4, np.uint8, "png"),
        (None, 3, np.uint8, "png"),
    ],
)
def test_a_result_is_written_like_its_photo(
    source: str | None, channels: int, depth: type, written: str
) -> None:
    picture = Picture(np.zeros((2, 3, channels), depth))
    assert written_as("photo", picture, FORMATS[source] if source else None) == written
    assert written_as("webp", picture, FORMATS["jpeg"]) == "webp"


def test_what_is_too_long_for_the_format_of_its_photo_is_png() -> None:
    assert written_as("photo", Picture(np.zeros((1, 66_000, 3), np.uint8)), FORMATS["jpeg"]) == "png"


@pytest.mark.parametrize("name", ["rgb", "jpeg", "webp", "gray-16", "rgb-16", "rgb-16-tiff", "bmp"])
def test_it_refuses_a_truncated_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_picture(truncated(write_sample(name, tmp_path)))


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"not a picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>"]
)
def test_it_refuses_what_is_no_picture(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    for read in (facts, read_picture):
        with pytest.raises(InputError):
            read(path)


def test_the_header_alone_tells_the_size(tmp_path: Path) -> None:
    path = truncated(write_sample("rgb", tmp_path))
    assert (facts(path).width, facts(path).height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("name", LOSSLESS)
def test_png_loses_nothing(name: str, tmp_path: Path) -> None:
    path = tmp_path / "written.png"
    write_picture(Picture(LOSSLESS[name]), path, "png")
    assert np.array_equal(read_picture(path).pixels, LOSSLESS[name])


def test_gray_with_alpha_of_16_bits_survives_a_png(tmp_path: Path) -> None:
    pixels = np.concatenate([ints(GRAY, np.uint16), ints(RGBA[:, :, 3:], np.uint16)], axis=2)
    path = tmp_path / "written.png"
    write_picture(Picture(pixels), path, "png")
    assert np.array_equal(read_picture(path).pixels, pixels)


def test_jpeg_puts_a_transparent_picture_on_white(tmp_path: Path) -> None:
    path = tmp_path / "written.jpg"
    write_picture(Picture(ints(RGBA)), path, "jpeg")
    pixels = read_picture(path).pixels
    assert pixels.shape[2] == 3
    assert pixels[:, :4].min() > 245


def test_a_format_too_small_for_the_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="16383"):
        write_picture(Picture(np.zeros((1, 16_384, 1), np.uint8)), tmp_path / "wide.webp", "webp")


def test_what_hides_under_transparency_is_not_drawn_in() -> None:
    pixels = np.full((40, 40, 4), (200, 100, 50, 255), np.uint8)
    pixels[:, :20] = 0
    assert np.abs(visible_color(Picture(pixels))[:, 10:].astype(int) - (200, 100, 50)).max() <= 1


@pytest.mark.sampled(12)
@pytest.mark.parametrize("name", STILL)
@pytest.mark.parametrize(("slug", "params"), METHODS, ids=lambda value: str(value))
def test_no_method_damages_a_picture(slug: str, params: dict[str, object], name: str, tmp_path: Path) -> None:
    """Depth and colour stay, alpha stays, and on the whole the result shows what the picture shows."""
    path = write_sample(name, tmp_path)
    before = read_picture(path)
    after = run(slug, params, path)
    assert after.pixels.dtype == before.pixels.dtype
    assert after.gray == before.gray
    if params.get("angle") is None:
        assert (after.alpha is None) == (before.alpha is None)
    scale = after.height / before.height
    if params.get("action") in (None, "resize", "crop", "copy"):
        assert (after.width, after.height) == (before.width * scale, before.height * scale)
        small = Picture(to_depth(after.pixels, np.uint8))
        reference = Picture(to_depth(before.pixels, np.uint8))
        shown = flattened(small, 0.5).to_pillow().resize((before.width, before.height), Image.Resampling.BOX)
        difference = np.asarray(shown).astype(int) - np.asarray(flattened(reference, 0.5).to_pillow())
        assert np.abs(difference).mean() < 16
        assert abs(difference.mean()) < 4
    written = tmp_path / "result.png"
    write_picture(after, written, "png")
    assert np.array_equal(read_picture(written).pixels, after.pixels)


@pytest.mark.parametrize("name", ["rgba", "rgba-16", "gray-alpha", "webp-alpha"])
@pytest.mark.parametrize("method", ["nlm", "bilateral", "median", "gaussian"])
def test_denoising_leaves_alpha_alone(method: str, name: str, tmp_path: Path) -> None:
    path = write_sample(name, tmp_path)
    before, after = read_picture(path), run("denoise", {"method": method, "sigma": 20}, path)
    assert before.alpha is not None
    assert after.alpha is not None
    assert np.array_equal(after.alpha, before.alpha)


@pytest.mark.parametrize(
    ("slug", "params"), [item for item in METHODS if "scale" in item[1] or "sigma" in item[1]]
)
def test_16_bits_are_more_than_8_bits_spread_out(
    slug: str, params: dict[str, object], tmp_path: Path
) -> None:
    path = tmp_path / "fine.png"
    fine = to_depth(photo(32, 24), np.uint16) // 16 + np.arange(32, dtype=np.uint16)[None, :, None]
    write_picture(Picture(fine.astype(np.uint16)), path, "png")
    after = run(slug, params, path)
    assert after.pixels.max() < 65535 // 10
    assert len(np.unique(after.pixels)) > 300
