"""Whatever works in steps asks whether it must end, and a cancel at any of its questions ends it there."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import skimage.data
from torch.nn.modules import module as every_module

from ml.core.context import Inputs
from ml.core.errors import Cancelled
from ml.core.execution import execute
from ml.core.images import Picture, write_picture
from ml.registry import registry
from tests.ml.films import film
from tests.ml.recorder import Recorder
from tests.ml.samples import photo

PHOTO = Picture(skimage.data.astronaut()[:96, 160:288])


def pictures(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        write_picture(Picture(photo(64, 48, seed=number)), path, "png")
    return paths


def inputs_for(slug: str, folder: Path) -> dict[str, list[Path]]:
    """Small ones, and one for each slot that a run cannot do without."""
    match slug:
        case "burst-super-resolution":
            paths = pictures(folder, 3)
            for number, path in enumerate(paths):
                write_picture(Picture(photo(140, 100)[4:84, 4 + number : 124 + number]), path, "png")
            return {"frames": paths}
        case "video-super-resolution":
            return {"video": [film(folder / "film.mp4", count=3)]}
        case "train-classifier":
            photos = pictures(folder, 20)
            return {"class_1": photos[:10], "class_2": photos[10:]}
    path = folder / "photo.png"
    write_picture(PHOTO, path, "png")
    return {slot.name: [path] for slot in registry().get(slug).inputs if slot.required}


SLOW: list[dict[str, Any]] = [{"method": "real-esrgan"}, {"method": "gatys", "steps": 10}, {"variants": 0}]
FURTHER: Mapping[str, list[dict[str, Any]]] = {
    "super-resolution": [{"method": "real-esrgan"}],
    "deep-dream": [{"octaves": 1}],
    "style-transfer": [{"method": "gatys", "steps": 10}, {"method": "arbitrary"}],
    "vae-sample": [{"action": "manifold", "side": 40}],
    "gan-sample": [{"count": 144}],
    "train-classifier": [{"variants": 0}],
}
"""Instead of what an operation does by itself, or after it: the other loops that one has."""
INSTEAD = {"deep-dream", "train-classifier"}

WAYS = [
    pytest.param(
        operation.slug,
        params,
        id="-".join([operation.slug, *map(str, params.values())]),
        marks=[pytest.mark.slow] if params in SLOW else [],
    )
    for operation in registry().all()
    for params in [*([] if operation.slug in INSTEAD else [{}]), *FURTHER.get(operation.slug, [])]
]


MOST_LAYERS = {"digit-denoise": 15, "gan-sample": 15, "vae-sample": 8, "augmentation": 8, "style-transfer": 2}
"""Between two questions, of operations that ask before a handful of tiny pictures rather than before each layer."""


class Counting(Recorder):
    """Counts how many layers of networks work between one question and the next."""

    def __init__(self, *, cancel_at: int | None = None) -> None:
        super().__init__(cancel_at=cancel_at)
        self.layers = self.most_layers = 0

    def cancel_requested(self) -> bool:
        self.layers = 0
        return super().cancel_requested()

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Within it, every layer of every network is counted."""

        def count(layer: Any, *_: Any) -> None:
            self.layers += not any(layer.children())
            self.most_layers = max(self.most_layers, self.layers)

        hook = every_module.register_module_forward_hook(count)
        try:
            yield
        finally:
            hook.remove()


@dataclass
class Run:
    """Runs one operation on the same small inputs again and again."""

    slug: str
    params: Mapping[str, Any]
    files: Mapping[str, list[Path]] = field(repr=False)

    def __call__(self, context: Counting) -> Counting:
        operation = registry().get(self.slug)
        with context.counting():
            execute(operation, operation.parse(self.params), Inputs(self.files), context)
        return context


@pytest.mark.slow
@pytest.mark.parametrize(("slug", "params"), WAYS)
def test_a_cancel_at_the_nth_question_ends_the_run_there(
    tmp_path: Path, slug: str, params: dict[str, Any]
) -> None:
    run = Run(slug, params, inputs_for(slug, tmp_path))
    whole = run(Counting())
    assert whole.asked > 0, "it never asks"
    assert whole.most_layers <= MOST_LAYERS.get(slug, 1), "so much works between two questions"
    for at in sorted({1, (whole.asked + 1) // 2, whole.asked}):
        cancelled = Counting(cancel_at=at)
        with pytest.raises(Cancelled):
            run(cancelled)
        assert cancelled.asked == at, "it went on asking after it was told to end"
        assert cancelled.layers == 0, "layers went on working"
        assert cancelled.told_after == 0, "it went on to tell of its progress"
        assert cancelled.fractions == whole.fractions[: len(cancelled.fractions)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("slug", "params", "more", "times"),
    [
        ("gan-sample", {"count": 16}, {"count": 144}, 9),
        ("vae-sample", {"action": "manifold", "side": 8}, {"action": "manifold", "side": 40}, 8),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_more_work_asks_more_often(
    tmp_path: Path, slug: str, params: dict[str, Any], more: dict[str, Any], times: int
) -> None:
    files = inputs_for(slug, tmp_path)
    few, many = Run(slug, params, files)(Counting()), Run(slug, more, files)(Counting())
    assert many.asked >= times * few.asked
