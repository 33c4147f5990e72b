"""The parts of a picture file that make the picture, and nothing else: what a decoder is given of an upload.

Each function takes the bytes of a file and returns those of a smaller one with the same pixels: no text, no
comment, no second picture, nothing behind the end; of EXIF the orientation alone. What no honest file has
millions of (chunks, scans, frames) is counted: a decoder would be busy for minutes. They raise `Damaged`.
"""

import io
import re
import struct
import zlib

from PIL import Image

from ml.core.reading import ORIENTATION
from ml.core.tiff_tags import NoDirectory, directories

# Pillow walks the segments of a JPEG, the chunks of a PNG and the strips of a TIFF in Python: 15 microseconds each.
MOST_PARTS = 20_000
MOST_STRIPS = 50_000
MOST_FRAMES = 1000
MOST_SCANS = 64  # a progressive JPEG has about 10; each one costs a pass over the whole picture

# Neither a stuffed byte nor a restart. Fill bytes before it are not matched: `\xff+` would begin anew at each of them.
JPEG_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
SOI, EOI, SOS = 0xD8, 0xD9, 0xDA
JPEG_APPLICATION = range(0xE0, 0xF0)
JPEG_COMMENT = 0xFE
JPEG_KEPT = (b"JFIF\0", b"ICC_PROFILE\0", b"Adobe")  # application data that say how colours are meant
JPEG_EXIF = b"Exif\0\0"

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_KEPT = {
    b"IHDR",
    b"PLTE",
    b"tRNS",
    b"iCCP",
    b"cICP",
    b"gAMA",
    b"cHRM",
    b"sRGB",
    b"pHYs",
    b"acTL",
    b"fcTL",
    b"fdAT",
    b"IDAT",
    b"IEND",
}

TIFF_STRIPS = (273, 279, 324, 325)  # where strips and tiles are, and how long

GIF_CONTROL = re.compile(rb"!\xf9\x04.{4}\0", re.DOTALL)
GIF_BLOCK = re.compile(rb"[;!,]")
GIF_LOOP = re.compile(rb"!\xff\x0bNETSCAPE2\.0\x03\x01..\0", re.DOTALL)


class Damaged(ValueError):
    """The file is cut short, or not built as its format says."""


def orientation(exif: bytes) -> int:
    """EXIF's orientation, 1 to 8; whatever cannot be understood is upright."""
    tags = Image.Exif()
    try:
        tags.load(exif)
        value = tags.get(ORIENTATION, 1)
    except Exception:  # a hostile directory may raise anything, and a picture is no worse for it
        return 1
    return int(value) if value in range(1, 9) else 1


def exif_of(value: int) -> bytes:
    """EXIF that holds an orientation alone."""
    return JPEG_EXIF + b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, ORIENTATION, 3, 1, value, 0, 0)


def lean_jpeg(data: bytes) -> tuple[bytes, bytes]:
    """A JPEG from its start to its end mark, and the EXIF that it had."""
    kept, exif = [data[:2]], b""
    position, parts, scans, entropy = 2, 0, 0, False
    while match := JPEG_MARKER.search(data, position):
        if entropy:
            kept.append(data[position : match.start()].rstrip(b"\xff"))
        marker = match[1][0]
        if marker in (SOI, EOI):
            break
        start, end = match.end(), match.end() + _unsigned(">H", data, match.end())
        parts, scans = parts + 1, scans + (marker == SOS)
        if end > len(data) or parts > MOST_PARTS or scans > MOST_SCANS:
            raise Damaged
        body = data[start + 2 : min(end, start + 16)]
        if marker == JPEG_APPLICATION[1] and body.startswith(JPEG_EXIF):
            exif = exif or data[start + 2 : end]
            upright = exif_of(orientation(data[start + 2 : end]))
            kept.append(b"\xff\xe1" + struct.pack(">H", 2 + len(upright)) + upright)
        elif marker != JPEG_COMMENT and (marker not in JPEG_APPLICATION or body.startswith(JPEG_KEPT)):
            kept.append(b"\xff" + match[1] + data[start:end])
        position, entropy = end, marker == SOS
    if not scans or match is None or match[1][0] != EOI:
        raise Damaged
    return b"".join([*kept, b"\xff\xd9"]), exif


