"""One run: load, faults from a seeded plan, quiet, and the checker."""

import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.load import Client
from tests.faults.plan import FAULTS, plan
from tests.faults.stack import Stack

CLIENTS = 4
BETWEEN_SECONDS = (1.0, 4.0)
QUIET_SECONDS = 90.0
SHORT = 2.0


@dataclass
class Findings:
    """What a run did, and what the checker found."""

    faults: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    refused: int = 0
    findings: dict[str, list[str]] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        return not any(self.findings.values())

    def table(self) -> str:
        rows = [f"{count:>6}  {what}" for what, count in sorted(self.faults.items())]
        rows += [f"{sum(self.faults.values()):>6}  faults in all", f"{self.accepted:>6}  jobs accepted"]
        rows += [f"{self.refused:>6}  requests refused in words"]
        rows += [f"{count:>6}  {status}" for status, count in sorted(self.statuses.items())]
        rows += [f"{len(found):>6}  {what}  {found[:3] or ''}" for what, found in self.findings.items()]
        return "\n".join(rows)


def settle(stack: Stack) -> None:
    """Wait until all work is done, or none has been for so long that it never will."""
    fewest, give_up = sys.maxsize, time.monotonic() + QUIET_SECONDS
    while fewest and time.monotonic() < give_up:
        time.sleep(1)
        unfinished = stack.unfinished()
        if unfinished < fewest:
            fewest, give_up = unfinished, time.monotonic() + QUIET_SECONDS
    time.sleep(SHORT)  # the last run clears away what it needed


def run(
    folder: Path, seconds: float, *, seed: int = 0, pause: float = 1.0, database_url: str = ""
) -> Findings:
    """Break a stack for so many seconds; `pause` is how long each client waits between its jobs."""
    import random

    found = Findings()
    stack = Stack(folder, database_url)
    try:
        names = [name for name in FAULTS if stack.small_disk or name != "fill the disk"]
        token = stack.manage("create_token", "alice").splitlines()[-1]
        clients = [Client(stack.site.url, token, seed + number, pause) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        over = time.monotonic() + seconds
        chance = random.Random(seed)
        for name in plan(seed, names):
            time.sleep(chance.uniform(*BETWEEN_SECONDS))
            if time.monotonic() > over:
                break
            FAULTS[name](stack)
            found.faults[name] += 1
        for client in clients:
            client.over.set()
        for client in clients:
            client.join(60)
        accepted = [uuid for client in clients for uuid in client.accepted]
        found.accepted, found.refused = len(accepted), sum(len(client.refused) for client in clients)
        promised = folder / "accepted.json"
        promised.write_text(json.dumps(accepted))
        settle(stack)
        told = json.loads(stack.check(promised))
        found.findings, found.statuses = told["findings"], told["statuses"]
        return found
    finally:
        stack.close()
