"""A client of a Latent site's HTTP API: upload, run, wait, download.

    from latent.client import Client

    client = Client("https://photos.example", token="latent_…")
    photo = client.upload("photo.jpg")
    job = client.run("super-resolution", {"image": photo}, {"scale": 2}, progress=True)
    client.download(job.outputs[0], "large.jpg")

docs/api.md has more. A client belongs to one thread.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
from requests.adapters import HTTPAdapter
from tqdm import tqdm
from urllib3 import Retry

LONGEST_WAIT_SECONDS = 30
ENDED = ("succeeded", "failed", "cancelled")


class Refused(Exception):
    """The site does not do what was asked; `str()` is one sentence that says what to do about it.

    `status` is that of HTTP, `code` the kind of refusal; after `retry_after` seconds it may do, None where it may not.
    """

    def __init__(self, sentence: str, status: int, code: str = "", retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status, self.code, self.retry_after = status, code, retry_after


class NotSucceeded(Exception):
    """A job failed or was cancelled; `str()` says why, `job` is as it ended."""

    def __init__(self, job: "Job") -> None:
        super().__init__(job.error or f"The job was {job.status}.")
        self.job = job


@dataclass(frozen=True)
class Photo:
    """A stored photo: an upload, or what a job made. Width and height in pixels; None where it is no picture."""

    id: str
    name: str
    url: str
    width: int | None
    height: int | None
    bytes: int
    sha256: str
    said: Mapping[str, Any] = field(repr=False)
    """All that the site says of it."""


@dataclass(frozen=True)
class Job:
    """A job as it was when the site was asked. `progress` is 0 to 1, `eta` seconds until the result, None where unknown."""

    id: str
    operation: str
    status: str
    progress: float
    note: str
    position: int | None
    eta: float | None
    outputs: Sequence[Photo]
    error: str
    said: Mapping[str, Any] = field(repr=False)
    """All that the site says of it: metrics, labels, recipe and more."""

    @property
    def ended(self) -> bool:
        return self.status in ENDED


Input = Photo | str
"""A photo, or its id."""
Inputs = Mapping[str, Input | Sequence[Input]]
"""By slot."""
Watch = Callable[[Job], None]


class Client:
    """A member of a site, by one of their API tokens.

    Raises `Refused`, or `requests.RequestException` where the site cannot be reached. What the site asks to be repeated
    later is, for `patience` seconds in all.
    """

    def __init__(self, url: str, token: str, *, patience: float = 60) -> None:
        self._url = f"{url.rstrip('/')}/api/v1"
        self._site = url.rstrip("/")
        self._patience = patience
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        # Where no connection came about nothing was asked yet; a question that changes nothing is asked again.
        again = Retry(
            total=5, connect=5, read=5, status=0, other=0, backoff_factor=0.5, allowed_methods=["GET"]
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=again))

    def upload(self, photo: "str | Path | bytes", name: str = "photo") -> Photo:
        """Send a file, or what would be in one; `name` is what that is called on the site."""
        content = photo if isinstance(photo, bytes) else Path(photo).read_bytes()
        name = name if isinstance(photo, bytes) else Path(photo).name
        return _photo(self._ask("POST", "/photos", files={"file": (name, content)}).json())

    def photo(self, photo: Input) -> Photo:
        """A photo as the site has it now."""
        return _photo(self._ask("GET", f"/photos/{_id(photo)}").json())

    def run(
        self,
        operation: str,
        inputs: Inputs | None = None,
        params: Mapping[str, Any] | None = None,
        *,
        seed: int | None = None,
        progress: bool | Watch = False,
        seconds: float | None = None,
    ) -> Job:
        """Ask for a job and wait for its result, as `submit` and `wait` do."""
        job = self.submit(operation, inputs, params, seed=seed, wait=_step(progress, seconds))
        return self.wait(job, progress=progress, seconds=seconds)

    def submit(
        self,
        operation: str,
        inputs: Inputs | None = None,
        params: Mapping[str, Any] | None = None,
        *,
        seed: int | None = None,
        wait: float = 0,
    ) -> Job:
        """Ask for a job; with `wait`, the answer comes when it has ended, or after so many seconds."""
        asked = {
            "operation": operation,
            "params": dict(params or {}),
            "inputs": {slot: _ids(photos) for slot, photos in (inputs or {}).items()},
            "seed": seed,
        }
        headers = {"Idempotency-Key": str(uuid4()), **_preferring(wait)}
        return _job(self._ask("POST", "/jobs", json=asked, headers=headers).json())

    def job(self, job: Job | str, *, wait: float = 0) -> Job:
        """A job as it is now; with `wait`, when it has ended, or after so many seconds."""
        answer = self._ask("GET", f"/jobs/{_id(job)}", headers=_preferring(wait))
        found = _job(answer.json())
        if wait and not found.ended and "Preference-Applied" not in answer.headers:
            time.sleep(min(wait, int(answer.headers.get("Retry-After", 1))))  # too many wait there
        return found

    def wait(self, job: Job | str, *, progress: bool | Watch = False, seconds: float | None = None) -> Job:
        """The job once it has succeeded; raises `NotSucceeded`, or `TimeoutError` after so many seconds.

        With `progress`, a bar shows how far it is, or a function of yours is called about once a second.
        """
        until = time.monotonic() + seconds if seconds is not None else None
        found = job if isinstance(job, Job) else self.job(job)
        with _Bar(progress is True) as bar:
            watch = progress if callable(progress) else bar.show
            while not found.ended:
                watch(found)
                left = until - time.monotonic() if until is not None else None
                if left is not None and left <= 0:
                    raise TimeoutError(f"The job has not ended within {seconds} seconds.")
                found = self.job(found, wait=_step(progress, left))
            watch(found)
        if found.status != "succeeded":
            raise NotSucceeded(found)
        return found

    def cancel(self, job: Job | str) -> Job:
        return _job(self._ask("POST", f"/jobs/{_id(job)}/cancel").json())

    def download(self, photo: Photo, to: str | Path) -> Path:
        """Write a photo into a file, or under its own name into a folder; the path of the file."""
        path = Path(to)
        if path.is_dir():
            path /= self.photo(photo).name
        # A site may have its pictures on another host, whose business the token is not.
        session = self._session if photo.url.startswith(f"{self._site}/") else requests.Session()
        part = path.with_name(f"{path.name}.part")
        with session.get(photo.url, stream=True, timeout=60) as answer:
            _check(answer)
            with part.open("wb") as file:
                for block in answer.iter_content(1_000_000):
                    file.write(block)
        return part.replace(path)

    def _ask(self, method: str, path: str, **what: Any) -> requests.Response:
        give_up = time.monotonic() + self._patience
        while True:
            answer = self._session.request(
                method, self._url + path, timeout=LONGEST_WAIT_SECONDS + 30, **what
            )
            later = int(answer.headers.get("Retry-After", 0)) if answer.status_code in (429, 503) else 0
            if not later or time.monotonic() + later > give_up:
                return _check(answer)
            time.sleep(later)


class _Bar:
    """A progress bar, or nothing."""

    def __init__(self, shown: bool) -> None:
        self._bar = tqdm(
            total=100, unit="%", disable=not shown, bar_format="{desc} {percentage:3.0f}% |{bar}|"
        )

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_error: object) -> None:
        self._bar.close()

    def show(self, job: Job) -> None:
        self._bar.n = round(100 * job.progress)
        waits = f"{job.status}, {job.position} in line" if job.position else job.status
        self._bar.set_description_str(f"{job.operation}: {job.note or waits}")


def _check(answer: requests.Response) -> requests.Response:
    if answer.ok:
        return answer
    later = answer.headers.get("Retry-After")
    try:
        said = answer.json()
    except ValueError:  # of a proxy in front
        said = {}
    sentence = said.get("detail") or f"The site answered {answer.status_code} {answer.reason}."
    raise Refused(sentence, answer.status_code, said.get("code", ""), int(later) if later else None)


def _step(progress: bool | Watch, seconds: float | None) -> float:
    """How long one question may wait for its answer."""
    longest = 1 if progress else LONGEST_WAIT_SECONDS
    return longest if seconds is None else min(longest, max(seconds, 1))


def _preferring(wait: float) -> dict[str, str]:
    return {"Prefer": f"wait={max(1, round(wait))}"} if wait else {}


def _id(named: Photo | Job | str) -> str:
    return named if isinstance(named, str) else named.id


def _ids(photos: Input | Sequence[Input]) -> str | list[str]:
    return _id(photos) if isinstance(photos, Photo | str) else [_id(photo) for photo in photos]


def _photo(said: Mapping[str, Any]) -> Photo:
    named = ("id", "name", "url", "width", "height", "bytes", "sha256")
    return Photo(**{name: said[name] for name in named}, said=said)


def _job(said: Mapping[str, Any]) -> Job:
    named = ("id", "operation", "status", "progress", "note", "position", "eta")
    error = said["error"]["message"] if said["error"] else ""
    outputs = [_photo(output) for output in said["outputs"]]
    return Job(**{name: said[name] for name in named}, outputs=outputs, error=error, said=said)
