"""What it says while it runs, and where it cannot."""

from ml.core.text import Message, _

DRAWING = Message("augmentation.drawing", _("Drawing variants"))
