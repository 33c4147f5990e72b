"""Messages: a code and values, put into words when they are shown."""

import json
from itertools import count

import pytest

from ml.core.text import CATALOGUE, FORGOTTEN, Message, Title, capped, excerpt, stored

numbers = count()


def fresh(template: str) -> Message:
    return Message(f"test.{next(numbers)}", template)


def again(message: Message) -> Message:
    """As it comes back from a row."""
    kept = json.loads(json.dumps(message.as_json()))
    return stored(kept["code"], kept["values"])


def test_values_are_formatted_when_the_message_is_shown() -> None:
    large = fresh("At most {limit:,} of {size:.1f} MB.")(limit=12_000, size=1.25)
    assert large.as_json()["values"] == {"limit": 12_000, "size": 1.25}
    assert str(again(large)) == "At most 12,000 of 1.2 MB."


def test_a_message_is_shown_in_the_readers_language_with_all_that_is_in_it() -> None:
    reason = fresh("it has {count} pages")
    message = fresh("“{slot}” ({file}) does not go: {reason}.")
    german = {
        message.template: "„{slot}“ ({file}) geht nicht, denn {reason}.",
        reason.template: "es sind {count} Seiten",
        "Picture": "Bild",
    }
    told = message(slot=Title("Picture"), file="Picture", reason=reason(count=3))
    assert str(again(told)) == "“Picture” (Picture) does not go: it has 3 pages."
    shown = again(told).render(lambda text: german.get(text, text))
    assert shown == "„Bild“ (Picture) geht nicht, denn es sind 3 Seiten."


def test_a_strangers_words_are_not_taken_for_a_template() -> None:
    assert str(again(fresh("No “{name}”.")(name="{0.__class__} %s"))) == "No “{0.__class__} %s”."


def test_a_code_means_one_message() -> None:
    message = fresh("One.")
    with pytest.raises(ValueError, match=message.code):
        Message(message.code, "Two.")
    assert CATALOGUE[message.code] is message


def test_what_this_version_has_no_words_for_is_still_shown() -> None:
    changed = fresh("{count:d} of {total}")
    for code, values in (
        ("test.gone", {"a": 1}),
        (changed.code, {"count": 1}),
        (changed.code, {"count": "many", "total": 2}),
    ):
        assert str(stored(code, values)) == str(FORGOTTEN(code=code))


@pytest.mark.parametrize(("words", "seen"), [("a\nb\x00c", "a b c"), ("x" * 61, "x" * 59 + "…")])
def test_an_excerpt_is_one_line_of_what_can_be_seen(words: str, seen: str) -> None:
    assert excerpt(words) == seen


@pytest.mark.parametrize(
    ("digits", "number"),
    [("7", 7), ("007", 7), ("10", 10), ("11", 10), ("9" * 5000, 10), ("0" * 5000, 0), ("٣", 3), ("", None)],
)
def test_a_stranger_may_say_any_number(digits: str, number: int | None) -> None:
    assert capped(digits, 10) == number


@pytest.mark.parametrize("words", ["-1", "1.5", "²", "x", " 1"])
def test_what_is_no_digits_is_no_number(words: str) -> None:
    assert capped(words) is None
