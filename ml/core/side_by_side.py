"""The methods of an operation on one picture: one of them, or all for whoever wants to see how they differ."""

import math
import time
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import TypeVar

from ml.core.context import Context, Inputs, Result
from ml.core.images import Picture
from ml.core.metrics import Fidelity, fidelity
from ml.core.text import Message

COMPARE = "compare"
"""The method that is all of them."""

REFERENCE = "reference"
"""The slot of the picture that a result should be like."""

Method = TypeVar("Method", bound=str)
Judge = Callable[[Picture], Fidelity]
"""How near a picture comes to what it should be like."""


def judge_of(
    inputs: Inputs, context: Context, *, on_luminance: bool = False, border: int = 0
) -> Judge | None:
    """By the picture in the slot `reference`; None where it was left empty."""
    if not inputs[REFERENCE]:
        return None
    return judge_by(inputs.picture(REFERENCE), context, on_luminance=on_luminance, border=border)


def judge_by(reference: Picture, context: Context, *, on_luminance: bool = False, border: int = 0) -> Judge:
    """Without `border` pixels at each side; a picture that has no more is taken whole."""

    def judge(image: Picture) -> Fidelity:
        wanted = reference
        if border and min(image.width, image.height) > 2 * border:
            inner = slice(border, -border)
            image, wanted = (Picture(each.pixels[inner, inner]) for each in (image, reference))
        return fidelity(image, wanted, on_luminance, context.check_cancelled)

    return judge


def by_method(
    method: str,
    runs: Mapping[Method, Callable[[Context], Picture]],
    costs: Mapping[Method, float],
    context: Context,
    judge: Judge | None,
) -> Result:
    """One run's picture as `image`, with `psnr` and `ssim` where there is a judge; all `side_by_side` with `compare`."""
    if method == COMPARE:
        return side_by_side(runs, costs, context, judge)
    ((_name, run),) = runs.items()
    result = Result(images={"image": run(context)})
    if judge:
        found = judge(result.images["image"])
        result.metrics = {"psnr": found.psnr, "ssim": found.ssim}
    return result


def side_by_side(
    runs: Mapping[Method, Callable[[Context], Picture]],
    costs: Mapping[Method, float],
    context: Context,
    judge: Judge | None,
) -> Result:
    """Each method's picture under its name, and how long it took as the metric `METHOD_seconds`.

    `judge` compares a picture with a reference: with one there are `METHOD_psnr` and `METHOD_ssim`, and the
    pictures come the best first; without, in the order given. `costs` are the seconds that each is expected to
    take, by which the progress is shared out.
    """
    images: dict[str, Picture] = {}
    metrics: dict[str, float | None] = {}
    ends = list(accumulate(costs[method] for method in runs))
    for (method, run), end in zip(runs.items(), ends, strict=True):
        part = Part(context, (end - costs[method]) / ends[-1], end / ends[-1])
        started = time.monotonic()
        images[method] = run(part)
        metrics[f"{method}_seconds"] = round(time.monotonic() - started, 3)
        if judge:
            found = judge(images[method])
            metrics |= {f"{method}_psnr": found.psnr, f"{method}_ssim": found.ssim}
    if judge:
        best_first = sorted(images, key=lambda method: _or_infinite(metrics[f"{method}_psnr"]), reverse=True)
        images = {method: images[method] for method in best_first}
    return Result(images=images, metrics=metrics)


def _or_infinite(psnr: float | None) -> float:
    return math.inf if psnr is None else psnr


class Part(Context):
    """A stretch of a run: what it says of its progress is a part of the whole's."""

    def __init__(self, whole: Context, start: float, end: float) -> None:
        super().__init__(seed=whole.seed, device=whole.device, deadline=whole.deadline)
        self._whole, self._start, self._share = whole, start, end - start

    def progress(self, fraction: float, note: Message | None = None) -> None:
        self._whole.progress(self._start + fraction * self._share, note)

    def preview(self, picture: Picture) -> None:
        self._whole.preview(picture)

    def check_cancelled(self) -> None:
        self._whole.check_cancelled()
