"""Clients that ask for work through the HTTP API, and insist when they do not hear whether it was accepted."""

import io
import json
import random
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any
from uuid import uuid4

from PIL import Image

PAUSE_SECONDS = 0.5
TIMEOUT_SECONDS = 20


class Client(threading.Thread):
    """Asks for one job after another until it is told to stop. `accepted` are the ids of those it was promised."""

    def __init__(self, url: str, token: str, seed: int, pause: float) -> None:
        super().__init__(daemon=True)
        self.accepted: list[str] = []
        self.refused: list[str] = []
        self.over = threading.Event()
        self._url = f"{url}/api/v1"
        self._token = token
        self._chance = random.Random(seed)
        self._pause = pause

    def run(self) -> None:
        while not self.over.wait(self._pause):
            kind = self._chance.choices(("instant", "nap", "transform"), (6, 2, 2))[0]
            if kind == "transform":
                photo = self._photo()
                if photo is None:
                    continue
                request = {"operation": "transform", "params": {"percent": 50}, "inputs": {"image": photo}}
            else:
                request = {"operation": kind, "params": {"seconds": 0.3} if kind == "nap" else {}}
            self._submit(request)

    def _submit(self, request: Any) -> None:
        """With one key until there is an answer, so that an answer that was lost doubles nothing."""
        key = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
        while True:
            status, said = self._ask("/jobs", json.dumps(request).encode(), key)
            if status == 202:
                self.accepted.append(said["id"])
                if self._chance.random() < 0.05:
                    self._ask(f"/jobs/{said['id']}/cancel", b"", {})
                return
            if 400 <= status < 500 or status == 507:
                self.refused.append(str(said))
                return
            time.sleep(PAUSE_SECONDS)
            if self.over.is_set() and status == 0:
                return

    def _photo(self) -> str | None:
        """The id of a fresh photo; None where there is none."""
        buffer = io.BytesIO()
        color = tuple(self._chance.randrange(256) for _ in range(3))
        Image.new("RGB", (200, 150), color).save(buffer, "JPEG")
        boundary = uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
        body = head.encode() + buffer.getvalue() + f"\r\n--{boundary}--\r\n".encode()
        status, said = self._ask(
            "/photos", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        )
        return str(said["id"]) if status == 201 else None

    def _ask(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
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
