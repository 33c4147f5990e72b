"""Pictures on a host of their own, by addresses that are signed for an hour."""

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner, b62_encode
from django.http import HttpRequest
from django.http.request import split_domain_port

if TYPE_CHECKING:
    pass

SIGNED_SECONDS = 3600
"""For at most so long an address on the media host is good."""
SAME_SECONDS = 1800
"""For so long an address on the media host is signed alike, so that browsers know a picture again."""
SHARED_SECONDS, SAME_SHARED_SECONDS = 900, 300
"""The same for what a link shows. Pages give the link's own address, which leads there anew each time it is asked."""


class Signer(TimestampSigner):
    """Of one path: that of a link is good for minutes."""

    def __init__(self, path: str) -> None:
        super().__init__(salt="jobs.access.picture")

        shared = path.startswith("/s/")
        self.good = SHARED_SECONDS if shared else SIGNED_SECONDS
        self._same = SAME_SHARED_SECONDS if shared else SAME_SECONDS

    def timestamp(self) -> str:
        return b62_encode(int(time.time()) // self._same * self._same)


def address(path: str, query: str = "") -> str:
    """Where a picture is shown to somebody who may see it: if there is a media host there, signed for a while."""
    if settings.LATENT.media_host:
        key = Signer(path).sign(path).removeprefix(f"{path}:")
        query = f"{query}&key={key}" if query else f"key={key}"
    return f"{settings.LATENT.media_host}{path}?{query}" if query else path


def on_media_host(request: HttpRequest) -> bool:
    there = urlsplit(settings.LATENT.media_host).hostname
    return there is not None and split_domain_port(request.get_host())[0] == there


def is_signed(request: HttpRequest) -> bool:
    """Whether this is an address on the media host, shown within the hour to somebody who might see it."""
    if not on_media_host(request):
        return False
    signer = Signer(request.path)
    try:
        signer.unsign(f"{request.path}:{request.GET.get('key', '')}", max_age=signer.good)
    except BadSignature:
        return False
    return True
