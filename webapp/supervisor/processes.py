"""Processes that do not outlive the one that started them, and those that let the others go first."""

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

NICENESS = 12
PR_SET_PDEATHSIG = 1  # linux/prctl.h

# Loaded here, since a child may call it between fork and exec, where nothing else should be done.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def end_with(parent: int) -> None:
    """Have the kernel kill this process when its parent, whose process id is given, ends, even by SIGKILL.

    To be called in a child that the parent's main thread forked. Only Linux can do this; elsewhere
    nothing happens.
    """
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before it could be watched
            os._exit(1)


def give_way(leader: int) -> None:
    """Let everything else on this machine go before a process that leads a session, and what it starts from now on."""
    with suppress(OSError):  # it has ended already, or this is no Linux
        os.setpriority(os.PRIO_PROCESS, leader, os.getpriority(os.PRIO_PROCESS, leader) + NICENESS)
        # Where Linux groups processes by session, niceness counts within a session, and this between them.
        Path(f"/proc/{leader}/autogroup").write_text(str(NICENESS))
