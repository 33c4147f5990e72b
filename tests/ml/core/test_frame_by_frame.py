"""An animation goes in and an animation comes out, where an operation works frame by frame."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.core.animations import write_animation
from ml.core.context import Inputs
from ml.core.errors import Cancelled, InputError
from ml.core.execution import estimate, execute
from ml.core.files import facts
from ml.core.formats import Kind
from ml.core.frames import frames
from ml.core.operation import Facts
from ml.registry import registry
from tests.ml.recorder import Recorder

COLORS = [(200, 30, 30, 255), (30, 200, 30, 255), (30, 30, 200, 255)]


def animation(path: Path, size: tuple[int, int] = (40, 30)) -> Path:
    """A bar that walks over nothing."""
    pictures = []
    for index, color in enumerate(COLORS):
        picture = Image.new("RGBA", size)
        picture.paste(color, (10 * index, 0, 10 * index + 10, size[1]))
        pictures.append(picture)
    with path.open("w+b") as file:
        write_animation(pictures, [100, 300, 200], 2, file)
    return path


def made(path: Path, recorder: Recorder, slug: str = "transform", **params: object) -> Path:
    """What the run made of it, there as long as the recorder."""
    operation = registry().get(slug)
    result = execute(operation, operation.parse(params), Inputs({"image": [path]}), recorder)
    assert not result.images
    return result.files["image"].path


def test_every_frame_is_worked_on_and_time_stays(tmp_path: Path) -> None:
    recorder = Recorder()

    result = made(animation(tmp_path / "a.webp"), recorder, action="flip")

    found = list(frames(result))
    assert facts(result).kind is Kind.ANIMATION
    assert [round(frame.seconds, 3) for frame in found] == [0.1, 0.3, 0.2]
    for index, (frame, color) in enumerate(zip(found, COLORS, strict=True)):
        pixels = frame.picture.with_alpha().pixels
        assert pixels[5, 39 - 10 * index].tolist() == list(color)
        assert pixels[5, 5 if index < 2 else 35, 3] == 0
    with Image.open(result) as image:
        assert image.info["loop"] == 2
    assert recorder.fractions == sorted(recorder.fractions)
    assert len(recorder.previews) == 3


@pytest.mark.parametrize(
    ("slug", "params"),
    [
        ("super-resolution", {"method": "bicubic", "scale": 2}),
        ("denoise", {"method": "median", "sigma": 10}),
        ("add-noise", {}),
    ],
)
def test_what_declares_it_does_it(tmp_path: Path, slug: str, params: dict[str, object]) -> None:
    recorder = Recorder()

    result = made(animation(tmp_path / "a.webp"), recorder, slug, **params)

    scale = params.get("scale", 1)
    assert (facts(result).frames, facts(result).width) == (3, 40 * int(str(scale)))


def test_all_frames_are_counted_in_its_cost(tmp_path: Path) -> None:
    operation = registry().get("transform")
    still = Facts(Kind.IMAGE, 40, 30)
    params = operation.parse({"action": "flip"})

    whole = estimate(operation, params, Inputs({"image": [animation(tmp_path / "a.webp")]}))

    assert whole.seconds == pytest.approx(3 * operation.estimate(params, {"image": [still]}).seconds)


def test_what_no_animation_can_hold_is_refused_before_it_starts(tmp_path: Path) -> None:
    operation = registry().get("transform")
    params = operation.parse({"action": "resize", "width": 20_000})

    with pytest.raises(InputError, match="16383 pixels wide or high"):
        estimate(operation, params, Inputs({"image": [animation(tmp_path / "a.webp")]}))


def test_it_can_be_stopped_between_frames(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        made(animation(tmp_path / "a.webp"), Recorder(cancel_at=2), action="flip")


def test_a_still_picture_stays_a_picture(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 5, 3), np.uint8)).save(tmp_path / "a.png")
    operation = registry().get("transform")

    result = execute(operation, operation.parse({}), Inputs({"image": [tmp_path / "a.png"]}), Recorder())

    assert not result.files
