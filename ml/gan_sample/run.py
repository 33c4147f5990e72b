"""Faces and digits from random numbers."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from ml.core import latents
from ml.core.checkpoints import load_weights
from ml.core.context import Context, Inputs, Result
from ml.core.device import ready, torch_device
from ml.core.images import Pixels
from ml.core.sheets import film, sheet
from ml.gan_sample import DIGITS, GAP, WEIGHTS, GanParams, Method, shape
from ml.gan_sample.messages import DRAWING
from ml.gan_sample.networks import SHAPES, Generator, one_hot

CHUNK = 16
"""Pictures drawn between two questions whether to go on."""

GROUND = {"faces": 1.0, "digits": 0.0}
"""Of the sheet."""


@cache
def loaded(method: Method, device: str) -> Generator:
    """The generator, ready on its device; kept, since a worker runs many jobs."""
    network = Generator(SHAPES[method])
    load_weights(network, WEIGHTS[method].path())
    return ready(network, torch_device(device))


@torch.inference_mode()
def run(inputs: Inputs, params: GanParams, context: Context) -> Result:
    """A sheet of faces or digits, row by row; of a walk also a film."""
    generator, device = loaded(params.method, context.device), torch_device(context.device)
    columns, _rows = shape(params)
    asked = codes(params, context.generator)
    drawn: list[Pixels] = []
    for chunk in asked.split(CHUNK):
        context.advance(len(drawn) / len(asked), DRAWING)
        drawn += list(generator(chunk.to(device))[:, 0].float().cpu().numpy())
        so_far = sheet(np.stack(drawn), columns, GAP, GROUND[params.method])
        context.preview(so_far)
    result = Result(images={"image": so_far}, weights=(WEIGHTS[params.method].name,), engine="torch")
    if params.action == "interpolate":
        result.files = {"film": film(drawn, context.scratch / "film.mp4")}
    return result


def codes(params: GanParams, generator: torch.Generator) -> Tensor:
    """What the generator makes the sheet of, row by row, (N, latents + classes)."""
    of_method = SHAPES[params.method]
    count = params.stations if params.action == "interpolate" else params.count
    numbers = latents.drawn(count, of_method.latents, params.truncation, generator)
    classes = torch.arange(count) % DIGITS if params.digit is None else torch.full((count,), params.digit)
    kinds = one_hot(classes, of_method)
    if params.action == "interpolate":
        numbers, kinds = latents.walk(numbers, params.steps), latents.glide(kinds, params.steps)
    return torch.cat([numbers, kinds], dim=1)
