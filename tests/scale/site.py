"""The whole site, started service by service as docker-compose.yml has it."""

import secrets
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import redis
from botocore.exceptions import BotoCoreError

from tests import compose, front
from tests.front import Front
from tests.operations import OPERATIONS
from tests.scale import machines
from tests.scale.browser import Browser
from tests.scale.machines import HERE, Apart, CannotPlay, Process, on_host
from tests.scale.packages import web_environment
from tests.site import free_port

MEDIA_NAME = "media.localhost"
ADMIN, ADMIN_PASSWORD = "ada", secrets.token_hex(12)


class Site:
    """Two web servers behind nginx, three workers of which one is on a machine apart, and the clock."""

    def __init__(self, folder: Path, apart: Apart, undo: ExitStack) -> None:
        if not front.found():
            raise CannotPlay(front.MISSING)
        folder.chmod(0o711)  # the user of PostgreSQL goes through it
        self.folder, self.apart, self._undo = folder, apart, undo
        self.ports = {name: free_port() for name in ("postgres", "redis", "s3", "front", "web-1", "web-2")}
        self.variables = {
            "SECRET_KEY": secrets.token_hex(32),
            "POSTGRES_PASSWORD": secrets.token_hex(32),
            "S3_BUCKET": machines.BUCKET,
            "S3_ENDPOINT": f"http://{HERE}:{self.ports['s3']}",
            "S3_ACCESS_KEY": machines.S3_KEY,
            "S3_SECRET_KEY": machines.S3_SECRET,
            "MEDIA_HOST": f"http://{MEDIA_NAME}:{self.ports['front']}",
            "ALLOWED_HOSTS": "localhost",
            "GPU_QUEUE": "1",
            "SAMPLE_JOBS": "0",
            "DJANGO_SUPERUSER_USERNAME": ADMIN,
            "DJANGO_SUPERUSER_PASSWORD": ADMIN_PASSWORD,
        }
        self.web_programs = web_environment(folder / "packages-web")
        self.processes: dict[str, Process] = {}
        self.bucket = machines.bucket_at(self.variables["S3_ENDPOINT"])

    # The services -------------------------------------------------------------------------------------------

    def start_stores(self) -> None:
        password = self.variables["POSTGRES_PASSWORD"]
        self._keep(machines.start_postgres(self.folder, self.ports["postgres"], password))
        broker = compose.service("redis", self.variables)
        self._start(
            "redis",
            [
                *(*broker.command, "--bind", HERE, "--port", str(self.ports["redis"])),
                *("--dir", str(self.folder), "--protected-mode", "no"),
            ],
            {"PATH": "/usr/bin:/bin"},
        ).wait_until(self._redis_answers)
        store = ["-m", "moto.server", "--host", HERE, "--port", str(self.ports["s3"])]
        self._start("s3", [sys.executable, *store], {}).wait_until(self._bucket_made)

    def build(self) -> None:
        """What the image of the web server does beside installing."""
        self.run("image", "web", ["python", "manage.py", "collectstatic", "--noinput", "--verbosity", "0"])

    def start_web(self, name: str) -> Process:
        static = self.folder / name / "static"
        if not static.exists():
            shutil.copytree(self.folder / "image" / "static", static)
        web = self._start_service(name, "web", PORT=str(self.ports[name]), BIND_ADDRESS="127.0.0.1")
        web.wait_until(partial(alive, Browser(self.ports[name])))
        return web

    def start_worker(self, name: str, service: str, *, far: bool = False) -> Process:
        """One on a host of its own, or on the machine apart."""
        wrap = partial(self.apart.command, name, self.folder) if far else partial(on_host, name)
        worker = self._start_service(name, service, wrap=wrap)
        worker.wait_until(lambda: any(name in seen for seen in self.workers()))
        return worker

    def start_clock(self) -> None:
        self._start_service("clock", "clock")

    def start_front(self) -> None:
        values = compose.services(self.variables)["front"]["environment"]
        nginx = Front(
            self.folder / "nginx",
            self.ports["front"],
            [self.ports["web-1"], self.ports["web-2"]],
            {name: str(value) for name, value in values.items()},
        )
        self._undo.callback(nginx.end)

    def run(self, name: str, service: str, command: list[str] | None = None) -> str:
        """What a command prints that is run to its end in the environment of a service: its own, or another."""
        (self.folder / f"{name}.log").unlink(missing_ok=True)
        done = self._start_service(name, service, command=command)
        done.process.wait(machines.START_SECONDS)
        assert done.process.returncode == 0, done.said()
        return done.said()

    # What is known of them ----------------------------------------------------------------------------------

    def workers(self) -> list[str]:
        """The names of those that have said that they are here."""
        return [name.decode() for name in self._redis().hkeys("latent:workers")]

    def objects(self) -> set[str]:
        """The names of all that is in the bucket."""
        return {found.key for found in self.bucket.objects.all()}

    def database_url(self) -> str:
        return self._near(compose.service("web", self.variables).environment["DATABASE_URL"])

    def logs(self) -> str:
        return "\n".join(f"--- {name}\n{process.said()[-3000:]}" for name, process in self.processes.items())

    # How a service is started -------------------------------------------------------------------------------

    def _start_service(
        self,
        name: str,
        service: str,
        *,
        wrap: Callable[[list[str]], list[str]] = list,
        command: list[str] | None = None,
        **further: str,
    ) -> Process:
        """By its command and its environment in the compose file; only the hosts are others here."""
        read = compose.service(service, self.variables)
        programs = Path(sys.executable).parent if service.startswith("worker") else self.web_programs
        environment = {key: self._near(value) for key, value in read.environment.items()}
        environment |= {
            "PATH": f"{programs}:/usr/sbin:/usr/bin:/bin:/sbin",
            "HOME": str(self.folder / name),
            "LATENT_HOME": str(self.folder / name),
            "LATENT_ROOMS": OPERATIONS,
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
        }
        return self._start(name, wrap(command or read.command), environment | further)

    def _start(self, name: str, command: list[str], environment: dict[str, str]) -> Process:
        return self._keep(Process(name, command, environment, self.folder))

    def _keep(self, process: Process) -> Process:
        self.processes[process.name] = process
        self._undo.callback(process.kill)
        return process

    def _near(self, value: str) -> str:
        """A value in which the services have the addresses of this machine."""
        value = value.replace("@postgres:5432", f"@{HERE}:{self.ports['postgres']}")
        return value.replace("//redis:6379", f"//{HERE}:{self.ports['redis']}")

    def _redis(self) -> "redis.Redis":
        return redis.Redis(HERE, self.ports["redis"], socket_timeout=5)

    def _redis_answers(self) -> bool:
        try:
            return bool(self._redis().ping())
        except redis.RedisError:
            return False

    def _bucket_made(self) -> bool:
        try:
            self.bucket.create()
        except BotoCoreError:
            return False
        return True


def alive(browser: Browser) -> bool:
    try:
        return browser.ask("/healthz").status == 200
    except OSError:
        return False
