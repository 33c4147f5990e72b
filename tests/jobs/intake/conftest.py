"""Photos that come in, and what is left of those that are refused."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from jobs.errors import Refused
from jobs.intake import decoding, receive, sandbox
from jobs.models import Asset, Owner
from tests.jobs.intake.received import Send, assert_nothing_left


@pytest.fixture
def folders(tmp_path: Path, settings: Any) -> tuple[Path, Path]:
    """Where files are stored, and where they are made."""
    media, making = tmp_path / "media", tmp_path / "uploading"
    making.mkdir()
    settings.MEDIA_ROOT, settings.FILE_UPLOAD_TEMP_DIR = media, making
    return media, making


@pytest.fixture
def in_process() -> Iterator[None]:
    """Uploads are decoded where the test can see and change the decoders, not in a child."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "ask", decoding.decode)
        yield


@pytest.fixture
def send(visitor: Owner, folders: tuple[Path, Path]) -> Send:
    def send(content: bytes, name: str = "photo") -> Asset:
        return receive.receive(visitor, SimpleUploadedFile(name, content))

    return send


@pytest.fixture
def assert_refused(send: Send, folders: tuple[Path, Path]) -> Callable[..., None]:
    """The file is refused with that code, status and sentence, and nothing is left of it."""

    def check(content: bytes, code: str, sentence: str, status: int = 422) -> None:
        with pytest.raises(Refused) as refusal:
            send(content)
        assert (refusal.value.code, refusal.value.status, str(refusal.value)) == (code, status, sentence)
        assert_nothing_left(folders)

    return check


@pytest.fixture
def limit(settings: Any) -> Callable[..., None]:
    def limit(**values: float) -> None:
        settings.LATENT = settings.LATENT.model_copy(update=values)

    return limit
