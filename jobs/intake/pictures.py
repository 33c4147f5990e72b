"""An image or an animation, decoded in full and written anew."""

import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from PIL import Image, ImageCms
from PIL.JpegImagePlugin import get_sampling

from jobs.errors import Refused
from jobs.intake.containers import (
    MOST_FRAMES,
    Damaged,
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
from jobs.intake.sniffing import clean_name
from jobs.messages import (
    ANIMATION_TOO_WIDE,
    FIRST_PAGE,
    FROM_OTHER_COLORS,
    FROM_PROFILE,
    PROFILE_LEFT_OUT,
    REDUCED_TO_8_BITS,
    REDUCED_TO_16_BITS,
    TOO_MANY_FRAMES,
    TOO_MANY_PIXELS,
)
from ml.core.formats import FORMATS, FileFormat, Format, Kind
from ml.core.images import (
    decode,
    deep_color,
    foreign_profile,
    frame_count,
    from_pillow,
    mean_color,
    plain,
    png_of,
    to_srgb,
    write_picture,
)
from ml.core.text import Message

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
    data = file.read()
    match file_format.name:
        case "jpeg":
            data = lean_jpeg(data)
        case "png":
            data = lean_png(data)
        case "gif":
            data = lean_gif(data)
            _check_size(*gif_size(data), allowed)  # Pillow may fill the canvas while it opens the file
        case "webp":
            _check_size(*webp_size(data), allowed)  # libwebp makes room for it then
        case "tiff":
            check_tiff(data)
    with Image.open(io.BytesIO(data), formats=(file_format.pillow,)) as image:
        _check_size(*image.size, allowed)
        frames = frame_count(image)
        _check_frames(*image.size, frames, allowed)
        match file_format.name:
            case "avif":
                _check_streams(data, frames, allowed)
            case "tiff":
                _check_tiles(image, allowed)
        upright = orientation(image.info.get("exif", b""))
        if frames > 1:
            return _develop_animation(image, frames, upright)
        if image.mode.startswith(("I", "F")) or (deep_color(image) and not foreign_profile(image)):
            return _develop_deep(image, data, allowed.folder)
        lossy = _is_lossy(file_format, data)
        del data
        return _develop_photo(image, upright, lossy)


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


def _check_tiles(image: Any, allowed: Allowed) -> None:
    if image.tag_v2.get(322, 1) * image.tag_v2.get(323, 1) > allowed.megapixels * 1e6:
        raise Damaged


def _develop_photo(image: Image.Image, upright: int, lossy: bool) -> Developed:
    deep = deep_color(image)
    image.load()
    converted = to_srgb(image)
    notes = _what_changed(image, converted=converted is not image, deep=deep)
    developed = plain(converted)
    del converted
    untouched = developed is image and upright == 1
    if developed is not image:
        image.close()  # frees its pixels before more are needed
    if upright != 1:
        developed = developed.transpose(UPRIGHT[upright])
    if lossy and developed.mode in ("LA", "RGBA") and developed.getextrema()[-1] == (255, 255):
        developed = developed.convert(developed.mode[:-1])
    developed.info = {}
    buffer = io.BytesIO()
    stored = _stored_format(developed, lossy)
    match stored:
        case "jpeg" if untouched and image.format == "JPEG":
            developed.save(buffer, "JPEG", **_own_tables(image))
        case "jpeg":
            developed.save(buffer, "JPEG", quality=95, subsampling=0)
        case "webp":
            developed.save(buffer, "WEBP", lossless=True, quality=0, method=0)
        case "png":
            buffer.write(png_of(developed))
    return Developed(buffer, Kind.IMAGE, stored, *developed.size, _color_of(developed), notes=notes)


def _stored_format(image: Image.Image, lossy: bool) -> FileFormat:
    if not lossy:
        return "png"
    wanted: FileFormat = "webp" if image.mode in ("LA", "RGBA") else "jpeg"
    return wanted if max(image.size) <= FORMATS[wanted].longest_side else "png"


def _own_tables(image: Any) -> dict[str, Any]:
    """What Pillow's quality="keep" stands for, also where components name tables in another order."""
    tables = [image.quantization[component[3]] for component in image.layer[:2]]
    sampling = get_sampling(image)
    return {"qtables": tables, "subsampling": max(sampling, 0)}  # an unusual sampling (-1) becomes 4:4:4


def _develop_deep(image: Image.Image, data: bytes, place: Path) -> Developed:
    """16 bits a channel, which Pillow would cut down to 8 in colour pictures."""
    notes = _what_changed(image, converted=False)
    with Image.open(io.BytesIO(data), formats=(image.format or "",)) as whole:
        whole.load()  # OpenCV does not tell when a file is cut short
    with TemporaryDirectory(dir=place) as folder:
        source, target = Path(folder) / "source", Path(folder) / "target"
        source.write_bytes(data)
        picture = decode(image, source)
        write_picture(picture, target, "png")
        buffer = io.BytesIO(target.read_bytes())
    return Developed(
        buffer, Kind.IMAGE, "png", picture.width, picture.height, mean_color(picture), notes=notes
    )


def _develop_animation(image: Image.Image, count: int, upright: int) -> Developed:
    longest = FORMATS["webp"].longest_side
    if max(image.size) > longest:
        raise Refused(ANIMATION_TOO_WIDE(limit=longest), code="too_many_pixels")
    frames, durations, converted = [], [], False
    # The default picture of an APNG is shown by whoever cannot play it, and is no frame.
    for index in range(1 if image.info.get("default_image") else 0, count):
        image.seek(index)
        image.load()
        in_srgb = to_srgb(image)
        converted = converted or in_srgb is not image
        frame = plain(in_srgb)
        frame = frame.transpose(UPRIGHT[upright]) if upright != 1 else frame.copy()
        frame.info = {}
        frames.append(frame)
        durations.append(round(image.info.get("duration", 0)))
    buffer = io.BytesIO()
    frames[0].save(
        buffer, "WEBP", save_all=True, append_images=frames[1:], duration=durations, loop=_plays(image),
        lossless=True, quality=0, method=0, kmin=0, kmax=0,
    )  # fmt: skip
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
        _what_changed(image, converted=converted),
    )


