"""A maker of pictures, sound and hostile ones, all from bytes: no file of a stranger is kept."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw

from ml.core.reading import ORIENTATION

GPS_LATITUDE = (48.0, 51.0, 29.5)
SECRET = b"the address of my house"


# Sound pictures ------------------------------------------------------------------------------------------


def picture(mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> Image.Image:
    """Smooth colours, a dark upper left corner, half-transparent below where the mode has alpha."""
    width, height = size
    x, y = np.meshgrid(np.linspace(90, 230, width), np.linspace(80, 200, height))
    pixels = np.stack([x, y, 255 - x / 2], axis=2).astype(np.uint8)
    image = Image.fromarray(pixels)
    ImageDraw.Draw(image).rectangle((0, 0, width // 3, height // 3), fill=(10, 20, 30))
    if mode in ("RGBA", "LA", "PA", "La"):
        alpha = Image.fromarray(np.where(y > 140, 128, 255).astype(np.uint8))
        image.putalpha(alpha)
        if mode == "PA":
            quantized = image.convert("RGB").quantize(16).convert("PA")
            quantized.putalpha(alpha)
            return quantized
    return image.convert("LA").convert("La") if mode == "La" else image.convert(mode)


def encode(image: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def animation(count: int = 5, size: tuple[int, int] = (40, 30)) -> list[Image.Image]:
    """A square that walks."""
    frames = []
    for index in range(count):
        frame = Image.new("RGB", size, "white")
        ImageDraw.Draw(frame).rectangle((4 * index, 5, 4 * index + 10, 15), fill=(200, 30, 40))
        frames.append(frame)
    return frames


def encode_frames(frames: list[Image.Image], file_format: str, **options: Any) -> bytes:
    return encode(frames[0], file_format, save_all=True, append_images=frames[1:], **options)


def deep(channels: int, file_format: str = "png") -> tuple[bytes, Any]:
    """A file of 16 bits a channel, and its pixels (H, W, channels), RGB(A)."""
    rows, columns = np.mgrid[0:20, 0:30]
    pixels = np.stack([rows * 3000 + columns * 7 + 11 * k for k in range(channels)], axis=2).astype(np.uint16)
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    encoded, data = cv2.imencode(f".{file_format}", np.ascontiguousarray(pixels[:, :, order]))
    assert encoded
    return data.tobytes(), pixels


def sound() -> dict[str, bytes]:
    """One sound file of every format and coding that is read."""
    rgb, rgba, frames = picture(), picture("RGBA"), animation()
    return {
        "jpeg": encode(rgb, "JPEG", quality=85),
        "jpeg-progressive": encode(rgb, "JPEG", quality=85, progressive=True),
        "jpeg-gray": encode(picture("L"), "JPEG"),
        "jpeg-cmyk": encode(picture("CMYK"), "JPEG"),
        "png": encode(rgb, "PNG"),
        "png-alpha": encode(rgba, "PNG"),
        "png-palette": encode(rgb.quantize(16), "PNG"),
        "png-16": deep(3)[0],
        "png-gray-16": deep(1)[0],
        "webp": encode(rgb, "WEBP"),
        "webp-alpha": encode(rgba, "WEBP"),
        "webp-lossless": encode(rgba, "WEBP", lossless=True),
        "gif": encode(rgb, "GIF"),
        "tiff": encode(rgb, "TIFF"),
        "tiff-lzw": encode(rgb, "TIFF", compression="tiff_lzw"),
        "tiff-16": deep(3, "tiff")[0],
        "bmp": encode(rgb, "BMP"),
        "avif": encode(rgb, "AVIF"),
        "gif-animation": encode_frames(frames, "GIF", duration=70, loop=0),
        "webp-animation": encode_frames(frames, "WEBP", duration=70),
        "apng": encode_frames(frames, "PNG", duration=70),
        "avif-animation": encode_frames(frames, "AVIF", duration=70),
    }


def webp_with_opaque_alpha() -> bytes:
    """A lossy WebP that announces transparency and has none."""
    image = picture()
    header = b"VP8X" + struct.pack("<II", 10, 0x10)
    header += b"".join((side - 1).to_bytes(3, "little") for side in image.size)
    body = b"WEBP" + header + encode(image, "WEBP")[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


# Metadata ------------------------------------------------------------------------------------------------


def exif(orientation: Any = 1) -> Image.Exif:
    """EXIF with an orientation, a place and a camera's name."""
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    tags[0x010F] = SECRET.decode()
    tags.get_ifd(0x8825).update({1: "N", 2: GPS_LATITUDE})
    return tags


def broken_exif() -> bytes:
    """EXIF whose orientation is a text and whose directory points behind its end."""
    directory = struct.pack("<HHHI4sHHII", 2, ORIENTATION, 2, 4, b"abc\0", 0x8825, 4, 1, 0xFFFFFFF0)
    return b"Exif\0\0II*\0\x08\0\0\0" + directory + b"\xff\xff\xff\xff"


