"""The trainer: any network, a loss that draws its own batches, a run that can be killed and taken up again.

All randomness of a step comes from a generator seeded by (seed, step), and the learning rate is a function of
the step, so that a run that was interrupted ends with the weights of one that was not.
"""

import argparse
import hashlib
import json
import math
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from matplotlib.figure import Figure
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from ml.core.checkpoints import load_weights
from ml.core.errors import InputError
from ml.core.messages import ANOTHER_SEED
from ml.core.metrics import quantise, read_pictures
from ml.core.model_cards import write_card
from ml.core.resampling import resize_bicubic

Tensors = tuple[Tensor, ...] | list[Tensor]

LOG_EVERY = 20


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to train and how: everything but the machine and the place on disk."""

    name: str
    """Of the weights: NAME.safetensors, NAME.json, NAME.png."""
    network: nn.Module
    loss: Callable[[nn.Module, torch.Generator], Tensor]
    """Draws a batch with the generator (which lives on the training device) and gives its scalar loss."""
    validate: Callable[[nn.Module], dict[str, float]]
    """Figures of the averaged network on held-back data, by name; the first is the one to maximise."""
    data: str
    """What it learns from, in words."""
    terms: str
    """The terms of that data, and so of the weights."""
    steps: int
    learning_rate: float
    warmup: int = 500
    """Steps over which the learning rate rises; after them it falls along a half cosine to nothing."""
    averaging: float = 0.999
    """Decay of the exponential moving average of the weights, which is what is validated and written."""
    validate_every: int = 1000
    betas: tuple[float, float] = (0.9, 0.999)
    """Of Adam."""
    exported: str = ""
    """The module of the network that is written, by its dotted name; the whole network where that is empty."""
    unit: str = "dB"
    """Of the figures, for the curves."""
    bf16: bool = True
    """Whether bf16 is precise enough for what is to be learned: see `autocast`."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a run happens and what it leaves behind."""

    weights: Path
    checkpoints: Path
    device: torch.device
    seed: int = 0
    init: Path | None = None
    """Weights to start from; none: untrained."""
    checkpoint_every: int = 200

    @classmethod
    def of(cls, args: argparse.Namespace, weights: Path) -> Self:
        """As the options say that :func:`add_arguments` adds; ``weights`` is where none is named."""
        return cls(
            weights=args.weights or weights,
            checkpoints=args.checkpoints,
            device=torch.device(args.device),
            seed=args.seed,
            init=args.init,
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that every training has."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the training data")
    parser.add_argument("--steps", type=int, help="how many; the learning rate falls to nothing over them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", choices=("cpu", "cuda"), default=default_device())
    parser.add_argument(
        "--checkpoints",
        type=Path,
        default=Path("var/checkpoints"),
        metavar="DIR",
        help="a run that was cut off is taken up from here (default: %(default)s)",
    )
    parser.add_argument("--weights", type=Path, metavar="DIR", help="where weights, card and curves go")
    parser.add_argument("--init", type=Path, metavar="FILE", help="weights to start from, to train on")


