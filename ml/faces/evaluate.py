"""Measuring face detectors: ``python -m ml evaluate faces --method ours --data FACES --others DIR``.

FACES holds close crops of one face each, as of Labeled Faces in the Wild; each is set into gray twice its size and
enlarged. In the pictures of DIR there is no face to be found. Everybody in FACES is taken for somebody else.
"""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import dlib
import numpy as np
import skimage.data
from skimage.feature import Cascade

from ml.core.context import Context
from ml.core.formats import PICTURE_SUFFIXES
from ml.core.images import Picture, Pixels
from ml.core.reading import read_picture
from ml.core.resize import resize
from ml.core.tiling import Box
from ml.faces import FacesParams
from ml.faces.run import SAME_PERSON, SURELY_SAME, described, find

HAAR_FOLDER = Path(cv2.__file__).parent / "data"
CROP_SIDE = 96
SMALLEST_FACE = 30

Detector = Callable[[Picture], list[Box]]


def ours(picture: Picture) -> list[Box]:
    """At its default sensitivity."""
    return [face.box for face in find(picture, FacesParams().sensitivity)]


def haar(name: str) -> Detector:
    """Another of OpenCV's cascades of Haar features."""
    cascade = cv2.CascadeClassifier(str(HAAR_FOLDER / f"haarcascade_frontalface_{name}.xml"))

    def detect(picture: Picture) -> list[Box]:
        found = cascade.detectMultiScale(_gray(picture), 1.1, 5, minSize=(SMALLEST_FACE, SMALLEST_FACE))
        return [Box(x, y, x + width, y + height) for x, y, width, height in found]

    return detect


def hog(picture: Picture) -> list[Box]:
    """dlib's histograms of oriented gradients (Dalal and Triggs, 2005), on the picture enlarged twice."""
    found = dlib.get_frontal_face_detector()(np.ascontiguousarray(picture.rgb()), 1)
    return [Box(box.left(), box.top(), box.right() + 1, box.bottom() + 1) for box in found]


def lbp(picture: Picture) -> list[Box]:
    """scikit-image's cascade of local binary patterns."""
    cascade = Cascade(skimage.data.lbp_frontal_face_cascade_filename())
    found = cascade.detect_multi_scale(
        img=_gray(picture),
        scale_factor=1.1,
        step_ratio=1,
        min_size=(SMALLEST_FACE, SMALLEST_FACE),
        max_size=(2 * CROP_SIDE, 2 * CROP_SIDE),
    )
    return [Box(box["c"], box["r"], box["c"] + box["width"], box["r"] + box["height"]) for box in found]


METHODS: Mapping[str, Detector] = {
    "ours": ours,
    "haar-default": haar("default"),
    "haar-alt2": haar("alt2"),
    "hog": hog,
    "lbp": lbp,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ml evaluate faces``."""
    parser.add_argument("--method", choices=METHODS, default="ours")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of crops of faces")
    parser.add_argument(
        "--others", type=Path, required=True, metavar="DIR", help="folder of pictures without a face"
    )
    parser.add_argument("--count", type=int, default=150, help="how many of each (default: %(default)s)")


def main(args: argparse.Namespace) -> dict[str, float]:
    """The share of the faces that is found, the false finds, and for `ours` how many strangers are taken for one person."""
    faces = [set_into_gray(read_picture(path)) for path in _spread(args.data, args.count)]
    others = [read_picture(path) for path in _spread(args.others, args.count)]
    detect = METHODS[args.method]
    found = [any(_in_the_middle(box, face) for box in detect(face)) for face in faces]
    figures: dict[str, float] = {
        "recall": round(sum(found) / len(found), 4),
        "images": len(faces),
        "false_finds": sum(len(detect(picture)) for picture in others),
        "others": len(others),
    }
    return figures | (strangers(faces) if args.method == "ours" else {})


def strangers(faces: list[Picture]) -> dict[str, float]:
    """The shares of pairs of different people that are nearer than each of our two thresholds."""
    sensitivity = FacesParams().sensitivity
    vectors = [
        described(face, found[:1], Context())[0] for face in faces if (found := find(face, sensitivity))
    ]
    stacked = np.stack(vectors)
    distances = np.linalg.norm(stacked[:, None] - stacked[None], axis=2)[np.triu_indices(len(stacked), 1)]
    return {
        "pairs": len(distances),
        "perhaps_the_same": round(float((distances < SAME_PERSON).mean()), 4),
        "the_same": round(float((distances < SURELY_SAME).mean()), 4),
    }


def set_into_gray(crop: Picture) -> Picture:
    """In the middle of its own mean gray."""
    face = resize(crop, CROP_SIDE, CROP_SIDE).rgb()
    canvas = np.full((2 * CROP_SIDE, 2 * CROP_SIDE, 3), int(face.mean()), np.uint8)
    middle = slice(CROP_SIDE // 2, CROP_SIDE // 2 + CROP_SIDE)
    canvas[middle, middle] = face
    return Picture(canvas)


def _in_the_middle(box: Box, picture: Picture) -> bool:
    x, y = (box.left + box.right) / 2 / picture.width, (box.top + box.bottom) / 2 / picture.height
    return 0.2 < x < 0.8 and 0.2 < y < 0.8


def _spread(folder: Path, count: int) -> list[Path]:
    """As many pictures of a folder, evenly spread over their sorted names."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
    return [paths[index * len(paths) // count] for index in range(min(count, len(paths)))]


def _gray(picture: Picture) -> Pixels:
    return cv2.cvtColor(np.ascontiguousarray(picture.rgb()), cv2.COLOR_RGB2GRAY)
