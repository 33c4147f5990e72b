"""What it says while it runs, and where it cannot."""

from ml.core.text import Message, _

TOO_LARGE_TO_COMPARE = Message(
    "denoise.too_large_to_compare",
    _(
        "To compare, the result of every method is held at once, so a picture can have {limit} megapixels at "
        "most, and this one has {size:.0f}. Choose one method or a smaller picture."
    ),
)
ESTIMATING = Message("denoise.estimating", _("Estimating the noise"))
DENOISING = Message("denoise.denoising", _("Denoising"))
NO_NOISE = Message("denoise.no_noise", _("No noise found: the picture was left as it is"))
