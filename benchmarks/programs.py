"""What a program waits for: a PNG of 512 x 512 goes up, is made 1024 x 1024, and comes back as JPEG; here and with Gradio.

Part of `python -m benchmarks.queue`; with `--gradio PYTHON`, a Python that has gradio, both are measured in turn.
"""

import io
import json
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import requests
from PIL import Image, ImageFilter
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from latent.client import Client

SIDE, LARGE = 512, 1024
CLIENTS = 8
ONE_BY_ONE = 40
SECONDS = 4.0
ROUNDS = 2
WARM_UP_SECONDS = 8.0  # a fresh child imports the networks beside its first jobs
PARTS = ("upload", "run", "download")

Parts = Mapping[str, float]
"""Milliseconds of each part of a round trip."""


seeds = count()


def picture() -> bytes:
    """A PNG with as much detail as a photo has, another each time: two writers of the same get in each other's way with Gradio."""
    noise = np.random.default_rng(next(seeds)).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).filter(ImageFilter.GaussianBlur(1.5)).save(buffer, "PNG")
    return buffer.getvalue()


class Latent:
    """A program with a token, by the client of the package."""

    name = "Latent"

    def __init__(self, url: str, token: str, folder: Path) -> None:
        self._client, self._picture = Client(url, token), picture()
        self._path = folder / f"{threading.get_ident()}-{id(self)}.jpg"

    def upload(self) -> Any:
        return self._client.upload(self._picture, "picture.png")

    def run(self, photo: Any) -> Any:
        return self._client.run("transform", {"image": photo}, {"width": LARGE, "format": "jpeg"}).outputs[0]

    def download(self, output: Any) -> bytes:
        return self._client.download(output, self._path).read_bytes()


class Gradio:
    """A program that asks a Gradio app as its page on the API says."""

    name = "Gradio"

    def __init__(self, url: str) -> None:
        self._url, self._session, self._picture = f"{url}/gradio_api", requests.Session(), picture()
        # With several clients it ends connections now and then.
        self._session.mount("http://", HTTPAdapter(max_retries=Retry(5, allowed_methods=None)))

    def upload(self) -> Any:
        files = {"files": ("picture.png", self._picture, "image/png")}
        return self._session.post(f"{self._url}/upload", files=files, timeout=60).json()[0]

    def run(self, path: Any) -> Any:
        asked = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}
        event = self._session.post(f"{self._url}/call/enlarge", json=asked, timeout=60).json()["event_id"]
        said = self._session.get(f"{self._url}/call/enlarge/{event}", timeout=60).text
        return json.loads(said.split("event: complete\ndata: ", 1)[1].splitlines()[0])[0]

    def download(self, output: Any) -> bytes:
        return self._session.get(output["url"], timeout=60).content


Program = Latent | Gradio


def round_trip(program: Program) -> Parts:
    moments = [time.perf_counter()]
    photo = program.upload()
    moments.append(time.perf_counter())
    output = program.run(photo)
    moments.append(time.perf_counter())
    content = program.download(output)
    moments.append(time.perf_counter())
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.size) == ("JPEG", (LARGE, LARGE))
    spans = zip(PARTS, moments, moments[1:], strict=False)
    return {part: 1000 * (after - before) for part, before, after in spans}


def rows(programs: Mapping[str, Callable[[], Program]]) -> list[tuple[str, ...]]:
    """A line of the table for each: one client's round trips, taken in turn, and how many `CLIENTS` get done."""
    ones = {name: make() for name, make in programs.items()}
    warm_at = time.monotonic() + WARM_UP_SECONDS
    while time.monotonic() < warm_at:
        for one in ones.values():
            round_trip(one)
    taken: dict[str, list[Parts]] = defaultdict(list)
    for _ in range(ONE_BY_ONE):
        for name, one in ones.items():
            taken[name].append(round_trip(one))
    rates: dict[str, list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        for name, make in programs.items():
            rates[name].append(per_second(make))
    return [row(name, taken[name], statistics.median(rates[name])) for name in programs]


def per_second(make: Callable[[], Program]) -> float:
    programs = [make() for _ in range(CLIENTS)]
    begun = time.perf_counter()

    def go_on(program: Program) -> int:
        done = 0
        while time.perf_counter() < begun + SECONDS:
            round_trip(program)
            done += 1
        return done

    with ThreadPoolExecutor(CLIENTS) as pool:
        done = sum(pool.map(go_on, programs))
    return done / (time.perf_counter() - begun)


def row(name: str, taken: list[Parts], rate: float) -> tuple[str, ...]:
    parts = [statistics.median(parts[part] for parts in taken) for part in PARTS]
    whole = statistics.median(sum(parts.values()) for parts in taken)
    return (name, f"{whole:.0f} ms", *(f"{part:.0f} ms" for part in parts), f"{rate:.1f}/s")


HEAD = ("", "one job, median", *PARTS, f"with {CLIENTS} clients")


def folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="latent-", dir="/dev/shm" if sys.platform == "linux" else None)