def default_device() -> str:
    """CUDA where there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def train(plan: Plan, place: Place) -> dict[str, Any]:
    """Train to the plan's last step, from the newest checkpoint if there is one; returns the card.

    At each validation that is the best so far, the averaged weights (fp16), card and curves are written.
    """
    torch.manual_seed(place.seed)
    if place.init:
        load_weights(plan.network.get_submodule(plan.exported), place.init)
    network = plan.network.to(place.device).to(memory_format=torch.channels_last)
    averaged = AveragedModel(network, multi_avg_fn=_moving_average(plan.averaging))
    optimiser = torch.optim.Adam(network.parameters(), lr=plan.learning_rate, betas=plan.betas)
    checkpoint = place.checkpoints / f"{plan.name}.pt"
    state: dict[str, Any] = {"step": 0, "seconds": 0.0, "best": None}
    state |= {"schedule": [], "losses": [], "validations": []}
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=place.device, weights_only=True)
        if saved["seed"] != place.seed:
            raise InputError(ANOTHER_SEED, checkpoint=str(checkpoint), seed=saved["seed"])
        network.load_state_dict(saved["network"])
        averaged.load_state_dict(saved["averaged"])
        optimiser.load_state_dict(saved["optimiser"])
        state = saved["state"]
    planned = [plan.steps, plan.learning_rate]
    if not state["schedule"] or state["schedule"][-1][1:] != planned:
        state["schedule"].append([state["step"], *planned])

    started = time.monotonic() - state["seconds"]
    running = 0.0
    card: dict[str, Any] = {}
    with tqdm(total=plan.steps, initial=state["step"], desc=plan.name, unit="step", mininterval=2) as bar:
        while state["step"] < plan.steps:
            step = state["step"]
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(step, plan.steps, plan.learning_rate, plan.warmup)
            generator = torch.Generator(place.device).manual_seed(step_seed(place.seed, step))
            with autocast(place.device, plan.bf16):
                loss = plan.loss(network, generator)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            averaged.update_parameters(network)
            step = state["step"] = step + 1
            bar.update()

            running = loss.item() if not running else 0.98 * running + 0.02 * loss.item()
            if step % LOG_EVERY == 0:
                state["losses"].append((step, running))
            state["seconds"] = time.monotonic() - started
            if step % plan.validate_every == 0 or step == plan.steps:
                figures = _validate(plan, averaged.module)
                state["validations"].append((step, figures))
                score = next(iter(figures.values()))
                bar.set_postfix(figures)
                if state["best"] is None or score >= state["best"]:
                    state["best"] = score
                    card = _export(plan, place, averaged.module.get_submodule(plan.exported), state)
            if step % place.checkpoint_every == 0 or step == plan.steps:
                _save_atomically(
                    checkpoint,
                    {
                        "seed": place.seed,
                        "network": network.state_dict(),
                        "averaged": averaged.state_dict(),
                        "optimiser": optimiser.state_dict(),
                        "state": state,
                    },
                )
    return card or json.loads((place.weights / f"{plan.name}.json").read_text())


def learning_rate(step: int, steps: int, peak: float, warmup: int) -> float:
    """A linear rise to the peak, then half a cosine down to zero at the last step."""
    warmup = min(warmup, steps // 10)
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def _moving_average(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """Exponential moving average whose memory is short at first, so that it forgets the untrained weights."""

    def update(averaged: Tensors, current: Tensors, count: Tensor | int) -> None:
        share = max(1 - decay, 9 / (10 + float(count)))
        torch._foreach_lerp_(averaged, current, share)

    return update


def step_seed(seed: int, step: int) -> int:
    """The seed of one step's generator: well mixed, so that neighbouring steps have nothing in common."""
    return int.from_bytes(hashlib.blake2b(f"{seed}:{step}".encode(), digest_size=8).digest())


