"""What it says while it runs, and where it cannot."""

from ml.core.text import Message, _

DRAWING = Message("gan_sample.drawing", _("Drawing"))
NO_SUCH_FACE = Message(
    "gan_sample.no_such_face",
    _("{name} in {folder} is not gray or not {side}x{side}: give a folder of such faces."),
)
TOO_FEW_FACES = Message(
    "gan_sample.too_few_faces", _("{folder} holds {count} faces: give a folder of at least {least}.")
)