def _plays(image: Image.Image) -> int:
    """How often an animation is played, 0 for ever. A GIF says how often it is repeated, or nothing: once."""
    if image.format != "GIF":
        return int(image.info.get("loop", 0))
    repeats = image.info.get("loop")
    return 1 if repeats is None else 0 if repeats == 0 else min(repeats + 1, 0xFFFF)


def _what_changed(image: Image.Image, *, converted: bool, deep: bool = False) -> tuple[Message, ...]:
    """What was changed knowingly, a sentence each. `converted`: from its profile; `deep`: it had 16 bits."""
    notes = []
    profile = _profile_name(image)
    if image.mode in ("CMYK", "LAB"):
        notes.append(FROM_OTHER_COLORS(colors=image.mode.replace("LAB", "Lab")))
    elif converted:
        notes.append(FROM_PROFILE(name=profile))
    elif profile == "" or foreign_profile(image):
        notes.append(PROFILE_LEFT_OUT)
    if converted and deep:
        notes.append(REDUCED_TO_8_BITS)
    if image.mode == "I":
        notes.append(REDUCED_TO_16_BITS)
    if image.format == "TIFF" and getattr(image, "is_animated", False):
        notes.append(FIRST_PAGE)
    return tuple(notes)


def _profile_name(image: Image.Image) -> str | None:
    """Of the colour profile; empty where it cannot be read, None where there is none."""
    data = image.info.get("icc_profile")
    if not data:
        return None
    try:
        return clean_name(ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(data))))[:40]
    except (ImageCms.PyCMSError, OSError, ValueError):
        return ""


def _color_of(image: Image.Image) -> str:
    sample = image.resize((min(image.width, 64), min(image.height, 64)), Image.Resampling.NEAREST)
    return mean_color(from_pillow(sample))
