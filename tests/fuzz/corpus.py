"""Hostile files: sound ones of every format that is taken, spoilt by a seed. All are made here, from bytes."""

import io
import json
import random
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from PIL import Image

from ml.classify import FEATURES
from ml.classify.heads import Head, write_head
from tests.jobs import hostile, kinds, profiles
from tests.jobs.hostile import encode, encode_frames, picture
from tests.ml.films import film

Dice = random.Random


@dataclass(frozen=True)
class Hostile:
    """A file, and what was done to which."""

    label: str
    content: bytes


def hostile_file(seed: int, number: int) -> Hostile:
    """The file of that number, the same for the same seed, whatever was asked for before."""
    dice = Dice(f"{seed} {number}")
    if dice.random() < 0.15:
        label = dice.choice(sorted(SPECIAL))
        content = SPECIAL[label](dice)
        if content and dice.random() < 0.3:
            content = hostile.flips(content, dice.randrange(1 << 30), dice.randint(1, 8))
            label += ", flipped"
        return Hostile(label, content)
    base = dice.choice(sorted(sound_files()))
    content, done = sound_files()[base], [base]
    for _again in range(dice.choice((1, 1, 1, 2, 3))):
        if not content:
            break
        spoil = dice.choice(SPOILERS)
        content = spoil(content, dice)
        done.append(spoil.__name__)
    return Hostile(", ".join(done), content)


# Sound files ---------------------------------------------------------------------------------------------


@cache
def sound_files() -> Mapping[str, bytes]:
    """One sound file of each kind, format and coding that a site can take."""
    return {
        **hostile.sound(),
        **kinds.sound(),
        **kinds.rare(),
        **_odd_pictures(),
        **_films(),
        **_archives(),
        "safetensors": model(),
    }


def _odd_pictures() -> dict[str, bytes]:
    rgb = picture()
    return {
        "jpeg-p3": encode(rgb, "JPEG", icc_profile=profiles.display_p3(), exif=hostile.exif(6)),
        "jpeg-of-two": encode(rgb, "MPO", save_all=True, append_images=[rgb]),
        "png-p3": encode(rgb, "PNG", icc_profile=profiles.display_p3(), exif=hostile.exif(8)),
        "png-interlaced": _interlaced(),
        "png-one-bit": encode(picture("1"), "PNG"),
        "png-palette-transparent": encode(rgb.quantize(16), "PNG", transparency=bytes(range(0, 160, 10))),
        "png-alpha-16": hostile.deep(4)[0],
        "tiff-cmyk": encode(picture("CMYK"), "TIFF"),
        "tiff-ycbcr": encode(picture("YCbCr"), "TIFF"),
        "tiff-jpeg": encode(rgb, "TIFF", compression="jpeg"),
        "tiff-fax": encode(picture("1"), "TIFF", compression="group4"),
        "tiff-zstd": encode(rgb, "TIFF", compression="zstd"),
        "tiff-float": encode(picture("F"), "TIFF"),
        "tiff-pages": hostile.tiff_of_pages(3),
        "bmp-palette": encode(rgb.quantize(16), "BMP"),
        "gif-100-frames": hostile.gif_of([(k % 10, k % 5, 10, 5) for k in range(100)]),
        "webp-100-frames": encode_frames(hostile.animation(100, (24, 16)), "WEBP", duration=20),
    }


def _interlaced() -> bytes:
    """Adam7 of a picture of one colour, which Pillow cannot write."""
    passes = (
        (8, 8, 0, 0),
        (8, 8, 4, 0),
        (4, 8, 0, 4),
        (4, 4, 2, 0),
        (2, 4, 0, 2),
        (2, 2, 1, 0),
        (1, 2, 0, 1),
    )
    rows = b""
    for across, down, left, top in passes:
        width, height = len(range(left, 24, across)), len(range(top, 16, down))
        rows += (b"\0" + bytes((90, 120, 60)) * width) * height if width else b""
    header = struct.pack(">IIBBBBB", 24, 16, 8, 2, 0, 0, 1)
    return png(header, rows)


