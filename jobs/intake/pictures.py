"""An image or an animation, decoded in full and written anew."""

import io
from dataclasses import replace
from typing import IO, Any

from PIL import Image
from PIL.JpegImagePlugin import get_sampling

from jobs.errors import Refused
from jobs.intake.containers import (
    MOST_FRAMES,
    check_tiff,
    gif_size,
    lean_gif,
    lean_jpeg,
    lean_png,
    orientation,
    webp_is_lossless,
    webp_size,
)
from jobs.intake.developed import Allowed, Developed
from jobs.messages import ANIMATION_TOO_WIDE, TOO_MANY_FRAMES, TOO_MANY_PIXELS
from ml.core.about import about_of
from ml.core.animations import plays, write_animation
from ml.core.colors import HEAD_BYTES, Colors, colors_of, to_srgb
from ml.core.formats import FORMATS, FileFormat, Format, Kind
from ml.core.images import from_pillow, mean_color, plain, png_of, write_picture
from ml.core.reading import Read, decode, frame_count, is_deep, loaded, reader_of, what_changed

ANIMATION_FACTOR = 2  # the frames of an animation together hold at most so many times the pixels of a photo
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by EXIF's orientation


def receive_picture(file: IO[bytes], file_format: Format, allowed: Allowed) -> Developed:
    """An image or an animation, decoded and written anew."""
    data, exif = file.read(), b""
    match file_format.name:
        case "jpeg":
            data, exif = lean_jpeg(data)
        case "png":
            data, exif = lean_png(data)
        case "gif":
            data = lean_gif(data)
            _check_size(*gif_size(data), allowed)  # Pillow may fill the canvas while it opens the file
        case "webp":
            _check_size(*webp_size(data), allowed)  # libwebp makes room for it then
        case "tiff" | "raw":
            check_tiff(data, round(allowed.megapixels * 1e6))
            exif = data  # which is built as a TIFF is
    if reader := reader_of(file_format, io.BytesIO(data)):
        _check_size(*reader.size(), allowed)
        return replace(_kept(reader.read(), reader.lossy), about=about_of(exif or reader.exif()))
    with Image.open(io.BytesIO(data), formats=(file_format.pillow,)) as image:
        _check_size(*image.size, allowed)
        about = about_of(exif or image.info.get("exif", b""), _dpi(image))
        return replace(_developed(image, file_format, data, allowed), about=about)


def _developed(image: Image.Image, file_format: Format, data: bytes, allowed: Allowed) -> Developed:
    frames = frame_count(image)
    _check_frames(*image.size, frames, allowed)
    if file_format.name == "avif":
        _check_streams(data, frames, allowed)
    colors = colors_of(image, data[:HEAD_BYTES])
    if frames > 1:
        return _develop_animation(image, frames, colors)
    if is_deep(image):
        return _kept(Read(decode(image, lambda: data, colors), what_changed(image, colors)), lossy=False)
    return _develop_photo(image, colors, _is_lossy(file_format, data))


def _dpi(image: Image.Image) -> float | None:
    """As the format says it; of a JPEG, Pillow makes one up where there is none."""
    if image.format == "JPEG" and image.info.get("jfif_unit") not in (1, 2):
        return None
    said = image.info.get("dpi")
    return float(said[0]) if said else None


def _is_lossy(file_format: Format, data: bytes) -> bool:
    return file_format.name in ("jpeg", "avif") or (file_format.name == "webp" and not webp_is_lossless(data))


def _check_size(width: int, height: int, allowed: Allowed) -> None:
    limit = allowed.megapixels
    megapixels = width * height / 1e6
    if megapixels > limit:
        raise Refused(TOO_MANY_PIXELS(width=width, height=height, megapixels=megapixels, limit=limit))


def _check_frames(width: int, height: int, frames: int, allowed: Allowed) -> None:
    limit = ANIMATION_FACTOR * allowed.megapixels
    if frames > MOST_FRAMES or frames * width * height / 1e6 > limit:
        raise Refused(TOO_MANY_FRAMES(frames=MOST_FRAMES, limit=limit))


def _check_streams(data: bytes, frames: int, allowed: Allowed) -> None:
    """The pictures of an AVIF are decoded as large as its streams say."""
    from jobs.intake.av1 import sizes_in_avif  # loads FFmpeg, which few photos need

    for width, height in sizes_in_avif(data):
        _check_size(width, height, allowed)
        _check_frames(width, height, frames, allowed)


