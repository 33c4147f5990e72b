"""An operation, declared once: the web form, the API schema, the command line and the docs all derive from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from importlib import import_module
from typing import Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict

from ml.core.errors import InputError, ParamsError
from ml.core.example import Example
from ml.core.formats import FORMATS, Kind, WantedFormat
from ml.core.measures import Metric
from ml.core.messages import (
    ANIMATION_TOO_LONG,
    MORE_THAN_ONE_FILE,
    NONE,
    NOT_ONE_FILE,
    UNKNOWN_SLOT,
    WRONG_KIND,
    WRONG_NUMBER_OF_FILES,
    WRONG_SIZE,
)
from ml.core.text import Message, Title, _, excerpt
from ml.core.validation import params_wrong
from ml.core.weights import Weights

GENERIC_DEADLINE_SECONDS = 600


class Group(StrEnum):
    """What an operation is for. Every list of operations is in this order."""

    IMPROVE = "improve"
    REIMAGINE = "reimagine"
    UNDERSTAND = "understand"
    EDIT = "edit"
    LABORATORY = "laboratory"


GROUP_TITLES: Mapping[Group, str] = {
    Group.IMPROVE: _("Improve"),
    Group.REIMAGINE: _("Reimagine"),
    Group.UNDERSTAND: _("Understand"),
    Group.EDIT: _("Edit"),
    Group.LABORATORY: _("Laboratory"),
}


class Shows(StrEnum):
    """How a page shows a result."""

    COMPARE = "compare"
    """On the original, with a line between them that moves."""
    ANNOTATED = "annotated"
    """The original with something drawn on it, or what was found of it: the result first."""
    SHEET = "sheet"
    """A picture that is none of the original."""
    VIDEO = "video"
    FILES = "files"
    """What is taken away rather than looked at."""
    INPUTS = "inputs"
    """Two pictures that were given, with a line between them that moves; the result for itself."""


class Trait(StrEnum):
    """What the result keeps of a picture that has it."""

    ALPHA = "alpha"
    GRAY = "gray"
    DEPTH = "depth"


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A place for inputs: `minimum` to `maximum` files of the kinds in `accepts`.

    The form folds away what is `fine_tuning`: most people leave it empty. `same_size_as` names the slot whose file
    has the width and height that these must have.
    """

    name: str
    title: str
    help: str = ""
    accepts: frozenset[Kind] = frozenset({Kind.IMAGE})
    minimum: int = 1
    maximum: int = 1
    fine_tuning: bool = False
    same_size_as: str = ""

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


@dataclass(frozen=True)
class Option:
    """What a person reads of a named choice; `hint` says in a few words what it is good for.

    `group` is the title of those that it is one of: the form shows the first of each group large and folds the others
    away, and with them those that have none.
    """

    title: str
    hint: str = ""
    group: str = ""


def named(options: Mapping[Any, Option]) -> dict[str, Any]:
    """The schema of a field whose values have names."""
    titles = {value: option.title for value, option in options.items()}
    hints = {value: option.hint for value, option in options.items() if option.hint}
    groups = {value: option.group for value, option in options.items() if option.group}
    return {"choices": titles} | ({"hints": hints} if hints else {}) | ({"groups": groups} if groups else {})


