"""White pixels on a photo, and the photo without them by each method."""

from collections.abc import Callable, Mapping
from functools import partial

from ml.add_noise.run import with_white_pixels
from ml.core.context import Context, Inputs, Result
from ml.core.images import Picture
from ml.core.messages import ADDING_NOISE
from ml.core.side_by_side import judge_by, side_by_side
from ml.denoise import DNCNN, SECONDS_PER_MEGAPIXEL
from ml.denoise.run import denoise, loaded
from ml.denoise_demonstration import DemonstrationParams, Single, methods_of


def run(inputs: Inputs, params: DemonstrationParams, context: Context) -> Result:
    """The slot `image` with white pixels as `noisy`, and before it what each method makes of that, the best first.

    The metrics are PSNR (dB, None where there is no difference) and SSIM (None below 11 pixels a side) of all channels
    by the clean picture: `METHOD_psnr` and `METHOD_ssim`, of the noisy picture `noisy_psnr` and `noisy_ssim`, and
    `METHOD_seconds`.
    """
    clean = inputs.picture("image")
    context.advance(0, ADDING_NOISE)
    noisy = with_white_pixels(clean, params.pixels, context.rng)
    judge = judge_by(clean, context)
    spoilt = judge(noisy)
    methods = methods_of(params)
    if "dncnn" in methods:
        loaded(context.device, "dncnn")
    runs: Mapping[Single, Callable[[Context], Picture]] = {
        method: partial(denoise, noisy, method, params.sigma) for method in methods
    }
    costs = {method: SECONDS_PER_MEGAPIXEL[method] for method in methods}
    result = side_by_side(runs, costs, context, judge)
    result.images["noisy"] = noisy
    result.metrics = {"noisy_psnr": spoilt.psnr, "noisy_ssim": spoilt.ssim, **result.metrics}
    learned = "dncnn" in methods
    result.weights = (DNCNN.name,) if learned else ()
    result.engine = DNCNN.engine if learned else "opencv"
    return result
