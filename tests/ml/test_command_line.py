"""``python -m ml``: everything without a web site."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ml.command_line import main
from ml.core.images import Picture, write_picture
from ml.core.reading import read_picture
from ml.core.recipe import extract
from ml.core.weights import ML_ROOT, sha256
from ml.denoise import DNCNN
from ml.registry import registry
from tests.ml.samples import photo, write_sample


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    write_picture(Picture(photo(48, 40)), path, "png")
    return path


@pytest.mark.slow
def test_it_works_as_a_module_and_reports_on_stderr(picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.png"
    command = [sys.executable, "-m", "ml", "run", "transform", str(picture), "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ML_ROOT.parent, check=False)
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"outputs": [str(out)]}
    assert "100%" in done.stderr
    assert read_picture(out).width == 24


def test_it_lists_operations_and_methods(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert all(word in listed for word in ("super-resolution", "denoise", "transform", "--method nlm"))


def test_every_param_is_an_option(picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "large.webp"
    options = ["--method", "bicubic", "--scale", "3", "--format", "webp"]
    assert main(["run", "super-resolution", str(picture), "-o", str(out), *options]) == 0
    assert read_picture(out).width == 144
    with pytest.raises(SystemExit) as left:
        main(["run", "super-resolution", "--help"])
    assert left.value.code == 0
    helped = capsys.readouterr().out
    assert all(
        option in helped
        for option in (
            "--method",
            "--scale VALUE",
            "--size scale|width|print",
            "--format",
            "--device",
            "--seed",
        )
    )


def test_the_name_of_the_output_chooses_its_format(picture: Path, tmp_path: Path) -> None:
    for name, magic in (("a.jpg", b"\xff\xd8"), ("a.webp", b"RIFF"), ("a.png", b"\x89PNG")):
        assert main(["run", "transform", str(picture), "-o", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_bytes().startswith(magic)


@pytest.mark.parametrize("length", [244, 251])
def test_names_as_long_as_a_disk_takes_work(picture: Path, tmp_path: Path, length: int) -> None:
    source = picture.rename(picture.with_name("a" * length + ".png"))
    folder = tmp_path / "results"
    folder.mkdir()

    assert main(["run", "transform", str(source), "-o", str(folder)]) == 0
    assert main(["run", "transform", str(source), "-o", str(tmp_path / ("b" * length + ".jpg"))]) == 0

    (written,) = folder.iterdir()
    assert (len(written.name), written.suffix) == (255, ".png")
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    ("name", "suffix"), [("jpeg", ".jpg"), ("webp", ".webp"), ("rgb", ".png"), ("bmp", ".png")]
)
def test_in_a_folder_the_output_has_the_format_of_the_photo(tmp_path: Path, name: str, suffix: str) -> None:
    source, folder = write_sample(name, tmp_path), tmp_path / "results"
    folder.mkdir()

    assert main(["run", "transform", str(source), "-o", str(folder)]) == 0

    (written,) = folder.iterdir()
    assert written.suffix == suffix


def test_a_folder_gets_the_output_under_a_name_of_its_own(
    picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = picture.read_bytes()
    assert main(["run", "transform", str(picture), "-o", str(picture.parent), "--format", "jpeg"]) == 0
    (written,) = json.loads(capsys.readouterr().out)["outputs"]
    assert Path(written) == picture.parent / "cat-transform.jpg"
    assert picture.read_bytes() == before
    assert main(["run", "transform", str(picture), "-o", str(picture.parent / "new")]) == 0
    assert (picture.parent / "new" / "cat-transform.png").exists()


def test_the_output_carries_the_recipe(picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jpg"
    assert main(["run", "denoise", str(picture), "-o", str(out), "--sigma", "12.5", "--seed", "9"]) == 0
    assert extract(out) == {
        "operation": "denoise",
        "version": registry().get("denoise").version,
        "params": {"format": "jpeg", "method": "dncnn", "sigma": 12.5, "strength": 1.0},
        "seed": 9,
        "inputs": {"image": [sha256(picture)]},
        "weights": {"dncnn": DNCNN.sha256},
        "engine": "torch",
        "device": "cpu",
    }


@pytest.mark.parametrize("as_json", [True, False])
def test_a_recipe_makes_the_same_picture_again(as_json: bool, picture: Path, tmp_path: Path) -> None:
    first, again, source = tmp_path / "first.png", tmp_path / "again.png", tmp_path / "recipe.json"
    options = ["--method", "real-esrgan-compact", "--scale", "2", "--seed", "4"]
    assert main(["run", "super-resolution", str(picture), "-o", str(first), *options]) == 0
    if as_json:
        source.write_text(json.dumps(extract(first)))
    else:
        source = first
    assert main(["run", str(picture), "--recipe", str(source), "-o", str(again)]) == 0
    assert np.array_equal(read_picture(again).pixels, read_picture(first).pixels)
    assert extract(again) == extract(first)


def test_options_win_over_the_recipe(picture: Path, tmp_path: Path) -> None:
    recipe, out = tmp_path / "recipe.json", tmp_path / "out.png"
    params = {"action": "resize", "percent": 25, "filter": "lanczos"}
    recipe.write_text(json.dumps({"operation": "transform", "version": 1, "params": params, "seed": 3}))
    assert (
        main(["run", "transform", str(picture), "-o", str(out), "--recipe", str(recipe), "--percent", "75"])
        == 0
    )
    assert read_picture(out).width == 36
    found = extract(out)
    assert found is not None
    assert found["params"]["filter"] == "lanczos"
    assert found["seed"] == 3


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["paint"], 2, "Argument command"),
        (["run", "paint", "PICTURE", "-o", "OUT"], 2, "no operation “paint”; there are: super-resolution"),
        (["run"], 2, "Name an operation"),
        (["run", "denoise", "PICTURE"], 2, "-o"),
        (["run", "denoise", "PICTURE", "-o", "OUT", "--sigma", "99"], 2, "“sigma”"),
        (["run", "denoise", "PICTURE", "-o", "OUT", "--sigma", "much"], 2, "“sigma”"),
        (["run", "denoise", "PICTURE", "-o", "OUT", "--colour", "red"], 2, "--colour"),
        (["run", "super-resolution", "PICTURE", "-o", "OUT", "--scale", "9"], 2, "less than or equal to 8"),
        (["run", "transform", "PICTURE", "PICTURE", "-o", "OUT"], 2, "no place for"),
        (["run", "denoise", "PICTURE", "-o", "OUT.tiff"], 2, ".tiff"),
        (["run", "denoise", "-o", "OUT"], 1, "exactly one file"),
        (["run", "denoise", "MISSING", "-o", "OUT"], 1, "No such file"),
        (["run", "denoise", "TEXT", "-o", "OUT"], 1, "not a picture"),
        (["run", "denoise", "PICTURE", "-o", "NOWHERE"], 1, "No such file"),
        (["run", "transform", "PICTURE", "-o", "OUT", "--action", "crop", "--left", "99"], 1, "48 x 40"),
        (["run", "denoise", "PICTURE", "-o", "OUT", "--recipe", "TEXT"], 1, "no recipe"),
        (["run", "denoise", "PICTURE", "-o", "OUT", "--recipe", "MISSING"], 1, "No such file"),
        (["weights", "--fetch", "nothing"], 2, "no weights “nothing”"),
        (["evaluate", "nothing"], 2, "super-resolution"),
        (["train", "nothing"], 2, "fsrcnn"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    arguments: list[str],
    code: int,
    words: str,
    picture: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    places = {
        "PICTURE": picture,
        "TEXT": text,
        "MISSING": tmp_path / "missing",
        "OUT": tmp_path / "out.png",
        "OUT.tiff": tmp_path / "out.tiff",
        "NOWHERE": tmp_path / "nowhere" / "out.png",
    }
    assert main([str(places.get(argument, argument)) for argument in arguments]) == code
    heard = capsys.readouterr()
    last = heard.err.splitlines()[-1]
    assert last.startswith("Error: ")
    assert words in last
    assert "Traceback" not in heard.err
    assert not heard.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cat.png", "notes.txt"]


def test_the_recipe_of_another_operation_is_refused(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"operation": "transform", "version": 1, "params": {}, "seed": 0}))
    arguments = ["run", "denoise", str(picture), "-o", str(tmp_path / "out.png"), "--recipe", str(recipe)]
    assert main(arguments) == 2
    assert "transform" in capsys.readouterr().err


def test_a_recipe_of_another_version_is_followed_with_a_warning(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"operation": "transform", "version": 99, "params": {}, "seed": 0}))
    assert main(["run", str(picture), "-o", str(tmp_path / "out.png"), "--recipe", str(recipe)]) == 0
    assert "another version" in capsys.readouterr().err


@pytest.mark.parametrize("seed", ["-1", "1.5", "x", str(2**53), "9" * 5000])
def test_a_seed_that_is_none_is_refused_in_one_short_sentence(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: str
) -> None:
    out = tmp_path / "out.png"
    assert main(["run", "add-noise", str(picture), "-o", str(out), "--seed", seed]) == 2
    said = capsys.readouterr().err
    assert "a seed is a whole number from 0 to 9007199254740991" in said
    assert len(said) < 200
    assert not out.exists()


@pytest.mark.parametrize("seed", ["-1", "true", "null", "[]", str(2**53), "9" * 5000])
def test_a_recipe_whose_seed_is_none_is_no_recipe(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: str
) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text(f'{{"operation": "add-noise", "version": 1, "params": {{}}, "seed": {seed}}}')
    assert main(["run", str(picture), "-o", str(tmp_path / "out.png"), "--recipe", str(recipe)]) == 1
    assert "is no recipe and carries none" in capsys.readouterr().err


def test_inputs_of_every_kind_are_taken(tmp_path: Path) -> None:
    for name in ("animation", "rgba-16", "cmyk"):
        out = tmp_path / f"{name}-out.png"
        assert main(["run", "transform", str(write_sample(name, tmp_path)), "-o", str(out)]) == 0


def test_weights_are_listed_and_verified(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "--verify"]) == 0
    listed = capsys.readouterr().out
    assert "real-esrgan-x4plus" in listed
    assert "verified" in listed


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    "arguments",
    [
        *(
            ["super-resolution", "--method", method, "--scale", "3"]
            for method in ("bicubic", "fsrcnn", "srcnn", "latent-sr", "real-esrgan-compact")
        ),
        *(
            ["denoise", "--method", method, "--sigma", "25", *options]
            for method in ("noisy", "dncnn", "nlm", "bilateral", "median", "gaussian")
            for options in ([], ["--gray", "--clipped"])
        ),
    ],
    ids=" ".join,
)
def test_evaluate_prints_one_line_of_json(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for index in range(2):
        write_picture(Picture(photo(60, 48, seed=index)), tmp_path / f"{index}.png", "png")
    assert main(["evaluate", *arguments, "--data", str(tmp_path)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    measured = json.loads(line)
    assert measured["images"] == 2
    assert 10 < measured["psnr"] < 60
    assert 0 < measured["ssim"] < 1
