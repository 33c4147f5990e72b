"""An operation, declared once: the web form, the API schema, the command line and the docs all derive from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from typing import Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict

from ml.core.errors import InputError, ParamsError
from ml.core.messages import (
    MORE_THAN_ONE_FILE,
    NONE,
    NOT_ONE_FILE,
    UNKNOWN_SLOT,
    WRONG_KIND,
    WRONG_NUMBER_OF_FILES,
)
from ml.core.text import Message, Title, _, excerpt
from ml.core.validation import params_wrong
from ml.core.weights import Weights

GENERIC_DEADLINE_SECONDS = 600


class Kind(StrEnum):
    """What an input file is."""

    IMAGE = "image"
    ANIMATION = "animation"
    VIDEO = "video"
    ARCHIVE = "archive"
    MODEL = "model"


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A place for inputs: `minimum` to `maximum` files of the kinds in `accepts`.

    The form folds away what is `fine_tuning`: most people leave it empty.
    """

    name: str
    title: str
    help: str = ""
    accepts: frozenset[Kind] = frozenset({Kind.IMAGE})
    minimum: int = 1
    maximum: int = 1
    fine_tuning: bool = False

    @property
    def required(self) -> bool:
        return self.minimum > 0

    @property
    def many(self) -> bool:
        return self.maximum > 1

    def takes(self, kind: Kind) -> bool:
        """Whether a file of that kind fits; where one image is wanted, the first frame of an animation does."""
        return kind in self.accepts or (kind is Kind.ANIMATION and Kind.IMAGE in self.accepts)


@dataclass(frozen=True)
class Facts:
    """What is known of an input without decoding it: pixels, frames, seconds."""

    kind: Kind
    width: int
    height: int
    frames: int = 1
    seconds: float = 0.0

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6


@dataclass(frozen=True)
class Estimate:
    """What a run will take: `seconds` on two CPU cores, and the size of its largest picture in pixels."""

    seconds: float
    width: int
    height: int

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6


class Params(BaseModel):
    """The settings of a run. Each field has a title, a description, bounds and a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PictureParams(Params):
    """Settings of an operation whose result is a picture."""

    format: Literal["png", "jpeg", "webp"] = pydantic.Field(
        "png",
        title=_("File format"),
        description=_("PNG loses nothing. JPEG and WebP make smaller files; JPEG has no transparency."),
        json_schema_extra={
            "choices": {"png": _("PNG"), "jpeg": _("JPEG"), "webp": _("WebP")},
            "group": "fine-tuning",
        },
    )


def Choice(
    default: Any, titles: Mapping[Any, str], *, title: str, description: str = "", **extra: Any
) -> Any:
    """A `pydantic.Field` for one of several named values; `titles` maps each value to what a person reads.

    With `pictures=True` the form shows what each value does: static/choices/SLUG/PARAM/VALUE.webp.
    """
    return pydantic.Field(
        default, title=title, description=description, json_schema_extra={"choices": dict(titles), **extra}
    )


def FineTuning(default: Any, *, title: str, description: str = "", unit: str = "", **bounds: Any) -> Any:
    """A `pydantic.Field` that most people leave alone: the form folds it away."""
    extra: dict[str, Any] = {"group": "fine-tuning"} | ({"unit": unit} if unit else {})
    return pydantic.Field(default, title=title, description=description, json_schema_extra=extra, **bounds)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One thing a user can ask for.

    `estimate` gives the cost of a run from its params and the facts of its inputs; it raises `InputError`
    or `ParamsError` when the two cannot go together, so that a job is refused before it is queued.
    `run` is the dotted path, "module:function", of `run(inputs, params, context) -> Result`.
    `members_only` keeps it from visitors without an account.
    """

    slug: str
    title: str
    summary: str
    inputs: tuple[Slot, ...]
    params: type[Params]
    estimate: Callable[[Any, Mapping[str, Sequence[Facts]]], Estimate]
    run: str
    version: int = 1
    accelerator: Literal["cpu", "gpu-preferred"] = "cpu"
    deadline_seconds: float = GENERIC_DEADLINE_SECONDS
    random: bool = False
    members_only: bool = False
    weights: tuple[Weights, ...] = field(default=())

    def parse(self, params: Mapping[str, Any] | Params) -> Params:
        """The params, checked once; raises `ParamsError` with one sentence for all that is wrong."""
        if isinstance(params, self.params):
            return params
        try:
            return self.params.model_validate(dict(params))
        except pydantic.ValidationError as error:
            raise ParamsError(params_wrong(error.errors())) from None

    def check_inputs(self, inputs: Mapping[str, Sequence[Facts]]) -> None:
        """Raise `InputError` unless the inputs fill the slots."""
        slots = {slot.name: slot for slot in self.inputs}
        for name in inputs:
            if name not in slots:
                known = ", ".join(f"“{slot}”" for slot in slots) or NONE
                raise InputError(UNKNOWN_SLOT, name=excerpt(name), known=known)
        for slot in self.inputs:
            given = inputs.get(slot.name, ())
            if not slot.minimum <= len(given) <= slot.maximum:
                raise InputError(_wrong_number(slot, len(given)))
            for facts in given:
                if not slot.takes(facts.kind):
                    wanted = ", ".join(sorted(slot.accepts))
                    raise InputError(WRONG_KIND, slot=Title(slot.title), wanted=wanted, kind=facts.kind)

    def function(self) -> Callable[..., Any]:
        """The function that runs it. Importing it may import torch: only workers and the command line call this."""
        module, name = self.run.split(":")
        return getattr(import_module(module), name)

    @property
    def method_titles(self) -> dict[str, str]:
        """The ways of doing it, slug to title; empty where there is only one."""
        return choices(self.params, "method") if "method" in self.params.model_fields else {}


def choices(params: type[Params], name: str) -> dict[str, str]:
    """The values of a field declared by `Choice`, each with its title."""
    extra = params.model_fields[name].json_schema_extra
    titles = extra.get("choices", {}) if isinstance(extra, dict) else {}
    return {str(value): str(title) for value, title in titles.items()} if isinstance(titles, dict) else {}


def _wrong_number(slot: Slot, given: int) -> Message:
    title = Title(slot.title)
    if slot.maximum > 1:
        return WRONG_NUMBER_OF_FILES(slot=title, minimum=slot.minimum, maximum=slot.maximum, given=given)
    if slot.required:
        return NOT_ONE_FILE(slot=title, given=given)
    return MORE_THAN_ONE_FILE(slot=title, given=given)
