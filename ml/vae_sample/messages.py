"""What it says while it runs, and where it cannot."""

from ml.core.text import Message, _

NOTHING_TO_COPY = Message(
    "vae_sample.nothing_to_copy",
    _("There is no digit to copy. Add a picture of one, or choose something else to do."),
)
DRAWING = Message("vae_sample.drawing", _("Drawing digits"))
