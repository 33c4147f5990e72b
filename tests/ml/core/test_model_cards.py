"""Weights of our own are declared by the card that training wrote beside them."""

import json
from pathlib import Path

import pytest

from ml.core.model_cards import add_to_card, trained
from ml.core.weights import sha256

CARD = {
    "parameters": 12345,
    "command": "python -m ml train tiny",
    "step": 4000,
    "minutes": 12.5,
    "machine": "an abacus",
}
WORDS = {"title": "Tiny", "summary": "Small.", "paper": "None", "licence": "Free", "origin": "Here"}


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That of a package `tiny` with weights `net`."""
    for module in ("model_cards", "weights"):
        monkeypatch.setattr(f"ml.core.{module}.ML_ROOT", tmp_path)
    folder = tmp_path / "tiny" / "weights"
    folder.mkdir(parents=True)
    file = folder / "net.safetensors"
    file.write_bytes(b"trained")
    path = file.with_suffix(".json")
    path.write_text(json.dumps({**CARD, "sha256": sha256(file)}))
    return path


def test_the_declaration_says_what_the_card_says(card: Path) -> None:
    add_to_card(card, {"set5 x2": {"psnr": 36.871, "ssim": 0.95601, "images": 5}, "accuracy": 0.987})
    weights = trained("tiny", "net", **WORDS)
    assert weights.path().read_bytes() == b"trained"
    assert weights.size == 7
    assert weights.figures == {
        "parameters": "12,345",
        "trained by": "python -m ml train tiny",
        "trained for": "4,000 steps, 12.5 minutes on an abacus",
        "set5 x2": "36.87 dB, SSIM 0.9560 (5 pictures)",
        "accuracy": 0.987,
    }


def test_figures_are_added_to_those_measured_before(card: Path) -> None:
    add_to_card(card, {"accuracy": 0.5, "recall": 0.6})
    add_to_card(card, {"accuracy": 0.7})
    written = json.loads(card.read_text())
    assert written["measured"] == {"accuracy": 0.7, "recall": 0.6}
    assert written["command"] == CARD["command"]
    assert [path.name for path in card.parent.iterdir() if "partial" in path.name] == []
