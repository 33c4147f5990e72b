"""Who may have an upload decoded, and who is told to come back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from jobs.errors import Refused
from jobs.intake import turns
from jobs.intake.turns import AT_ONCE, MOST_OF_ONE, Turns
from tests.support import wait_for


@contextmanager
def at_work(all_turns: Turns, senders: list[str], most: int) -> Iterator[list[str]]:
    """Threads that hold a turn each, or wait for one, until the context ends; gives those who decode."""
    decoding: list[str] = []
    end = threading.Event()

    def work(sender: str) -> None:
        with all_turns.turn(sender, most):
            decoding.append(sender)
            end.wait(30)

    threads = [threading.Thread(target=work, args=(sender,)) for sender in senders]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: all_turns._present.total() == len(senders))
        wait_for(lambda: len(decoding) == min(AT_ONCE, len(senders)))
        yield decoding
    finally:
        end.set()
        for thread in threads:
            thread.join()


def test_two_decode_and_the_others_wait() -> None:
    all_turns = Turns()
    with at_work(all_turns, ["a", "b", "c", "d"], 4) as decoding:
        assert len(decoding) == AT_ONCE
    assert sorted(decoding) == ["a", "b", "c", "d"]
    assert not all_turns._present


def test_whoever_finds_no_place_is_told_when_to_come_back() -> None:
    all_turns = Turns()
    with at_work(all_turns, ["a", "b", "c", "d"], 4):
        for _ in range(32):
            with pytest.raises(Refused, match="reading other uploads") as refusal, all_turns.turn("e", 4):
                pytest.fail("let in")
            assert (refusal.value.status, refusal.value.retry_after) == (503, turns.SOON_SECONDS)
    with all_turns.turn("e", 4):
        pass


def test_nobody_takes_all_places() -> None:
    all_turns = Turns()
    with at_work(all_turns, ["a"] * MOST_OF_ONE, 8):
        with pytest.raises(Refused, match=r"Of yours, 3 uploads") as refusal, all_turns.turn("a", 8):
            pytest.fail("let in")
        assert (refusal.value.status, refusal.value.retry_after) == (429, turns.SOON_SECONDS)


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.01)
    all_turns = Turns()
    with (
        at_work(all_turns, ["a", "b"], 4),
        pytest.raises(Refused, match="reading other uploads"),
        all_turns.turn("c", 4),
    ):
        pytest.fail("let in")
    assert not all_turns._present


def test_a_turn_is_given_back_after_an_error() -> None:
    all_turns = Turns()
    for _ in range(2 * AT_ONCE):
        with pytest.raises(ZeroDivisionError), all_turns.turn("a", 4):
            raise ZeroDivisionError
    assert not all_turns._present


def test_who_waits_does_so_aside_and_who_need_not_does_not() -> None:
    all_turns, asked = Turns(), []

    @contextmanager
    def aside() -> Iterator[bool]:
        asked.append(1)
        yield False

    with all_turns.turn("a", 4, aside):
        assert asked == []
    with at_work(all_turns, ["a", "b"], 4):
        with pytest.raises(Refused, match="reading other uploads"), all_turns.turn("c", 4, aside):
            pytest.fail("let in")
        assert asked == [1], "it was not let wait, since too many do"
