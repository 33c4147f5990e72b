"""Photos and results in a folder of this machine."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from django.core.files.storage import FileSystemStorage


class Folder(FileSystemStorage):
    """Django's own, which can also tell of all its files."""

    def files(self, folder: str) -> Iterator[tuple[str, datetime]]:
        """The name of every file below a folder, and when it was last changed."""
        for path in Path(self.path(folder)).rglob("*"):
            with suppress(FileNotFoundError):  # deleted meanwhile
                if path.is_file():
                    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                    yield str(path.relative_to(self.location)), changed
