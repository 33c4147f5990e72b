"""What it says while it runs, and where it cannot."""

from ml.core.text import Message, _

SIZES_DIFFER = Message(
    "comparison.sizes_differ",
    _(
        "The picture is {width} x {height} pixels and the reference {other_width} x {other_height}. Give two "
        "of one size, or switch “Resample” on."
    ),
)
COMPARING = Message("comparison.comparing", _("Comparing"))
