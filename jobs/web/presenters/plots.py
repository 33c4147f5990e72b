"""Curves as SVG, drawn by the server so that they need no script."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 320, 96
MOST_POINTS = 400


@dataclass(frozen=True)
class Plot:
    """A curve in a box of 320 by 96: `points` as SVG wants them, the ends of both axes in words."""

    name: str
    points: str
    last_x: float
    last_y: float
    bottom: str
    top: str
    first: str
    last: str
    latest: str


def plots(series: Mapping[str, Sequence[Sequence[float]]], titles: Mapping[str, str]) -> list[Plot]:
    """One for each series that has two points or more; what is no number is left out."""
    return [
        _plot(titles.get(name) or name.replace("_", " "), points)
        for name, raw in series.items()
        if len(points := _finite(raw)) > 1
    ]


def _finite(points: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    return [
        (float(x), float(y))
        for x, y in points
        if x is not None and y is not None and math.isfinite(x) and math.isfinite(y)
    ]


def _plot(name: str, points: list[tuple[float, float]]) -> Plot:
    latest = points[-1]
    step = math.ceil(len(points) / MOST_POINTS)
    points = [*points[:-1:step], latest]
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    low, high = min(y for _, y in points), max(y for _, y in points)
    placed = [
        (WIDTH * (x - left) / ((right - left) or 1), HEIGHT - HEIGHT * (y - low) / ((high - low) or 1))
        for x, y in points
    ]
    return Plot(
        name=name,
        points=" ".join(f"{x:.1f},{y:.1f}" for x, y in placed),
        last_x=round(placed[-1][0], 1),
        last_y=round(placed[-1][1], 1),
        bottom=_short(low, high - low),
        top=_short(high, high - low),
        first=_short(left, right - left),
        last=_short(right, right - left),
        latest=_short(latest[1], high - low),
    )


def _short(value: float, span: float) -> str:
    """Three digits, and what is next to nothing beside the span of its axis as 0."""
    if abs(value) < span / 1000:
        return "0"
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:.3g}"
