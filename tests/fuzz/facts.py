"""Hostile EXIF, XMP and colour profiles in sound pictures: nothing of them is copied, and nothing breaks."""

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from jobs.intake.decoding import decode
from jobs.intake.developed import Allowed, Order
from jobs.intake.replies import Failure, Made, WantOfMemory
from ml.core.about import About, about_of, exif_of
from ml.core.recipe import HEAD_BYTES, embed
from tests.fuzz.corpus import Dice
from tests.jobs import profiles
from tests.jobs.hostile import encode, flips, picture

NEVER = b"never to be copied"
TAGS = (0x9286, 0x927C, 0x010E, 0x9C9B, 0xC4A5, 0x02BC, 0x8649, 0xA430)
"""Comments, notes of the maker, IPTC and more: what is not among the facts."""
FACTS = exif_of(
    About(
        taken="2020-01-02T03:04:05",
        maker="Maker",
        camera="X1",
        exposure=0.01,
        iso=400,
        dpi=300,
        place=(51.4, -0.1),
    )
)
SLOWEST_SECONDS = 5.0
PARSED = ("TIFF", "AVIF")
"""Pillow writes no EXIF into these that it cannot read."""
KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")


@dataclass
class Findings:
    """How many were taken and refused, what was wrong, and how long the slowest took."""

    taken: int = 0
    refused: int = 0
    slowest: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def table(self) -> str:
        rows = [f"{self.taken:>7}  pictures taken", f"{self.refused:>7}  refused"]
        rows += [f"{self.slowest:>7.2f}  s for the slowest", f"{len(self.wrong):>7}  wrong", *self.wrong[:20]]
        return "\n".join(rows)


def hostile_picture(dice: Dice) -> bytes:
    """A sound picture with blocks that are not."""
    kind, whole = dice.choice(KINDS), _exif(dice)
    exif = whole if kind in PARSED else _broken(whole, dice)
    return encode(picture(), kind, exif=exif, xmp=_xmp(dice), icc_profile=_profile(dice))


def run(count: int, seed: int) -> Findings:
    found = Findings()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            content = hostile_picture(Dice(f"facts {seed} {number}"))
            started = time.monotonic()
            wrong = _wrong_with(content, Path(folder), found)
            found.slowest = max(found.slowest, time.monotonic() - started)
            if wrong:
                found.wrong.append(f"picture {number}: {wrong}")
    if found.slowest > SLOWEST_SECONDS:
        found.wrong.append(f"one took {found.slowest:.1f} s")
    return found


def _wrong_with(content: bytes, folder: Path, found: Findings) -> str:
    source, target = folder / "source", folder / "made"
    source.write_bytes(content)
    target.unlink(missing_ok=True)
    reply = decode(Order(source, target, Allowed(40, 40, folder)))
    if isinstance(reply, WantOfMemory | Failure):
        return repr(reply)
    if not isinstance(reply, Made):
        found.refused += 1
        return ""
    found.taken += 1
    kept = target.read_bytes()
    exif = exif_of(reply.about)
    head, tail = embed(kept[:HEAD_BYTES], len(kept), None, exif, reply.about.dpi)
    if NEVER in kept + head + tail or NEVER in reply.model_dump_json().encode():
        return "something was copied"
    if about_of(exif) != about_of(exif_of(about_of(exif))):
        return f"facts change as they are written: {reply.about}"
    return ""


def _exif(dice: Dice) -> bytes:
    tags = Image.Exif()
    tags.load(FACTS)
    for _tag in range(dice.randrange(4)):
        directory = dice.choice((tags, tags.get_ifd(0x8769)))
        directory[dice.choice(TAGS)] = dice.choice((b"ASCII\0\0\0" + NEVER, NEVER * dice.choice((1, 300))))
    return tags.tobytes()


def _broken(whole: bytes, dice: Dice) -> bytes:
    match dice.randrange(4):
        case 0:
            return whole
        case 1:
            return whole[: dice.randrange(len(whole))]
        case 2:
            return whole[:6] + dice.randbytes(dice.choice((0, 8, 200))) + NEVER
        case _:
            return b"Exif\0\0" + flips(whole[6:], dice.randrange(1 << 30), dice.randint(1, 20))


def _xmp(dice: Dice) -> bytes:
    bomb = b'<!DOCTYPE x [<!ENTITY a "' + NEVER + b'">' + b'<!ENTITY b "&a;&a;&a;">' * 9 + b"]>"
    return dice.choice((b"", NEVER, b"<x:xmpmeta>" + NEVER + b"</x:xmpmeta>", bomb + b"<x>&b;</x>"))


def _profile(dice: Dice) -> bytes:
    sound = profiles.display_p3() + NEVER
    return dice.choice(
        (
            b"",
            sound,
            flips(sound, dice.randrange(1 << 30), dice.randint(1, 30)),
            sound[: dice.randrange(len(sound))],
        )
    )
