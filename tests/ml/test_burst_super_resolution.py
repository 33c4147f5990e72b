"""Bursts: more detail than any single frame holds, and nothing of what does not belong."""

import argparse
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from ml.burst_super_resolution import MOST_FRAMES, BurstParams, evaluate, fusion
from ml.burst_super_resolution.evaluate import simulate
from ml.burst_super_resolution.registration import STILL, exposure, luminance, register
from ml.core.context import Context, Inputs, Result
from ml.core.errors import Cancelled, InputError
from ml.core.execution import execute
from ml.core.formats import Kind
from ml.core.images import Picture, Pixels, to_depth, write_picture
from ml.core.metrics import luminance_score
from ml.core.operation import Facts
from ml.core.weights import ML_ROOT
from ml.registry import registry
from tests.ml.films import film
from tests.ml.recorder import Recorder
from tests.ml.samples import photo

OPERATION = registry().get("burst-super-resolution")


def sample(name: str, left: int, top: int, side: int = 156) -> Pixels:
    """A part of a photo that the package ships, RGB."""
    image = Image.open(ML_ROOT.parent / "static" / "samples" / f"{name}.jpg").convert("RGB")
    return np.asarray(image.crop((left, top, left + side, top + side)))


MOST_AT_ONCE = 2_100_000
"""Pixels times steps."""
TRUTH = sample("chelsea", 130, 90)
OTHER = sample("astronaut", 200, 60)


def burst(
    truth: Pixels = TRUTH, count: int = 8, sigma: float = 5, scale: int = 3
) -> tuple[list[Pixels], Pixels]:
    return simulate(truth, scale, count, sigma, np.random.default_rng(1))


def fuse(
    frames: Sequence[Pixels | Picture], folder: Path, context: Context | None = None, **params: Any
) -> Result:
    paths = []
    for index, frame in enumerate(frames):
        paths.append(folder / f"{index}.png")
        write_picture(frame if isinstance(frame, Picture) else Picture(frame), paths[-1], "png")
    return run(paths, context, **params)


def run(paths: list[Path], context: Context | None = None, **params: Any) -> Result:
    parsed = OPERATION.parse({"scale": 3} | params)
    return execute(OPERATION, parsed, Inputs({"frames": paths}), context or Context())


def quality(image: Pixels, truth: Pixels) -> float:
    """PSNR on Y, dB."""
    tensors = (torch.from_numpy(np.ascontiguousarray(each)).permute(2, 0, 1) / 255 for each in (image, truth))
    found = luminance_score(*tensors, 3).psnr
    assert found is not None
    return found


# Better than one frame -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_noisy_burst_is_better_than_one_frame_enlarged_even_if_that_is_denoised_first(
    tmp_path: Path,
) -> None:
    write_picture(Picture(TRUTH), tmp_path / "truth.png", "png")
    found = evaluate.main(argparse.Namespace(data=tmp_path, scale=3, frames=8, sigma=5.0, seed=0))

    assert found["images"] == 1
    single = found["single"]
    assert isinstance(single, dict)
    psnr = found["psnr"]
    assert isinstance(psnr, float)
    enlarged = {name: ratio for name, ratio in single.items() if "dncnn" not in name}
    assert set(enlarged) == {"bicubic", "fsrcnn", "latent-sr"}
    assert set(single) - set(enlarged) == {f"dncnn, then {name}" for name in enlarged}
    assert psnr > max(enlarged.values()) + 1
    assert psnr > max(single.values()) + 0.5


@pytest.mark.slow
def test_more_frames_are_better(tmp_path: Path) -> None:
    frames, truth = burst(count=12)
    scores = [quality(fuse(frames[:count], tmp_path).images["image"].pixels, truth) for count in (2, 5, 12)]
    assert scores[1] > scores[0] + 0.3
    assert scores[2] > scores[1] + 0.3


@pytest.mark.slow
def test_a_darker_frame_is_brought_to_the_exposure_of_the_first(tmp_path: Path) -> None:
    frames, truth = burst()
    alike = quality(fuse(frames, tmp_path).images["image"].pixels, truth)
    frames[3:] = [np.rint(0.7 * frame + 10).astype(np.uint8) for frame in frames[3:]]
    assert quality(fuse(frames, tmp_path).images["image"].pixels, truth) > alike - 0.5


# Registration --------------------------------------------------------------------------------------------


