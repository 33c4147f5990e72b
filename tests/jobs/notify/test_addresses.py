"""A webhook leads to machines that anybody reaches, whatever its name says and whenever it says so."""

import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from jobs.errors import Refused
from jobs.models import Delivery, Webhook
from jobs.notify import addresses, webhooks
from tests.conftest import Person
from tests.jobs.notify.conftest import tell
from tests.jobs.notify.receiver import Receiver

pytestmark = pytest.mark.django_db

PUBLIC = ("93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822")
NOT_PUBLIC = (
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::1", "2002:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:80ff:fffe",
)  # fmt: skip


@pytest.fixture
def leads_to(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Says to which addresses any name leads from now on; those of numbers lead where they say."""

    def lead(*found: str) -> None:
        def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
            try:
                ip_address(host)
            except ValueError:
                return [_entry(address, port) for address in found]
            return [_entry(host, port)]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    return lead


def _entry(address: str, port: int) -> tuple[Any, ...]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return (family, socket.SOCK_STREAM, 6, "", (address, port))


@pytest.mark.parametrize(
    ("found", "public"), [*((a, True) for a in PUBLIC), *((a, False) for a in NOT_PUBLIC)]
)
def test_which_addresses_are_public(found: str, public: bool) -> None:
    assert addresses.is_public(found) == public


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "169.254.169.254",
        "[::1]",
        "[::ffff:169.254.169.254]",
        "2130706433",
        "0x7f.1",
        "localhost",
    ],
)
def test_what_is_not_public_is_refused_when_it_is_set_up(alice: Person, host: str) -> None:
    with pytest.raises(Refused, match="not public") as refused:
        webhooks.make(alice.owner, f"http://{host}/latest/meta-data")
    assert refused.value.code == "private_address"
    assert not Webhook.objects.exists()


@pytest.mark.parametrize("found", [("10.1.2.3",), ("93.184.216.34", "10.1.2.3"), ("93.184.216.34", "::1")])
def test_a_name_that_leads_to_a_private_address_is_refused(
    alice: Person, leads_to: Callable[..., None], found: tuple[str, ...]
) -> None:
    leads_to(*found)
    with pytest.raises(Refused, match=r"receiver\.example leads to an address of this machine"):
        webhooks.make(alice.owner, "https://receiver.example/")


def test_a_name_that_comes_to_lead_here_is_not_connected_to(
    alice: Person, leads_to: Callable[..., None], receiver: Receiver
) -> None:
    leads_to("93.184.216.34")
    webhook = webhooks.make(alice.owner, f"http://receiver.example:{receiver.port}/")
    leads_to("127.0.0.1")
    webhooks.test(webhook)
    tell()
    assert receiver.got == []
    delivery = Delivery.objects.get()
    assert delivery.error["code"] == "private_address"
    assert delivery.next_try_at, "it may lead elsewhere again"


def test_what_is_connected_to_is_what_was_checked(
    alice: Person, leads_to: Callable[..., None], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the check and the connection no name is looked up."""
    connected: list[Any] = []
    create = socket.create_connection

    def connect(address: Any, timeout: float) -> socket.socket:
        connected.append(address)
        leads_to("127.0.0.1")
        return create(("127.0.0.1", receiver.port), timeout)

    leads_to("93.184.216.34")
    monkeypatch.setattr(addresses.socket, "create_connection", connect)
    webhooks.test(webhooks.make(alice.owner, "http://receiver.example/"))
    tell()
    assert connected == [("93.184.216.34", 80)]
    assert receiver.got[0].headers["Host"] == "receiver.example"


@pytest.mark.parametrize(
    "url",
    [
        "", "receiver.example", "ftp://receiver.example/", "file:///etc/passwd", "http://", "https:///path",
        "https://name:password@receiver.example/", "https://receiver.example:port/", "https://receiver.example/a b",
        "https://receiver.example/\r\nX-More: 1", "https://bücher.example/", "http://[::1/", f"https://a.example/{'x' * 500}",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(alice: Person, url: str) -> None:
    with pytest.raises(Refused, match="Write the address as https") as refused:
        webhooks.make(alice.owner, url)
    assert refused.value.status == 422


def test_a_name_that_nobody_has_is_refused(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(Refused, match=r"no machine named nobody\.example"):
        webhooks.make(alice.owner, "https://nobody.example/")


@pytest.mark.usefixtures("may_be_private")
def test_by_https_the_name_is_proved(
    alice: Person,
    leads_to: Callable[..., None],
    start_receiver: Callable[..., Receiver],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    certificate = _certificate(tmp_path, "receiver.example")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    names: list[str | None] = []
    tls.sni_callback = lambda _socket, name, _context: names.append(name)
    receiver = start_receiver(tls=tls)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    leads_to("127.0.0.1")
    for name in ("receiver.example", "another.example"):
        webhooks.test(webhooks.make(alice.owner, f"https://{name}:{receiver.port}/"))
    tell()
    assert [sent.headers["Host"] for sent in receiver.got] == [f"receiver.example:{receiver.port}"]
    assert names == ["receiver.example", "another.example"]
    refused = Delivery.objects.get(webhook__url__contains="another")
    assert "certificate verify failed" in refused.reason


def _certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "receiver.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
