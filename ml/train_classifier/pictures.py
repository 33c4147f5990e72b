"""What a classifier gets right and wrong, drawn: the confusion matrix, and the worst mistakes on a contact sheet."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ml.core.images import Picture
from ml.core.text import _

PAPER, INK, MUTED, WRONG = (250, 249, 246), (27, 26, 24), (102, 99, 93), (196, 38, 29)
MARGIN, GAP = 24, 8
THUMBNAIL = 72
HEADING = 150
"""Pixels for the name of a class beside or above the matrix, with the thumbnail."""

MATRIX_SIDE = 900
LARGEST_CELL = 150
MISTAKE_SIDE = 176
MOST_MISTAKES = 24
MOST_COLUMNS = 6

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Guess:
    """What a head says of a photo, uint8 (3, H, W), that it never saw: both classes by number, the score 0 to 1."""

    photo: Tensor
    truth: int
    said: int
    score: float

    @property
    def right(self) -> bool:
        return self.truth == self.said


def draw_confusion(
    counts: Sequence[Sequence[int]], names: Sequence[str], samples: Sequence[Tensor]
) -> Picture:
    """How many photos of each class (a row) are taken for which class (a column). `samples` shows each class."""
    cell = min(LARGEST_CELL, MATRIX_SIDE // len(names))
    thumbnail = min(THUMBNAIL, cell - GAP)
    left, top = MARGIN + HEADING + thumbnail + 2 * GAP, MARGIN + 24 + thumbnail + 2 * GAP
    side = len(names) * cell
    sheet = Image.new("RGB", (left + side + MARGIN, top + side + MARGIN), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, top - 46), _("taken for") + " →", MUTED, font(15))
    draw.text((MARGIN, top - 24), _("photos of") + " ↓", MUTED, font(15))
    for number, name in enumerate(names):
        across, down = left + number * cell, top + number * cell
        _label(draw, (across + cell / 2, MARGIN + 12), name, cell - GAP, anchor="mm")
        sheet.paste(
            _thumbnail(samples[number], thumbnail), (across + (cell - thumbnail) // 2, MARGIN + 24 + GAP)
        )
        _label(draw, (MARGIN, down + cell / 2), name, HEADING - GAP, anchor="lm")
        sheet.paste(
            _thumbnail(samples[number], thumbnail), (MARGIN + HEADING, down + (cell - thumbnail) // 2)
        )
    for row, line in enumerate(counts):
        for column, count in enumerate(line):
            box = (left + column * cell, top + row * cell)
            _cell(draw, box, cell, (count, sum(line)), INK if row == column else WRONG)
    return _picture(sheet)


def draw_mistakes(guesses: Sequence[Guess], names: Sequence[str]) -> Picture:
    """The first of them, each with its class, the class it was taken for, and how sure the head was."""
    guesses = guesses[:MOST_MISTAKES]
    columns = min(MOST_COLUMNS, math.ceil(math.sqrt(1.5 * len(guesses))))
    rows = math.ceil(len(guesses) / columns)
    width, height = MISTAKE_SIDE + 2 * GAP, MISTAKE_SIDE + 60
    sheet = Image.new("RGB", (2 * MARGIN + columns * width, 2 * MARGIN + rows * height), PAPER)
    draw = ImageDraw.Draw(sheet)
    for place, guess in enumerate(guesses):
        row, column = divmod(place, columns)
        left, top = MARGIN + column * width + GAP, MARGIN + row * height
        sheet.paste(_thumbnail(guess.photo, MISTAKE_SIDE), (left, top))
        score = f"{guess.score:.0%}"
        room = MISTAKE_SIDE - draw.textlength(score, font(14)) - GAP
        _label(draw, (left, top + MISTAKE_SIDE + 16), names[guess.truth], MISTAKE_SIDE, anchor="lm")
        said = f"→ {names[guess.said]}"
        _label(draw, (left, top + MISTAKE_SIDE + 38), said, room, anchor="lm", color=WRONG)
        draw.text((left + MISTAKE_SIDE, top + MISTAKE_SIDE + 38), score, MUTED, font(14), anchor="rm")
    return _picture(sheet)


def _cell(
    draw: ImageDraw.ImageDraw, box: tuple[int, int], side: int, share: tuple[int, int], color: Color
) -> None:
    """A square as dark as its share of the row, with the count in it."""
    count, total = share
    strength = count / max(1, total)
    shade = tuple(round(paper + (ink - paper) * strength) for paper, ink in zip(PAPER, color, strict=True))
    left, top = box
    draw.rectangle((left, top, left + side - 2, top + side - 2), shade, outline=(227, 224, 217))
    if count:
        written = PAPER if strength > 0.45 else color
        draw.text(
            (left + side / 2, top + side / 2), str(count), written, font(max(16, side // 5)), anchor="mm"
        )


def _label(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    room: float,
    *,
    anchor: str,
    color: Color = INK,
) -> None:
    """A line of text, cut off where there is no more room."""
    shown = text
    while draw.textlength(shown, font(16)) > room and len(shown) > 1:
        shown = shown.rstrip("…")[:-1].rstrip() + "…"
    draw.text(place, shown, color, font(16), anchor=anchor)


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib: Latin, Greek and Cyrillic, among others."""
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), size)


def _thumbnail(photo: Tensor, side: int) -> Image.Image:
    image = Image.fromarray(photo.permute(1, 2, 0).contiguous().numpy())
    return image.resize((side, side), Image.Resampling.LANCZOS)


def _picture(sheet: Image.Image) -> Picture:
    return Picture(np.asarray(sheet).copy())
