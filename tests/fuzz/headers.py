"""Headers that no browser sends, and results that carry a recipe nobody wrote: at pages, files and the API."""

import http.client
import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.fuzz.corpus import with_recipe
from tests.fuzz.files import Member
from tests.fuzz.target import Target
from tests.jobs.hostile import encode, picture

Dice = random.Random

MARK = "fuzzed-by-a-header"
"""No answer may repeat it."""
LONG = "9" * 5000
PATHS = (
    "/",
    "/library/",
    "/library/jobs",
    "/new/instant",
    "/login",
    "/links/",
    "/weights/",
    "/account/",
    "/healthz",
    "/nowhere",
)
API = ("/api/v1/jobs", "/api/v1/operations", "/api/v1/photos/x", "/admin/", "/s/none", "/metrics")
METHODS = ("GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW")
NAMES = (
    "Authorization", "Range", "If-Range", "If-None-Match", "If-Modified-Since", "Accept", "Accept-Language",
    "Accept-Encoding", "Cookie", "Host", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded",
    "SCRIPT_NAME", "PATH_INFO", "REMOTE_USER", "X-Request-ID", "X-CSRFToken", "Referer", "Origin", "Content-Type",
    "Idempotency-Key", "HX-Request", "HX-Current-URL", "X-HTTP-Method-Override", "X-Script-Name", "User-Agent",
)  # fmt: skip
VALUES = (
    "", " ", "x", MARK, f"/{MARK}", f"https://{MARK}", f"Bearer {MARK}", "Bearer", "bearer ", "Basic eDp4", "Bearer \xff",
    "bytes=5-3", "bytes=-0", "bytes=1-", f"bytes={LONG}-", f"bytes=0-{LONG}", "bytes=99999999999-", "bytes=0-1,2-3",
    "sessionid=x", f"sessionid={MARK}; csrftoken=x", "sessionid=" + "x" * 5000, "csrftoken=" + "\xe9" * 32, "=;=;;",
    "*/*;q=x", "application/json", "text/html;q=1e999", ",".join(["x"] * 2000), "multipart/form-data",
    "multipart/form-data; boundary=" + "x" * 500, "application/json; charset=nonsense", "de;q=" + LONG, LONG, "-1",
    "localhost", "localhost:99999999", "[::1", "a b", "http://[", "1.2.3.4, x", "::ffff:1.2.3.4", "%00", "\xff\xfe",
)  # fmt: skip

TOLD = {"operation": "transform", "version": 1, "params": {}, "inputs": {}, "seed": 0}
ATOMS = (
    None,
    True,
    -1,
    10**30,
    1.5,
    float("nan"),
    10**400,
    "",
    "x",
    "\0",
    "\ud800",
    "x" * 3000,
    "image",
    "0" * 64,
)


@dataclass(frozen=True)
class Asked:
    """A request that no browser makes."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


def odd_request(seed: int, number: int, *paths: str) -> Asked:
    """The request of that number, the same for the same seed."""
    dice = Dice(f"headers {seed} {number}")
    headers = {dice.choice(NAMES): dice.choice(VALUES) for _ in range(dice.choice((1, 1, 2, 3)))}
    method = dice.choice(METHODS)
    body = dice.choice((b"", b"{}", b"[" * 5000, b"\xff", b"9" * 5000)) if method in ("POST", "PUT") else b""
    return Asked(method, dice.choice((*PATHS, *API, *paths)), headers, body)


def odd_result(seed: int, number: int) -> bytes:
    """A picture with a recipe of which some fields hold anything."""
    dice = Dice(f"recipe {seed} {number}")
    told: dict[str, Any] = TOLD | {
        dice.choice(sorted(TOLD)): _anything(dice) for _ in range(dice.choice((1, 1, 2)))
    }
    if dice.random() < 0.2:
        del told[dice.choice(sorted(told))]
    return with_recipe(encode(picture(), "PNG"), json.dumps(told).encode())


def _anything(dice: Dice, depth: int = 3) -> Any:
    kind = dice.random()
    if depth == 0 or kind < 0.5:
        return dice.choice(ATOMS)
    if kind < 0.75:
        return [_anything(dice, depth - 1) for _ in range(dice.randrange(4))]
    keys = ("image", "percent", "action", "format", "x", "", "\ud800", "0" * 500)
    return {dice.choice(keys): _anything(dice, depth - 1) for _ in range(dice.randrange(4))}


def wrong_with(asked: Asked, status: int, body: str) -> str:
    """What is wrong with an answer, or nothing."""
    if status >= 500:
        return f"{asked} was answered by {status}"
    return f"{asked} is repeated by its answer" if MARK in body else ""


@dataclass
class Findings:
    """How what was sent was answered, and what was wrong."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def table(self) -> str:
        rows = [f"{count:>7}  {answer}" for answer, count in self.answers.most_common()]
        return "\n".join([*rows, f"{len(self.wrong):>7}  wrong", *(wrong[:500] for wrong in self.wrong[:20])])


def run(target: Target, count: int, seed: int) -> Findings:
    """Send that many requests, every tenth a result with an odd recipe, and look at the site afterwards."""
    found = Findings()
    member = Member(target)
    photo = urlsplit(member.drop(odd_result(seed, 0)).json()["url"]).path
    for number in range(count):
        if number % 10:
            _ask(target, odd_request(seed, number, photo), found)
        else:
            _drop(target, member, odd_result(seed, number), found)
    member.leave()
    found.wrong += target.findings()
    return found


def _ask(target: Target, asked: Asked, found: Findings) -> None:
    connection = http.client.HTTPConnection(urlsplit(target.site.url).netloc, timeout=60)
    try:
        connection.request(asked.method, asked.path, asked.body, dict(asked.headers))
        answer = connection.getresponse()
        found.answers[str(answer.status)] += 1
        if wrong := wrong_with(asked, answer.status, answer.read().decode(errors="replace")):
            found.wrong.append(wrong[:500])
    except (OSError, http.client.HTTPException) as error:
        found.wrong.append(f"{asked}: {error!r}"[:500])
    finally:
        connection.close()


def _drop(target: Target, member: Member, content: bytes, found: Findings) -> None:
    answer = member.drop(content)
    found.answers[f"{answer.status_code} a result"] += 1
    again = answer.json().get("again")
    if answer.status_code != 201 or (again and member.get(f"{target.site.url}{again}").status_code != 200):
        found.wrong.append(f"{content[33:500]!r}: {answer.text[:300]}")
