"""Clients that ask for work through the HTTP API, and insist when they do not hear whether it was accepted."""

import io
import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from http.client import HTTPException
from typing import Any
from uuid import uuid4

from PIL import Image

PAUSE_SECONDS = 0.5
POLL_SECONDS = 0.2
TIMEOUT_SECONDS = 20
ASKED_TWICE, CANCELLED = 0.1, 0.05  # of the jobs
INSTANT: dict[str, Any] = {"operation": "instant", "params": {}}
NAP: dict[str, Any] = {"operation": "nap", "params": {"seconds": 0.2}}
HALF: dict[str, Any] = {"operation": "transform", "params": {"percent": 50}}
CHAIN: dict[str, Any] = {"steps": [INSTANT, NAP, INSTANT]}
FINAL = ("succeeded", "failed", "cancelled")


class Api:
    """The site as a program sees it. `answers` are the ids that were promised for each key of a request."""

    def __init__(self, url: str, token: str) -> None:
        self.answers: dict[str, list[str]] = defaultdict(list)
        self.refusals: list[str] = []
        self.over = threading.Event()
        self._url = f"{url}/api/v1"
        self._token = token

    def submit(self, request: Any, *, twice: bool = False) -> str | None:
        """The id of a job, or of a batch of several steps; None where it was refused, or nobody answers and it is over.

        With one key until there is an answer, so that an answer that was lost doubles nothing.
        """
        key = str(uuid4())
        promised = self.answers[key]
        while not self.over.is_set() or not promised:
            headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
            path = "/batches" if "steps" in request else "/jobs"
            status, said = self.ask(path, json.dumps(request).encode(), headers)
            if status == 202:
                promised.append(said["id"])
                if len(promised) > twice:
                    return promised[0]
            elif 400 <= status < 500 or status == 507:
                self.refusals.append(str(said))
                return None
            else:
                time.sleep(PAUSE_SECONDS)
                if self.over.is_set() and status == 0:
                    return None
        return promised[0]

    def upload(self, color: tuple[int, ...]) -> str | None:
        """The id of a fresh photo; None where there is none."""
        buffer = io.BytesIO()
        Image.new("RGB", (200, 150), color).save(buffer, "JPEG")
        boundary = uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
        body = head.encode() + buffer.getvalue() + f"\r\n--{boundary}--\r\n".encode()
        status, said = self.ask(
            "/photos", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        )
        if status == 201:
            return str(said["id"])
        if status == 507:
            self.refusals.append(str(said))
        return None

    def cancel(self, asked: str, request: Any) -> None:
        self.ask(f"/{'batches' if 'steps' in request else 'jobs'}/{asked}/cancel", b"", {})

    def wait(self, job: str) -> None:
        """Until a job has ended, or it is over."""
        while not self.over.wait(POLL_SECONDS):
            status, said = self.ask(f"/jobs/{job}", None, {})
            if status == 200 and said["status"] in FINAL:
                return

    def ask(self, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, Any]:
        """Status and what was said; 0 where nobody answered."""
        request = urllib.request.Request(
            self._url + path, body, {"Authorization": f"Bearer {self._token}", **headers}
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except (OSError, HTTPException, ValueError):
            return 0, None


class Client(threading.Thread):
    """Asks for one job after another until its API is over."""

    def __init__(self, api: Api, seed: int, pause: float) -> None:
        super().__init__(daemon=True)
        self._api = api
        self._chance = random.Random(seed)
        self._pause = pause

    def run(self) -> None:
        while not self._api.over.wait(self._pause):
            request = self._request()
            twice = self._chance.random() < ASKED_TWICE
            job = self._api.submit(request, twice=twice) if request else None
            if job and self._chance.random() < CANCELLED:
                self._api.cancel(job, request)

    def _request(self) -> Any:
        match self._chance.choices(("instant", "nap", "transform", "chain", "batch"), (5, 2, 2, 2, 1))[0]:
            case "nap":
                return {"operation": "nap", "params": {"seconds": 0.3}}
            case "chain":
                return CHAIN
            case "batch":
                photos = [
                    self._api.upload(tuple(self._chance.randrange(256) for _ in range(3))) for _ in range(3)
                ]
                return all(photos) and {"steps": [HALF, HALF], "photos": photos, "name": "three"}
            case "transform":
                photo = self._api.upload(tuple(self._chance.randrange(256) for _ in range(3)))
                return photo and {
                    "operation": "transform", "params": {"percent": 50}, "inputs": {"image": photo}
                }  # fmt: skip
            case _:
                return INSTANT


class Return(threading.Thread):
    """How many `seconds` go by until somebody who asks for a job now has its result."""

    def __init__(self, api: Api) -> None:
        super().__init__(daemon=True)
        self.seconds: float | None = None
        self._api = api

    def run(self) -> None:
        began = time.monotonic()
        if job := self._api.submit(INSTANT):
            self._api.wait(job)
        if not self._api.over.is_set():
            self.seconds = time.monotonic() - began
