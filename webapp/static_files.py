"""How the static files are stored: each under a name that holds its hash, and compressed."""

from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Gzip alone: where another package brings Brotli, it makes the first start 35 s of the processor longer."""

    def create_compressor(self, **options: Any) -> Compressor:
        return Compressor(use_brotli=False, **options)
