"""Texts that a person reads."""


def _(text: str) -> str:
    """Return `text` as it is: a no-op by which gettext's extractor finds it. Whoever shows it translates it."""
    return text


def excerpt(words: str, most: int = 60) -> str:
    """As much of a stranger's words as a sentence bears: what can be seen of them, on one line, `most` characters."""
    seen = " ".join("".join(char if char.isprintable() else " " for char in words).split())
    return seen if len(seen) <= most else f"{seen[: most - 1]}…"
