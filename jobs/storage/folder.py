"""Photos and results in a folder of this machine."""

import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from django.core.files.storage import FileSystemStorage


class Folder(FileSystemStorage):
    """Django's own, which can also tell of all its files, and replace one."""

    def replace(self, name: str, content: bytes) -> None:
        """Keep it under this very name, in the place of what is there; who reads sees the one or the other, whole."""
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{secrets.token_hex(8)}-{path.name}")
        try:
            partial.write_bytes(content)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def files(self, folder: str) -> Iterator[tuple[str, datetime]]:
        """The name of every file below a folder, and when it was last changed."""
        for path in Path(self.path(folder)).rglob("*"):
            with suppress(FileNotFoundError):  # deleted meanwhile
                if path.is_file():
                    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                    yield str(path.relative_to(self.location)), changed
