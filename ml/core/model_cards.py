"""The cards of the weights that this project trained: NAME.json beside NAME.safetensors in a package's `weights/`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.core.weights import ML_ROOT, Bundled, Weights


def trained(
    package: str, name: str, *, title: str, summary: str, paper: str, licence: str, origin: str
) -> Weights:
    """Declare the weights `ml/PACKAGE/weights/NAME.safetensors` by what their card says."""
    card = json.loads(_card(package, name).read_text("utf-8"))
    source = Bundled(f"{package}/weights/{name}.safetensors")
    return Weights(
        name=name,
        title=title,
        summary=summary,
        paper=paper,
        licence=licence,
        origin=origin,
        source=source,
        sha256=card["sha256"],
        size=(ML_ROOT / source.path).stat().st_size,
        figures={
            "parameters": f"{card['parameters']:,}",
            "trained by": card["command"],
            "trained for": f"{card['step']:,} steps, {card['minutes']:g} minutes on {card['machine']}",
            **{name: _said(figure) for name, figure in card.get("measured", {}).items()},
        },
    )


def _card(package: str, name: str) -> Path:
    return ML_ROOT / package / "weights" / f"{name}.json"


def _said(figure: Mapping[str, Any] | float) -> str | float:
    """A PSNR and SSIM in one line; any other figure as it is."""
    if not isinstance(figure, Mapping):
        return figure
    return f"{figure['psnr']:.2f} dB, SSIM {figure['ssim']:.4f} ({figure['images']} pictures)"


def add_to_card(path: Path, measured: Mapping[str, Any]) -> None:
    """Add figures that were measured with the weights to the card beside them."""
    card = json.loads(path.read_text("utf-8"))
    write_card(path, {**card, "measured": {**card.get("measured", {}), **measured}})


def write_card(path: Path, card: Mapping[str, Any]) -> None:
    partial = path.with_suffix(".json.partial")
    partial.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", "utf-8")
    partial.replace(path)
