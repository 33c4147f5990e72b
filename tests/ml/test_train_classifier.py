"""What `train-classifier` promises, and `classify` of its models."""

import io
import json
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from ml.classify import FEATURES, LITE0
from ml.classify.heads import KEY, Head, read_head, write_head
from ml.core.context import Context, Inputs, Result
from ml.core.errors import Cancelled, InputError, ParamsError
from ml.core.execution import execute
from ml.core.reading import read_picture
from ml.registry import registry
from ml.train_classifier import ClassifierTrainingParams, archives
from ml.train_classifier.pictures import draw_confusion
from ml.train_classifier.run import FOLDS, parts
from tests.ml.recorder import Recorder

COLORS = {"red": (220, 40, 30), "green": (40, 180, 60), "blue": (30, 60, 220)}


def photo_bytes(color: tuple[int, int, int], seed: int, side: int = 40) -> bytes:
    """A picture of one colour and some noise."""
    rng = np.random.default_rng(seed)
    pixels = np.clip(np.array(color) + rng.normal(0, 25, (side, side + 8, 3)), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def photos(folder: Path, color: str, count: int) -> list[Path]:
    paths = [folder / f"{color}-{seed}.png" for seed in range(count)]
    for seed, path in enumerate(paths):
        path.write_bytes(photo_bytes(COLORS[color], seed))
    return paths


def train(inputs: dict[str, list[Path]], context: Context, **params: object) -> Result:
    operation = registry().get("train-classifier")
    return execute(operation, operation.parse({"variants": 1, **params}), Inputs(inputs), context)


def three_classes(folder: Path) -> dict[str, list[Path]]:
    return {f"class_{number}": photos(folder, color, 10) for number, color in enumerate(COLORS, 1)}


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def album(prefix: str = "", count: int = 10) -> dict[str, bytes]:
    return {
        f"{prefix}{name}/{seed}.png": photo_bytes(color, seed)
        for name, color in COLORS.items()
        for seed in range(count)
    }


# Training ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_it_learns_to_tell_classes_apart_and_shows_how_well(tmp_path: Path) -> None:
    recorder = Recorder()
    result = train(three_classes(tmp_path), recorder, names=["red", "green", "blue"])

    assert result.metrics["cross-validated_accuracy"] >= 0.9
    assert result.metrics["photos"] == 30
    assert next(iter(result.images)) == "confusion_matrix"
    losses = [loss for _step, loss in recorder.curves["loss"]]
    assert losses[-1] < losses[0] / 2
    assert {"held_back_accuracy", "held_back_loss"} < set(recorder.curves)
    assert len(recorder.previews) == 2
    assert recorder.fractions == sorted(recorder.fractions)
    assert read_head(result.files["model"].path).classes == ("red", "green", "blue")


@pytest.mark.slow
def test_the_model_classifies_photos_that_it_has_not_seen(tmp_path: Path) -> None:
    context = Context()
    trained = train(three_classes(tmp_path), context, names=["red", "green", "blue"])
    unseen = tmp_path / "unseen.png"
    unseen.write_bytes(photo_bytes(COLORS["blue"], 1000, side=90))

    operation = registry().get("classify")
    inputs = Inputs({"image": [unseen], "model": [trained.files["model"].path]})
    found = execute(operation, operation.parse({"method": "own"}), inputs, Context())

    assert found.labels[0].title == "blue"
    assert len(found.labels) == 3
    assert found.weights == (LITE0.name,)
    assert found.images["image"].width == 98


@pytest.mark.slow
def test_the_same_seed_makes_the_same_model(tmp_path: Path) -> None:
    inputs = three_classes(tmp_path)
    contexts = [Recorder(seed=seed) for seed in (3, 3, 4)]
    first, again, other = (
        train(inputs, context, variants=0).files["model"].path.read_bytes() for context in contexts
    )
    assert first == again
    assert first != other


@pytest.mark.slow
def test_mistakes_are_shown_where_classes_cannot_be_told_apart(tmp_path: Path) -> None:
    inputs = {"class_1": photos(tmp_path, "red", 12), "class_2": photos(tmp_path, "red", 12)}
    result = train(inputs, Context(), variants=0)
    assert result.metrics["cross-validated_accuracy"] < 0.8
    assert result.metrics["mistakes"] > 0
    assert "mistakes" in result.images


@pytest.mark.slow
def test_an_archive_names_the_classes_by_its_folders(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "photos.zip", {**album("my photos/"), "__MACOSX/x/._1.png": b"x"})
    context = Context()
    result = train({"archive": [archive]}, context, variants=0)
    assert read_head(result.files["model"].path).classes == ("blue", "green", "red")


@pytest.mark.slow
def test_it_stops_between_layers(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        train(three_classes(tmp_path), Recorder(cancel_at=60))


def test_each_part_holds_back_its_share_of_each_class() -> None:
    classes = [0] * 10 + [1] * 23
    found = parts(classes, Context().generator)
    for number, count in ((0, 10), (1, 23)):
        held_back = [int(part) for part, each in zip(found, classes, strict=True) if each == number]
        shares = [held_back.count(part) for part in range(FOLDS)]
        assert max(shares) - min(shares) <= 1
        assert sum(shares) == count


def test_nine_photos_of_a_class_are_refused_and_the_class_is_named(tmp_path: Path) -> None:
    inputs = {"class_1": photos(tmp_path, "red", 10), "class_2": photos(tmp_path, "blue", 9)}
    with pytest.raises(InputError, match="The class “blue” has 9 photos, and 10 are needed"):
        train(inputs, Context(), names=["red", "blue"])


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["red", "red"], "a name of its own"),
        (["red", ""], "1 to 40 letters"),
        (["x" * 41, "y"], "1 to 40 letters"),
        (["\u202eder", "y"], "1 to 40 letters"),
    ],
)
def test_names_that_cannot_be_used_are_refused(names: list[str], words: str) -> None:
    with pytest.raises(ParamsError, match=words):
        registry().get("train-classifier").parse({"names": names})


