"""The recipe and the facts inside a finished picture file, put in without encoding it again; the recipe is read back.

PNG: an iTXt chunk of the keyword "latent" behind the header (PNG specification, 11.3.3.4). JPEG: an XMP packet in an
APP1 segment (XMP specification, part 3, 1.1.3). WebP: an XMP chunk at the end of the extended format (RFC 9649, 2.7).
Facts are EXIF, in the place that each format has for it; JPEG and PNG say the resolution themselves as well.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from ml.core.about import EXIF_HEADER
from ml.core.formats import JPEG_SIGNATURE, PNG_SIGNATURE

HEAD_BYTES = 1 << 16
"""How much of the beginning of a file `embed` needs."""
LONGEST_RECIPE = 60_000
"""In bytes: a JPEG segment holds 65,533. A recipe that is longer is left out."""

LARGEST_SEED = 2**53 - 1
"""So that JSON carries it through any program."""

KEYWORD = b"latent"
NAMESPACE = "urn:latent:1.0:"
XMP_MARKER = b"http://ns.adobe.com/xap/1.0/\0"
PNG_HEADER_BYTES = 33
HAS_XMP, HAS_EXIF, HAS_ALPHA = 0x04, 0x08, 0x10
METRES_PER_INCH, PER_METRE, PER_INCH = 0.0254, 1, 1
"""The units are those of pHYs and of JFIF."""


def embed(
    head: bytes, size: int, recipe: dict[str, Any] | None, exif: bytes = b"", dpi: float | None = None
) -> tuple[bytes, bytes]:
    """The new beginning and what to append, so that a file of `size` bytes that begins with `head` carries a recipe, facts.

    `head` is the first `HEAD_BYTES` of the file, or all of it; the new file is the new beginning, the old file from
    `len(head)` on, and the appendix. The pixels are not touched. A file of another format than PNG, JPEG and WebP,
    one that carries XMP (for a recipe) already, and one that is not well-formed stay as they are.
    """
    data = json.dumps(recipe, ensure_ascii=False, separators=(",", ":")).encode() if recipe else b""
    if len(data) > LONGEST_RECIPE:
        data = b""
    if head.startswith(PNG_SIGNATURE) and len(head) >= PNG_HEADER_BYTES:
        return head[:PNG_HEADER_BYTES] + _png_chunks_of(data, exif, dpi) + head[PNG_HEADER_BYTES:], b""
    if head.startswith(JPEG_SIGNATURE):
        head = _with_density(head, dpi) if dpi else head
        at = _after_exif(head)
        added = _segment(exif) if exif else b""
        if data and XMP_MARKER not in head:
            added += _segment(XMP_MARKER + _packet(data))
        return head[:at] + added + head[at:], b""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP" and (data or exif):
        return _embed_webp(head, size, _packet(data) if data else b"", exif.removeprefix(EXIF_HEADER))
    return head, b""


def copy(source: Path, target: Path, recipe: dict[str, Any]) -> None:
    """Write a copy of a file that carries the recipe."""
    with source.open("rb") as old, target.open("wb") as new:
        head, tail = embed(old.read(HEAD_BYTES), source.stat().st_size, recipe)
        new.write(head)
        while block := old.read(1 << 20):
            new.write(block)
        new.write(tail)


def extract(path: Path) -> dict[str, Any] | None:
    """The recipe that a picture file carries, or None; no file, however damaged or hostile, makes it raise."""
    try:
        with path.open("rb") as file:
            data = _find(file)
        recipe = None if data is None else json.loads(data)
    except (OSError, ValueError, IndexError, ElementTree.ParseError, RecursionError):
        return None
    return recipe if isinstance(recipe, dict) else None


def is_seed(value: object) -> TypeGuard[int]:
    """Whether a value that comes from a stranger can be a seed."""
    return type(value) is int and 0 <= value <= LARGEST_SEED


def _png_chunks_of(data: bytes, exif: bytes, dpi: float | None) -> bytes:
    bodies = []
    if dpi:
        dots = round(dpi / METRES_PER_INCH)
        bodies.append(struct.pack(">4sIIB", b"pHYs", dots, dots, PER_METRE))
    if exif:
        bodies.append(b"eXIf" + exif.removeprefix(EXIF_HEADER))
    if data:  # not compressed, no language, no translation
        bodies.append(b"iTXt" + KEYWORD + b"\0" + b"\0\0" + b"\0" + b"\0" + data)
    return b"".join(map(_png_chunk, bodies))


def _png_chunk(body: bytes) -> bytes:
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def _segment(body: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _with_density(head: bytes, dpi: float) -> bytes:
    """A JPEG whose JFIF segment says how many dots an inch has."""
    dots = min(round(dpi), 0xFFFF)
    if head[2:4] != b"\xff\xe0" or head[6:11] != b"JFIF\0":
        return head
    return head[:13] + struct.pack(">BHH", PER_INCH, dots, dots) + head[18:]


def _packet(data: bytes) -> bytes:
    """An XMP packet whose only property is the recipe."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:latent="{NAMESPACE}" latent:recipe={quoteattr(data.decode())}/>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def _after_exif(head: bytes) -> int:
    """Behind the JFIF and EXIF segments, which readers want to be first."""
    at = 2
    while head[at : at + 2] in (b"\xff\xe0", b"\xff\xe1"):
        end = at + 2 + int.from_bytes(head[at + 2 : at + 4], "big")
        if end > len(head):
            break
        at = end
    return at


