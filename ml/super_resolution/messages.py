"""What it says while it runs, and where it cannot."""

from ml.core.text import Message, _

TOO_LARGE_TO_COMPARE = Message(
    "super_resolution.too_large_to_compare",
    _(
        "To compare, the result of every method is held at once, so it can have {limit} megapixels at most, "
        "and would have {size:.0f}. Choose one method, a smaller scale or a smaller picture."
    ),
)
ENLARGING = Message("super_resolution.enlarging", _("Enlarging"))