def lean_png(data: bytes) -> tuple[bytes, bytes]:
    """A PNG or APNG with the chunks of its picture, up to its end chunk, and the EXIF that it had."""
    kept, exif = [PNG_SIGNATURE], b""
    position = len(PNG_SIGNATURE)
    for _part in range(MOST_PARTS):
        length = _unsigned(">I", data, position)
        name = data[position + 4 : position + 8]
        end = position + length + 12
        if end > len(data):
            raise Damaged
        if name == b"eXIf":
            exif = data[position + 8 : end - 4]
        elif name in PNG_KEPT:
            kept.append(data[position:end])
        if name == b"IEND":
            break
        position = end
    else:
        raise Damaged
    if exif:
        kept.insert(2, _png_chunk(b"eXIf", exif_of(orientation(exif))[len(JPEG_EXIF) :]))
    return b"".join(kept), exif


def lean_gif(data: bytes) -> bytes:
    """A GIF of its frames and loop count, cut off where there is one more than `MOST_FRAMES`.

    Its canvas is grown to hold every frame, as decoders do on the way.
    """
    width, height, flags = _unpack("<HHB", data, 6)
    position = 13 + _palette_bytes(flags)
    head_end, kept, parts, frames = position, [], 0, 0
    while (block := GIF_BLOCK.search(data, position)) and frames <= MOST_FRAMES:
        start = position = block.start()
        parts += 1
        if parts > MOST_PARTS:
            raise Damaged
        match block[0]:
            case b";":
                break
            case b"!":
                position = _blocks_end(data, position + 2)
                extension = data[start:position]
                if GIF_CONTROL.fullmatch(extension) or GIF_LOOP.fullmatch(extension):
                    kept.append(extension)
            case b",":
                left, top, frame_width, frame_height, flags = _unpack("<HHHHB", data, position + 1)
                width, height = max(width, left + frame_width), max(height, top + frame_height)
                frames += 1
                position = _blocks_end(data, position + 11 + _palette_bytes(flags))
                kept.append(data[start:position])
    if not frames or max(width, height) > 0xFFFF:
        raise Damaged
    head = data[:6] + struct.pack("<HH", width, height) + data[10:head_end]
    return b"".join([head, *kept, b";"])


def gif_size(data: bytes) -> tuple[int, int]:
    """Width and height of a GIF's canvas."""
    width, height = _unpack("<HH", data, 6)
    return width, height


def check_tiff(data: bytes, most_pixels: int) -> None:
    """Raise `Damaged` where a directory of a TIFF lists too many strips or tiles, or tiles of more than so many pixels."""
    try:
        for found in directories(io.BytesIO(data)):
            strips = max(found.counts.get(tag, 0) for tag in TIFF_STRIPS)
            if strips > MOST_STRIPS or found.first(322, 1) * found.first(323, 1) > most_pixels:
                raise Damaged
    except NoDirectory:
        raise Damaged from None


def webp_is_lossless(data: bytes) -> bool:
    """Whether the first picture of a WebP file is coded without loss."""
    position = 12
    for _part in range(MOST_PARTS):
        name = data[position : position + 4]
        if name in (b"VP8 ", b"VP8L"):
            return name == b"VP8L"
        size = _unsigned("<I", data, position + 4)
        position += 8 + size + size % 2
    raise Damaged


def webp_size(data: bytes) -> tuple[int, int]:
    """Width and height of a WebP's canvas."""
    match data[12:16]:
        case b"VP8X":
            return (_unsigned("<I", data, 24) & 0xFFFFFF) + 1, (_unsigned("<I", data, 26) >> 8) + 1
        case b"VP8L":
            both = _unsigned("<I", data, 21)
            return (both & 0x3FFF) + 1, (both >> 14 & 0x3FFF) + 1
    width, height = _unpack("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _blocks_end(data: bytes, position: int) -> int:
    """Behind the sub-blocks of a GIF that start at `position`."""
    while position < len(data) and data[position]:
        position += 1 + data[position]
    if position >= len(data):
        raise Damaged
    return position + 1


def _unpack(layout: str, data: bytes, position: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(layout, data, position)
    except struct.error:
        raise Damaged from None


def _unsigned(layout: str, data: bytes, position: int) -> int:
    return _unpack(layout, data, position)[0]
