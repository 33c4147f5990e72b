"""Hostile files, sent by members who come, try what was accepted, and delete their account again."""

import itertools
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from uuid import uuid4

import requests

from tests.fuzz.corpus import Hostile, hostile_file
from tests.fuzz.target import Target

SENDERS = 3
FILES_OF_A_MEMBER = 250
TIMEOUT_SECONDS = 120
JOB_SECONDS = 300
MOST_GROWTH_MEGABYTES = 25
"""Of the web processes together, from the median of the first half to that of the second: one mark may fall on a
large photo in the making."""
MOST_PEAK_MEGABYTES = 1_000
"""Two photos of 40 megapixels in the making."""

SEEN = ("image", "animation", "video")
FINAL = ("succeeded", "failed", "cancelled")


@dataclass
class Findings:
    """How the files were answered, what was wrong, and the web processes' megabytes by files sent."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    megabytes: dict[int, float] = field(default_factory=dict)
    peak_megabytes: float = 0
    slowest: float = 0
    """Seconds from a file's first byte to its answer, on a machine that does other things as well."""
    thumbnails: int = 0
    jobs: int = 0

    def table(self) -> str:
        rows = [f"{count:>7}  {answer}" for answer, count in self.answers.most_common()]
        rows += [f"{sum(self.answers.values()):>7}  files in all"]
        rows += [f"{self.thumbnails:>7}  thumbnails looked at", f"{self.jobs:>7}  photos transformed"]
        rows += [
            f"{size:>7.0f}  MB in the web processes after {count} files"
            for count, size in self.megabytes.items()
        ]
        rows += [f"{self.slowest:>7.1f}  s for the slowest file"]
        rows += [f"{self.peak_megabytes:>7.0f}  MB at most in one of them"]
        rows += [f"{len(self.wrong):>7}  wrong", *self.wrong[:20]]
        return "\n".join(rows)