def autocast(device: torch.device, precise_enough: bool) -> AbstractContextManager[Any]:
    """bf16 where that is fast and precise enough; fp32 elsewhere.

    A processor without instructions for it takes several times as long. A network that is to meet a picture to within
    1/255 learns to make up for the roundings: FSRCNN lost 0.17 dB so, once the learning rate was small.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precise_enough and fast_in_bf16(device))


def fast_in_bf16(device: torch.device) -> bool:
    """CUDA, and processors with AVX-512's or AMX's instructions for bf16."""
    able = torch.cpu.get_capabilities()
    return device.type == "cuda" or bool(able.get("avx512_bf16") or able.get("amx_bf16"))


class Crops:
    """Square crops of pictures held in memory, drawn at random, flipped and turned by quarters."""

    def __init__(self, pictures: Sequence[Tensor], weights: Sequence[float], device: torch.device) -> None:
        """Pictures are uint8 (C, H, W); a picture is drawn in proportion to its weight times its pixels."""
        self.pictures = [picture.to(device) for picture in pictures]
        areas = [picture.shape[1] * picture.shape[2] for picture in pictures]
        self.chances = torch.tensor(weights, device=device) * torch.tensor(areas, device=device)
        self.sides = torch.tensor([min(picture.shape[1:]) for picture in pictures], device=device)

    def draw(self, count: int, size: int, generator: torch.Generator) -> Tensor:
        """A batch (count, C, size, size) in [0, 1], from the pictures that are at least ``size`` a side."""
        device = self.chances.device
        chances = self.chances * (self.sides >= size)
        chosen = torch.multinomial(chances, count, replacement=True, generator=generator).tolist()
        places = torch.rand(count, 2, generator=generator, device=device).tolist()
        turns = torch.randint(8, (count,), generator=generator, device=device).tolist()
        crops = []
        for index, (down, across), turn in zip(chosen, places, turns, strict=True):
            picture = self.pictures[index]
            top = int(down * (picture.shape[1] - size + 1))
            left = int(across * (picture.shape[2] - size + 1))
            crop = picture[:, top : top + size, left : left + size].rot90(turn % 4, (1, 2))
            crops.append(crop.flip(2) if turn >= 4 else crop)
        return torch.stack(crops).float() / 255


def read_crops(
    folders: Mapping[Path, float],
    scalings: Sequence[float],
    convert: Callable[[Tensor], Tensor],
    device: torch.device,
) -> tuple[Crops, list[Tensor]]:
    """Crops of the pictures in some folders, each in all the scalings, and the pictures held back.

    Folders come with the weight of their pixels. ``convert`` takes RGB or gray (C, H, W) in [0, 1]; the crops
    are of what it returns. Every twentieth picture of a folder is held back and comes as uint8 (C, H, W).
    """
    crops: list[Tensor] = []
    weights: list[float] = []
    held_back: list[Tensor] = []
    for folder, weight in folders.items():
        for index, (_, picture) in enumerate(read_pictures(folder)):
            if index % 20 == 10:
                held_back.append(picture)
                continue
            converted = convert(picture.float() / 255)
            for scaling in scalings:
                scaled = converted if scaling == 1 else resize_bicubic(converted, scaling)
                crops.append((quantise(scaled) * 255).to(torch.uint8))
                weights.append(weight)
    return Crops(crops, weights, device), held_back


def _validate(plan: Plan, network: nn.Module) -> dict[str, float]:
    network.eval()
    with torch.inference_mode():
        return plan.validate(network)


def _save_atomically(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _export(plan: Plan, place: Place, network: nn.Module, state: Mapping[str, Any]) -> dict[str, Any]:
    """Write NAME.safetensors (fp16), NAME.json (the card) and NAME.png (the curves); returns the card."""
    place.weights.mkdir(parents=True, exist_ok=True)
    target = place.weights / f"{plan.name}.safetensors"
    partial = target.with_suffix(".partial")
    partial.write_bytes(
        save({name: tensor.half().contiguous() for name, tensor in network.state_dict().items()})
    )
    partial.replace(target)
    step, validation = state["validations"][-1]
    card = {
        "name": plan.name,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "data": plan.data,
        "terms": plan.terms,
        "command": _command(),
        "seed": place.seed,
        **({"init_sha256": hashlib.sha256(place.init.read_bytes()).hexdigest()} if place.init else {}),
        "step": step,
        "schedule": [
            {"from": start, "steps": steps, "learning_rate": peak} for start, steps, peak in state["schedule"]
        ],
        "minutes": round(state["seconds"] / 60, 1),
        "machine": _machine(place.device),
        "precision": "bf16" if plan.bf16 and fast_in_bf16(place.device) else "fp32",
        "torch": torch.__version__,
        "validation": validation,
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
    }
    write_card(place.weights / f"{plan.name}.json", card)
    _draw_curves(place.weights / f"{plan.name}.png", plan, state)
    return card


def _command() -> str:
    arguments = sys.argv[1:]
    return shlex.join(["python", "-m", "ml", "train", *arguments[arguments[:1] == ["train"] :]])


def _machine(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next((line.split(": ")[1] for line in lines if line.startswith("model name")), processor)
    return f"{processor}, {torch.get_num_threads()} threads"


def _draw_curves(path: Path, plan: Plan, state: Mapping[str, Any]) -> None:
    figure = Figure(figsize=(10, 4), layout="constrained")
    loss, figures = figure.subplots(1, 2)
    loss.plot([step for step, _ in state["losses"]], [value for _, value in state["losses"]], linewidth=1)
    loss.set(xlabel="step", ylabel="training loss", title=plan.name)
    for name in state["validations"][-1][1]:
        points = [(step, values[name]) for step, values in state["validations"]]
        figures.plot(*zip(*points, strict=True), marker=".", label=name)
    figures.set(xlabel="step", ylabel=plan.unit, title="held-back pictures")
    figures.legend()
    figure.savefig(path, dpi=100)