def _embed_webp(head: bytes, size: int, packet: bytes, exif: bytes) -> tuple[bytes, bytes]:
    features = _webp_features(head)
    if features is None or size % 2 or int.from_bytes(head[4:8], "little") + 8 != size:
        return head, b""
    flags, width, height = features
    tail = b""
    for flag, name, body in ((HAS_EXIF, b"EXIF", exif), (HAS_XMP, b"XMP ", packet)):
        if body and not flags & flag:
            flags |= flag
            tail += name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    extended = struct.pack("<4sIB3x", b"VP8X", 10, flags) + b"".join(
        (length - 1).to_bytes(3, "little") for length in (width, height)
    )
    rest = head[30:] if head[12:16] == b"VP8X" else head[12:]
    grown = len(extended) + len(rest) - (len(head) - 12) + len(tail)
    return b"RIFF" + struct.pack("<I", size - 8 + grown) + b"WEBP" + extended + rest, tail


def _webp_features(head: bytes) -> tuple[int, int, int] | None:
    """The flags of the extended format, width and height, from whichever of the three kinds of header there is."""
    kind, body = head[12:16], head[20:30]
    if len(body) < 10:
        return None
    if kind == b"VP8X":
        return body[0], int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return HAS_ALPHA * (bits >> 28 & 1), (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", body[6:10])
        return 0, width & 0x3FFF, height & 0x3FFF
    return None


def _find(file: BinaryIO) -> bytes | None:
    magic = file.read(12)
    if magic.startswith(PNG_SIGNATURE):
        file.seek(len(PNG_SIGNATURE))
        texts = (
            body for kind, body in _png_chunks(file) if kind == b"iTXt" and body.startswith(KEYWORD + b"\0\0")
        )
        text = next(texts, None)
        # Behind the keyword: two bytes about compression, then the language and the translated keyword.
        return None if text is None else text[len(KEYWORD) + 3 :].split(b"\0", 2)[2]
    if magic.startswith(JPEG_SIGNATURE):
        file.seek(2)
        segments = (
            body for kind, body in _jpeg_segments(file) if kind == 0xE1 and body.startswith(XMP_MARKER)
        )
        packets = (body.removeprefix(XMP_MARKER) for body in segments)
    elif magic.startswith(b"RIFF") and magic[8:] == b"WEBP":
        packets = (body for kind, body in _webp_chunks(file) if kind == b"XMP ")
    else:
        return None
    return next((recipe for packet in packets if (recipe := _recipe_in(packet)) is not None), None)


def _recipe_in(packet: bytes) -> bytes | None:
    """As an attribute, or as the element that other programs turn it into."""
    if b"<!" in packet:  # a document type, by which small XML grows large
        return None
    name = f"{{{NAMESPACE}}}recipe"
    for element in ElementTree.fromstring(packet.strip(b"\0 \r\n\t")).iter():  # noqa: S314  (no entities: see above)
        text = element.text if element.tag == name else element.get(name)
        if text is not None:
            return text.encode()
    return None


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """The small chunks before the pixels."""
    while len(header := file.read(8)) == 8 and header[4:] != b"IDAT":
        size = int.from_bytes(header[:4], "big")
        if file.tell() > HEAD_BYTES * 16:
            return
        yield header[4:], _body(file, size)
        file.seek(4, 1)


def _jpeg_segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The application segments at the beginning."""
    while len(header := file.read(4)) == 4 and header[0] == 0xFF and 0xE0 <= header[1] <= 0xEF:
        if file.tell() > HEAD_BYTES * 16:
            return
        yield header[1], _body(file, max(0, int.from_bytes(header[2:], "big") - 2))


def _webp_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """The small chunks of the file, at most a thousand."""
    for _ in range(1000):
        header = file.read(8)
        if len(header) < 8:
            return
        size = int.from_bytes(header[4:], "little")
        yield header[:4], _body(file, size)
        file.seek(size % 2, 1)


def _body(file: BinaryIO, size: int) -> bytes:
    """The next `size` bytes, or none of them when they are too many for what carries a recipe."""
    if size > 2 * HEAD_BYTES:
        file.seek(size, 1)
        return b""
    return file.read(size)
