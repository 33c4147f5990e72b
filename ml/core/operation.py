"""An operation, declared once: the web form, the API schema, the command line and the docs all derive from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict

from ml.core.errors import InputError, ParamsError
from ml.core.formats import FileFormat, Kind
from ml.core.text import _, excerpt
from ml.core.weights import Weights

GENERIC_DEADLINE_SECONDS = 600


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

    format: FileFormat = pydantic.Field(
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

    def parse(self, params: Mapping[str, Any]) -> Params:
        """The params, checked; raises `ParamsError` with one sentence for all that is wrong."""
        try:
            return self.params.model_validate(dict(params))
        except pydantic.ValidationError as error:
            raise ParamsError(" ".join(_sentence(item) for item in error.errors())) from None

    def check_inputs(self, inputs: Mapping[str, Sequence[Facts]]) -> None:
        """Raise `InputError` unless the inputs fill the slots."""
        slots = {slot.name: slot for slot in self.inputs}
        for name in inputs:
            if name not in slots:
                known = ", ".join(f"“{slot}”" for slot in slots) or _("none")
                raise InputError(
                    _("There is no input slot “{name}” here; the slots are: {known}.").format(
                        name=excerpt(name), known=known
                    )
                )
        for slot in self.inputs:
            given = inputs.get(slot.name, ())
            if not slot.minimum <= len(given) <= slot.maximum:
                raise InputError(_wrong_number(slot, len(given)))
            for facts in given:
                if not slot.takes(facts.kind):
                    wanted = ", ".join(sorted(slot.accepts))
                    raise InputError(
                        _(
                            "“{slot}” takes files of the kind: {wanted}. This one is of the kind: {kind}."
                        ).format(slot=slot.title, wanted=wanted, kind=facts.kind)
                    )

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


def _wrong_number(slot: Slot, given: int) -> str:
    if slot.maximum == 1:
        wanted = _("exactly one file") if slot.required else _("at most one file")
    else:
        wanted = _("{minimum} to {maximum} files").format(minimum=slot.minimum, maximum=slot.maximum)
    return _("“{slot}” needs {wanted}, and {given} were given.").format(
        slot=slot.title, wanted=wanted, given=given
    )


def _sentence(error: Any) -> str:
    name = excerpt(".".join(str(part) for part in error["loc"])) or _("params")
    if error["type"] == "extra_forbidden":
        return _("There is no param “{name}”.").format(name=name)
    if error["type"] == "missing":
        return _("The param “{name}” is missing.").format(name=name)
    message = error["msg"].removeprefix("Value error, ").rstrip(".")
    return _("The param “{name}” is not right: {message}.").format(
        name=name, message=message[:1].lower() + message[1:]
    )
