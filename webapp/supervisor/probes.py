"""How the supervisor knows that what it started answers."""

import http.client
import json
from collections.abc import Mapping
from typing import Any

from webapp.config import Config

ANY_HOST = "localhost"


def site_is_ready(config: Config, since: float) -> bool:
    """Whether the site says that a job could run, and has seen a worker since a time, in seconds of the epoch."""
    told = readiness(config)
    workers = told.get("workers_seen_at", ())
    return bool(told.get("database") and told.get("broker")) and any(seen >= since for seen in workers)


def readiness(config: Config) -> Mapping[str, Any]:
    """What /readyz tells; nothing while the web server does not answer."""
    host, _, port = address(config).removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=2)
    try:
        connection.request("GET", "/readyz", headers={"Host": allowed_host(config)})
        told: Mapping[str, Any] = json.loads(connection.getresponse().read())
        return told
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()


def allowed_host(config: Config) -> str:
    """A name by which the site lets itself be asked."""
    first = config.allowed_hosts.split(",")[0].strip().lstrip(".")
    return first if first and first != "*" else ANY_HOST


def address(config: Config) -> str:
    """Where a browser on this machine finds the site."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
    host = everywhere.get(config.bind_address, config.bind_address)
    return f"http://[{host}]:{config.port}" if ":" in host else f"http://{host}:{config.port}"
