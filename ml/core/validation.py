"""What pydantic finds wrong with a value, as a message."""

from collections.abc import Iterable
from functools import reduce
from typing import Any

from pydantic_core import PydanticCustomError

from ml.core.text import CATALOGUE, Message, _, excerpt

NO_PARAM = Message("no_param", _("There is no param “{name}”."))
PARAM_MISSING = Message("param_missing", _("The param “{name}” is missing."))
PARAM_WRONG = Message("param_wrong", _("The param “{name}” is not right: {reason}."))
PARAMS = Message("params", _("params"))
BOTH = Message("both", _("{first} {second}"))

OTHERWISE = Message("value.otherwise", "{words}")
"""What a library, or somebody else's operation, says in its own words."""

REASONS = {
    reason.code.removeprefix("value."): reason
    for reason in (
        Message("value.greater_than", _("input should be greater than {gt}")),
        Message("value.greater_than_equal", _("input should be greater than or equal to {ge}")),
        Message("value.less_than", _("input should be less than {lt}")),
        Message("value.less_than_equal", _("input should be less than or equal to {le}")),
        Message("value.finite_number", _("input should be a finite number")),
        Message("value.literal_error", _("input should be {expected}")),
        Message("value.int_type", _("input should be a valid integer")),
        Message("value.int_parsing", _("input should be a valid integer")),
        Message("value.int_from_float", _("input should be an integer, without a fraction")),
        Message("value.float_type", _("input should be a valid number")),
        Message("value.float_parsing", _("input should be a valid number")),
        Message("value.bool_type", _("input should be yes or no")),
        Message("value.bool_parsing", _("input should be yes or no")),
        Message("value.string_type", _("input should be a text")),
        Message("value.list_type", _("input should be a list")),
        Message("value.tuple_type", _("input should be a list")),
        Message("value.too_long", _("input should have at most {max_length} items, not {actual_length}")),
        Message("value.too_short", _("input should have at least {min_length} items, not {actual_length}")),
    )
}
"""By pydantic's type of the error, with the names of its values."""


def wrong(message: Message, **values: Any) -> PydanticCustomError:
    """What the validator of a param raises, rather than a ValueError with a sentence."""
    return PydanticCustomError(message.code, "{code}", {"code": message.code, **values})


def params_wrong(errors: Iterable[Any]) -> Message:
    """All that is wrong with the params of an operation."""
    return together(map(_param_wrong, errors))


def together(messages: Iterable[Message]) -> Message:
    """One after the other."""
    return reduce(lambda first, second: BOTH(first=first, second=second), messages)


def reason(error: Any) -> Message:
    """Why a value is not right, without a full stop."""
    found = REASONS.get(error["type"]) or CATALOGUE.get(error["type"])
    if found is not None:
        return found(**error.get("ctx", {}))
    words = excerpt(error["msg"].removeprefix("Value error, "), 300).rstrip(".")
    return OTHERWISE(words=words[:1].lower() + words[1:])


def _param_wrong(error: Any) -> Message:
    name = excerpt(".".join(str(part) for part in error["loc"])) or PARAMS
    match error["type"]:
        case "extra_forbidden":
            return NO_PARAM(name=name)
        case "missing":
            return PARAM_MISSING(name=name)
    return PARAM_WRONG(name=name, reason=reason(error))
