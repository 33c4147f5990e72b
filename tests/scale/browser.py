"""Somebody who uses the site over HTTP: a program with a token, or a browser with a session."""

import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass
from typing import Any

TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """An answer like any other."""


class Browser:
    def __init__(self, port: int, token: str = "") -> None:
        self._port, self._token = port, token
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies, NoRedirects)

    def ask(self, path: str, data: bytes | None = None, method: str | None = None, **headers: str) -> Answer:
        """An answer, whatever its status; names of headers with `_` for `-`."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        if self._token:
            told["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(f"http://localhost:{self._port}{path}", data, told, method=method)
        try:
            response = self._opener.open(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            told_back = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, told_back, response.read())

    def fetch(self, url: str, **headers: str) -> Answer:
        """What is at a whole address, asked for as if its host were where this browser looks."""
        parts = urllib.parse.urlsplit(url)
        path = urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))
        return self.ask(path, Host=parts.netloc, **headers)

    def send(self, content: bytes) -> Any:
        """Upload a picture."""
        between = uuid.uuid4().hex
        head = f'--{between}\r\nContent-Disposition: form-data; name="file"; filename="photo.png"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{between}--\r\n".encode()
        sent = self.ask("/api/v1/photos", body, Content_Type=f"multipart/form-data; boundary={between}")
        assert sent.status == 201, sent.body
        return sent.json

    def submit(self, operation: str, params: dict[str, Any], inputs: dict[str, str]) -> str:
        """The id of a new job."""
        wanted = {"operation": operation, "params": params, "inputs": inputs}
        answer = self.ask("/api/v1/jobs", json.dumps(wanted).encode(), Content_Type="application/json")
        assert answer.status == 202, answer.body
        return str(answer.json["id"])

    def job(self, job_id: str) -> Any:
        answer = self.ask(f"/api/v1/jobs/{job_id}")
        assert answer.status == 200, answer.body
        return answer.json

    def log_in(self, name: str, password: str) -> None:
        page = self.ask("/login").body.decode()
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert found, page
        form = {"username": name, "password": password, "csrfmiddlewaretoken": found[1]}
        entered = self.ask("/login", urllib.parse.urlencode(form).encode())
        assert entered.status == 302, entered.status
