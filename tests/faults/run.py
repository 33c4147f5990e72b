"""One run: load, faults from a seeded plan, quiet, and the checker."""

import json
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.faults.load import Api, Client, Return
from tests.faults.machine import processes_of
from tests.faults.plan import FAULTS, plan
from tests.faults.stack import Database, Need, Stack

CLIENTS = 8
BETWEEN_SECONDS = (1.5, 5.0)
QUIET_SECONDS = 90.0
SHORT = 2.0
WANTS: Mapping[Need, str] = {
    "small disks": "root, which may mount a tmpfs",
    "faketime": "the package faketime",
}


@dataclass
class Findings:
    """What a run did, and what the checker found. `returns` tell how long it took until somebody was served again."""

    faults: Counter[str] = field(default_factory=Counter)
    returns: dict[str, list[Return]] = field(default_factory=lambda: defaultdict(list))
    left_out: dict[str, str] = field(default_factory=dict)
    accepted: int = 0
    refused: int = 0
    swept: int = 0
    findings: dict[str, list[str]] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        return not any(self.findings.values())

    def table(self) -> str:
        rows = [f"{'':6}  {'':36}  served again after (median, longest)"]
        for name, count in sorted(self.faults.items()):
            seconds = [back.seconds for back in self.returns[name] if back.seconds is not None]
            times = f"{statistics.median(seconds):5.1f} s {max(seconds):6.1f} s" if seconds else ""
            rows.append(f"{count:>6}  {name:<36}  {times}")
        rows += [f"{'-':>6}  {name:<36}  left out: it takes {want}" for name, want in self.left_out.items()]
        rows += [f"{self.faults.total():>6}  faults in all", f"{self.accepted:>6}  jobs accepted"]
        rows += [f"{self.refused:>6}  requests refused in words"]
        rows += [f"{count:>6}  {status}" for status, count in sorted(self.statuses.items())]
        rows += [f"{self.swept:>6}  files of killed processes, which the cleaner took away"]
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


def throw(stack: Stack, seconds: float, seed: int, found: Findings, witness: Api) -> None:
    """Faults for so many seconds, with pauses in which the work goes on."""
    faults = {name: fault for name, fault in FAULTS.items() if fault.database in (None, stack.database)}
    found.left_out = {
        name: WANTS[fault.needs]
        for name, fault in faults.items()
        if fault.needs and fault.needs not in stack.has
    }
    over = time.monotonic() + seconds
    chance = random.Random(seed)
    back: Return | None = None
    for name in plan(seed, [name for name in faults if name not in found.left_out]):
        time.sleep(chance.uniform(*BETWEEN_SECONDS))
        if time.monotonic() > over:
            return
        try:
            FAULTS[name].throw(stack)
        except psutil.NoSuchProcess:
            continue  # it went before it was struck
        found.faults[name] += 1
        if back is None or not back.is_alive():  # one who waits is enough
            found.returns[name].append(back := Return(witness))
            back.start()


def run(
    folder: Path, seconds: float, *, seed: int = 0, pause: float = 1.0, database: Database = "sqlite"
) -> Findings:
    """Break a stack for so many seconds; `pause` is how long each client waits between its jobs."""
    found = Findings()
    with Stack(folder, database) as stack:
        alice, witness = (Api(stack.site.url, stack.token(name)) for name in ("alice", "witness"))
        clients = [Client(alice, seed + number, pause) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        throw(stack, seconds, seed, found, witness)
        alice.over.set()
        for thread in (*clients, *(back for returns in found.returns.values() for back in returns)):
            thread.join(60)
        witness.over.set()
        answers = alice.answers | witness.answers
        found.accepted = sum(bool(promised) for promised in answers.values())
        found.refused = len(alice.refusals)
        file = folder / "answers.json"
        file.write_text(json.dumps(answers))
        settle(stack)
        told = json.loads(stack.check(file))
        found.findings, found.statuses, found.swept = told["findings"], told["statuses"], told["swept"]
    found.findings["outlived the site"] = processes_of(str(stack.home))
    return found
