"""docker-compose.yml and the Dockerfile, as far as they can be checked without Docker."""

import re
import subprocess
import sys
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from tests import compose
from webapp.config import BASE_DIR, Config, config
from webapp.supervisor import commands

SECRETS = {"SECRET_KEY": "a" * 64, "POSTGRES_PASSWORD": "b" * 64}
OF_THE_IMAGE = {"LATENT_HOME", "PORT", "BIND_ADDRESS"}


def seconds(period: str) -> int:
    return int(period.removesuffix("s"))


@pytest.mark.slow
def test_the_file_follows_the_schema_of_compose() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", compose.FILE],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("missing", SECRETS)
def test_no_secret_has_a_default(missing: str) -> None:
    with pytest.raises(ValueError, match=f"put a {missing} into .env"):
        compose.services({name: value for name, value in SECRETS.items() if name != missing})


def test_every_setting_can_be_set_and_only_settings() -> None:
    told = set(compose.services(SECRETS)["web"]["environment"])
    assert told | OF_THE_IMAGE | {"WORKER_QUEUES"} == {name.upper() for name in Config.model_fields}


def test_each_queue_has_its_worker_and_the_gpu_is_reserved_for_one() -> None:
    services = compose.services(SECRETS)
    queues = {
        name: services[name]["environment"]["WORKER_QUEUES"] for name in services if name.startswith("worker")
    }
    assert queues == {"worker-cpu": "cpu", "worker-gpu": "gpu"}
    devices = services["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert [device["capabilities"] for device in devices] == [["gpu"]]
    assert "deploy" not in services["worker-cpu"]


def test_who_is_told_to_end_is_given_the_time_for_it() -> None:
    from webapp import gunicorn
    from webapp.celery import app

    services = compose.services(SECRETS)
    hand_back = app.conf.worker_soft_shutdown_timeout + config().cancel_grace_seconds
    assert seconds(services["worker-cpu"]["stop_grace_period"]) > hand_back
    assert seconds(services["web"]["stop_grace_period"]) > gunicorn.graceful_timeout


def test_every_service_that_stays_is_asked_how_it_is() -> None:
    stages = re.split(r"^FROM ", (BASE_DIR / "Dockerfile").read_text(), flags=re.MULTILINE)
    asked = {stage.split()[2] for stage in stages if "HEALTHCHECK" in stage}
    assert asked == {"web", "worker"}
    for name, service in compose.services(SECRETS).items():
        built = service.get("build", {}).get("target", "").partition("-")[0]
        assert "healthcheck" in service or built in asked, name


def test_only_what_the_worker_is_made_of_brings_torch() -> None:
    text = (BASE_DIR / "Dockerfile").read_text()
    web = next(stage for stage in text.split("\nFROM ") if stage.startswith("packages AS packages-web"))
    assert "--extra web" in web
    assert "--extra worker" not in web
    assert text.count("USER latent") == 1


def test_the_worker_is_the_one_that_make_run_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[Any] = []
    monkeypatch.setattr("os.execv", lambda path, command: became.append(command))
    assert compose.service("worker-gpu", SECRETS).command[1:] == ["manage.py", "worker"]
    call_command("worker")
    assert became == [commands.worker_command(config())]


@pytest.mark.django_db
def test_the_first_admin_comes_from_the_environment_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("first_admin")
    assert "There is no admin yet" in capsys.readouterr().out
    monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "ada")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "12345")
    with pytest.raises(CommandError, match="too short"):
        call_command("first_admin")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a long walk by the sea")
    call_command("first_admin")
    assert User.objects.get().check_password("a long walk by the sea")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "something else altogether")
    call_command("first_admin")
    assert User.objects.get().check_password("a long walk by the sea")
