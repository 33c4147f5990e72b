"""What a fresh child of a worker does beside its first jobs."""

import threading
import time

import pytest

from jobs.work import child
from ml.core.operation import Operation
from tests.support import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.slow
def test_the_networks_are_imported_once_nobody_waits(monkeypatch):
    imported = []
    monkeypatch.setattr(Operation, "function", lambda operation: imported.append(operation.slug))
    monkeypatch.setattr(child, "PAUSE_SECONDS", 0.1)
    warming = threading.Thread(target=child.warm_up, args=("here",))
    with child.work:
        warming.start()
        time.sleep(1)
        assert not imported, "a job runs"
    wait_for(lambda: "instant" in imported)
    warming.join()
