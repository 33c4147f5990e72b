"""What the figures of a run are called, in which unit they are and how exactly they are said."""

from dataclasses import dataclass

from ml.core.text import _


@dataclass(frozen=True)
class Metric:
    """A figure of a result, or a live curve, by the name that a run gives it; `format` is Python's.

    With several methods side by side `METHOD_psnr` is the `psnr` of one of them.
    """

    name: str
    title: str
    unit: str = ""
    format: str = ".4g"


PSNR = Metric("psnr", _("PSNR"), "dB", ".2f")
SSIM = Metric("ssim", _("SSIM"), "", ".4f")
SECONDS = Metric("seconds", _("Time"), "s", ".3g")
NOISY_PSNR = Metric("noisy_psnr", _("With the noise, PSNR"), "dB", ".2f")
NOISY_SSIM = Metric("noisy_ssim", _("With the noise, SSIM"), "", ".4f")
