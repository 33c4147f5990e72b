"""What it says while it runs, and where it cannot."""

from ml.core.text import Message, _

CROP_OUTSIDE = Message(
    "transform.crop_outside",
    _("The crop reaches outside the picture, which is {width} x {height} pixels. Make it smaller."),
)
