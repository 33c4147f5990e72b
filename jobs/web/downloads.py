"""Files that are taken away."""

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from zipstream import ZipStream


def as_zip(archive: ZipStream, name: str) -> StreamingHttpResponse:
    """An archive that is written while it is sent."""
    response = StreamingHttpResponse(archive, content_type="application/zip")
    response["Cache-Control"] = "private, no-store"
    response["Content-Disposition"] = content_disposition_header(True, f"{name}.zip") or "attachment"
    return response
