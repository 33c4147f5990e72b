"""Faces from random numbers."""

from functools import cache

import numpy as np
import torch

from ml.core import latents
from ml.core.checkpoints import load_weights
from ml.core.context import Context, Inputs, Result
from ml.core.device import ready, torch_device
from ml.core.images import Pixels
from ml.core.sheets import film, sheet
from ml.core.text import _
from ml.gan import FACES, GAP, GanParams, shape
from ml.gan.networks import LATENTS, Generator

CHUNK = 16
"""Faces drawn between two questions whether to go on."""


@cache
def loaded(device: str) -> Generator:
    """The generator, ready on its device; kept, since a worker runs many jobs."""
    network = Generator()
    load_weights(network, FACES.path())
    return ready(network, torch_device(device))


@torch.inference_mode()
def run(inputs: Inputs, params: GanParams, context: Context) -> Result:
    """A sheet of faces, row by row; of a walk also a film."""
    generator, device = loaded(context.device), torch_device(context.device)
    columns, _rows = shape(params)
    if params.action == "interpolate":
        stations = latents.drawn(params.stations, LATENTS, params.truncation, context.generator)
        codes = latents.walk(stations, params.steps)
    else:
        codes = latents.drawn(params.count, LATENTS, params.truncation, context.generator)
    faces: list[Pixels] = []
    for chunk in codes.split(CHUNK):
        context.advance(len(faces) / len(codes), _("Drawing faces"))
        faces += list(generator(chunk.to(device))[:, 0].float().cpu().numpy())
        context.preview(sheet(np.stack(faces), columns, GAP, ground=1.0))
    result = Result(
        images={"faces": sheet(np.stack(faces), columns, GAP, ground=1.0)},
        weights=(FACES.name,),
        engine="torch",
    )
    if params.action == "interpolate":
        result.files = {"film": film(faces, context.scratch / "film.mp4")}
    return result
