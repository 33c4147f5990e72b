"""What it says while it runs, and where it cannot."""

from ml.core.text import Message, _

STYLE_TOO_NARROW = Message(
    "style_transfer.style_too_narrow",
    _("The style picture is too narrow to show a style. Crop it to a part that does."),
)
STYLE_TOO_SMALL = Message(
    "style_transfer.style_too_small",
    _("The style picture is {width} x {height} pixels. Send one of at least {least} pixels a side."),
)
PHOTO_TOO_NARROW = Message(
    "style_transfer.photo_too_narrow",
    _(
        "This photo would be {width} x {height} pixels, too narrow for Gatys. Crop it, or choose a larger "
        "size."
    ),
)
STEP = Message("style_transfer.step", _("Step {step} of {steps}"))
PAINTING = Message("style_transfer.painting", _("Painting"))
