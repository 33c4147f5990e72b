"""Augmentation by torchvision's transforms, for the operation and for training alike."""

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.transforms import v2

from ml.augmentation import CELL_SIDE, GAP, AugmentationParams, fitted, grid, sheet_size
from ml.augmentation.messages import DRAWING
from ml.core.context import Context, Inputs, Result, ResultFile
from ml.core.device import cancellable
from ml.core.formats import FORMATS
from ml.core.images import Picture, Pixels, from_float, to_depth, to_float, write_picture
from ml.core.resize import resize

OUTSIDE = 0.5  # the gray of what comes in from outside the picture and of what is erased
HUE_SHARE = 0.1
LEAST_BLUR = 0.1
LEAST_ERASED = 0.02
LEAST_ALPHA = 0.5 / 65535


class Augmentation(nn.Module):
    """Draws random variants of images that are all of one size.

    Colour changes first, then place and shape, then sharpness, and in the end a part is erased. What is erased or
    comes in from outside is gray, or transparent where the image has alpha.
    """

    def __init__(self, params: AugmentationParams, width: int, height: int) -> None:
        super().__init__()
        strength = params.colour / 100
        self._recolor = v2.ColorJitter(strength, strength, strength, HUE_SHARE * strength)
        self._reshape = v2.Compose([v2.Identity(), *_reshaping(params, width, height)])

    def forward(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """A variant of an image (C, H, W) of floats from 0 to 1: gray or RGB and, where C is even, alpha."""
        colors = image.shape[0] - (image.shape[0] + 1) % 2
        color, given = image[:colors], image[colors:]
        alpha = given if len(given) else torch.ones_like(image[:1])
        with drawing_from(generator):
            reshaped = self._reshape(torch.cat([self._recolor(color) * alpha, alpha]))
        color, alpha = reshaped[:colors], reshaped[colors:]
        if len(given):
            return torch.cat([color / alpha.clamp(min=LEAST_ALPHA), alpha])
        return cast(Tensor, color + (1 - alpha) * OUTSIDE)


def _reshaping(params: AugmentationParams, width: int, height: int) -> Iterator[v2.Transform]:
    """What is switched on of the transforms that go over colour and alpha alike; what is outside is transparent."""
    if params.flip in ("horizontal", "both"):
        yield v2.RandomHorizontalFlip()
    if params.flip in ("vertical", "both"):
        yield v2.RandomVerticalFlip()
    if params.scale or params.shift or params.rotate or params.shear:
        yield v2.RandomAffine(
            degrees=params.rotate,
            translate=(params.shift / 100, params.shift / 100),
            scale=(1 / (1 + params.scale / 100), 1 + params.scale / 100),
            shear=(-params.shear, params.shear, -params.shear, params.shear),
            interpolation=v2.InterpolationMode.BILINEAR,
        )
    if params.crop:
        yield v2.RandomResizedCrop(
            (height, width), scale=(1 - params.crop / 100, 1), ratio=(width / height, width / height)
        )
    if params.blur:
        # The border is mirrored, which reaches no further than the picture.
        radii = (min(math.ceil(3 * params.blur), side - 1) for side in (width, height))
        kernel = [2 * radius + 1 for radius in radii]
        blur = v2.GaussianBlur(kernel, (min(LEAST_BLUR, params.blur), params.blur))
        yield v2.RandomApply([blur], p=0.5)
    if params.erase:
        share = params.erase / 100
        yield v2.RandomErasing(p=0.5, scale=(min(LEAST_ERASED, share), share))


@contextmanager
def drawing_from(generator: torch.Generator) -> Iterator[None]:
    """Within it, torch's global generator is seeded from this one: torchvision's transforms take no other."""
    seed = torch.randint(2**62, (), generator=generator, device=generator.device)
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(int(seed))
        yield


def run(inputs: Inputs, params: AugmentationParams, context: Context) -> Result:
    """Variants of the slot `image`: `image`, a sheet of 8 bits a channel, shows them all; `variants` is a ZIP of PNG files."""
    picture = shrunk(inputs.picture("image"), params.size, context)
    augmentation = Augmentation(params, picture.width, picture.height)
    image = torch.from_numpy(to_float(picture.pixels)).permute(2, 0, 1).contiguous()
    sheet = Sheet(picture, params.count)
    target, file = context.scratch / "variants.zip", context.scratch / "variant.png"
    with zipfile.ZipFile(target, "w") as archive, cancellable(augmentation, context):
        for number in range(params.count):
            context.advance(number / params.count, DRAWING)
            values = augmentation(image, context.generator).permute(1, 2, 0).numpy()
            variant = Picture(from_float(values, picture.pixels.dtype))
            context.check_cancelled()
            write_picture(variant, file, "png")
            # Without the time of day, so that the same recipe makes the same archive.
            archive.writestr(zipfile.ZipInfo(f"variant-{number + 1:02}.png"), file.read_bytes())
            sheet.paste(number, variant)
            context.preview(sheet.picture)
    return Result(
        images={"image": sheet.picture},
        files={"variants": ResultFile(target, FORMATS["zip"])},
        engine="torchvision",
    )


def shrunk(picture: Picture, side: int, context: Context) -> Picture:
    """At most `side` pixels wide and high."""
    width, height = fitted(picture.width, picture.height, side)
    if (width, height) == (picture.width, picture.height):
        return picture
    return resize(picture, width, height, on_strip=lambda _done: context.check_cancelled())


class Sheet:
    """A contact sheet on white or, where the picture has alpha, on nothing."""

    def __init__(self, picture: Picture, count: int) -> None:
        """For `count` variants of the size and channels of `picture`."""
        self._cell = fitted(picture.width, picture.height, CELL_SIDE)
        self._columns, _rows = grid(count, *self._cell)
        width, height = sheet_size(count, picture.width, picture.height)
        self._pixels: Pixels = np.full((height, width, picture.pixels.shape[2]), 255, np.uint8)
        if picture.alpha is not None:
            self._pixels[:, :, -1] = 0

    @property
    def picture(self) -> Picture:
        return Picture(self._pixels)

    def paste(self, number: int, variant: Picture) -> None:
        width, height = self._cell
        row, column = divmod(number, self._columns)
        top, left = GAP + row * (height + GAP), GAP + column * (width + GAP)
        small = resize(Picture(to_depth(variant.pixels, np.uint8)), width, height)
        self._pixels[top : top + height, left : left + width] = small.pixels
