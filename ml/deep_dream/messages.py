"""What it says while it runs, and where it cannot."""

from ml.core.text import Message, _

LAYING = Message("deep_dream.laying", _("Laying the dream over the photo"))
OCTAVE = Message("deep_dream.octave", _("Octave {octave} of {octaves}"))
