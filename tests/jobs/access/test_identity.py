"""Where a request comes from, as far as limits are concerned."""

from typing import Any

import pytest
from django.test import RequestFactory

from jobs.access import identity


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::"),
        ("2001:DB8:1:2:0:0:0:9", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_a_household_counts_as_one_address(settings: Any, address: str, counted: str) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    assert identity.client_address(request) == counted
    settings.LATENT = settings.LATENT.model_copy(update={"behind_proxy": True})
    forwarded = RequestFactory().get(
        "/", REMOTE_ADDR="::1", headers={"x-forwarded-for": f"10.0.0.1, {address}"}
    )
    assert identity.client_address(forwarded) == counted


def test_a_port_that_a_proxy_adds_is_no_part_of_the_address(settings: Any) -> None:
    settings.LATENT = settings.LATENT.model_copy(update={"behind_proxy": True})
    for forwarded in ("[2001:db8:1:2::1]:443", "2001:db8:1:2::2", "[2001:db8:1:2::3]"):
        request = RequestFactory().get("/", headers={"x-forwarded-for": forwarded})
        assert identity.client_address(request) == "2001:db8:1:2::"
    request = RequestFactory().get("/", headers={"x-forwarded-for": "203.0.113.7:5000"})
    assert identity.client_address(request) == "203.0.113.7"