def test_names_are_written_with_commas_on_the_command_line() -> None:
    assert ClassifierTrainingParams.model_validate({"names": "cat, dog"}).names == ["cat", "dog"]


@pytest.mark.parametrize(
    ("filled", "params", "words"),
    [
        ({}, {}, "Give photos of 2 to 10 classes"),
        ({"class_1": 10}, {}, "Give photos of 2 to 10 classes"),
        ({"class_1": 10, "class_2": 10}, {"names": ["a", "b", "c"]}, "3 names and photos of 2 classes"),
        ({"class_1": 10, "archive": 1}, {}, "either photos class by class or a ZIP"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_it_waits(
    tmp_path: Path, filled: dict[str, int], params: dict[str, object], words: str
) -> None:
    inputs = {slot: photos(tmp_path, "red", count) for slot, count in filled.items()}
    if "archive" in inputs:
        inputs["archive"] = [zipped(tmp_path / "photos.zip", album())]
    with pytest.raises(InputError, match=words):
        train(inputs, Context(), **params)


def test_a_matrix_of_ten_classes_with_long_names_is_drawn() -> None:
    import torch

    samples = [torch.zeros(3, 224, 224, dtype=torch.uint8)] * 10
    picture = draw_confusion([[3] * 10] * 10, ["a very long name of a class, so long"] * 10, samples)
    assert max(picture.width, picture.height) <= 1600


# Archives ------------------------------------------------------------------------------------------------


def refusal_of(path: Path) -> str:
    with pytest.raises(InputError) as caught, archives.opened(path) as archive:
        archives.photos_by_class(archive)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../evil.png", "outside of its folder"),
        ("red/../../evil.png", "outside of its folder"),
        ("/etc/evil.png", "outside of its folder"),
        ("C:\\evil.png", "outside of its folder"),
        ("loose.png", "does not lie in the folder of a class"),
        ("red/deeper/still.png", "does not lie in the folder of a class"),
        (f"{'x' * 41}/1.png", "1 to 40 letters"),
    ],
)
def test_a_file_in_a_strange_place_is_refused(tmp_path: Path, name: str, words: str) -> None:
    assert words in refusal_of(zipped(tmp_path / "a.zip", {**album(), name: b"x"}))


def test_a_link_is_refused(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("red/link.png")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = zipped(tmp_path / "a.zip", album())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    assert "is a link or a device" in refusal_of(path)


@pytest.mark.slow
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", album())
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("red/bomb.bmp", bytes(30_000_000))
    assert "many times its size" in refusal_of(path)


def test_many_files_that_are_large_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 1_000_000)
    path = zipped(tmp_path / "a.zip", {f"red/{number}.png": bytes(100_000) for number in range(11)})
    assert "more than 1 MB" in refusal_of(path)


@pytest.mark.slow
def test_a_directory_of_many_files_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {f"red/{number}{'x' * 60}": b"" for number in range(10_000)})
    assert "too many files" in refusal_of(path)
    assert "too many files" in refusal_of(
        zipped(tmp_path / "b.zip", {f"red/{number}": b"" for number in range(1001)})
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_rare_packing_is_refused(tmp_path: Path, method: int) -> None:
    path = zipped(tmp_path / "a.zip", album())
    with zipfile.ZipFile(path, "a", method) as archive:
        archive.writestr("red/11.png", photo_bytes(COLORS["red"], 11))
    assert "packed in a rare way" in refusal_of(path)


def test_an_archive_cut_short_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", album())
    path.write_bytes(path.read_bytes()[:-2000])
    assert "damaged or cut short" in refusal_of(path)


def test_an_archive_whose_photo_is_spoilt_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", album())
    content = bytearray(path.read_bytes())
    content[200:260] = bytes(60)
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged or cut short"):
        train({"archive": [path]}, Context())


def test_too_few_photos_in_a_folder_are_refused(tmp_path: Path) -> None:
    found = refusal_of(zipped(tmp_path / "a.zip", album(count=9)))
    assert "The class “blue” has 9 photos" in found


# Models --------------------------------------------------------------------------------------------------


def head(classes: int = 3) -> Head:
    names = tuple(f"class {number}" for number in range(classes))
    return Head(names, np.ones((classes, FEATURES), np.float32), np.zeros(classes, np.float32))


def test_a_model_comes_back_as_it_was(tmp_path: Path) -> None:
    write_head(head(), tmp_path / "a")
    write_head(read_head(tmp_path / "a"), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def foreign_models() -> dict[str, tuple[dict[str, np.ndarray], dict[str, object] | None]]:
    about = {"classes": ["a", "b"], "network": LITE0.name, "network_sha256": LITE0.sha256}
    weight, bias = np.zeros((2, FEATURES), np.float32), np.zeros(2, np.float32)
    endless = np.full(2, np.inf, np.float32)
    return {
        "no metadata": ({"weight": weight, "bias": bias}, None),
        "another shape": ({"weight": weight[:, :9], "bias": bias}, about),
        "another type": ({"weight": weight.astype(np.float64), "bias": bias}, about),
        "another tensor": ({"weight": weight, "bias": bias, "more": bias}, about),
        "no bias": ({"weight": weight}, about),
        "infinity": ({"weight": weight, "bias": endless}, about),
        "too few names": ({"weight": weight, "bias": bias}, {**about, "classes": ["a"]}),
        "no names": ({"weight": weight, "bias": bias}, {**about, "classes": [1, 2]}),
        "invisible names": ({"weight": weight, "bias": bias}, {**about, "classes": ["a", "\u202e"]}),
        "another network": ({"weight": weight, "bias": bias}, {**about, "network_sha256": "0" * 64}),
        "too large": ({"weight": np.zeros((200, FEATURES), np.float32), "bias": bias}, about),
    }


@pytest.mark.parametrize("kind", foreign_models())
def test_a_model_of_another_make_is_refused(tmp_path: Path, kind: str) -> None:
    tensors, about = foreign_models()[kind]
    save_file(tensors, tmp_path / "model", {KEY: json.dumps(about)} if about else None)
    with pytest.raises(InputError, match=r"not a model that was trained here|made for another network"):
        read_head(tmp_path / "model")


@pytest.mark.parametrize("content", [b"", b"\x80\x04.", b"\xff" * 100, b"\x10\0\0\0\0\0\0\0{" + b"[" * 15])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model").write_bytes(content)
    with pytest.raises(InputError, match="not a model that was trained here"):
        read_head(tmp_path / "model")


@pytest.mark.parametrize(
    ("method", "with_model", "words"),
    [("own", False, "Add a model of your own"), ("imagenet", True, "Choose the method “Your own”")],
)
def test_method_and_model_go_together(tmp_path: Path, method: str, with_model: bool, words: str) -> None:
    write_head(head(), tmp_path / "model")
    inputs = {"image": photos(tmp_path, "red", 1)} | ({"model": [tmp_path / "model"]} if with_model else {})
    operation = registry().get("classify")
    with pytest.raises(InputError, match=words):
        execute(operation, operation.parse({"method": method}), Inputs(inputs), Context())


@pytest.mark.slow
def test_the_command_line_trains_and_classifies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from ml.command_line import main

    archive = zipped(tmp_path / "photos.zip", album())
    out = tmp_path / "out"
    assert main(["run", "train-classifier", str(archive), "--variants", "0", "-o", str(out)]) == 0
    (model,) = out.glob("*.safetensors")
    unseen = tmp_path / "unseen.png"
    unseen.write_bytes(photo_bytes(COLORS["green"], 77))
    result = tmp_path / "result.png"
    # In either order: a file goes where its kind fits.
    assert main(["run", "classify", str(model), str(unseen), "--method", "own", "-o", str(result)]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["labels"][0]["title"] == "green"
    assert read_picture(result).width == 48