# Chunks and segments -------------------------------------------------------------------------------------


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The names and bodies of a PNG's chunks; everything in it is one."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    position = 8
    while position < len(png):
        (length,) = struct.unpack_from(">I", png, position)
        yield png[position + 4 : position + 8], png[position + 8 : position + 8 + length]
        position += 12 + length


def segments(jpeg: bytes) -> Iterator[tuple[int, bytes]]:
    """The markers and bodies of a JPEG's segments up to its first scan."""
    position = 2
    while jpeg[position + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", jpeg, position + 2)
        yield jpeg[position + 1], jpeg[position + 4 : position + 2 + length]
        position += 2 + length
    yield 0xDA, b""


def with_chunks(png: bytes, *added: bytes) -> bytes:
    """With more chunks behind the header."""
    return png[:33] + b"".join(added) + png[33:]


def with_segments(jpeg: bytes, *added: tuple[int, bytes]) -> bytes:
    inserted = b"".join(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body for marker, body in added)
    return jpeg[:2] + inserted + jpeg[2:]


# Lies about the size -------------------------------------------------------------------------------------


def giants(side: int = 40_000) -> dict[str, bytes]:
    """Small files whose headers promise `side` by `side` pixels, or the most that the format can promise."""
    jpeg, png, gif = (encode(picture(), file_format) for file_format in ("JPEG", "PNG", "GIF"))
    frame = jpeg.index(b"\xff\xc0")
    bmp = encode(picture(), "BMP")
    webp = encode(picture(), "WEBP", lossless=True)
    avif = encode(picture(), "AVIF")
    ispe = avif.index(b"ispe")
    return {
        "jpeg": jpeg[: frame + 5] + struct.pack(">HH", side, side) + jpeg[frame + 9 :],
        "png": png[:8] + chunk(b"IHDR", struct.pack(">II", side, side) + png[24:29]) + png[33:],
        "gif": gif[:6] + struct.pack("<HH", side, side) + gif[10:],
        "bmp": bmp[:18] + struct.pack("<II", side, side) + bmp[26:],
        "webp": webp[:21] + struct.pack("<I", 0x0FFFFFFF & ~(1 << 28)) + webp[25:],
        "avif": avif[: ispe + 8] + struct.pack(">II", 16_000, 16_000) + avif[ispe + 16 :],
        "tiff": tiff(side, side, b""),
    }


def tiff(width: int, height: int, data: bytes, **tags: int) -> bytes:
    """A gray TIFF of one strip, or with the tags of a tile instead."""
    place = {"_273": 200, "_278": height, "_279": len(data)}
    entries = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 277: 1}
    entries |= {int(tag[1:]): value for tag, value in (tags or place).items()}
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(entries.items()))
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body).ljust(200, b"\0") + data


# Bombs ---------------------------------------------------------------------------------------------------


def png_bomb(side: int = 6_000) -> bytes:
    """Some 100 kB that hold 108 MB of black."""
    return encode(Image.new("RGB", (side, side)), "PNG", compress_level=9)


def idat_bomb() -> bytes:
    """An 8 by 8 picture whose data go on for 200 MB."""
    packed = zlib.compress(bytes(200_000_000), 9)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def text_bomb() -> bytes:
    """A sound PNG with texts of 200 MB in 200 kB."""
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(100_000_000), 9))
    return with_chunks(encode(picture(), "PNG"), text, text)


def chunk_flood(count: int = 400_000) -> bytes:
    """A PNG in so many pieces that a reader is busy for seconds."""
    return with_chunks(encode(picture(), "PNG"), chunk(b"prVt", b"") * count)


def scan_bomb(count: int = 2_000) -> bytes:
    """A progressive JPEG of 16 megapixels whose last scan is repeated, each a pass over all of it."""
    jpeg = encode(Image.new("L", (4_000, 4_000)), "JPEG", progressive=True)
    scan = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    return jpeg[:-2] + scan * count + jpeg[-2:]


def jpeg_of_fill(count: int = 300_000) -> bytes:
    """A JPEG that does not end: behind it are fill bytes, which may stand before any marker, and no marker."""
    return encode(picture(), "JPEG")[:-2] + b"\xff" * count


def gif_of_nothing(count: int = 10_000_000) -> bytes:
    """A GIF with a long gap before its end."""
    return encode(picture(), "GIF")[:-1] + bytes(count) + b";"


def gif_of_controls(count: int = 1_000_000) -> bytes:
    """So many announcements of a frame."""
    gif = encode(picture(), "GIF")
    return gif[:-1] + b"!\xf9\x04\0\0\0\0\0" * count + b";"


