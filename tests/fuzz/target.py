"""The site that is shot at: whole, as `make run` starts it, and what is known of it afterwards."""

import json
import re
from pathlib import Path

import psutil
import requests

from ml.core.formats import FORMATS
from tests.site import Site, free_port
from tests.support import wait_for

PLENTY = "1000000000"
QUIET_SECONDS = 600
WRONG = re.compile(r"Traceback| ERROR |WORKER TIMEOUT|SIG[A-Z]+!")
"""What a log has no line of while all is well."""
PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)
AS_ASKED = {"never asked for", "ended twice", "failed without need", "left in Redis"}
"""What the checker of the faults minds, and requests without a key, retries, hostile photos and deleted jobs bring about."""


class Target:
    """A running site with limits that one person does not reach, in a folder of its own."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        self.folder = folder
        variables = {"DATABASE_URL": database_url} if database_url else {}
        (folder / "home").mkdir()
        self.site = Site(
            folder / "home",
            free_port(),
            **variables,
            LATENT_ROOMS="tests.operations.instant,tests.operations.picky",
            SAMPLE_JOBS="0",
            LOG_LEVEL="WARNING",
            MIN_FREE_MEGABYTES="0",
            UPLOAD_FORMATS=",".join(FORMATS),
            PRIVATE_WEBHOOKS="1",
            MEMBER_UPLOADS_PER_HOUR=PLENTY,
            MEMBER_QUEUED_JOBS=PLENTY,
            MEMBER_QUEUED_MEGAPIXELS=PLENTY,
            MEMBER_STORED_MEGABYTES=PLENTY,
            MAX_WAITING_JOBS=PLENTY,
        )
        self.site.wait_until_ready(180)
        self.api = f"{self.site.url}/api/v1"
        self._web = self._web_processes()

    def close(self) -> None:
        self.site.end()

    def token(self, username: str) -> str:
        return self.site.python("manage.py", "create_token", username).splitlines()[-1]

    def wait_until_quiet(self) -> None:
        """Until no job waits or runs."""
        unfinished = re.compile(r'^latent_jobs\{.*status="(?:queued|running)"\} (?!0\.0$)', re.MULTILINE)
        wait_for(
            lambda: not unfinished.search(requests.get(f"{self.site.url}/metrics", timeout=60).text),
            QUIET_SECONDS,
        )

    def web_megabytes(self) -> float:
        """Resident memory of the processes that answer."""
        return sum(process.memory_info().rss for process in self._web if process.is_running()) / 1e6

    def web_peak_megabytes(self) -> float:
        """The most that one of them has had since it started."""
        status = [Path(f"/proc/{process.pid}/status").read_text() for process in self._web]
        return max(int(peak) for said in status for peak in PEAK.findall(said)) / 1000

    def findings(self) -> list[str]:
        """What is wrong with a site at rest: files without a row and the like, errors in its log, a web process lost."""
        answers = self.folder / "answers.json"
        answers.write_text("{}")
        told = json.loads(self.site.python("-m", "tests.faults.checker", str(answers)))["findings"]
        found = [f"{what}: {item}" for what in told.keys() - AS_ASKED for item in told[what]]
        if self._web_processes() != self._web:
            found.append("a web process was lost")
        return found + [line for line in self.site.said().splitlines() if WRONG.search(line)]

    def _web_processes(self) -> list[psutil.Process]:
        server = self.site.child("web")
        return server.children() if server else []
