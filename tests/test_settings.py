"""Settings come from the environment, and a wrong one is a sentence."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from webapp.config import BASE_DIR, Config

WRONG = {
    "PORT": "abc",
    "WEB_THREADS": "0",
    "LOG_LEVEL": "loud",
    "DATABASE_URL": "oracle-of-delphi",
    "REDIS_URL": "localhost:6379",
    "LATENT_HOME": "/dev/null/var",
}
COMMANDS = {
    "up": ["manage.py", "up"],
    "clock": ["manage.py", "clock"],
    "worker": ["-m", "celery", "--app", "webapp", "worker"],
    "web": ["-m", "gunicorn", "--config", "python:webapp.gunicorn"],
}


def refusal(command: list[str], variable: str, value: str) -> str:
    """What a command says to a wrong setting."""
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "webapp.settings", variable: value},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode != 0
    return (ended.stdout + ended.stderr).strip()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("variable", WRONG)
def test_a_wrong_setting_is_one_sentence_that_names_it(variable: str) -> None:
    said = refusal(COMMANDS["clock"], variable, WRONG[variable])
    assert said.startswith(f"The setting {variable} cannot be used: ")
    assert len(said.splitlines()) == 1


@pytest.mark.sampled(1)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_a_wrong_setting_without_a_traceback(command: str) -> None:
    said = refusal(COMMANDS[command], "PORT", "abc")
    assert "The setting PORT cannot be used" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_wrong_database_does_not_betray_its_password() -> None:
    assert "sesame" not in refusal(COMMANDS["clock"], "DATABASE_URL", "postgres://ali:sesame@cave:door/gold")


def test_sockets_of_a_deep_folder_have_short_paths(tmp_path: Path) -> None:
    assert len(str(Config(latent_home=tmp_path / ("deep" * 40)).redis_socket)) < 100


def test_two_folders_do_not_share_sockets(tmp_path: Path) -> None:
    assert Config(latent_home=tmp_path / "a").redis_socket != Config(latent_home=tmp_path / "b").redis_socket


def test_the_secret_key_is_made_once_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    made = Config(latent_home=tmp_path, secret_key="").secret()
    assert len(made) > 40
    assert Config(latent_home=tmp_path, secret_key="").secret() == made
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_the_page_of_settings_is_up_to_date() -> None:
    printed = io.StringIO()
    call_command("settings_table", stdout=printed)
    assert (BASE_DIR / "docs" / "settings.md").read_text() == printed.getvalue()
