"""A form from an operation's declaration. What is valid, its `Params` decide, and nothing else."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from urllib.parse import urlencode
from uuid import UUID

import pydantic
from django import forms
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.messages import told
from ml.core.operation import Operation, Option, Params, choices
from ml.core.recipe import LARGEST_SEED
from ml.core.text import capped
from ml.core.validation import reason

WIDEST_SLIDER = 1000
FEW = 4
SHORT = 18


@dataclass(frozen=True)
class Chosen:
    """One of the values of a field, and what a person reads of it."""

    value: str
    title: str
    hint: str = ""
    group: str = ""


@dataclass(frozen=True)
class Control:
    """How a param is asked for.

    `kind` is range, number, text, switch, segments, radios, tiers, pictures, select, checks or, where there is nothing
    to choose, hidden.
    """

    kind: str
    options: tuple[Chosen, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    step: str = "any"
    unit: str = ""
    default: Any = None
    optional: bool = False
    fine_tuning: bool = False
    when: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def condition(self) -> str:
        """For the page: "action=resize crop" where the param matters for these actions only."""
        return ";".join(f"{name}={' '.join(values)}" for name, values in self.when.items())

    @property
    def leading(self) -> list[Chosen]:
        """Of options in groups, the first of each."""
        first: dict[str, Chosen] = {}
        for option in self.options:
            if option.group:
                first.setdefault(option.group, option)
        return list(first.values())

    @property
    def folded(self) -> list[Chosen]:
        """The others, group by group, and those of none at the end."""
        leading = self.leading
        groups = [option.group for option in leading]
        others = (option for option in self.options if option not in leading)
        return sorted(others, key=lambda option: groups.index(option.group) if option.group else len(groups))

    @property
    def default_text(self) -> str:
        """The default as a person reads it; empty where there is none."""
        if self.default is None or self.default == []:
            return ""
        text = _text(self.default)
        return next((option.title for option in self.options if option.value == text), text)

    @property
    def default_percent(self) -> float | None:
        """Where the default stands on a slider, from 0 to 100."""
        if self.kind != "range" or self.default is None:
            return None
        assert self.minimum is not None
        assert self.maximum is not None
        return round(100 * (float(self.default) - self.minimum) / (self.maximum - self.minimum), 2)


class ParamField(forms.Field):
    """Takes what was sent as it is."""

    def __init__(self, control: Control, shape: "Shape", **options: Any) -> None:
        super().__init__(required=False, widget=_widget(control), **options)
        self.control = control
        self._shape = shape

    def raw(self, sent: Any) -> Any:
        """What was sent, as `Params` takes it; None for a field left empty."""
        if self.control.kind == "switch":
            return bool(sent)
        if self.control.kind == "checks":
            return [self._value(item) for item in sent or ()]
        text = str(sent or "").strip()
        if not text:
            return None
        if self._shape.many:
            return [part.strip() for part in text.split(",") if part.strip()]
        return self._value(text)

    def _value(self, text: str) -> Any:
        """A choice by its text: 2, not "2"."""
        return next((value for value in self._shape.values if _text(value) == text), text)


class ParamsForm(forms.Form):
    """The params of an operation, and the seed where it draws at random. `params` and `seed` are set once valid."""

    params: Params
    seed: int | None = None

    def __init__(self, operation: Operation, data: QueryDict | None = None, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        self.operation = operation
        for name in operation.params.model_fields:
            self.fields[name] = _field(operation.params, name)
        if operation.random and "seed" not in self.fields:
            control = Control(
                "number", minimum=0, maximum=LARGEST_SEED, step="1", optional=True, fine_tuning=True
            )
            self.fields["seed"] = ParamField(
                control,
                Shape(int),
                label=_("Seed"),
                help_text=_("The same seed gives the same result. Left empty, each run draws a new one."),
            )
        self._has_seed = operation.random and "seed" not in operation.params.model_fields

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for name, of_field in self.fields.items():
            value = of_field.raw(self.cleaned_data.get(name))  # type: ignore[attr-defined]
            if value is not None:
                given[name] = value
            elif self.add_prefix(name) in self.data and of_field.control.optional:  # type: ignore[attr-defined]
                given[name] = None
        if self._has_seed:
            self._clean_seed(given.pop("seed", None))
        try:
            self.params = self.operation.params.model_validate(given)
        except pydantic.ValidationError as error:
            for item in error.errors():
                at = str(item["loc"][0]) if item["loc"] else ""
                self.add_error(at if at in self.fields else None, _sentence(item))
        return given

    def _clean_seed(self, given: str | None) -> None:
        if given is None:
            return
        self.seed = capped(given, LARGEST_SEED + 1)
        if self.seed is None or self.seed > LARGEST_SEED:
            self.add_error("seed", _("A seed is a whole number, 0 or more."))

    @property
    def main(self) -> list[forms.BoundField]:
        return [bound for bound in self if not bound.field.control.fine_tuning]  # type: ignore[attr-defined]

    @property
    def fine_tuning(self) -> list[forms.BoundField]:
        return [bound for bound in self if bound.field.control.fine_tuning]  # type: ignore[attr-defined]

    @property
    def fine_tuned(self) -> bool:
        """Whether something that is folded away is wrong, or is not at its default."""
        return any(
            bound.errors or as_text(bound.value()) not in ("", as_text(bound.field.control.default))  # type: ignore[attr-defined]
            for bound in self.fine_tuning
        )


def form_url(
    slug: str,
    params: Mapping[str, Any],
    photos: Mapping[str, Sequence[UUID]] | None = None,
    *,
    seed: int | None = None,
    job: UUID | None = None,
) -> str:
    """The form of an operation with these settings in it, and with the photos given or those of an earlier job."""
    query = [(f"slot-{slot}", str(photo)) for slot, ids in (photos or {}).items() for photo in ids]
    for name, value in params.items():
        if isinstance(value, list | tuple):
            query += [(name, _text(item)) for item in value]
        elif value is not None and value is not False:
            query.append((name, _text(value)))
    if seed is not None:
        query.append(("seed", str(seed)))
    # That something was chosen before, and in which job: a switch left out is off rather than at its default.
    return f"{reverse('new-job', args=[slug])}?{urlencode([*query, ('again', str(job or 1))])}"


def as_text(value: Any) -> str:
    """A value as it stands in a field."""
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    return "" if value is None else _text(value)


# From a declaration to a field ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Shape:
    """What a param takes: values of a type, or some of a few; one or many of them, or none; and the bounds."""

    type: Any
    values: tuple[Any, ...] = ()
    many: bool = False
    optional: bool = False
    bounds: tuple[Any, ...] = ()

    @classmethod
    def of(cls, annotation: Any) -> "Shape":
        """From a type as pydantic takes it; of a union, its first one that is not None."""
        origin, parts = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            found = cls.of(parts[0])
            further = (bound for part in parts[1:] for bound in getattr(part, "metadata", (part,)))
            return replace(found, bounds=(*found.bounds, *further))
        if origin is Literal:
            return cls(Literal, values=parts)
        if origin in (Union, UnionType):
            optional = NoneType in parts
            return replace(cls.of(next(part for part in parts if part is not NoneType)), optional=optional)
        if origin in (list, tuple):
            return replace(cls.of(parts[0]), many=True)
        return cls(annotation)

    def bound(self, *names: str) -> Any:
        """The first bound of one of these names; None where there is none."""
        found = (getattr(each, name) for name in names for each in self.bounds if hasattr(each, name))
        return next(found, None)


def _field(params: type[Params], name: str) -> ParamField:
    declared = params.model_fields[name]
    of_type = Shape.of(declared.annotation)
    shape = replace(of_type, bounds=(*declared.metadata, *of_type.bounds))
    extra: Any = declared.json_schema_extra or {}
    kind, details = _kind(shape, choices(params, name), pictures=bool(extra.get("pictures")))
    if "step" in extra:
        details["step"] = f"{extra['step']:g}"
    default = None if declared.is_required() else declared.get_default(call_default_factory=True)
    control = Control(
        kind,
        unit=extra.get("unit", ""),
        default=default,
        optional=shape.optional,
        fine_tuning=extra.get("group") == "fine-tuning",
        when={on: [str(value) for value in values] for on, values in extra.get("when", {}).items()},
        **details,
    )
    return ParamField(
        control,
        shape,
        label=_(declared.title) if declared.title else name,
        help_text=_(declared.description) if declared.description else "",
        initial=default,
    )


def _kind(shape: Shape, named: Mapping[str, Option], *, pictures: bool) -> tuple[str, dict[str, Any]]:
    if shape.values:
        return _choice(shape, _options(shape.values, named), pictures=pictures)
    if shape.many:
        return "text", {}
    if shape.type is bool:
        return "switch", {}
    return _number(shape) if shape.type in (int, float) else ("text", {})


def _choice(shape: Shape, options: tuple[Chosen, ...], *, pictures: bool) -> tuple[str, dict[str, Any]]:
    if shape.many:
        return "checks", {"options": options}
    if shape.optional:
        options = (Chosen("", _("None")), *options)
    if len(options) == 1:
        return "hidden", {"options": options}
    if pictures:
        return "pictures", {"options": options}
    if any(option.group for option in options):
        return "tiers", {"options": options}
    if len(options) <= FEW and all(len(option.title) <= SHORT and not option.hint for option in options):
        return "segments", {"options": options}
    return ("radios" if len(options) <= 2 * FEW else "select"), {"options": options}


def _number(shape: Shape) -> tuple[str, dict[str, Any]]:
    low, high = shape.bound("ge", "gt"), shape.bound("le", "lt")
    whole = shape.type is int
    if low is None or high is None or high - low > WIDEST_SLIDER or high <= low:
        return "number", {"minimum": low, "maximum": high, "step": "1" if whole else "any"}
    step = "1" if whole else f"{10.0 ** (math.floor(math.log10(high - low)) - 2):g}"
    return "range", {"minimum": low, "maximum": high, "step": step}


def _options(values: Sequence[Any], named: Mapping[str, Option]) -> tuple[Chosen, ...]:
    """In the order of the names; a value without one is called as it is."""
    known = [_text(value) for value in values]
    ordered = [text for text in named if text in known] + [text for text in known if text not in named]
    options = {text: named.get(text, Option(text)) for text in ordered}
    return tuple(
        Chosen(text, *(words and _(words) for words in (option.title, option.hint, option.group)))
        for text, option in options.items()
    )


def _widget(control: Control) -> forms.Widget:
    match control.kind:
        case "switch":
            return forms.CheckboxInput()
        case "checks":
            return forms.SelectMultiple()
        case _:
            return forms.TextInput()


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _sentence(error: Any) -> str:
    words = told(reason(error))
    return f"{words[:1].upper()}{words[1:]}."
