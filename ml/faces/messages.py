"""What it says while it runs, and where it cannot."""

from ml.core.text import Message, _

LOOKING = Message("faces.looking", _("Looking for faces"))
COMPARING = Message("faces.comparing", _("Comparing faces"))
FACE = Message(
    "faces.face", _("Face {number}: {width} × {height} pixels, {left} from the left, {top} from the top")
)
NO_FACE_ON_FIRST = Message(
    "faces.no_face_on_first",
    _("There is no face to be found on the first photo. Send one that shows it from the front."),
)
NO_FACE_ON_SECOND = Message(
    "faces.no_face_on_second",
    _("There is no face to be found on the second photo. Send one that shows it from the front."),
)
SAME = Message("faces.same", _("The same person"))
PERHAPS_SAME = Message("faces.perhaps_same", _("Perhaps the same person"))
DIFFERENT = Message("faces.different", _("Different persons"))