def moved(image: Pixels, matrix: np.ndarray) -> Pixels:
    """What a camera sees that has moved so, and noise."""
    size = (image.shape[1], image.shape[0])
    seen = cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT)
    noise = np.random.default_rng(2).normal(0, 5, image.shape)
    return np.rint(np.clip(seen + noise, 0, 255)).astype(np.uint8)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "matrix",
    [
        [[1, 0, 0.37], [0, 1, -0.61], [0, 0, 1]],
        [[1, 0, 21.4], [0, 1, -13.7], [0, 0, 1]],
        [[0.9994, -0.035, 4.2], [0.035, 0.9994, -3.3], [0, 0, 1]],
        [[1.01, 0.004, -2.2], [-0.006, 0.995, 1.4], [3e-5, -2e-5, 1]],
    ],
    ids=["shift", "long shift", "rotation", "homography"],
)
def test_motion_is_found_to_a_fraction_of_a_pixel(matrix: list[list[float]]) -> None:
    scene = sample("coffee", 60, 20, 300)
    truth = np.array(matrix)

    motion = register(luminance(scene), luminance(moved(scene, truth)), Context())

    y, x = np.mgrid[30:270:60, 30:270:60].astype(np.float64)
    points = np.stack([x, y], axis=2).reshape(1, -1, 2)
    apart = cv2.perspectiveTransform(points, motion.matrix) - cv2.perspectiveTransform(points, truth)
    assert motion.fits
    assert np.sqrt((apart**2).sum(axis=2)).mean() < 0.1


def test_frames_of_different_scenes_do_not_fit() -> None:
    for first, second in (
        (TRUTH, OTHER),
        (OTHER, TRUTH),
        (TRUTH, TRUTH[::-1]),
        (TRUTH, np.full_like(TRUTH, 90)),
    ):
        assert not register(luminance(first), luminance(second), Context()).fits


def test_exposure_is_not_misled_by_a_part_that_changed() -> None:
    changed = np.rint(0.8 * TRUTH + 5).astype(np.uint8)
    changed[:40, :40] = 255
    gains, offsets = exposure(TRUTH, changed, STILL)
    assert gains == pytest.approx([1.25] * 3, abs=0.06)
    assert offsets == pytest.approx([-6.25] * 3, abs=5)


# What does not belong ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_frames_that_do_not_fit_are_left_out_and_named(tmp_path: Path) -> None:
    frames, truth = burst(count=6)
    alone = quality(fuse(frames, tmp_path).images["image"].pixels, truth)
    other, _ = burst(OTHER, count=1)
    mixed = [frames[0], np.zeros((70, 30, 3), np.uint8), *frames[1:3], other[0], *frames[3:]]

    result = fuse(mixed, tmp_path)

    assert result.metrics == {"frames_used": 6, "frames_left_out": 2}
    assert [str(label.title) for label in result.labels] == [
        "Frame 2 left out: it has another size",
        "Frame 5 left out: it shows something else",
    ]
    assert all(0 <= label.score < 0.9 for label in result.labels)
    assert quality(result.images["image"].pixels, truth) > alone - 0.1


@pytest.mark.slow
def test_a_first_frame_that_does_not_fit_is_left_out_as_well(tmp_path: Path) -> None:
    frames, truth = burst(count=5)
    other, _ = burst(OTHER, count=1)

    result = fuse([other[0], *frames], tmp_path)

    assert [str(label.title) for label in result.labels] == ["Frame 1 left out: it shows something else"]
    assert quality(result.images["image"].pixels, truth) > 25


@pytest.mark.slow
def test_what_moves_through_the_scene_leaves_no_ghost(tmp_path: Path) -> None:
    frames, truth = burst()
    clean = quality(fuse(frames, tmp_path).images["image"].pixels, truth)
    for index in range(1, 8):
        frames[index][8 : 8 + 10, 4 * index : 4 * index + 8] = (250, 20, 30)
    assert quality(fuse(frames, tmp_path).images["image"].pixels, truth) > clean - 0.7


# Every kind of picture -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_tiles_leave_no_seams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames, _ = burst(sample("chelsea", 60, 20, 276), count=4)
    whole = fuse(frames, tmp_path).images["image"].pixels.astype(int)
    monkeypatch.setattr(fusion, "tile_side", lambda _views: 31)
    tiles = fuse(frames, tmp_path).images["image"].pixels.astype(int)
    assert np.abs(tiles - whole).max() <= 3
    assert np.abs(tiles - whole).mean() < 0.1


