"""Every setting of the site, from the environment, each with a default that works.

docs/settings.md is generated from this page: `manage.py settings_table`.
"""

import hashlib
import os
import re
import secrets
import tempfile
from functools import cache
from pathlib import Path
from typing import Literal

import dj_database_url
from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from ml.core.formats import FORMATS

BASE_DIR = Path(__file__).resolve().parents[1]


class Config(BaseSettings):
    """Field names in capitals are the names in the environment."""

    model_config = SettingsConfigDict(frozen=True, case_sensitive=False)

    latent_home: Path = Field(
        BASE_DIR / "var", description="Folder of the database, the files and the secret key."
    )
    port: int = Field(8000, ge=1, le=65535, description="Port of the web server.")
    bind_address: str = Field("127.0.0.1", description="Address the web server listens on.")
    debug: bool = Field(False, description="Django's debug pages. Never on a public site.")
    secret_key: str = Field("", description="Django's secret; made and kept in LATENT_HOME when empty.")
    allowed_hosts: str = Field(
        "localhost,127.0.0.1,[::1]", description="Host names the site answers to, comma separated; * for any."
    )
    trusted_origins: str = Field(
        "",
        description="Origins (https://photos.example) trusted to send forms behind a proxy, comma separated.",
    )
    https: bool = Field(False, description="The site is reached by https: secure cookies, HSTS.")
    behind_proxy: bool = Field(
        False, description="Believe X-Forwarded-For and X-Forwarded-Proto of the proxy in front."
    )
    database_url: str = Field("", description="Database; SQLite in LATENT_HOME when empty.")
    redis_url: str = Field("", description="Redis; `make run` starts one of its own when empty.")
    s3_bucket: str = Field(
        "", description="Bucket that keeps photos and results; a folder in LATENT_HOME does when empty."
    )
    s3_endpoint: str = Field("", description="Address of an S3-compatible store; Amazon's own when empty.")
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    s3_access_key: str = Field(
        "", description="Key to the bucket; when empty, one is looked for where Amazon's tools do."
    )
    s3_secret_key: str = Field("", description="The secret that belongs to S3_ACCESS_KEY.")
    media_host: str = Field(
        "",
        description="Origin (https://media.photos.example), with a host name of its own, that serves the "
        "pictures by signed addresses; the site does when empty.",
    )
    accel_redirect: str = Field(
        "",
        description="Internal location (/stored/) of an nginx in front that sends the files in "
        "LATENT_HOME/media itself; not for a bucket.",
    )
    web_processes: int = Field(
        2, ge=1, description="Processes of the web server, so that a page need not wait for an upload."
    )
    web_threads: int = Field(8, ge=1, description="Threads of each of them.")
    web_timeout_seconds: float = Field(
        30, gt=0, description="How long a browser may neither send nor take anything before it is let go."
    )
    gpu_queue: bool = Field(
        False, description="Workers of their own take what a GPU makes faster; otherwise there is one queue."
    )
    worker_queues: str = Field("cpu,gpu", description="Queues that a worker takes work from.")

    max_upload_megabytes: int = Field(40, ge=1, description="Largest upload, in megabytes.")
    max_upload_megapixels: float = Field(52, gt=0, description="Largest photo, in megapixels.")
    upload_formats: str = Field(
        "jpeg,png,webp,gif,tiff,bmp,avif,heic,raw,mp4,webm,avi,zip,safetensors",
        description="Formats that may be uploaded, comma separated. Each has a decoder that reads strangers' files, so "
        "the rare ones are left out: jxl, jp2, psd, tga, ico, ppm, mpeg.",
    )
    max_result_megapixels: float = Field(120, gt=0, description="Largest result, in megapixels.")
    visitor_uploads_per_hour: int = Field(
        2000, ge=1, description="Photos the visitors of one address may send within an hour."
    )
    member_uploads_per_hour: int = Field(10_000, ge=1, description="Photos a member may send within an hour.")
    sign_ups_per_hour: int = Field(
        10, ge=1, description="Accounts that may be made from one address within an hour."
    )
    visitor_stored_megabytes: int = Field(
        5000, ge=1, description="What the photos and results of the visitors of one address may take."
    )
    member_stored_megabytes: int = Field(
        50_000, ge=1, description="What the photos and results of a member may take."
    )
    max_steps: int = Field(
        10, ge=1, description="Steps that may be asked for at a time, one after the other."
    )
    visitor_batch_photos: int = Field(
        100, ge=1, description="Photos that a visitor may have worked on as one."
    )
    member_batch_photos: int = Field(
        1000, ge=1, description="Photos that a member may have worked on as one."
    )
    max_presets: int = Field(100, ge=1, description="Presets that somebody may keep.")
    visitor_queued_jobs: int = Field(
        1000, ge=1, description="Jobs the visitors of one address may have waiting."
    )
    member_queued_jobs: int = Field(5000, ge=1, description="Jobs a member may have waiting.")
    visitor_queued_megapixels: int = Field(
        6000, ge=1, description="Megapixels that the waiting jobs of the visitors of one address may have."
    )
    member_queued_megapixels: int = Field(
        20_000, ge=1, description="Megapixels that the waiting jobs of a member may have."
    )
    max_waiting_jobs: int = Field(
        100_000, ge=1, description="With so many jobs waiting, the site takes no more for now."
    )
    min_free_megabytes: int = Field(
        500, ge=0, description="With less room on the disk than this, the site takes nothing new."
    )
    site_url: str = Field(
        "", description="Where people reach the site (https://photos.example), for links in mails."
    )
    member_webhooks: int = Field(10, ge=0, description="Webhooks a member may have.")
    private_webhooks: bool = Field(
        False, description="Webhooks may lead to this machine and its network, which strangers cannot reach."
    )
    email_host: str = Field("", description="Mail server; without one, the site sends no mail.")
    email_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    email_host_user: str = Field("", description="Name by which the site logs in there.")
    email_host_password: str = Field("", description="The password that belongs to EMAIL_HOST_USER.")
    email_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="starttls, tls (from the first byte, mostly port 465) or none."
    )
    email_from: str = Field("", description="Sender of the mails, like Latent <latent@photos.example>.")

    sample_jobs: bool = Field(
        True, description="A fresh site runs a few sample jobs that everybody may look at."
    )
    keep_days: int = Field(30, ge=1, description="Days that photos and jobs are kept.")
    share_days: int = Field(
        30, ge=1, description="Days after which a share link expires unless its owner says otherwise."
    )

    lease_seconds: float = Field(
        30, gt=0, description="How long a worker holds a job without renewing its lease."
    )
    renew_seconds: float = Field(10, gt=0, description="How often a worker renews its lease.")
    reap_seconds: float = Field(
        2, gt=0, description="How often the scheduler looks for lost jobs and lost messages."
    )
    cancel_grace_seconds: float = Field(
        5, gt=0, description="How long a cancelled run may take to stop before its process is ended."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR."
    )
    log_format: Literal["text", "json"] = Field(
        "text",
        description="text for people, json for programs: a line is an object, and every request has one.",
    )

    @field_validator("latent_home")
    @classmethod
    def _can_be_written(cls, folder: Path) -> Path:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError as error:
            raise ValueError(f"{folder} cannot be written ({error.strerror}); name another folder") from None

    @field_validator("upload_formats")
    @classmethod
    def _are_formats(cls, names: str) -> str:
        unknown = _listed(names) - FORMATS.keys()
        if unknown or not names.strip():
            raise ValueError(
                f"there is no format {', '.join(sorted(unknown))}; there are {', '.join(FORMATS)}"
            )
        return names

    @field_validator("database_url")
    @classmethod
    def _names_a_database(cls, url: str) -> str:
        advice = "write it like postgres://user:password@host:5432/name or sqlite:////path/to/file"
        if url and not url.startswith(("postgres://", "postgresql://", "sqlite://")):
            raise ValueError(f"not a database that Latent knows; {advice}")
        try:
            if url:
                dj_database_url.parse(url)
        except ValueError:
            raise ValueError(f"not a URL; {advice}") from None
        return url

    @field_validator("redis_url")
    @classmethod
    def _names_a_redis(cls, url: str) -> str:
        if url and not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("not a Redis; write it like redis://host:6379/0 or unix:///path/to/redis.sock")
        return url

    @field_validator("s3_endpoint")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if url and not re.fullmatch(r"https?://[^/\s]+/?", url):
            raise ValueError("not an address; write it like https://s3.photos.example")
        return url

    @field_validator("media_host", "site_url")
    @classmethod
    def _is_an_origin(cls, origin: str) -> str:
        if origin and not re.fullmatch(r"https?://[^/@\s]+", origin):
            raise ValueError("not an origin; write it like https://media.photos.example, without a path")
        return origin.lower()

    @field_validator("accel_redirect")
    @classmethod
    def _is_a_location(cls, location: str) -> str:
        if location and not re.fullmatch(r"/[\w/-]*/", location):
            raise ValueError("not a location; write it like /stored/, as the configuration of nginx has it")
        return location

    @property
    def formats_taken(self) -> frozenset[str]:
        return _listed(self.upload_formats)

    @property
    def runtime_folder(self) -> Path:
        """Where sockets live, one per LATENT_HOME: short, since their paths may not exceed 108 bytes."""
        home = hashlib.sha256(str(self.latent_home.resolve()).encode()).hexdigest()[:10]
        return (
            Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"latent-{os.getuid()}-{home}"
        )

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


def _listed(names: str) -> frozenset[str]:
    return frozenset(name.strip() for name in names.split(",") if name.strip())


@cache
def config() -> Config:
    """The settings, read once; a wrong value ends the process with one sentence for each."""
    try:
        return Config()
    except ValidationError as error:
        raise SystemExit("\n".join(map(_sentence, error.errors()))) from None


def _sentence(wrong: ErrorDetails) -> str:
    # Not the value: it may hold a password.
    reason = wrong["msg"].removeprefix("Value error, ")
    return f"The setting {str(wrong['loc'][0]).upper()} cannot be used: {reason}."
