"""A step as a page shows it, and the settings of a job or a step in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from pydantic.fields import FieldInfo

from jobs.queue.request import Step
from jobs.web.forms import as_text
from ml.core.errors import UnknownOperation
from ml.core.operation import Operation, choices
from ml.registry import registry


@dataclass(frozen=True)
class StepPresenter:
    """`said` are the settings that differ from the default, in words."""

    title: str
    method: str
    said: str

    @classmethod
    def of(cls, step: Step) -> "StepPresenter":
        return cls.of_recipe({"operation": step.operation, "params": step.params})

    @classmethod
    def of_recipe(cls, kept: Mapping[str, Any]) -> "StepPresenter":
        """Of a step as it was kept, whose operation may be gone."""
        try:
            operation = registry().get(kept["operation"])
        except UnknownOperation:
            return cls(kept["operation"], "", "")
        fields = operation.params.model_fields
        params: Mapping[str, Any] = (
            kept["params"] if isinstance(kept["params"], Mapping) else dict(kept["params"])
        )
        changed = {
            name: value for name, value in params.items() if name in fields and value != fields[name].default
        }
        said = ", ".join(value for _title, value in settings_said(operation, params, only=set(changed)))
        return cls(_(operation.title), method_title(operation, params), said)


def method_title(operation: Operation, params: Mapping[str, Any]) -> str:
    """Of the method that does it; empty where there is but one."""
    if "method" not in operation.params.model_fields:
        return ""
    method = str(params.get("method", operation.params.model_fields["method"].default))
    return _(operation.methods[method].title) if method in operation.methods else method


def settings_said(
    operation: Operation, params: Mapping[str, Any], only: set[str] | None = None
) -> list[tuple[str, str]]:
    """The params that matter, each by its title; what is folded away on the form comes last."""
    said = []
    for name, field in sorted(operation.params.model_fields.items(), key=lambda item: _folded(item[1])):
        value = params.get(name)
        left_out = only is not None and name not in only
        if name == "method" or value is None or left_out or not _matters(operation, field, params):
            continue
        extra = _extra(field)
        options = choices(operation.params, name)
        text = _(options[str(value)].title) if str(value) in options else _said(value)
        unit = str(extra.get("unit", ""))
        space = "" if unit in ("", "%", "°", "×") else " "
        said.append((_(field.title or name), f"{text}{space}{unit}"))
    return said


def _matters(operation: Operation, field: FieldInfo, params: Mapping[str, Any]) -> bool:
    """Of a job from before there was such a param, its default counts."""
    fields = operation.params.model_fields
    when: Any = _extra(field).get("when", {})
    return all(params.get(on, fields[on].default) in of for on, of in when.items())


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def _folded(field: FieldInfo) -> bool:
    return _extra(field).get("group") == "fine-tuning"


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return as_text(value)
