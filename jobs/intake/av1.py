"""How large the pictures of an AVIF are, asked of their streams: its boxes may say less than is decoded.

An AV1 stream says its size in a sequence header (AV1 specification, 5.5), and may say another one in a later packet.
"""

import io
from collections.abc import Iterator
from typing import Any

import av
import av.error

from jobs.intake.containers import Damaged

SEQUENCE_HEADER = 1  # of the units that a packet is made of (6.2.2)
MOST_UNITS = 10_000
UNDECODED = {"max_pixels": "1", "skip_frame": "all"}
"""FFmpeg decodes a frame of what it opens, unless it is told that each is too large."""


def sizes_in_avif(data: bytes) -> Iterator[tuple[int, int]]:
    """Widths and heights, as often as the streams say them; raises `Damaged`."""
    try:
        opened: Any = av.open(io.BytesIO(data), format="mov", options=UNDECODED, metadata_errors="ignore")
        with opened as container:
            for packet in container.demux(container.streams.video):
                yield from sizes_in_packet(bytes(packet))
    except (av.error.FFmpegError, IndexError):
        raise Damaged from None


def sizes_in_packet(packet: bytes) -> Iterator[tuple[int, int]]:
    """Of the sequence headers in it; raises `IndexError` where it is cut short."""
    position = units = 0
    while position < len(packet) and units < MOST_UNITS:
        units += 1
        head = packet[position]
        position += 2 if head & 4 else 1
        size = len(packet) - position
        if head & 2:
            size, position = _leb128(packet, position)
        if head >> 3 & 15 == SEQUENCE_HEADER:
            yield _size(Bits(packet[position : position + size]))
        position += size


class Bits:
    """Numbers of so many bits, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._number, self._left = int.from_bytes(data), 8 * len(data)

    def take(self, count: int) -> int:
        """Raises `IndexError` where there are not as many."""
        self._left -= count
        if self._left < 0:
            raise IndexError
        return self._number >> self._left & (1 << count) - 1

    def take_uvlc(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
        return self.take(zeros) + (1 << zeros) - 1


def _leb128(data: bytes, position: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    number = 0
    for index in range(8):
        byte = data[position + index]
        number |= (byte & 127) << 7 * index
        if byte < 128:
            return number, position + index + 1
    raise IndexError


def _size(bits: Bits) -> tuple[int, int]:
    bits.take(4)  # profile, still picture
    if bits.take(1):  # a reduced header
        bits.take(5)
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(width_bits) + 1, bits.take(height_bits) + 1


def _skip_operating_points(bits: Bits) -> None:
    delay_bits = 0
    if bits.take(1):  # timing information
        bits.take(64)
        if bits.take(1):  # an equal interval
            bits.take_uvlc()
        if bits.take(1):  # a model of the decoder
            delay_bits = bits.take(5) + 1
            bits.take(42)
    has_display_delay = bits.take(1)
    for _point in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if has_display_delay and bits.take(1):
            bits.take(4)