@pytest.mark.slow
def test_gray_alpha_and_depth_stay(tmp_path: Path) -> None:
    frames, _ = burst(count=3)
    gray = [np.asarray(Picture(frame).to_pillow().convert("L"))[:, :, None] for frame in frames]
    opacity = np.full_like(gray[0], 255)
    opacity[:, :10] = 0
    for pixels in (gray, [to_depth(frame, np.uint16) for frame in frames]):
        result = fuse(pixels, tmp_path).images["image"].pixels
        assert (result.dtype, result.shape[2]) == (pixels[0].dtype, pixels[0].shape[2])
    result = fuse([Picture.join(frame, opacity) for frame in frames], tmp_path).images["image"]
    assert result.alpha is not None
    assert (result.alpha[:, :24] == 0).all()
    assert (result.alpha[:, 36:] == 255).all()


@pytest.mark.slow
def test_gray_and_colour_go_together(tmp_path: Path) -> None:
    frames, _ = burst(count=3)
    frames[1] = np.asarray(Picture(frames[1]).to_pillow().convert("L"))[:, :, None]
    result = fuse(frames, tmp_path)
    assert result.metrics["frames_used"] == 3
    assert result.images["image"].pixels.shape[2] == 3


@pytest.mark.slow
def test_an_animation_or_a_video_is_a_burst(tmp_path: Path) -> None:
    frames, _ = burst(count=4, sigma=2)
    images = [Image.fromarray(frame) for frame in frames]
    images[0].save(tmp_path / "a.webp", save_all=True, append_images=images[1:], lossless=True, duration=50)
    assert run([tmp_path / "a.webp"]).metrics["frames_used"] == 4
    assert run([film(tmp_path / "film.mp4", count=5)], scale=2, most_frames=3).metrics["frames_used"] == 3


# Bad input -----------------------------------------------------------------------------------------------


def test_one_frame_is_no_burst(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two frames at least, and this is one"):
        fuse([TRUTH], tmp_path)


def test_frames_of_different_sizes_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="different sizes"):
        fuse([TRUTH, TRUTH[:100], TRUTH[:, :90]], tmp_path)


def test_frames_too_small_to_be_registered_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too small"):
        fuse([TRUTH[:12]] * 3, tmp_path)


@pytest.mark.slow
def test_frames_of_which_none_fits_another_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="None of these frames fits another"):
        fuse([TRUTH, OTHER, photo(156, 156)], tmp_path)


def test_the_estimate_grows_with_the_frames_and_is_bounded_by_them() -> None:
    def seconds(frames: int, **params: Any) -> float:
        inputs = {"frames": [Facts(Kind.IMAGE, 4000, 3000)] * frames}
        return OPERATION.estimate(BurstParams(**params), inputs).seconds

    assert seconds(4) < seconds(8) < seconds(16) == seconds(MOST_FRAMES)
    assert seconds(8, scale=2) < seconds(8, scale=3)


# A run ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_is_live_and_can_be_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.burst_super_resolution.run.PREVIEW_SECONDS", 0)
    frames, _ = burst(count=4)
    recorder = Recorder()
    fuse(frames, tmp_path, recorder)
    assert recorder.fractions == sorted(recorder.fractions)
    assert recorder.fractions[-1] > 0.95
    assert len(recorder.fractions) > 20
    assert recorder.previews
    for at in (1, recorder.asked // 2, recorder.asked - 1):
        with pytest.raises(Cancelled):
            fuse(frames, tmp_path, Recorder(cancel_at=at))


def test_frames_of_twelve_megapixels_are_registered_in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two questions there are two steps of the search at most, on a megapixel at most."""
    find, steps = cv2.findTransformECC, Counter[int]()
    context = Recorder(cancel_at=12)

    def count(reference: Pixels, frame: Pixels, matrix: Any, kind: int, stop: tuple[int, int, float]) -> Any:
        steps[context.asked] += stop[1] * reference.size
        return find(reference, frame, matrix, kind, stop)

    monkeypatch.setattr(cv2, "findTransformECC", count)
    first = cv2.resize(luminance(TRUTH), (4000, 3000), interpolation=cv2.INTER_CUBIC)
    shift = np.array([[1, 0, 2.5], [0, 1, -1.5]])
    with suppress(Cancelled):
        register(first, cv2.warpAffine(first, shift, (4000, 3000), borderMode=cv2.BORDER_REFLECT), context)
    assert steps
    assert max(steps.values()) <= MOST_AT_ONCE