def png(header: bytes, rows: bytes, *between: bytes) -> bytes:
    """A PNG of an IHDR, other chunks, and raw rows."""
    body = hostile.chunk(b"IDAT", zlib.compress(rows))
    parts = (hostile.chunk(b"IHDR", header), *between, body, hostile.chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _films() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        return {
            "mp4": film(place / "a.mp4").read_bytes(),
            "mp4-turned": film(place / "b.mp4", rotation=90, sound="").read_bytes(),
            "mov-mpeg4": film(place / "c.mov", codec="mpeg4").read_bytes(),
            "webm": film(place / "d.webm", codec="libvpx-vp9", sound="libopus").read_bytes(),
        }


def _archives() -> dict[str, bytes]:
    jpeg = encode(picture(), "JPEG")
    album = {f"{name}/{number}.jpg": jpeg for name in ("cats", "dogs") for number in range(10)}
    return {"zip": zipped(album), "zip-deflated": zipped(album, zipfile.ZIP_DEFLATED)}


def with_recipe(sound: bytes, told: bytes) -> bytes:
    """A PNG with these bytes where a result of Latent has its recipe."""
    text = b"iTXt" + b"latent\0\0\0\0\0" + told
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    return sound[:33] + chunk + sound[33:]


def zipped(files: Mapping[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def model() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        head = Head(("cats", "dogs"), np.ones((2, FEATURES), np.float32), np.zeros(2, np.float32))
        write_head(head, path)
        return path.read_bytes()


# What is done to them ------------------------------------------------------------------------------------


def bits_flipped(data: bytes, dice: Dice) -> bytes:
    return hostile.flips(data, dice.randrange(1 << 30), dice.choice((1, 2, 4, 12, 60)))


def cut_short(data: bytes, dice: Dice) -> bytes:
    return data[: dice.randrange(len(data) + 1)]


def head_cut_off(data: bytes, dice: Dice) -> bytes:
    return data[:16] + data[16 + dice.randrange(64) :]


def padded(data: bytes, dice: Dice) -> bytes:
    return data + dice.choice((b"\0", b"\xff", b"A")) * dice.choice((1, 100, 100_000))


def lying(data: bytes, dice: Dice) -> bytes:
    """A number near the beginning, or anywhere, is as small or as large as it can be."""
    spoilt = bytearray(data)
    for _number in range(dice.choice((1, 1, 2, 5))):
        size = dice.choice((1, 2, 4, 8))
        most = 1 << 8 * size
        value = dice.choice((0, 1, most - 1, most // 2, most // 2 - 1, dice.randrange(most)))
        reach = len(spoilt) if dice.random() < 0.4 else min(len(spoilt), 300)
        place = dice.randrange(max(1, reach))
        spoilt[place : place + size] = value.to_bytes(size, dice.choice(("little", "big")))
    return bytes(spoilt)


def spliced(data: bytes, dice: Dice) -> bytes:
    """A piece of another file in the middle of it."""
    other = sound_files()[dice.choice(sorted(sound_files()))]
    begin, place = dice.randrange(len(other)), dice.randrange(len(data) + 1)
    piece = other[begin : begin + dice.randint(1, 400)]
    return data[:place] + piece + data[place + dice.choice((0, len(piece))) :]


def repeated(data: bytes, dice: Dice) -> bytes:
    """A piece of it many times over."""
    begin = dice.randrange(max(1, len(data)))
    piece = data[begin : begin + dice.randint(1, 200)]
    return data[:begin] + piece * dice.choice((2, 10, 200)) + data[begin:]


def blanked(data: bytes, dice: Dice) -> bytes:
    begin = dice.randrange(max(1, len(data)))
    length = len(data[begin : begin + dice.randint(1, 200)])
    return data[:begin] + dice.choice((b"\0", b"\xff")) * length + data[begin + length :]


def with_chunks_disturbed(data: bytes, dice: Dice) -> bytes:
    """A PNG whose chunks are lost, doubled, in disorder or spoilt, and whose sums are right all the same."""
    try:
        parts = list(hostile.chunks(data))
    except (AssertionError, struct.error):
        return bits_flipped(data, dice)
    place = dice.randrange(len(parts))
    name, body = parts[place]
    match dice.randrange(4):
        case 0:
            del parts[place]
        case 1:
            parts.insert(dice.randrange(len(parts)), (name, body))
        case 2:
            dice.shuffle(parts)
        case _:
            parts[place] = (name, hostile.flips(body, dice.randrange(1 << 30), 3) if body else b"\0")
    return data[:8] + b"".join(hostile.chunk(name, body) for name, body in parts)


def with_odd_exif(data: bytes, dice: Dice) -> bytes:
    """Where the format has room for it; elsewhere in front of everything."""
    tags = odd_exif(dice)
    if data.startswith(b"\xff\xd8"):
        return hostile.with_segments(data, (0xE1, b"Exif\0\0" + tags[:60_000]))
    if data.startswith(b"\x89PNG"):
        return hostile.with_chunks(data, hostile.chunk(b"eXIf", tags))
    if data.startswith(b"RIFF"):
        return data + b"EXIF" + struct.pack("<I", len(tags)) + tags
    return tags + data


def with_odd_profile(data: bytes, dice: Dice) -> bytes:
    profile = odd_profile(dice)
    if data.startswith(b"\xff\xd8"):
        return hostile.with_segments(data, (0xE2, b"ICC_PROFILE\0\1\1" + profile[:60_000]))
    if data.startswith(b"\x89PNG"):
        return hostile.with_chunks(data, hostile.chunk(b"iCCP", b"odd\0\0" + zlib.compress(profile)))
    return data + profile


def also_a_page(data: bytes, dice: Dice) -> bytes:
    """And a script, or an archive, before it or behind it."""
    other = dice.choice(
        (hostile.HTML, b"/*", b"=1;alert(1)//", hostile.archive(), b"%PDF-1.7\n", b"<?php ?>")
    )
    return dice.choice((data + other, other + data, data[:6] + other + data[6:]))


SPOILERS = (
    bits_flipped,
    bits_flipped,
    cut_short,
    head_cut_off,
    padded,
    lying,
    lying,
    spliced,
    repeated,
    blanked,
    with_chunks_disturbed,
    with_odd_exif,
    with_odd_profile,
    also_a_page,
)


def odd_exif(dice: Dice) -> bytes:
    """TIFF directories that lie, go round in circles, or never end."""
    entry = partial(struct.pack, "<HHII")
    directories = {
        "orientation": struct.pack("<H", 1) + entry(274, 3, 1, dice.choice((0, 9, 255, 65_535))) + bytes(4),
        "orientation as text": struct.pack("<H", 1) + entry(274, 2, 4, 0x41414141) + bytes(4),
        "giant": struct.pack("<H", 65_535) + entry(274, 3, 1, 6) * 4_000,
        "giant count": struct.pack("<H", 1) + entry(274, dice.randrange(14), 0xFFFFFFFF, 8) + bytes(4),
        "round in circles": struct.pack("<H", 1) + entry(274, 3, 1, 3) + struct.pack("<I", 8),
        "below itself": struct.pack("<H", 2) + entry(0x8769, 4, 1, 8) + entry(0x8825, 4, 1, 8) + bytes(4),
        "behind the end": struct.pack("<H", 1) + entry(0x8769, 4, 1, 0xFFFFFFF0) + b"\xff" * 4,
        "nothing": b"",
    }
    return b"II*\0\x08\0\0\0" + directories[dice.choice(sorted(directories))]


def odd_profile(dice: Dice) -> bytes:
    sound = dice.choice((profiles.display_p3(), profiles.dim_gray()))
    match dice.randrange(4):
        case 0:
            return dice.randbytes(dice.choice((1, 128, 1_000, 50_000)))
        case 1:
            return cut_short(sound, dice)
        case 2:
            return sound[:128] + struct.pack(">I", 0xFFFFFFFF) + sound[132:]
        case _:
            return hostile.flips(sound, dice.randrange(1 << 30), 6)


# What is hostile from the beginning ----------------------------------------------------------------------


def _one_of(files: Callable[[], Mapping[str, bytes]], dice: Dice) -> bytes:
    made = _made(files)
    return made[dice.choice(sorted(made))]


@cache
def _made(files: Callable[[], Mapping[str, bytes]]) -> Mapping[str, bytes]:
    return files()


@cache
def _bomb(make: Callable[[], bytes]) -> bytes:
    return make()


def short_palette(dice: Dice) -> bytes:
    """Pixels that name colours which the table does not have."""
    rows = b"".join(b"\0" + dice.randbytes(24) for _row in range(16))
    table = hostile.chunk(b"PLTE", dice.randbytes(3 * dice.choice((0, 1, 2, 255, 256, 300))))
    return png(struct.pack(">IIBBBBB", 24, 16, 8, 3, 0, 0, 0), rows, table)


def odd_header(dice: Dice) -> bytes:
    """A PNG of no width, of an unheard-of depth, or of too few rows."""
    sides = [dice.choice((0, 1, 24, 65_535, 0x7FFFFFFF, 0xFFFFFFFF)) for _side in range(2)]
    header = struct.pack(
        ">IIBBBBB",
        *sides,
        dice.choice((0, 1, 3, 8, 16, 255)),
        dice.randrange(8),
        *(dice.randrange(3) for _ in range(3)),
    )
    return png(header, b"\0" * dice.choice((0, 100, 1_000)))


def thin(dice: Dice) -> bytes:
    """A sound picture, one pixel high or wide and very long."""
    long, mode = dice.choice((2, 300, 20_000, 300_000)), dice.choice(("RGB", "L", "RGBA", "1"))
    size = (long, 1) if dice.random() < 0.5 else (1, long)
    return encode(Image.new(mode, size, 1), dice.choice(("PNG", "TIFF")))


def still_of_frames(dice: Dice) -> bytes:
    """Frames beside, above and beyond the canvas, of any size, and of none."""
    frames = [
        (*(dice.choice((0, 3, 40)) for _ in range(2)), *(dice.choice((0, 1, 9, 20)) for _ in range(2)))
        for _frame in range(dice.choice((1, 2, 100)))
    ]
    return hostile.gif_of(frames)


def odd_archive(dice: Dice) -> bytes:
    jpeg = encode(picture(), "JPEG")
    odd = {
        "../../etc/passwd": b"root",
        "/cats/1.jpg": jpeg,
        "cats/" * 60 + "1.jpg": jpeg,
        "cats/\0.jpg": jpeg,
        "cats/<script>.jpg": jpeg,
        "cats/bomb.png": _bomb(hostile.png_bomb),
        "cats/hostile": hostile_file(1, dice.randrange(1 << 20)).content if dice.random() < 0.5 else b"",
        "cats/zeros.jpg": bytes(3_000_000),
        "cats/inner.zip": hostile.archive(),
        "dogs/1.jpg\n": jpeg,
    }
    names = dice.sample(sorted(odd), dice.randint(1, 4))
    album = {f"{name}/{number}.jpg": jpeg for name in ("cats", "dogs") for number in range(10)}
    how = dice.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    return zipped({**album, **{name: odd[name] for name in names}}, how)


def odd_model(dice: Dice) -> bytes:
    header = {
        "__metadata__": {"latent-classifier": dice.choice(("", "[]", "{}", "[" * 5_000, "null"))},
        "weight": {
            "dtype": dice.choice(("F32", "F16", "I64", "X")),
            "shape": dice.choice(([2, FEATURES], [1 << 40, 1 << 40], [-1], [])),
            "data_offsets": dice.choice(([0, 8], [8, 0], [0, 1 << 62], [])),
        },
    }
    text = json.dumps(header).encode()
    return struct.pack("<Q", dice.choice((len(text), 0, 65_000))) + text + bytes(8)


SPECIAL: Mapping[str, Callable[[Dice], bytes]] = {
    "giant": partial(_one_of, hostile.giants),
    "polyglot": partial(_one_of, hostile.polyglots),
    "no picture": partial(_one_of, hostile.no_pictures),
    "stranger": partial(_one_of, kinds.strangers),
    "short palette": short_palette,
    "odd header": odd_header,
    "thin": thin,
    "frames anywhere": still_of_frames,
    "odd archive": odd_archive,
    "odd model": odd_model,
    "nothing": lambda _dice: b"",
    "noise": lambda dice: dice.randbytes(dice.choice((1, 16, 3_000))),
    **{
        make.__name__.replace("_", " "): lambda _dice, make=make: _bomb(make)  # type: ignore[misc]
        for make in (
            hostile.idat_bomb, hostile.text_bomb, hostile.chunk_flood, hostile.scan_bomb, hostile.gif_flood,
            hostile.jpeg_of_fill, hostile.gif_of_nothing, hostile.gif_of_controls,
            hostile.gif_giant_frame, hostile.gif_giant_first_frame, hostile.tiff_giant_tile, hostile.tiff_of_strips,
            hostile.webp_with_opaque_alpha,
        )
    },
}  # fmt: skip
