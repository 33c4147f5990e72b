"""What there is: a page for each operation and a model card for each file of weights, both from `ml`'s declarations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jobs.web.forms import ParamsForm
from ml.core.errors import UnknownOperation
from ml.core.operation import Operation
from ml.core.weights import ML_ROOT, Bundled, Download, Package, Weights
from ml.registry import registry


@dataclass(frozen=True)
class ModelCard:
    """Weights, and the operations that use them."""

    weights: Weights
    operations: list[Operation]

    @property
    def source(self) -> str:
        match self.weights.source:
            case Bundled():
                return "bundled"
            case Package():
                return "package"
            case Download():
                return "download"

    @property
    def here(self) -> bool:
        return self.weights.locate() is not None

    @property
    def curve(self) -> Path | None:
        """The picture of its training, for weights that this project trained."""
        return self._beside(".png")

    @property
    def nearest(self) -> Path | None:
        """For a generator, what it draws, and what of its training is nearest to that."""
        return self._beside("-nearest.webp")

    def _beside(self, ending: str) -> Path | None:
        if not isinstance(self.weights.source, Bundled):
            return None
        weights = ML_ROOT / self.weights.source.path
        path = weights.with_name(weights.stem + ending)
        return path if path.is_file() else None

    @property
    def figures(self) -> list[tuple[str, Any]]:
        return _flat(self.weights.figures)


@require_safe
def operation(request: HttpRequest, slug: str) -> HttpResponse:
    try:
        found = registry().get(slug)
    except UnknownOperation:
        raise Http404 from None
    form = ParamsForm(found)
    context = {
        "operation": found,
        "methods": found.methods.values(),
        "fields": [*form.main, *form.fine_tuning],
        "cards": [ModelCard(weights, [found]) for weights in found.weights],
    }
    return render(request, "operation.html", context)


@require_safe
def weights(request: HttpRequest) -> HttpResponse:
    return render(request, "weights.html", {"cards": list(_cards().values())})


@require_safe
def card(request: HttpRequest, name: str) -> HttpResponse:
    return render(request, "model_card.html", {"card": _card(name)})


@require_safe
def curve(request: HttpRequest, name: str) -> HttpResponse:
    return _picture(_card(name).curve, "image/png")


@require_safe
def nearest(request: HttpRequest, name: str) -> HttpResponse:
    return _picture(_card(name).nearest, "image/webp")


def _picture(path: Path | None, media_type: str) -> HttpResponse:
    if path is None:
        raise Http404
    response = FileResponse(path.open("rb"), content_type=media_type)
    response["Cache-Control"] = "public, max-age=86400"
    return response  # type: ignore[return-value]


def _cards() -> dict[str, ModelCard]:
    cards: dict[str, ModelCard] = {}
    for operation in registry().all():
        for found in operation.weights:
            cards.setdefault(found.name, ModelCard(found, [])).operations.append(operation)
    return cards


def _card(name: str) -> ModelCard:
    try:
        return _cards()[name]
    except KeyError:
        raise Http404 from None


def _flat(figures: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested figures as rows: "Set5, x3" and its value."""
    rows: list[tuple[str, Any]] = []
    for name, value in figures.items():
        title = f"{prefix}, {name}" if prefix else str(name)
        if isinstance(value, Mapping):
            rows += _flat(value, title)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            rows.append((title, ", ".join(map(str, value))))
        else:
            rows.append((title, f"{value:g}" if isinstance(value, float) else value))
    return rows
