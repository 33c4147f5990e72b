"""Photos and results in a bucket of an S3-compatible store, which any number of machines share."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

from jobs.errors import StorageAway

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFER_BYTES = 1 << 18


class Bucket(S3Storage):
    """That of django-storages, but a file is read as it comes, and what goes wrong is an `OSError`."""

    def get_default_settings(self) -> dict[str, Any]:
        defaults: dict[str, Any] = super().get_default_settings()
        return defaults | {
            "bucket_name": settings.LATENT.s3_bucket,
            "endpoint_url": settings.LATENT.s3_endpoint or None,
            "region_name": settings.LATENT.s3_region,
            "access_key": settings.LATENT.s3_access_key or None,
            "secret_key": settings.LATENT.s3_secret_key or None,
            "client_config": Config(
                signature_version="s3v4",
                # A store of one's own seldom has a host name for each bucket, nor Amazon's newer checksums.
                s3={"addressing_style": "path" if settings.LATENT.s3_endpoint else "virtual"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                connect_timeout=5,
                read_timeout=30,
                retries={"mode": "standard", "max_attempts": 4},
            ),
        }

    def files(self, folder: str) -> Iterator[tuple[str, datetime]]:
        """The name of every object below a folder, and when it was last changed: a thousand in one answer."""
        pages = self.connection.meta.client.get_paginator("list_objects_v2")
        with _told_as_os_error():
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=f"{folder}/"):
                for found in page.get("Contents", ()):
                    yield found["Key"], found["LastModified"]

    def replace(self, name: str, content: bytes) -> None:
        """Keep it under this very name, in the place of what is there; a store does that as a whole."""
        self.save(name, ContentFile(content))

    def delete(self, name: str) -> None:
        with _told_as_os_error():
            super().delete(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        with _told_as_os_error():
            folders, files = super().listdir(path)
            return folders, files

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        key = self._normalize_name(clean_name(name))
        return File(io.BufferedReader(Stream(self.bucket.Object(key)), BUFFER_BYTES), name)

    def _save(self, name: str, content: "File[bytes]") -> str:
        with _told_as_os_error():
            return str(super()._save(name, content))


class Stream(io.RawIOBase):
    """An object as it comes over the network. After a seek, only what follows is asked for.

    Raises `FileNotFoundError` where there is none of that name, else `StorageAway`.
    """

    def __init__(self, stored: Any) -> None:
        self._stored = stored
        self._position = self._body_at = self._size = 0
        self._body: Any = None
        self._open_at(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        if self._position >= self._size:
            return 0
        if self._position != self._body_at:
            self._body.close()
            self._open_at(self._position)
        target = memoryview(buffer)
        with _told_as_os_error():
            data = self._body.read(len(target))
        target[: len(data)] = data
        self._position += len(data)
        self._body_at = self._position
        return len(data)

    def close(self) -> None:
        if self._body is not None:
            self._body.close()
        super().close()

    def _open_at(self, position: int) -> None:
        with _told_as_os_error():
            answer = self._stored.get(**({"Range": f"bytes={position}-"} if position else {}))
        self._body, self._body_at = answer["Body"], position
        self._size = position + int(answer["ContentLength"])


@contextmanager
def _told_as_os_error() -> Iterator[None]:
    """As the storage on a disk tells of what went wrong."""
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey"):
            raise FileNotFoundError(str(error)) from None
        raise StorageAway(error) from error
    except (BotoCoreError, Boto3Error) as error:
        raise StorageAway(error) from error