def gif_of(
    frames: list[tuple[int, int, int, int]], canvas: tuple[int, int] = (20, 10), colors: int = 2
) -> bytes:
    """A GIF of frames at (left, top, width, height), red and white in turn, or red alone."""
    pieces = [b"GIF89a", struct.pack("<HHBBB", *canvas, 0x80, 0, 0), bytes((200, 30, 40, 255, 255, 255))]
    for index, (left, top, width, height) in enumerate(frames):
        codes = [2 + 2, *([index % colors] * (width * height)), 2 + 3]  # clear, the pixels, end: 3 bits each
        bits = sum(code << 3 * place for place, code in enumerate(_cleared(codes)))
        data = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
        pieces += [
            b"!\xf9\x04" + struct.pack("<BHB", 2 << 2, 5, 0) + b"\0",
            b"," + struct.pack("<HHHHBB", left, top, width, height, 0, 2),
            *(bytes([len(data[k : k + 255])]) + data[k : k + 255] for k in range(0, len(data), 255)),
            b"\0",
        ]
    return b"".join([*pieces, b";"])


def _cleared(codes: list[int]) -> Iterator[int]:
    """With a clear code after every second one, so that codes never grow beyond three bits."""
    for place, code in enumerate(codes):
        yield code
        if place % 2 == 0 and 0 < place < len(codes) - 1:
            yield 4


def gif_flood(count: int = 200_000) -> bytes:
    """So many frames of one pixel."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
    return head + (b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0") * count + b";"


def gif_giant_frame() -> bytes:
    """A small canvas, and a second frame of four thousand megapixels that is to be wiped afterwards."""
    gif = gif_of([(0, 0, 20, 10), (0, 0, 20, 10), (0, 0, 20, 10)])
    return _grown_frame(gif, gif.index(b",", gif.index(b",") + 1))


def gif_giant_first_frame() -> bytes:
    """The first frame is that large: Pillow makes what it is to be wiped with while it opens the file."""
    gif = gif_of([(0, 0, 20, 10), (0, 0, 20, 10)])
    return _grown_frame(gif, gif.index(b","))


def _grown_frame(gif: bytes, start: int) -> bytes:
    return gif[: start + 5] + struct.pack("<HH", 65_535, 65_535) + gif[start + 9 :]


def tiff_giant_tile(side: int = 8_000) -> bytes:
    """A picture of 100 by 100 pixels in one tile of `side` by `side`."""
    tile = zlib.compress(bytes(side * side))
    return tiff(100, 100, tile, _259=8, _322=side, _323=side, _324=200, _325=len(tile))


def tiff_of_strips(count: int = 400_000) -> bytes:
    """A TIFF of so many strips, all of them the same."""
    sound = tiff(100, 100, struct.pack("<I", 8) * count)
    return sound.replace(struct.pack("<HHII", 273, 4, 1, 200), struct.pack("<HHII", 273, 4, count, 200))


def tiff_of_pages(count: int = 300) -> bytes:
    return encode_frames([picture()] * count, "TIFF")


# Two things at once --------------------------------------------------------------------------------------


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as folder:
        folder.writestr("secret.txt", SECRET)
    return buffer.getvalue()


HTML = b"<!doctype html><html><body><script>alert(1)</script>" + SECRET + b"</body></html>"


def polyglots() -> dict[str, bytes]:
    """Sound pictures that are a page, an archive or a letter as well."""
    jpeg, png, gif, webp = (encode(picture(), name) for name in ("JPEG", "PNG", "GIF", "WEBP"))
    return {
        "jpeg-and-zip": jpeg + archive(),
        "jpeg-and-html-comment": with_segments(jpeg, (0xFE, HTML)),
        "jpeg-and-html-application": with_segments(
            jpeg, (0xE5, HTML), (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + HTML)
        ),
        "jpeg-and-second-jpeg": jpeg + with_segments(jpeg, (0xFE, SECRET)),
        "png-and-zip": png + archive(),
        "png-and-text": with_chunks(png, chunk(b"tEXt", b"Comment\0" + SECRET), chunk(b"prVt", HTML)),
        "gif-and-html": gif + HTML,
        "gif-and-comment": gif[:-1] + b"!\xfe" + bytes([len(SECRET)]) + SECRET + b"\0;",
        "webp-and-zip": webp + archive(),
        "tiff-and-html": encode(picture(), "TIFF") + HTML,
        "bmp-and-html": encode(picture(), "BMP") + HTML,
    }


# What is no picture --------------------------------------------------------------------------------------


def no_pictures() -> dict[str, bytes]:
    return {
        "text": b"Dear Sir or Madam, this is only a letter.",
        "a letter that begins with BM": b"BMW builds cars and motorcycles in Munich, Germany.",
        "zeros": bytes(1000),
        "one byte": b"\xff",
    }


def flips(data: bytes, seed: int, count: int) -> bytes:
    """With `count` bits turned over, more of them near the beginning, where the headers are."""
    dice, damaged = random.Random(seed), bytearray(data)
    for _flip in range(count):
        reach = len(damaged) if dice.random() < 0.5 else min(len(damaged), 200)
        damaged[dice.randrange(reach)] ^= 1 << dice.randrange(8)
    return bytes(damaged)
