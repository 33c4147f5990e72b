"""Faces: a cascade of Haar features finds them (Viola and Jones, 2001), dlib's ResNet compares them.

``python -m ml evaluate faces`` holds the detectors against each other: OpenCV's `alt` cascade found 95 of 100
faces with one false find, `alt2` 96 with four, dlib's own detector 89 with five, scikit-image's cascade 83 with eleven.
"""

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import dlib
import numpy as np

from ml.core.context import Context, Inputs, Label, Result
from ml.core.errors import InputError
from ml.core.images import Picture, Pixels, flattened, to_depth
from ml.core.resize import resize
from ml.core.text import Message
from ml.core.tiling import Box
from ml.faces import DESCRIPTOR, LANDMARKS, FacesParams
from ml.faces.messages import (
    COMPARING,
    DIFFERENT,
    FACE,
    LOOKING,
    NO_FACE_ON_FIRST,
    NO_FACE_ON_SECOND,
    PERHAPS_SAME,
    SAME,
)

SEARCHED_SIDE = 1600
"""Longer side at which a photo is searched."""

MOST_ENLARGED = 2.0
SMALLEST_FACE = 40
"""In pixels of the photo as it is searched."""

NEIGHBOURS = 5
"""Answers around one place at which a face is half sure."""

GROWTH = 1.1
"""Of the searched size from one pass to the next."""

SAME_PERSON = 0.6
"""Distance of descriptors below which dlib's author takes two faces for one person: 99.38 % right on LFW, he says."""

SURELY_SAME = 0.5
"""Between the two it may be a relative, or a small or blurred picture: `python -m ml evaluate faces` counts such strangers."""

FOUND, COMPARED = (255, 255, 255), (255, 106, 85)


@dataclass(frozen=True)
class Face:
    """Where a face is, in pixels of the photo, and how sure the detector is, 0 to 1."""

    box: Box
    score: float


def run(inputs: Inputs, params: FacesParams, context: Context) -> Result:
    """The slot `image` with its faces marked; with a photo in `other`, that one too, and whether one person is on both."""
    picture = inputs.picture("image")
    others = inputs.pictures("other")
    context.advance(0, LOOKING)
    faces = find(picture, params.sensitivity)
    context.advance(0.5 if others else 0.9)
    if not others:
        return Result(
            images={"image": marked(picture, faces, None)},
            labels=_labels(faces),
            metrics={"faces": len(faces)},
            engine="opencv",
            facts={"faces": [_facts(face) for face in faces]},
        )
    other = others[0]
    other_faces = find(other, params.sensitivity)
    for found, message in ((faces, NO_FACE_ON_FIRST), (other_faces, NO_FACE_ON_SECOND)):
        if not found:
            raise InputError(message)
    context.advance(0.8, COMPARING)
    descriptors = [
        described(photo, found, context) for photo, found in ((picture, faces), (other, other_faces))
    ]
    distances = np.linalg.norm(descriptors[0][:, None] - descriptors[1][None], axis=2)
    first, second = (int(index) for index in np.unravel_index(distances.argmin(), distances.shape))
    distance = float(distances[first, second])
    return Result(
        images={"image": marked(picture, faces, first), "other": marked(other, other_faces, second)},
        labels=[Label(_verdict(distance), round(_certainty(distance), 4)), *_labels(faces)],
        metrics={"faces": len(faces), "distance": round(distance, 4)},
        weights=(LANDMARKS.name, DESCRIPTOR.name),
        engine="dlib",
        facts={"faces": [_facts(face) for face in faces], "same_person": distance < SAME_PERSON},
    )


def find(picture: Picture, sensitivity: float) -> list[Face]:
    """The faces of a photo that look at the camera, the surest first.

    Around a face the cascade answers many times: how often says how sure it is.
    """
    scale = min(MOST_ENLARGED, SEARCHED_SIDE / max(picture.width, picture.height))
    width, height = (max(1, round(length * scale)) for length in (picture.width, picture.height))
    searched = cv2.cvtColor(resize(flattened(picture), width, height).rgb(), cv2.COLOR_RGB2GRAY)
    boxes, counts = cascade().detectMultiScale2(
        searched, GROWTH, round(8 - 6 * sensitivity), minSize=(SMALLEST_FACE, SMALLEST_FACE)
    )
    faces = []
    for box, count in zip(boxes, counts, strict=True):
        left, top, across, down = (float(length) / scale for length in box)
        inside = Box(
            round(left),
            round(top),
            min(picture.width, round(left + across)),
            min(picture.height, round(top + down)),
        )
        faces.append(Face(inside, int(count) / (int(count) + NEIGHBOURS)))
    return sorted(faces, key=lambda face: -face.score)


def marked(picture: Picture, faces: list[Face], compared: int | None) -> Picture:
    """The photo, 8 bits a channel, with a frame around each face; the one that was compared stands out."""
    pixels = np.ascontiguousarray(picture.rgb())
    thickness = max(1, round(max(picture.width, picture.height) / 400))
    for index, face in enumerate(faces):
        corners = (face.box.left, face.box.top), (face.box.right - 1, face.box.bottom - 1)
        cv2.rectangle(pixels, *corners, (0, 0, 0), 2 * thickness + 2, cv2.LINE_AA)
        cv2.rectangle(pixels, *corners, COMPARED if index == compared else FOUND, thickness + 1, cv2.LINE_AA)
    return Picture.join(pixels, None if picture.alpha is None else to_depth(picture.alpha, np.uint8))


@cache
def cascade() -> cv2.CascadeClassifier:
    """OpenCV's detector of faces from the front."""
    folder = Path(cv2.__file__).parent / "data"
    return cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_alt.xml"))


@cache
def landmarks() -> dlib.shape_predictor:
    return dlib.shape_predictor(str(LANDMARKS.path()))


@cache
def descriptor() -> dlib.face_recognition_model_v1:
    return dlib.face_recognition_model_v1(str(DESCRIPTOR.path()))


def described(picture: Picture, faces: list[Face], context: Context) -> Pixels:
    """A descriptor (128,) of each face: (faces, 128)."""
    rgb = np.ascontiguousarray(flattened(picture).rgb())
    found = []
    for face in faces:
        context.check_cancelled()
        box = dlib.rectangle(face.box.left, face.box.top, face.box.right - 1, face.box.bottom - 1)
        found.append(np.array(descriptor().compute_face_descriptor(rgb, landmarks()(rgb, box))))
    return np.stack(found)


def _verdict(distance: float) -> Message:
    if distance < SURELY_SAME:
        return SAME
    return PERHAPS_SAME if distance < SAME_PERSON else DIFFERENT


def _certainty(distance: float) -> float:
    """From 0.5 at the threshold towards 1 away from it: a way to show the distance, not a measured probability."""
    return 1 / (1 + math.exp(-10 * abs(distance - SAME_PERSON)))


def _labels(faces: list[Face]) -> list[Label]:
    return [
        Label(
            FACE(
                number=number,
                width=face.box.width,
                height=face.box.height,
                left=face.box.left,
                top=face.box.top,
            ),
            round(face.score, 4),
        )
        for number, face in enumerate(faces, 1)
    ]


def _facts(face: Face) -> dict[str, float]:
    box = face.box
    return {"left": box.left, "top": box.top, "width": box.width, "height": box.height, "score": face.score}
