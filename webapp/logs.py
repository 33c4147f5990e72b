"""The log: lines for people or, with LOG_FORMAT=json, for programs, which also read whom a line is about.

`request` is the id of an HTTP request, `job` the public name of a job; a job remembers the request that asked
for it, so that one id leads from the front's log through the web server's to the worker's and the scheduler's.
"""

import logging
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from jobs.logs import ACCESS, About
from webapp.config import Config


def json_formatter() -> JsonFormatter:
    return JsonFormatter(
        "{levelname}{name}{process}{message}",
        style="{",
        timestamp="time",
        rename_fields={"levelname": "level", "name": "logger"},
        json_ensure_ascii=False,
    )


def json_line(logger: str, message: str) -> str:
    """What somebody said who knows nothing of JSON."""
    record = logging.makeLogRecord({"name": logger, "levelname": "INFO", "msg": message})
    return json_formatter().format(record)


def configuration(config: Config) -> dict[str, Any]:
    """For `logging.config.dictConfig`. Every request is a line only where programs read."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{"},
            "json": {"()": json_formatter},
        },
        "filters": {"about": {"()": About}},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": config.log_format,
                "filters": ["about"],
            }
        },
        "root": {"handlers": ["console"], "level": config.log_level},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "django.security": {"level": "CRITICAL"},  # a stranger's odd header is no error of the site's
            "axes": {"level": "WARNING"},
            "PIL": {"level": "CRITICAL"},
            "waitress": {
                "level": "ERROR"
            },  # it names addresses of clients who left, which hold the tokens of shares
            ACCESS: {"level": "INFO" if config.log_format == "json" else "WARNING"},
        },
    }
