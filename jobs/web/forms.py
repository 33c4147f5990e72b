"""A form from an operation's declaration. What is valid, its `Params` decide, and nothing else."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pydantic
from django import forms
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from ml.core.operation import Operation, Option, Params, choices

WIDEST_SLIDER = 1000
FEW = 4
SHORT = 18
LARGEST_SEED = 2**53 - 1
MOST_PHOTOS_IN_URL = 60  # of about 50 characters each: servers and proxies take 4,000


@dataclass(frozen=True)
class Chosen:
    """One of the values of a field, and what a person reads of it."""

    value: str
    title: str
    hint: str = ""


@dataclass(frozen=True)
class Control:
    """How a param is asked for.

    `kind` is range, number, text, switch, segments, radios, pictures, select, checks or, where there is nothing to
    choose, hidden.
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

    def __init__(self, control: Control, schema: Mapping[str, Any], **options: Any) -> None:
        super().__init__(required=False, widget=_widget(control), **options)
        self.control = control
        self._schema = schema

    def raw(self, sent: Any) -> Any:
        """What was sent, as `Params` takes it; None for a field left empty."""
        if self.control.kind == "switch":
            return bool(sent)
        if self.control.kind == "checks":
            return [self._value(item) for item in sent or ()]
        text = str(sent or "").strip()
        if not text:
            return None
        if _of_type(self._schema, "array"):
            return [part.strip() for part in text.split(",") if part.strip()]
        return self._value(text)

    def _value(self, text: str) -> Any:
        """A choice by its text: 2, not "2"."""
        known = _enumerated(self._schema) or _enumerated(self._schema.get("items", {}))
        return next((value for value in known if _text(value) == text), text)


class ParamsForm(forms.Form):
    """The params of an operation, and the seed where it draws at random. `params` and `seed` are set once valid."""

    params: Params
    seed: int | None = None

    def __init__(self, operation: Operation, data: QueryDict | None = None, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        self.operation = operation
        schema = operation.params.model_json_schema()
        for name, of_field in schema.get("properties", {}).items():
            self.fields[name] = _field(operation.params, name, _resolved(of_field, schema))
        if operation.random and "seed" not in self.fields:
            control = Control(
                "number", minimum=0, maximum=LARGEST_SEED, step="1", optional=True, fine_tuning=True
            )
            self.fields["seed"] = ParamField(
                control,
                {},
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
                self.add_error(at if at in self.fields else None, _sentence(item["msg"]))
        return given

    def _clean_seed(self, given: str | None) -> None:
        if given is None:
            return
        if given.isdecimal() and int(given) <= LARGEST_SEED:
            self.seed = int(given)
        else:
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
            bound.errors or shown(bound.value()) not in ("", shown(bound.field.control.default))  # type: ignore[attr-defined]
            for bound in self.fine_tuning
        )


def form_url(
    slug: str, params: Mapping[str, Any], photos: Mapping[str, Sequence[UUID]], seed: int | None = None
) -> str:
    """The form of an operation with these settings and photos in it; without the photos where they are too many."""
    chosen = [(f"slot-{slot}", str(photo)) for slot, ids in photos.items() for photo in ids]
    query: list[tuple[str, str]] = chosen if len(chosen) <= MOST_PHOTOS_IN_URL else []
    for name, value in params.items():
        if isinstance(value, list | tuple):
            query += [(name, _text(item)) for item in value]
        elif value is not None and value is not False:
            query.append((name, _text(value)))
    if seed is not None:
        query.append(("seed", str(seed)))
    # That something was chosen at all, so that a switch left out is off rather than at its default.
    return f"{reverse('new-job', args=[slug])}?{urlencode([*query, ('again', '1')])}"


def shown(value: Any) -> str:
    """A value as it stands in a field."""
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    return "" if value is None else _text(value)


# From JSON Schema to a field -----------------------------------------------------------------------------


def _field(params: type[Params], name: str, schema: Mapping[str, Any]) -> ParamField:
    kind, details = _kind(params, name, schema)
    default = schema.get("default")
    control = Control(
        kind,
        unit=schema.get("unit", ""),
        default=default,
        optional=_nullable(schema),
        fine_tuning=schema.get("group") == "fine-tuning",
        when={on: [str(value) for value in values] for on, values in schema.get("when", {}).items()},
        **details,
    )
    return ParamField(
        control,
        _plain(schema),
        label=_(schema["title"]) if schema.get("title") else name,
        help_text=_(schema["description"]) if schema.get("description") else "",
        initial=default,
    )


def _kind(params: type[Params], name: str, schema: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    plain = _plain(schema)
    if values := _enumerated(plain.get("items", {})):
        return "checks", {"options": _options(values, choices(params, name))}
    if values := _enumerated(plain):
        options = _options(values, choices(params, name))
        if _nullable(schema):
            options = (Chosen("", _("None")), *options)
        if len(options) == 1:
            return "hidden", {"options": options}
        if plain.get("pictures"):
            return "pictures", {"options": options}
        if len(options) <= FEW and all(len(option.title) <= SHORT and not option.hint for option in options):
            return "segments", {"options": options}
        return ("radios" if len(options) <= 2 * FEW else "select"), {"options": options}
    if _of_type(plain, "boolean"):
        return "switch", {}
    if _of_type(plain, "integer") or _of_type(plain, "number"):
        return _number(plain)
    return "text", {}


def _number(schema: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    whole = _of_type(schema, "integer")
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
        Chosen(text, _(option.title), option.hint and _(option.hint)) for text, option in options.items()
    )


def _widget(control: Control) -> forms.Widget:
    match control.kind:
        case "switch":
            return forms.CheckboxInput()
        case "checks":
            return forms.SelectMultiple()
        case _:
            return forms.TextInput()


def _resolved(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """With a reference to a definition put in its place."""
    if "$ref" not in schema:
        return schema
    definition = whole["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    return {**definition, **{key: value for key, value in schema.items() if key != "$ref"}}


def _plain(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the alternative of being left out."""
    alternatives = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    return {**schema, **alternatives[0]} if alternatives else schema


def _nullable(schema: Mapping[str, Any]) -> bool:
    return any(kind.get("type") == "null" for kind in schema.get("anyOf", ()))


def _enumerated(schema: Mapping[str, Any]) -> Sequence[Any]:
    values: Sequence[Any] = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    return values


def _of_type(schema: Mapping[str, Any], name: str) -> bool:
    return bool(schema.get("type") == name)


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _sentence(message: str) -> str:
    message = message.removeprefix("Value error, ").rstrip(".")
    return f"{message[:1].upper()}{message[1:]}."
