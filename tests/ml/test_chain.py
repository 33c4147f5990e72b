"""Several operations, one after the other, from the command line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ml.command_line import main
from ml.core import recipe as recipes

HALF = {"operation": "transform", "params": {"percent": 50}}
TURNED = {"operation": "transform", "params": {"action": "rotate", "format": "jpeg"}}


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.png" for name in ("one", "two")]
    for path, color in zip(paths, ("teal", "olive"), strict=True):
        Image.new("RGB", (40, 20), color).save(path)
    return paths


@pytest.fixture
def chain(tmp_path: Path) -> Any:
    def write(*steps: Any) -> str:
        path = tmp_path / "chain.json"
        path.write_text(json.dumps({"steps": steps}))
        return str(path)

    return write


def test_all_steps_are_done_to_each_input(photos, chain, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["run", "--recipe", chain(HALF, TURNED), *map(str, photos), "-o", str(out)]) == 0
    told = [json.loads(line)["outputs"] for line in capsys.readouterr().out.splitlines()]
    assert told == [[str(out / f"{name}-transform-transform.jpg")] for name in ("one", "two")]
    assert {Image.open(path).size for (path,) in told} == {(10, 20)}


def test_the_result_carries_the_recipe_of_all_steps_and_makes_itself_again(photos, chain, tmp_path, capsys):
    first, again = tmp_path / "first", tmp_path / "again"
    assert main(["run", "--recipe", chain(HALF, TURNED), str(photos[0]), "-o", str(first)]) == 0
    made = next(first.iterdir())
    found = recipes.extract(made)
    assert [step["operation"] for step in found["steps"]] == ["transform", "transform"]
    assert found["steps"][0]["params"]["format"] == "png"
    assert main(["run", "--recipe", str(made), str(photos[0]), "-o", str(again)]) == 0
    assert next(again.iterdir()).read_bytes() == made.read_bytes()


def test_between_the_steps_nothing_is_lost(tmp_path, chain):
    noise = np.random.default_rng(0).integers(0, 65536, (16, 16), np.uint16)
    photo = tmp_path / "noise.png"
    Image.fromarray(noise).save(photo)
    turn = {"operation": "transform", "params": {"action": "rotate", "angle": 180, "format": "png"}}
    lossy = {**turn, "params": {**turn["params"], "format": "jpeg"}}
    assert main(["run", "--recipe", chain(lossy, turn), str(photo), "-o", str(tmp_path / "out")]) == 0
    assert np.array_equal(np.asarray(Image.open(next((tmp_path / "out").iterdir()))), noise)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([HALF, {"operation": "juggle", "params": {}}], "juggle"),
        ([HALF, {"operation": "transform", "params": {"wings": 2}}], "wings"),
        (
            [HALF, {"operation": "video-super-resolution", "params": {}}],
            "cannot go on with what “Transform” makes",
        ),
        ([HALF, "transform"], "is no recipe"),
        ([], "is no recipe"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(steps, words, photos, chain, tmp_path, capsys):
    assert main(["run", "--recipe", chain(*steps), str(photos[0]), "-o", str(tmp_path / "out")]) in (1, 2)
    (_line,) = [line for line in capsys.readouterr().err.splitlines() if words in line]
    assert not list(tmp_path.glob("out/*"))