def _develop_photo(image: Image.Image, colors: Colors, lossy: bool) -> Developed:
    upright = orientation(image.info.get("exif", b""))
    pixels = loaded(image)
    converted = to_srgb(pixels, colors)
    notes = what_changed(image, colors)
    developed = plain(converted)
    del converted, pixels
    untouched = developed is image and upright == 1
    if developed is not image:
        image.close()  # frees its pixels before more are needed
    if upright != 1:
        developed = developed.transpose(UPRIGHT[upright])
    if lossy and developed.mode in ("LA", "RGBA") and developed.getextrema()[-1] == (255, 255):
        developed = developed.convert(developed.mode[:-1])
    developed.info = {}
    buffer = io.BytesIO()
    stored = _encoded(developed, lossy, buffer, **(_own_tables(image) if untouched else {}))
    return Developed(buffer, Kind.IMAGE, stored, *developed.size, _color_of(developed), notes=notes)


def _encoded(image: Image.Image, lossy: bool, buffer: IO[bytes], **tables: Any) -> FileFormat:
    """`tables` are those of a JPEG that need not be coded in finer ones."""
    stored = _stored_format(image, lossy)
    match stored:
        case "jpeg":
            image.save(buffer, "JPEG", **(tables or {"quality": 95, "subsampling": 0}))
        case "webp":
            image.save(buffer, "WEBP", lossless=True, quality=0, method=0)
        case "png":
            buffer.write(png_of(image))
    return stored


def _stored_format(image: Image.Image, lossy: bool) -> FileFormat:
    if not lossy:
        return "png"
    wanted: FileFormat = "webp" if image.mode in ("LA", "RGBA") else "jpeg"
    return wanted if max(image.size) <= FORMATS[wanted].longest_side else "png"


def _own_tables(image: Any) -> dict[str, Any]:
    """What Pillow's quality="keep" stands for, also where components name tables in another order."""
    if image.format != "JPEG":
        return {}
    tables = [image.quantization[component[3]] for component in image.layer[:2]]
    sampling = get_sampling(image)
    return {"qtables": tables, "subsampling": max(sampling, 0)}  # an unusual sampling (-1) becomes 4:4:4


def _kept(read: Read, lossy: bool) -> Developed:
    """Without further loss; all of its bits, where it has 16."""
    picture, buffer = read.picture, io.BytesIO()
    color, size = mean_color(picture), (picture.width, picture.height)
    if picture.peak == 255:
        stored = _encoded(picture.to_pillow(), lossy, buffer)
    else:
        stored = "png"
        write_picture(picture, buffer, stored)
    return Developed(buffer, Kind.IMAGE, stored, *size, color, notes=read.notes)


def _develop_animation(image: Image.Image, count: int, colors: Colors) -> Developed:
    longest = FORMATS["webp"].longest_side
    if max(image.size) > longest:
        raise Refused(ANIMATION_TOO_WIDE(limit=longest), code="too_many_pixels")
    upright = orientation(image.info.get("exif", b""))
    frames, durations = [], []
    # The default picture of an APNG is shown by whoever cannot play it, and is no frame.
    for index in range(1 if image.info.get("default_image") else 0, count):
        image.seek(index)
        frame = plain(to_srgb(loaded(image), colors))
        frame = frame.transpose(UPRIGHT[upright]) if upright != 1 else frame.copy()
        frame.info = {}
        frames.append(frame)
        durations.append(round(image.info.get("duration", 0)))
    buffer = io.BytesIO()
    write_animation(frames, durations, plays(image), buffer)
    with Image.open(buffer, formats=("WEBP",)) as stored:  # equal frames in a row have become one
        kept = getattr(stored, "n_frames", 1)
    kind = Kind.ANIMATION if kept > 1 else Kind.IMAGE
    seconds = sum(durations) / 1000 if kept > 1 else 0.0
    return Developed(
        buffer,
        kind,
        "webp",
        *frames[0].size,
        _color_of(frames[0]),
        kept,
        seconds,
        what_changed(image, colors),
    )


def _color_of(image: Image.Image) -> str:
    sample = image.resize((min(image.width, 64), min(image.height, 64)), Image.Resampling.NEAREST)
    return mean_color(from_pillow(sample))
