"""ICC profiles, made from bytes (ICC.1:2001-04)."""

import struct

P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
"""X, Y and Z of red, green and blue under D50."""


def display_p3() -> bytes:
    """Of the Display P3 primaries with a gamma of 2.2."""
    return _rgb(b"Display P3", P3, 2.2)


def linear(name: bytes) -> bytes:
    """Of sRGB's primaries in linear light, whatever it calls itself."""
    return _rgb(name, SRGB, 1.0)


def dim_gray() -> bytes:
    """Of gray with a gamma of 1."""
    tags = {
        b"desc": _text(b"Linear Gray"),
        b"wtpt": b"XYZ \0\0\0\0" + _fixed(0.9642, 1.0, 0.8249),
        b"kTRC": b"curv\0\0\0\0" + struct.pack(">IH", 1, 256),
    }
    return _icc(b"GRAY", tags)


def _rgb(name: bytes, primaries: tuple[tuple[float, ...], ...], gamma: float) -> bytes:
    corners = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True))
    corners[b"wtpt"] = (0.95045, 1.0, 1.08905)
    tags = {tag: b"XYZ \0\0\0\0" + _fixed(*values) for tag, values in corners.items()}
    tags[b"desc"] = _text(name)
    tags[b"cprt"] = b"text\0\0\0\0none\0"
    tags |= dict.fromkeys(
        (b"rTRC", b"gTRC", b"bTRC"), b"curv\0\0\0\0" + struct.pack(">IH", 1, int(gamma * 256))
    )
    return _icc(b"RGB ", tags)


def _text(name: bytes) -> bytes:
    return b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + b"\0" + bytes(78)


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _icc(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    offset, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for tag, content in tags.items():
        content += bytes(-len(content) % 4)
        table += struct.pack(">4sII", tag, offset + len(body), len(content))
        body += content
    header = struct.pack(">I4sI4s4s4s", offset + len(body), b"none", 0x02400000, b"mntr", space, b"XYZ ")
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + _fixed(0.9642, 1.0, 0.8249)
    return header.ljust(128, b"\0") + table + body