class Params(BaseModel):
    """The settings of a run. Each field has a title, a description, bounds and a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PictureParams(Params):
    """Settings of an operation whose result is a picture."""

    format: WantedFormat = pydantic.Field(
        "photo",
        title=_("File format"),
        description=_(
            "That of the photo, unless you ask for another. PNG loses nothing. JPEG and WebP make smaller files; JPEG has "
            "no transparency."
        ),
        json_schema_extra={
            **named(
                {
                    "photo": Option(_("As the photo")),
                    "png": Option(_("PNG")),
                    "jpeg": Option(_("JPEG")),
                    "webp": Option(_("WebP")),
                }
            ),
            "group": "fine-tuning",
        },
    )


def Choice(
    default: Any, options: Mapping[Any, Option], *, title: str, description: str = "", **extra: Any
) -> Any:
    """A `pydantic.Field` for one of several named values.

    With `pictures=True` the form shows what each value does: static/choices/SLUG/PARAM/VALUE.webp.
    """
    return pydantic.Field(
        default, title=title, description=description, json_schema_extra={**named(options), **extra}
    )


def FineTuning(default: Any, *, title: str, description: str = "", unit: str = "", **bounds: Any) -> Any:
    """A `pydantic.Field` that most people leave alone: the form folds it away."""
    extra: dict[str, Any] = {"group": "fine-tuning"} | ({"unit": unit} if unit else {})
    return pydantic.Field(default, title=title, description=description, json_schema_extra=extra, **bounds)


@dataclass(frozen=True, kw_only=True)
class Next:
    """What may follow an operation: its output `output` goes into the slot `slot` of another one.

    `title` says so on a button.
    """

    operation: str
    output: str
    slot: str
    title: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One thing a user can ask for.

    `estimate` gives the cost of a run from its params and the facts of its inputs; it raises `InputError`
    or `ParamsError` when the two cannot go together, so that a job is refused before it is queued.
    `run` is the dotted path, "module:function", of `run(inputs, params, context) -> Result`.
    `members_only` keeps it from visitors without an account. `also` are slugs by which it is found as well.

    The home page begins with the `banner` of the one operation that has it, across its whole width.

    `result` names the output that was asked for, a file of the kind `gives`; with several methods side by side each
    output is named after its method, and the first is the result. What works `frame_by_frame` makes an animation of an
    animation in its first slot; others take its first frame. `word` is what its result adds to the name of the photo:
    "denoised", or what it makes of the params of a job; left out, it is the slug. `left` names the output that the result
    is compared with at first; left out, it is the picture in the first slot. `metrics` and `series` say what its figures
    and curves are called, the most
    telling first.
    """

    slug: str
    title: str
    summary: str
    group: Group
    inputs: tuple[Slot, ...]
    params: type[Params]
    estimate: Callable[[Any, Mapping[str, Sequence[Facts]]], Estimate]
    run: str
    version: int = 1
    accelerator: Literal["cpu", "gpu-preferred"] = "cpu"
    deadline_seconds: float = GENERIC_DEADLINE_SECONDS
    random: bool = False
    members_only: bool = False
    weights: tuple[Weights, ...] = ()
    also: tuple[str, ...] = ()
    result: str = "image"
    gives: Kind = Kind.IMAGE
    word: str | Callable[[Mapping[str, Any]], str] = ""
    shows: Shows = Shows.COMPARE
    left: str = ""
    frame_by_frame: bool = False
    keeps: frozenset[Trait] = frozenset(Trait)
    metrics: tuple[Metric, ...] = ()
    series: tuple[Metric, ...] = ()
    example: Example | None = None
    banner: Example | None = None
    then: tuple[Next, ...] = ()

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
            for facts, other in (
                (each, other) for each in given for other in inputs.get(slot.same_size_as, ())
            ):
                check_size(slot, facts, other.width, other.height)

    def slot_for(self, kind: Kind) -> Slot | None:
        """Where a file of that kind goes, if there is only that; None where it takes none."""
        return next((slot for slot in self.inputs if slot.takes(kind)), None)

    def foreseen(self, estimate: Estimate, inputs: Mapping[str, Sequence[Facts]]) -> Facts:
        """What can be known of the result before there is one."""
        if (frames := self.frames_of(inputs)) > 1:
            return Facts(Kind.ANIMATION, estimate.width, estimate.height, frames)
        lasting = self.gives in (Kind.ANIMATION, Kind.VIDEO)
        first = next((facts for given in inputs.values() for facts in given), None)
        if first is None or not lasting:
            return Facts(self.gives, estimate.width, estimate.height)
        return Facts(self.gives, estimate.width, estimate.height, first.frames, first.seconds)

    def frames_of(self, inputs: Mapping[str, Sequence[Facts]]) -> int:
        """How many frames it works on one after the other; 1 for what is no animation, or one that it sees the first of."""
        given = inputs.get(self.inputs[0].name, ()) if self.frame_by_frame else ()
        return given[0].frames if len(given) == 1 and given[0].kind is Kind.ANIMATION else 1

    def takes_first_frame_of(self, inputs: Mapping[str, Sequence[Facts]]) -> bool:
        """Whether there is an animation of which it sees no more."""
        return self.frames_of(inputs) == 1 and any(
            facts.kind is Kind.ANIMATION and Kind.ANIMATION not in slot.accepts
            for slot in self.inputs
            for facts in inputs.get(slot.name, ())
        )

    def cost(self, params: Params, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
        """What a run will take, all frames together; raises what `estimate` does."""
        estimate, frames = self.estimate(params, inputs), self.frames_of(inputs)
        longest, limit = max(estimate.width, estimate.height), FORMATS["webp"].longest_side
        if frames > 1 and longest > limit:
            raise InputError(ANIMATION_TOO_LONG, limit=limit, side=longest)
        return replace(estimate, seconds=frames * estimate.seconds)

    def function(self) -> Callable[..., Any]:
        """The function that runs it. Importing it may import torch: only workers and the command line call this."""
        module, name = self.run.split(":")
        return getattr(import_module(module), name)

    @property
    def methods(self) -> dict[str, Option]:
        """The ways of doing it, by their names; empty where there is only one."""
        return choices(self.params, "method") if "method" in self.params.model_fields else {}


def choices(params: type[Params], name: str) -> dict[str, Option]:
    """The named values of a field, each as text."""
    extra: Any = params.model_fields[name].json_schema_extra or {}
    hints, groups = extra.get("hints", {}), extra.get("groups", {})
    return {
        str(value): Option(title, hints.get(value, ""), groups.get(value, ""))
        for value, title in extra.get("choices", {}).items()
    }


def check_size(slot: Slot, facts: Facts, width: int, height: int) -> None:
    """Raise `InputError` unless a file in that slot has that size."""
    if (facts.width, facts.height) != (width, height):
        raise InputError(
            WRONG_SIZE,
            slot=Title(slot.title),
            width=facts.width,
            height=facts.height,
            wide=width,
            high=height,
        )


def _wrong_number(slot: Slot, given: int) -> Message:
    title = Title(slot.title)
    if slot.maximum > 1:
        return WRONG_NUMBER_OF_FILES(slot=title, minimum=slot.minimum, maximum=slot.maximum, given=given)
    if slot.required:
        return NOT_ONE_FILE(slot=title, given=given)
    return MORE_THAN_ONE_FILE(slot=title, given=given)
