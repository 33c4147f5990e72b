"""`python -m ml run --recipe CHAIN.json INPUT… -o FOLDER`: all steps of a recipe, on each input."""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ml.core import chain
from ml.core.chain import ChainStep
from ml.core.context import Context
from ml.core.formats import WantedFormat
from ml.core.sniffing import sniffed_at
from ml.core.terminal import Terminal
from ml.recipe_files import read_recipe
from ml.results import tell, write


def is_for(arguments: Sequence[str]) -> bool:
    """Whether these ask for a recipe of several steps."""
    known, _rest = _recipe_option().parse_known_args(arguments)
    return known.recipe is not None and len(read_recipe(known.recipe)) > 1


def run(arguments: Sequence[str]) -> int:
    """Run all steps on each input; one line of JSON for each."""
    parser = argparse.ArgumentParser(
        prog="python -m ml run", parents=[_recipe_option()], description=run.__doc__, allow_abbrev=False
    )
    parser.add_argument("input", nargs="+", type=Path, help="photos, or what else the first step takes")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: %(default)s")
    asked = parser.parse_args(arguments)
    steps = chain.steps_in(read_recipe(asked.recipe))
    for photo in asked.input:
        _run(steps, photo, asked.out, asked.device)
    return 0


def _recipe_option() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--recipe", type=Path)
    return parser


def _run(steps: Sequence[ChainStep], photo: Path, out: Path, device: str) -> None:
    open_contexts: list[Terminal] = []

    def context_of(step: ChainStep) -> Context:
        context = Terminal(step.operation.slug, seed=step.seed or 0, device=device)
        open_contexts.append(context)
        return context

    with tempfile.TemporaryDirectory() as folder:
        try:
            done = chain.run(steps, photo, Path(folder), context_of)
        finally:
            for context in open_contexts:
                context.close()
        stem = "-".join([photo.stem, *(step.operation.slug for step in steps)])
        out.mkdir(parents=True, exist_ok=True)
        wanted: WantedFormat = getattr(done.params, "format", "png")
        tell(write(done.result, out, stem, wanted, sniffed_at(photo), done.recipe), done.result)
