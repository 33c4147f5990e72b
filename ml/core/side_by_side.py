"""All methods of an operation on one picture, for whoever wants to see how they differ."""

import math
import time
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import TypeVar

from ml.core.context import Context, Result
from ml.core.images import Picture
from ml.core.metrics import Fidelity
from ml.core.text import Message

Method = TypeVar("Method", bound=str)


def side_by_side(
    runs: Mapping[Method, Callable[[Context], Picture]],
    costs: Mapping[Method, float],
    context: Context,
    judge: Callable[[Picture], Fidelity] | None,
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
