"""Rules for the templates."""

from webapp.config import BASE_DIR

LONGEST = 160


def test_no_line_of_a_template_is_too_long_to_read() -> None:
    too_long = [
        f"{path.relative_to(BASE_DIR)}:{number} has {len(line)} characters"
        for path in sorted((BASE_DIR / "templates").rglob("*.html"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > LONGEST
    ]
    assert not too_long, "\n".join(too_long)
