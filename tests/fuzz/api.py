"""Requests made up by schemathesis from the OpenAPI document: as it allows, and as it does not."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.fuzz.target import Target
from tests.jobs.hostile import encode, picture

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
EXAMPLES = 150
"""Of each operation in a round, beside those that cover its schema and those that follow its links."""

MOST_GROWTH_MEGABYTES = 50
HTTP_ARCHIVE = "calls.har"
OPERATIONS = ("instant", "picky", "transform", "classify", "levitate")

CONFIGURATION = """
[dictionaries]
jobs = {{ values = {jobs} }}
photos = {{ values = {photos} }}
webhooks = {{ values = {webhooks} }}
operations = {{ values = {operations} }}

[parameters]
"path.job_uuid" = {{ dictionary = "jobs", probability = 0.4 }}
"path.webhook_id" = {{ dictionary = "webhooks", probability = 0.4 }}
"path.photo_id" = {{ dictionary = "photos", probability = 0.4 }}
"body.operation" = {{ dictionary = "operations", probability = 0.7 }}
"""


@dataclass
class Findings:
    """How many calls were made, what was wrong, and the web process's megabytes by rounds."""

    answers: Counter[int] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return self.answers.total()

    def table(self) -> str:
        sizes = ", ".join(f"{size:.0f}" for size in self.megabytes)
        rows = [f"{count:>7}  {status}" for status, count in sorted(self.answers.items())]
        rows += [f"{self.calls:>7}  calls", f"{sizes:>7}  MB in the web process after each round"]
        return "\n".join([*self.said, *rows, f"{len(self.wrong):>7}  wrong", *self.wrong[:20]])


def run(target: Target, calls: int, seed: int) -> Findings:
    """Round after round until so many calls were made, and a look at the site afterwards."""
    found = Findings()
    token = target.token("alice")
    configuration = target.folder / "schemathesis.toml"
    configuration.write_text(_configuration(target, token))
    while found.calls < calls:
        done = _round(target, configuration, token, seed + len(found.megabytes))
        entries = json.loads((target.folder / HTTP_ARCHIVE).read_text())["log"]["entries"]
        found.answers.update(entry["response"]["status"] for entry in entries)
        found.megabytes.append(target.web_megabytes())
        print(f"{found.calls} calls, {found.megabytes[-1]:.0f} MB", flush=True)
        if done.returncode:
            found.said.append(done.stdout + done.stderr)
            found.wrong.append("schemathesis has findings")
    if found.megabytes[-1] > found.megabytes[0] + MOST_GROWTH_MEGABYTES:
        found.wrong.append("the web process grew")
    target.wait_until_quiet()
    found.wrong += target.findings()
    return found


def _round(target: Target, configuration: Path, token: str, seed: int) -> "subprocess.CompletedProcess[str]":
    command: list[Any] = [
        *(Path(sys.executable).with_name("schemathesis"), "--config-file", configuration),
        *("run", f"{target.api}/openapi.json", "--header", f"Authorization: Bearer {token}"),
        *("--checks", ",".join(CHECKS), "--continue-on-failure", "--max-examples", str(EXAMPLES)),
        *("--seed", str(seed), "--generation-database", "none", "--no-color"),
        *("--report", "har", "--report-har-path", HTTP_ARCHIVE),
    ]
    return subprocess.run(command, cwd=target.folder, capture_output=True, text=True, check=False)


def _configuration(target: Target, token: str) -> str:
    """With jobs and photos that are there, so that not all that is asked for is missing."""
    bearer = {"Authorization": f"Bearer {token}"}
    jobs, photos = [], []
    for _number in range(20):
        files = {"file": ("photo.png", encode(picture(), "PNG"))}
        photos.append(
            requests.post(f"{target.api}/photos", files=files, headers=bearer, timeout=60).json()["id"]
        )
        asked = {"operation": "instant", "inputs": {"photo": photos[-1]}}
        jobs.append(requests.post(f"{target.api}/jobs", json=asked, headers=bearer, timeout=60).json()["id"])
    asked = {"url": "http://127.0.0.1:9/"}  # where nobody is
    hook = requests.post(f"{target.api}/webhooks", json=asked, headers=bearer, timeout=60).json()["id"]
    return CONFIGURATION.format(jobs=jobs, photos=photos, webhooks=[hook], operations=list(OPERATIONS))
