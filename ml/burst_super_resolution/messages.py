"""What it says while it runs, and where it cannot."""

from ml.core.text import Message, _

ONE_FRAME = Message(
    "burst_super_resolution.one_frame",
    _(
        "A burst needs two frames at least, and this is one. Add more photos of the same scene, or give an "
        "animation or a short video of it."
    ),
)
FRAMES_DIFFER = Message(
    "burst_super_resolution.frames_differ",
    _("The frames have different sizes. Give at least two photos of one size, taken of the same scene."),
)
FRAMES_TOO_SMALL = Message(
    "burst_super_resolution.frames_too_small",
    _("These frames are too small to be laid over each other. Give some of {side} pixels at least."),
)
NO_FRAME_FITS = Message(
    "burst_super_resolution.no_frame_fits",
    _("None of these frames fits another. Give photos taken in a row, of one scene and from one place."),
)
READING = Message("burst_super_resolution.reading", _("Reading the frames"))
FUSING = Message("burst_super_resolution.fusing", _("Putting the frames together"))
ALIGNING = Message("burst_super_resolution.aligning", _("Aligning the frames"))
SHOWS_SOMETHING_ELSE = Message(
    "burst_super_resolution.shows_something_else", _("Frame {number} left out: it shows something else")
)
HAS_ANOTHER_SIZE = Message(
    "burst_super_resolution.has_another_size", _("Frame {number} left out: it has another size")
)
