"""docker-compose.yml as Docker would read it, so that its very commands can be run without Docker."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from webapp.config import BASE_DIR

FILE = BASE_DIR / "docker-compose.yml"
VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?::(-|\?)((?:[^{}]|\{[^}]*\})*))?\}")


@dataclass(frozen=True)
class Service:
    """What runs: the words of a command, and its whole environment."""

    command: list[str]
    environment: dict[str, str]


def services(variables: Mapping[str, str]) -> dict[str, Any]:
    """The services as they stand in the file, with the variables of a .env put in.

    Raises ValueError with the words of the file where a variable is missing that must be there.
    """
    found: dict[str, Any] = _filled(yaml.safe_load(FILE.read_text())["services"], variables)
    return found


def service(name: str, variables: Mapping[str, str]) -> Service:
    read = services(variables)[name]
    environment = {
        key: variables.get(key) if value is None else str(value)
        for key, value in read.get("environment", {}).items()
    }
    return Service(read["command"], {key: value for key, value in environment.items() if value is not None})


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {key: _filled(inner, variables) for key, inner in value.items()}
        case list():
            return [_filled(inner, variables) for inner in value]
        case str():
            return VARIABLE.sub(lambda found: _value(found, variables), value)
    return value


def _value(found: "re.Match[str]", variables: Mapping[str, str]) -> str:
    name, kind, rest = found.groups()
    if name is None:
        return "$"
    if value := variables.get(name, ""):
        return value
    if kind == "?":
        raise ValueError(rest)
    return str(_filled(rest or "", variables))
