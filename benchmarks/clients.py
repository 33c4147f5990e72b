"""Visitors of a site, each with a session, a photo a minute and a page that polls: `benchmarks.load` starts them.

python -m benchmarks.clients URL --clients N --seconds S

A process of its own, since locust makes every wait of its process one of gevent's. Prints JSON: for each kind
of request and status how many, and the median, 95th and 99th percentile in milliseconds.
"""

from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402
import io  # noqa: E402
import json  # noqa: E402
import logging  # noqa: E402
import re  # noqa: E402
import time  # noqa: E402
from html import unescape  # noqa: E402
from http import HTTPStatus  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402
import numpy as np  # noqa: E402
from locust import FastHttpUser, task  # noqa: E402
from locust.env import Environment  # noqa: E402
from PIL import Image, ImageFilter  # noqa: E402

PHOTO_SECONDS = 60.0
POLL_SECONDS = 1.0
WIDTH, HEIGHT = 1152, 868  # a megapixel
JOB = {"operation": "super-resolution", "params": {"method": "bicubic", "scale": 2, "format": "jpeg"}}
POLLED = re.compile(r'hx-get="([^"]+)" hx-trigger="poll"')


def photo() -> bytes:
    """A JPEG of a megapixel, with as much detail as a photo has."""
    noise = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).filter(ImageFilter.GaussianBlur(1.5)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


PHOTO = photo()


def address_in(page: str) -> str:
    """What the page of a job asks for next; nothing where the job has ended."""
    found = POLLED.search(page)
    return unescape(found[1]) if found else ""


class Visitor(FastHttpUser):
    """Sends a photo a minute, has always one job under way, and asks once a second how it stands."""

    def on_start(self) -> None:
        self.next_photo = 0.0
        self.photo = self.polled = ""
        self.headers = {"Accept": "application/json"}
        page = self.ask("GET", "home page", "/")
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        self.headers["X-CSRFToken"] = found[1] if found else ""

    @task
    def spend_a_second(self) -> None:
        over = time.monotonic() + POLL_SECONDS
        if time.monotonic() >= self.next_photo:
            self.next_photo = time.monotonic() + PHOTO_SECONDS
            sent = self.ask("POST", "upload", "/photos", files={"file": ("a.jpg", PHOTO, "image/jpeg")})
            self.photo = json.loads(sent)["id"] if sent else self.photo
        if self.polled:
            said = self.ask("GET", "poll", self.polled)
            # Where nothing has changed, nothing is said, and the page asks the same once more.
            self.polled = address_in(said) if said else self.polled
        elif self.photo:
            job = self.ask("POST", "submit", "/api/v1/jobs", json=JOB | {"inputs": {"image": self.photo}})
            if job:
                self.polled = address_in(self.ask("GET", "job's page", f"/jobs/{json.loads(job)['id']}"))
        gevent.sleep(max(0.0, over - time.monotonic()))

    def ask(self, method: str, kind: str, path: str, **what: Any) -> str:
        """The body of a good answer, else nothing; the request counts by its kind and status."""
        with self.client.request(method, path, headers=self.headers, catch_response=True, **what) as response:
            status = response.status_code
            told = f"{status} {HTTPStatus(status).phrase}" if status else "no answer"
            response.request_meta["name"] = f"{kind}|{told}"
            response.request_meta["request_type"] = (
                "refused" if response.headers and response.headers.get("Retry-After") else ""
            )
            response.success()
            return str(response.text) if 200 <= status < 300 else ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url")
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    environment = Environment(user_classes=[Visitor], host=arguments.url)
    runner = environment.create_local_runner()
    runner.start(arguments.clients, spawn_rate=arguments.clients / PHOTO_SECONDS)
    gevent.sleep(PHOTO_SECONDS)  # the clients come one by one, and so do their photos
    environment.stats.reset_all()
    gevent.sleep(arguments.seconds)
    said = [
        {
            "kind": name.partition("|")[0],
            "status": name.partition("|")[2],
            "refused": method == "refused",
            "count": entry.num_requests,
            "median": entry.get_response_time_percentile(0.5),
            "p95": entry.get_response_time_percentile(0.95),
            "p99": entry.get_response_time_percentile(0.99),
        }
        for (name, method), entry in environment.stats.entries.items()
        if entry.num_requests
    ]
    runner.quit()
    print(json.dumps(said))


if __name__ == "__main__":
    main()
