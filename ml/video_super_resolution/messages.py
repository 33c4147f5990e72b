"""What it says while it runs, and where it cannot."""

from ml.core.text import Message, _

FRAMES_TOO_SMALL = Message(
    "video_super_resolution.frames_too_small",
    _("These frames are too small to be laid over each other. Choose another method."),
)
FRAMES_TOO_LARGE = Message(
    "video_super_resolution.frames_too_large",
    _(
        "The frames would be {side:,} pixels wide or high, and a video can have {limit:,}. Choose a smaller "
        "scale."
    ),
)
