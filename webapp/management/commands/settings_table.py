"""docs/settings.md, from the declarations of the settings."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from webapp.config import BASE_DIR, Config

INTRODUCTION = """\
# Settings

All come from the environment, and each has a default that works.
This page is made by `manage.py settings_table`.

| Setting | Default | Meaning |
| --- | --- | --- |"""


class Command(BaseCommand):
    help = "Print the page of all settings: manage.py settings_table > docs/settings.md"
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(INTRODUCTION)
        for name, field in Config.model_fields.items():
            self.stdout.write(f"| `{name.upper()}` | {_default(field.default)} | {field.description} |")


def _default(value: Any) -> str:
    match value:
        case "":
            return "empty"
        case bool():
            return f"`{int(value)}`"
        case Path():
            return f"`{value.relative_to(BASE_DIR)}`"
        case _:
            return f"`{value}`"