def run(target: Target, count: int, seed: int) -> Findings:
    """Send that many files, and look at the site afterwards."""
    found = Findings()
    senders = [Sender(target, numbers, seed, found) for numbers in [_shared(count)] for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    marks = [count * tenth // 10 for tenth in range(1, 10)]
    while any(sender.is_alive() for sender in senders):
        time.sleep(0.2)
        sent = sum(found.answers.values())
        if marks and sent >= marks[0]:
            found.megabytes[marks.pop(0)] = target.web_megabytes()
            print(f"{sent} files, {target.web_megabytes():.0f} MB", flush=True)
    found.megabytes[count] = target.web_megabytes()
    sizes = list(found.megabytes.values())
    first, last = median(sizes[: len(sizes) // 2]), median(sizes[len(sizes) // 2 :])
    if last > first + MOST_GROWTH_MEGABYTES:
        found.wrong.append(f"the web processes grew from {first:.0f} to {last:.0f} MB")
    found.peak_megabytes = target.web_peak_megabytes()
    if found.peak_megabytes > MOST_PEAK_MEGABYTES:
        found.wrong.append(f"a web process had {found.peak_megabytes:.0f} MB")
    found.wrong += target.findings()
    return found


def _shared(count: int) -> Iterator[int]:
    """Numbers for several threads, each given out once."""
    return iter(list(range(count)))


class Sender(threading.Thread):
    """One member after another, until the numbers are used up."""

    def __init__(self, target: Target, numbers: Iterator[int], seed: int, found: Findings) -> None:
        super().__init__(daemon=True)
        self._target = target
        self._numbers = numbers
        self._seed = seed
        self._found = found

    def run(self) -> None:
        while mine := list(itertools.islice(self._numbers, FILES_OF_A_MEMBER)):
            member = Member(self._target)
            jobs = [job for number in mine if (job := self._send(member, number))]
            for number, job in jobs:
                status = member.ended(job)
                if status != "succeeded":
                    self._found.wrong.append(f"file {number} was accepted, and its job is {status}")
            member.leave()

    def _send(self, member: "Member", number: int) -> tuple[int, str] | None:
        """The job that was made of it, for one in ten that are accepted."""
        file = hostile_file(self._seed, number)
        started = time.monotonic()
        try:
            answer = member.send(file, by_token=number % 2 == 0)
            self._found.slowest = max(self._found.slowest, time.monotonic() - started)
            told = answer.json()
        except (requests.RequestException, ValueError) as error:
            self._wrong(number, file, repr(error))
            self._found.answers["no answer"] += 1
            return None
        code = told.get("kind") or told.get("code")
        self._found.answers[f"{answer.status_code} {code}"] += 1
        if answer.status_code == 201:
            return self._look(member, number, file, told)
        refused = (
            400 <= answer.status_code < 500 and answer.headers["Content-Type"] == "application/problem+json"
        )
        if not refused or not told["detail"].endswith((".", "…")):
            self._wrong(number, file, answer.text)
        return None

    def _look(self, member: "Member", number: int, file: Hostile, photo: Any) -> tuple[int, str] | None:
        if photo["kind"] not in SEEN:
            return None
        self._found.thumbnails += 1
        small = member.get(f"{photo['url']}?size=256")
        if small.status_code != 200:
            self._wrong(number, file, f"its thumbnail is {small.status_code}")
        if photo["kind"] == "video" or number % 10:
            return None
        self._found.jobs += 1
        answer = member.transform(photo["id"])
        if answer.status_code != 202:
            self._wrong(number, file, answer.text)
            return None
        return number, answer.json()["id"]

    def _wrong(self, number: int, file: Hostile, what: str) -> None:
        self._found.wrong.append(f"file {number} ({file.label}): {what[:300]}")
        print(self._found.wrong[-1], flush=True)


class Member:
    """Somebody with an account, a browser's session and a token."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._session = requests.Session()
        self._password = uuid4().hex
        names = {"username": f"m{uuid4().hex[:12]}", "password1": self._password, "password2": self._password}
        self._post("/signup", names)
        page = self._post("/account/tokens", {"name": "fuzz"})
        found = re.search(r"latent_[\w-]+", page.text)
        assert found, page.text
        self._bearer = {"Authorization": f"Bearer {found[0]}"}

    def send(self, file: Hostile, *, by_token: bool) -> requests.Response:
        sent = {"file": ("photo", file.content)}
        if by_token:
            return requests.post(
                f"{self._target.api}/photos", files=sent, headers=self._bearer, timeout=TIMEOUT_SECONDS
            )
        headers = {"X-CSRFToken": self._session.cookies["csrftoken"]}
        return self._session.post(
            f"{self._target.api}/photos", files=sent, headers=headers, timeout=TIMEOUT_SECONDS
        )

    def drop(self, content: bytes) -> requests.Response:
        """As a script of a page sends a file."""
        headers = {"X-CSRFToken": self._session.cookies["csrftoken"], "Accept": "application/json"}
        sent = {"file": ("result.png", content)}
        url = f"{self._target.site.url}/photos"
        return self._session.post(url, files=sent, headers=headers, timeout=TIMEOUT_SECONDS)

    def get(self, url: str) -> requests.Response:
        return self._session.get(url, timeout=TIMEOUT_SECONDS)

    def transform(self, photo: str) -> requests.Response:
        asked = {"operation": "transform", "params": {"percent": 50}, "inputs": {"image": photo}}
        return requests.post(
            f"{self._target.api}/jobs", json=asked, headers=self._bearer, timeout=TIMEOUT_SECONDS
        )

    def ended(self, job: str) -> str:
        """The status of a job once it is final, or what it is after a long while."""
        give_up = time.monotonic() + JOB_SECONDS
        while True:
            status = str(self.get(f"{self._target.api}/jobs/{job}").json()["status"])
            if status in FINAL or time.monotonic() > give_up:
                return status
            time.sleep(0.5)

    def leave(self) -> None:
        """Everything goes with the account."""
        self._post("/account/delete", {"password": self._password})

    def _post(self, path: str, fields: dict[str, str]) -> requests.Response:
        url = f"{self._target.site.url}{path}"
        self.get(url)  # for the cookie
        token = {"csrfmiddlewaretoken": self._session.cookies["csrftoken"]}
        answer = self._session.post(url, fields | token, timeout=TIMEOUT_SECONDS)
        assert answer.status_code == 200, answer.text
        return answer
