"""What it says while it runs, and where it cannot."""

from ml.core.text import Message, _

NO_SHEET = Message(
    "digit_denoise.no_sheet",
    _(
        "This picture has {width} x {height} pixels, which is no sheet of {cell} by {cell} each. Crop it, or "
        "choose the layout “One digit”."
    ),
)
LOOKING = Message("digit_denoise.looking", _("Looking for digits"))
DENOISING = Message("digit_denoise.denoising", _("Taking the noise out"))
