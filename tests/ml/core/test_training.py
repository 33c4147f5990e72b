import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from ml.core.checkpoints import load_weights
from ml.core.errors import InputError
from ml.core.training import Crops, Place, Plan, learning_rate, read_crops, step_seed, train

CPU = torch.device("cpu")
STEPS = 13


def tiny_plan(kill_at=None):
    """A network that learns to sharpen random pictures; ``kill_at`` ends the process as kill -9 does."""
    torch.manual_seed(5)
    pictures = [torch.randint(256, (1, 20, 24), dtype=torch.uint8) for _ in range(4)]
    crops = Crops(pictures, [1.0] * 4, CPU)
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))
    calls = 0

    def loss(network, generator):
        nonlocal calls
        calls += 1
        if calls == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        clean = crops.draw(4, 8, generator)
        noisy = clean + 0.1 * torch.randn(clean.shape, generator=generator)
        return (network(noisy) - clean).square().mean()

    return Plan(
        name="tiny",
        network=network,
        loss=loss,
        validate=lambda network: {"mean": -float((network(torch.ones(1, 1, 8, 8)) - 1).square().mean())},
        data="random pictures",
        terms="none",
        steps=STEPS,
        learning_rate=1e-2,
        validate_every=4,
    )


def place(folder, seed=3):
    return Place(
        weights=folder / "weights",
        checkpoints=folder / "checkpoints",
        device=CPU,
        seed=seed,
        checkpoint_every=3,
    )


def final_state(folder):
    return torch.load(folder / "checkpoints" / "tiny.pt", weights_only=True)


@pytest.mark.slow
def test_a_run_that_was_killed_ends_with_the_weights_of_one_that_was_not(tmp_path):
    script = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[1:2]\n"
        "from test_training import place, tiny_plan; from ml.core.training import train\n"
        "train(tiny_plan(kill_at=9), place(Path(sys.argv[2])))"
    )
    here = os.path.dirname(__file__)
    killed = subprocess.run(
        [sys.executable, "-c", script, here, str(tmp_path / "killed")], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert final_state(tmp_path / "killed")["state"]["step"] == 6

    card = train(tiny_plan(), place(tmp_path / "killed"))
    train(tiny_plan(), place(tmp_path / "whole"))

    resumed, whole = final_state(tmp_path / "killed"), final_state(tmp_path / "whole")
    assert resumed["state"]["step"] == whole["state"]["step"] == STEPS
    for kind in ("network", "averaged"):
        for name, tensor in whole[kind].items():
            assert torch.allclose(resumed[kind][name], tensor, atol=1e-6), name
    assert [step for step, _ in resumed["state"]["validations"]] == [4, 8, 12, 13]
    assert card["schedule"] == [{"from": 0, "steps": STEPS, "learning_rate": 1e-2}]


@pytest.mark.slow
def test_another_seed_gives_other_weights(tmp_path):
    train(tiny_plan(), place(tmp_path / "a", seed=3))
    train(tiny_plan(), place(tmp_path / "b", seed=4))
    first, second = (final_state(tmp_path / name)["network"]["0.weight"] for name in "ab")
    assert not torch.allclose(first, second)


@pytest.mark.slow
def test_a_checkpoint_of_another_seed_is_refused_in_words(tmp_path):
    train(tiny_plan(), place(tmp_path, seed=3))
    with pytest.raises(InputError, match="--seed 3"):
        train(tiny_plan(), place(tmp_path, seed=4))


@pytest.mark.slow
def test_half_a_checkpoint_does_no_harm(tmp_path):
    train(tiny_plan(), place(tmp_path))
    (tmp_path / "checkpoints" / "tiny.partial").write_bytes(b"cut off")
    train(replace(tiny_plan(), steps=STEPS + 2), place(tmp_path))
    assert final_state(tmp_path)["state"]["step"] == STEPS + 2


@pytest.mark.slow
def test_the_card_and_the_curves_stand_beside_half_precision_weights(tmp_path):
    card = train(tiny_plan(), place(tmp_path))
    weights = tmp_path / "weights"
    assert json.loads((weights / "tiny.json").read_text()) == card
    assert card["data"] == "random pictures"
    assert card["parameters"] == 77
    assert {tensor.dtype for tensor in load_file(weights / "tiny.safetensors").values()} == {torch.float16}
    assert Image.open(weights / "tiny.png").size == (1000, 400)


@pytest.mark.slow
def test_a_run_starts_from_the_weights_it_is_given_and_its_card_says_which(tmp_path):
    given = train(tiny_plan(), place(tmp_path / "first"))
    file = tmp_path / "first" / "weights" / "tiny.safetensors"
    short = replace(tiny_plan(), steps=1, learning_rate=1e-9)
    card = train(short, replace(place(tmp_path / "second"), init=file))
    assert card["init_sha256"] == given["sha256"]
    started = final_state(tmp_path / "second")["network"]
    for name, tensor in load_file(file).items():
        assert torch.allclose(started[name], tensor.float(), atol=1e-6), name


@pytest.mark.slow
def test_weights_are_filled_in_strictly(tmp_path):
    train(tiny_plan(), place(tmp_path))
    path = tmp_path / "weights" / "tiny.safetensors"
    network = load_weights(tiny_plan().network, path)
    assert network[0].weight.dtype == torch.float32
    with pytest.raises(RuntimeError, match="Missing key"):
        load_weights(nn.Sequential(*tiny_plan().network, nn.Conv2d(1, 1, 1)), path)


def test_the_learning_rate_rises_and_falls_to_nothing():
    rates = [learning_rate(step, 100, 0.1, warmup=10) for step in range(100)]
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == rates[9] == rates[10] == pytest.approx(0.1)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 1e-4


def test_steps_have_seeds_of_their_own():
    assert len({step_seed(seed, step) for seed in range(5) for step in range(200)}) == 1000


def test_crops_are_a_function_of_the_generator_and_fit_their_pictures():
    small = torch.zeros(1, 6, 30, dtype=torch.uint8)
    large = torch.full((1, 9, 9), 255, dtype=torch.uint8)
    crops = Crops([small, large], [1000.0, 1.0], CPU)
    batch = crops.draw(16, 8, torch.Generator().manual_seed(1))
    assert batch.shape == (16, 1, 8, 8)
    assert batch.min() == 1, "a picture too small for the crop was used"
    mixed = [crops.draw(8, 5, torch.Generator().manual_seed(2)) for _ in range(2)]
    assert torch.equal(*mixed)


def test_crops_are_turned_and_flipped():
    picture = torch.arange(9, dtype=torch.uint8).reshape(1, 3, 3)
    batch = Crops([picture], [1.0], CPU).draw(200, 3, torch.Generator().manual_seed(0))
    assert len({tuple((crop * 255).round().flatten().tolist()) for crop in batch}) == 8


def test_every_twentieth_picture_is_held_back(tmp_path):
    for index in range(41):
        pixels = np.full((10, 12, 3), index, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{index:02}.png")
    crops, held_back = read_crops({tmp_path: 2.0}, (1.0, 0.5), lambda picture: picture, CPU)
    assert [int(picture[0, 0, 0]) for picture in held_back] == [10, 30]
    assert len(crops.pictures) == 2 * 39
    assert not {int(picture[0, 0, 0]) for picture in crops.pictures} & {10, 30}
