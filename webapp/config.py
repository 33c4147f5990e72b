"""Every setting of the site, from the environment, each with a default that works.

docs/settings.md is generated from this page: `manage.py settings_table`.
"""

import hashlib
import os
import secrets
import tempfile
from functools import cache
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parents[1]


class Config(BaseSettings):
    """Field names in capitals are the names in the environment."""

    model_config = SettingsConfigDict(frozen=True, case_sensitive=False)

    latent_home: Path = Field(BASE_DIR / "var", description="Folder of the database, the files and the secret key.")
    port: int = Field(8000, ge=1, le=65535, description="Port of the web server.")
    host: str = Field("127.0.0.1", description="Address the web server listens on.")
    debug: bool = Field(False, description="Django's debug pages. Never on a public site.")
    secret_key: str = Field("", description="Django's secret; made and kept in LATENT_HOME when empty.")
    allowed_hosts: str = Field(
        "localhost,127.0.0.1,[::1]", description="Host names the site answers to, comma separated; * for any."
    )
    trusted_origins: str = Field(
        "", description="Origins (https://photos.example) whose forms are trusted behind a proxy, comma separated."
    )
    https: bool = Field(False, description="The site is reached by https: secure cookies, HSTS.")
    behind_proxy: bool = Field(False, description="Believe X-Forwarded-For and X-Forwarded-Proto of the proxy in front.")
    database_url: str = Field("", description="Database; SQLite in LATENT_HOME when empty.")
    redis_url: str = Field("", description="Redis; `make run` starts one of its own when empty.")
    web_threads: int = Field(8, ge=1, description="Threads of the web server.")
    gpu_queue: bool = Field(
        False, description="Workers of their own take what a GPU makes faster; otherwise all jobs wait in one queue."
    )
    worker_queues: str = Field("cpu,gpu", description="Queues that the worker of `make run` takes work from.")

    max_upload_megabytes: int = Field(40, ge=1, description="Largest upload, in megabytes.")
    max_upload_megapixels: float = Field(40, gt=0, description="Largest photo, in megapixels.")
    max_result_megapixels: float = Field(120, gt=0, description="Largest result, in megapixels.")
    max_queued_jobs: int = Field(500, ge=1, description="Jobs one owner may have waiting.")
    keep_days: int = Field(30, ge=1, description="Days that photos and jobs are kept.")
    share_days: int = Field(30, ge=1, description="Days after which a share link expires unless its owner says otherwise.")

    lease_seconds: float = Field(30, gt=0, description="How long a worker holds a job without renewing its lease.")
    renew_seconds: float = Field(10, gt=0, description="How often a worker renews its lease.")
    reap_seconds: float = Field(2, gt=0, description="How often the clock looks for lost jobs and lost messages.")
    cancel_grace_seconds: float = Field(
        5, gt=0, description="How long a cancelled run may take to stop before its process is ended."
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @property
    def runtime_folder(self) -> Path:
        """Where sockets live: short, since a socket's path may not exceed 108 bytes, and one per LATENT_HOME."""
        home = hashlib.sha256(str(self.latent_home.resolve()).encode()).hexdigest()[:10]
        return Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"latent-{os.getuid()}-{home}"

    @property
    def redis_socket(self) -> Path:
        return self.runtime_folder / "redis.sock"

    def secret(self) -> str:
        """The secret key, made on first use."""
        if self.secret_key:
            return self.secret_key
        path = self.latent_home / "secret_key"
        if not path.exists():
            self.latent_home.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(f".{secrets.token_hex(4)}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(50))
            try:
                path.hardlink_to(fresh)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return path.read_text()


@cache
def config() -> Config:
    """The settings, read once; a wrong value ends the process with one sentence for each."""
    try:
        return Config()
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, item['loc'])).upper()}: {item['msg']}" for item in error.errors())
        raise SystemExit("The environment holds a setting that cannot be used.\n" + "\n".join(lines)) from None
