"""Geometry on pixels of any depth, with alpha."""

import math

import numpy as np
from PIL import Image

from ml.core.context import Context, Inputs, Result
from ml.core.images import Picture, Pixels, flattened, premultiplied, straight
from ml.core.resize import resize
from ml.transform import TransformParams, cropped, resized, rotated

STRIP_PIXELS = 2_000_000
PAPERS = {"white": 1.0, "black": 0.0}
"""What the corners of `corners` are, of those that are opaque."""
MARGIN = 2  # transparent pixels around the picture, so that its slanted edge comes out smooth


def run(inputs: Inputs, params: TransformParams, context: Context) -> Result:
    """The slot `image`, transformed."""
    picture = inputs.picture("image")
    engine = "numpy"
    match params.action:
        case "resize":
            width, height = resized(params, picture.width, picture.height)
            picture = resize(picture, width, height, params.filter, on_strip=context.advance)
            engine = "pillow"
        case "crop":
            left, top, right, bottom = cropped(params, picture.width, picture.height)
            picture = Picture(picture.pixels[top:bottom, left:right])
        case "rotate" if params.angle % 90 == 0:
            picture = Picture(np.rot90(picture.pixels, -int(params.angle // 90)))
        case "rotate":
            picture = rotate(picture, params, context)
            engine = "pillow"
        case "flip":
            picture = Picture(np.flip(picture.pixels, axis=1 if params.direction == "horizontal" else 0))
    return Result(images={"image": picture}, engine=engine)


def rotate(picture: Picture, params: TransformParams, context: Context) -> Picture:
    """Turned clockwise around its middle, bicubic, in strips of rows."""
    width, height = rotated(params, picture.width, picture.height)
    source = _planes(picture.with_alpha())
    paper = PAPERS.get(params.corners) if picture.alpha is not None else None
    if paper is not None:
        source.append(_planes(Picture(np.full((picture.height, picture.width, 1), 255, np.uint8)))[0])
    sine, cosine = math.sin(math.radians(params.angle)), math.cos(math.radians(params.angle))
    pixels = np.empty((height, width, picture.with_alpha().pixels.shape[2]), picture.pixels.dtype)
    rows = max(1, STRIP_PIXELS // width)
    for top in range(0, height, rows):
        size = (width, min(rows, height - top))
        # Pillow asks where a pixel of the strip comes from: turned back around the two middles.
        x, y = -width / 2, top - height / 2
        matrix = (
            *(cosine, sine, picture.width / 2 + MARGIN + x * cosine + y * sine),
            *(-sine, cosine, picture.height / 2 + MARGIN - x * sine + y * cosine),
        )
        turned = (
            np.asarray(plane.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC))
            for plane in source
        )
        values = np.stack(list(turned), axis=2)
        if paper is not None:
            values = _on_paper(values, paper)
        pixels[top : top + size[1]] = straight(values, picture.pixels.dtype)
        context.advance((top + size[1]) / height)
    turned_picture = Picture(pixels)
    match params.corners:
        case "white" | "black" if picture.alpha is None:
            return flattened(turned_picture, PAPERS[params.corners])
        case "cut" if picture.alpha is None:
            return Picture(turned_picture.color)
    return turned_picture


def _on_paper(values: Pixels, paper: float) -> Pixels:
    """Premultiplied colour and alpha with opaque paper where the picture, by the last channel, is not."""
    empty = 1 - values[:, :, -1:]
    color, alpha = values[:, :, :-2], values[:, :, -2:-1]
    return np.concatenate([color + paper * empty, alpha + empty], axis=2)


def _planes(picture: Picture) -> list[Image.Image]:
    """Each channel in floats, premultiplied, with a transparent margin."""
    values = np.pad(premultiplied(picture.pixels), ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)))
    return [
        Image.fromarray(np.ascontiguousarray(values[:, :, channel])) for channel in range(values.shape[2])
    ]
