"""When the clock cleans up. What it reaps is in `test_lifecycle.py`."""

import time

import pytest

from jobs.management.commands.clock import CLEAN_SECONDS, Cleaning


class Time:
    """A wall clock and what counts seconds, both at the hands of a test."""

    def __init__(self):
        self.wall, self.counted = 1_700_000_000.0, 5_000.0

    def pass_by(self, seconds):
        self.wall += seconds
        self.counted += seconds


@pytest.fixture
def now(monkeypatch):
    now = Time()
    monkeypatch.setattr(time, "time", lambda: now.wall)
    monkeypatch.setattr(time, "monotonic", lambda: now.counted)
    return now


def due(cleaning, now, seconds):
    """After how many seconds of these it is time to clean."""
    found = []
    for second in range(seconds):
        if cleaning.due():
            found.append(second)
        now.pass_by(1)
    return found


def test_it_is_time_to_clean_every_ten_minutes(now):
    assert due(Cleaning(), now, 3 * CLEAN_SECONDS) == [CLEAN_SECONDS, 2 * CLEAN_SECONDS]


@pytest.mark.parametrize("days", [-40, 40])
def test_nothing_is_cleaned_up_by_a_clock_that_was_just_set(now, days):
    cleaning = Cleaning()
    assert due(cleaning, now, CLEAN_SECONDS - 1) == []
    now.wall += days * 86_400
    assert due(cleaning, now, CLEAN_SECONDS - 1) == [], "somebody may yet set it right"
    now.wall -= days * 86_400
    assert due(cleaning, now, CLEAN_SECONDS + 1) == [CLEAN_SECONDS]


def test_a_clock_that_is_kept_right_is_no_clock_that_was_set(now):
    cleaning = Cleaning()
    for _ in range(CLEAN_SECONDS):
        now.pass_by(1)
        now.wall += 0.05
    assert cleaning.due()
