"""Texts that a person reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

LARGEST = 10**18
"""No number that is asked for is larger; it fits into 64 bits."""
CATALOGUE: dict[str, "Message"] = {}
"""Every message that there is, by its code; that of an operation is there with the operation."""


def _(text: str) -> str:
    """Return `text` as it is: a no-op by which gettext's extractor finds it. Whoever shows it translates it."""
    return text


def excerpt(words: str, most: int = 60) -> str:
    """As much of a stranger's words as a sentence bears: what can be seen of them, on one line, `most` characters."""
    seen = " ".join("".join(char if char.isprintable() else " " for char in words).split())
    return seen if len(seen) <= most else f"{seen[: most - 1]}…"


def fitting(stem: str, ending: str, most: int = 255) -> str:
    """A name of a file with that ending, the stem cut so that all of it has `most` bytes, as file systems ask."""
    room = max(0, most - len(ending.encode()))
    return stem.encode()[:room].decode(errors="ignore").rstrip() + ending


def capped(digits: str, most: int = LARGEST) -> int | None:
    """The number that a stranger's digits say, or `most` where they say more; None where they are no digits.

    Python itself makes no number of more than 4,300 digits, and databases none of more than 18.
    """
    if not digits.isdecimal():
        return None
    figures = digits.lstrip("0")
    return most if len(figures) > len(str(most)) else min(int(figures or "0"), most)


class Title(str):
    """A text of a declaration, as the value of a message: it is translated with the message."""

    __slots__ = ()


@dataclass(frozen=True)
class Message:
    """What a person is told: kept and sent as its code and its values, put into words when it is shown.

    Each is defined once. Calling it gives it values: numbers, strings, titles and other messages.
    """

    code: str
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if CATALOGUE.setdefault(self.code, self).template != self.template:
            raise ValueError(f"there are two messages named {self.code!r}")

    def __call__(self, **values: Any) -> "Message":
        return replace(self, values={**self.values, **values})

    def __str__(self) -> str:
        return self.render()

    def render(self, translate: Callable[[str], str] = _) -> str:
        """The words, in the language into which `translate` takes a template."""
        values = {name: _shown(value, translate) for name, value in self.values.items()}
        return translate(self.template).format_map(values)

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "values": self.plain_values()}

    def plain_values(self) -> dict[str, Any]:
        return {name: _plain(value) for name, value in self.values.items()}


FORGOTTEN = Message("forgotten", _("This version of Latent no longer has the words for it: {code}"))


def stored(code: str, values: Mapping[str, Any]) -> Message:
    """The message that was kept as this code and these values, perhaps by another version of Latent."""
    try:
        message = CATALOGUE[code](**{name: _revived(value) for name, value in values.items()})
        message.render()
    except (LookupError, TypeError, ValueError):
        return FORGOTTEN(code=code)
    return message


def _shown(value: Any, translate: Callable[[str], str]) -> Any:
    if isinstance(value, Message):
        return value.render(translate)
    return translate(value) if isinstance(value, Title) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return value.as_json()
    return {"title": str(value)} if isinstance(value, Title) else value


def _revived(value: Any) -> Any:
    match value:
        case {"code": str(code), "values": dict(values)}:
            return stored(code, values)
        case {"title": str(title)}:
            return Title(title)
    return value
