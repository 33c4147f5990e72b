"""Where a webhook may lead: to machines that anybody reaches, not to this one or its neighbours.

A name is looked up for each connection, and what it led to then is what is checked and connected to.
"""

import socket
import time
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from django.conf import settings

from jobs.messages import NO_SUCH_HOST, PRIVATE_ADDRESS
from jobs.notify.undelivered import Undelivered

TRANSLATED = IPv6Network("64:ff9b::/96")
"""What stands for an IPv4 address where a network has IPv6 alone (RFC 6052)."""


def checked(host: str, port: int) -> list[tuple[Any, ...]]:
    """The addresses that a name leads to, as sockets take them; raises `Undelivered` where one of them is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # a label may be longer than a name's may be
        raise Undelivered(NO_SUCH_HOST(host=host)) from None
    if not settings.LATENT.private_webhooks and not all(is_public(str(entry[4][0])) for entry in found):
        raise Undelivered(PRIVATE_ADDRESS(host=host))
    return [entry[4] for entry in found]


def connected(host: str, port: int, seconds: float) -> socket.socket:
    """A connection to where a name leads; raises `Undelivered`, or `OSError` where nobody takes it."""
    until = time.monotonic() + seconds
    failed: OSError = TimeoutError()
    for address in checked(host, port):
        try:
            left = max(until - time.monotonic(), 0.01)
            return socket.create_connection(address[:2], timeout=left)
        except OSError as error:
            failed = error
    raise failed


def is_public(address: str) -> bool:
    """Whether it is one of the whole net's; an IPv4 address within one of IPv6 counts as itself."""
    found = _within(ip_address(address.partition("%")[0]))
    return found.is_global and not found.is_multicast and not found.is_reserved


def _within(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)
