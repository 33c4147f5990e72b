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
WIDTH_OUT_OF_REACH = Message(
    "super_resolution.width_out_of_reach",
    _("This picture can be made {least} to {most} pixels wide, and not {width}: ask for a width between."),
)
PRINT_OUT_OF_REACH = Message(
    "super_resolution.print_out_of_reach",
    _(
        "At 300 dots an inch this picture can fill prints of {short:.1f} x {long:.1f} cm up to "
        "{shorter:.1f} x {longer:.1f} cm: ask for one between."
    ),
)
