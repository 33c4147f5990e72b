"""The command line: every operation, its params as options, without any web site."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, get_args

import pydantic

from ml import chain_command
from ml.core import recipe as recipes
from ml.core.context import Inputs
from ml.core.errors import InputError, OperationError, ParamsError, UnknownOperation, WeightsUnavailable
from ml.core.execution import execute, recipe
from ml.core.files import facts
from ml.core.formats import WRITTEN, FileFormat, Format
from ml.core.messages import IN_FILE
from ml.core.operation import Operation, choices
from ml.core.sniffing import sniffed_at
from ml.core.terminal import Terminal
from ml.core.text import Message, _, capped
from ml.core.weights import Weights
from ml.recipe_files import read_recipe
from ml.registry import registry
from ml.results import into_folder, tell, write

ANOTHER_VERSION = Message(
    "command_line.another_version",
    _("This recipe is of another version of the operation: the result may differ."),
)
STOPPED = Message("command_line.stopped", _("Stopped."))
WRONG_SEED = Message(
    "command_line.wrong_seed",
    _("a seed is a whole number from {least} to {most}"),
    {"least": 0, "most": recipes.LARGEST_SEED},
)
TOO_MANY_FILES = Message("command_line.too_many_files", _("Too many files: there is no place for {files}."))
RECIPE_OF_ANOTHER = Message(
    "command_line.recipe_of_another",
    _("The recipe is one for {recipe}, not for {operation}. Leave the operation out."),
)
UNKNOWN_SUFFIX = Message(
    "command_line.unknown_suffix", _("A picture cannot be written as {suffix}. Name it with one of: {known}.")
)
UNKNOWN_WEIGHTS = Message(
    "command_line.unknown_weights", _("There are no weights “{name}”; there are: {known}.")
)
WRONG_USAGE = Message("command_line.wrong_usage", _("{words}. {program} --help tells more."))
NAME_AN_OPERATION = Message("command_line.name_an_operation", _("Name an operation: {known}."))


FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code: 0, 1 when it failed, 2 when it was asked wrongly."""
    commands: dict[str, Callable[[Sequence[str]], int]] = {
        "list": list_operations,
        "run": run,
        "evaluate": evaluate,
        "train": train,
        "weights": weights,
    }
    parser = _Parser(prog="python -m ml", description="Images in, images out.")
    parser.add_argument("command", choices=commands)
    try:
        command = parser.parse_args(arguments[:1] or ["--help"]).command
        return commands[command](arguments[1:])
    except (ParamsError, UnknownOperation) as error:
        return _failure(error, WRONG_USE)
    except OperationError as error:
        return _failure(error, FAILED)
    except OSError as error:
        return _failure(f"{error.filename}: {error.strerror}" if error.filename else error, FAILED)
    except KeyboardInterrupt:
        return _failure(STOPPED, INTERRUPTED)
    except Exception as error:
        return _failure(f"{type(error).__name__}: {error}", FAILED)


def list_operations(arguments: Sequence[str]) -> int:
    """Every operation with its methods."""
    _Parser(prog="python -m ml list", description=list_operations.__doc__).parse_args(arguments)
    for operation in registry().all():
        print(f"{operation.slug:26} {operation.summary}")
        for method, option in operation.methods.items():
            print(f"    --method {method:22} {option.title}{option.hint and f': {option.hint}'}")
    return 0


def run(arguments: Sequence[str]) -> int:
    """Run an operation on files and write its result, which carries its recipe."""
    if chain_command.is_for(arguments):
        return chain_command.run(arguments)
    job = _parse_run(arguments)
    params = job.operation.parse(job.params)
    context = Terminal(job.operation.slug, seed=job.seed, device=job.device)
    try:
        result = execute(job.operation, params, job.inputs, context)
    finally:
        context.close()
    how = recipe(job.operation, params, job.inputs, result, context)
    tell(write(result, job.out, job.stem, getattr(params, "format", "png"), job.source, how), result)
    return 0


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What a `run` command asks for."""

    operation: Operation
    params: dict[str, Any]
    inputs: Inputs
    seed: int
    device: str
    out: Path
    stem: str

    @property
    def source(self) -> Format | None:
        """The format of the first input."""
        first = next(chain.from_iterable(self.inputs.values()), None)
        return sniffed_at(first) if first else None


def _parse_run(arguments: Sequence[str]) -> _Job:
    first = _Parser(add_help=False, allow_abbrev=False)
    first.add_argument("--recipe", type=Path)
    known, rest = first.parse_known_args(arguments)
    (followed,) = read_recipe(known.recipe) if known.recipe else ({},)
    operation, rest = _choose_operation(rest, followed)

    parser = _Parser(
        prog=f"python -m ml run {operation.slug}",
        description=operation.summary,
        allow_abbrev=False,
        epilog="--recipe FILE takes params and seed from a recipe (JSON) or from a result that carries one.",
    )
    several = " (several)" if any(slot.many for slot in operation.inputs) else ""
    parser.add_argument(
        "input", nargs="*", type=Path, help=", then ".join(slot.title for slot in operation.inputs) + several
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="OUT",
        help="a file for the first output, or a folder for all",
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: %(default)s")
    parser.add_argument("--seed", type=_seed, default=followed.get("seed") or 0, help="default: %(default)s")
    for name, field in operation.params.model_fields.items():
        _add_param(parser, operation, name, field)
    chosen = vars(parser.parse_args(rest))
    params = {name: chosen[name] for name in operation.params.model_fields if name in chosen}
    job = _Job(
        operation=operation,
        params=followed.get("params", {}) | params,
        inputs=_fill_slots(operation, chosen["input"]),
        seed=chosen["seed"],
        device=chosen["device"],
        out=chosen["out"],
        stem="-".join([*(path.stem for path in chosen["input"][:1]), operation.slug]),
    )
    if not into_folder(job.out) and "format" in operation.params.model_fields and "format" not in params:
        job.params["format"] = _format_of(job.out)
    return job


def _choose_operation(arguments: list[str], followed: dict[str, Any]) -> tuple[Operation, list[str]]:
    """The operation that is named, or that of the recipe; and the other arguments."""
    at = next((index for index, argument in enumerate(arguments) if argument in registry()), None)
    if at is not None:
        slug = registry().get(arguments[at]).slug
        arguments = arguments[:at] + arguments[at + 1 :]
        if followed.get("operation", slug) != slug:
            raise ParamsError(RECIPE_OF_ANOTHER, recipe=followed["operation"], operation=slug)
    elif followed:
        slug = followed["operation"]
    else:
        slug = next((argument for argument in arguments if not argument.startswith("-")), "")
        if not slug:
            raise ParamsError(
                NAME_AN_OPERATION, known=", ".join(sorted(each.slug for each in registry().all()))
            )
    operation = registry().get(slug)
    if followed and followed.get("version") != operation.version:
        print(ANOTHER_VERSION, file=sys.stderr)
    return operation, arguments


def _seed(text: str) -> int:
    number = capped(text, recipes.LARGEST_SEED + 1)
    if recipes.is_seed(number):
        return number
    raise argparse.ArgumentTypeError(str(WRONG_SEED))


def _add_param(
    parser: argparse.ArgumentParser, operation: Operation, name: str, field: pydantic.fields.FieldInfo
) -> None:
    """An option of the param's own name; its value is left to the model to check."""
    option, absent = f"--{name.replace('_', '-')}", argparse.SUPPRESS
    default = "" if field.default is None else f" (default: {field.default})"
    described = f"{field.title}. {field.description or ''}{default}".replace("%", "%%")
    if field.annotation is bool:
        parser.add_argument(option, action=argparse.BooleanOptionalAction, default=absent, help=described)
        return
    values = (
        {str(value): value for value in get_args(field.annotation)} if choices(operation.params, name) else {}
    )
    parser.add_argument(
        option,
        dest=name,
        type=lambda text: values.get(text, text),
        default=absent,
        metavar="|".join(values) or "VALUE",
        help=described,
    )


def _fill_slots(operation: Operation, paths: list[Path]) -> Inputs:
    """Each file goes into the first slot that takes its kind and has room, so that a slot for many takes the rest."""
    files: dict[str, list[Path]] = {}
    too_many: list[Path] = []
    for path in paths:
        try:
            kind = facts(path).kind
        except InputError as error:
            raise InputError(IN_FILE, file=str(path), reason=error.message) from None
        free = [slot for slot in operation.inputs if len(files.get(slot.name, ())) < slot.maximum]
        if free:
            # What no slot takes is left to the check of the inputs, which says so.
            slot = next((slot for slot in free if slot.takes(kind)), free[0])
            files.setdefault(slot.name, []).append(path)
        else:
            too_many.append(path)
    if too_many:
        raise ParamsError(TOO_MANY_FILES, files=", ".join(str(path) for path in too_many))
    return Inputs(files)


def _format_of(path: Path) -> FileFormat:
    try:
        return WRITTEN[path.suffix.lower()]
    except KeyError:
        raise ParamsError(UNKNOWN_SUFFIX, suffix=path.suffix, known=", ".join(WRITTEN)) from None


def evaluate(arguments: Sequence[str]) -> int:
    """Measure an operation's methods on a folder of pictures; prints one line of JSON."""
    modules = _modules("evaluate")
    name, rest = _name_first("evaluate", modules, arguments)
    parser = _Parser(prog=f"python -m ml evaluate {name}", description=modules[name]().__doc__)
    modules[name]().add_arguments(parser)
    print(json.dumps(modules[name]().main(parser.parse_args(rest)), ensure_ascii=False))
    return 0


def train(arguments: Sequence[str]) -> int:
    """Train a network; prints its card as one line of JSON."""
    modules = {name: module for module in _modules("train").values() for name in module().NETWORKS}
    name, rest = _name_first("train", modules, arguments)
    parser = _Parser(prog=f"python -m ml train {name}", description=modules[name]().__doc__)
    modules[name]().add_arguments(parser)
    print(json.dumps(modules[name]().main(name, parser.parse_args(rest)), ensure_ascii=False))
    return 0


def _modules(kind: str) -> dict[str, Callable[[], ModuleType]]:
    """By operation, how to import the module of that name from its package, for those that have one."""
    names = {operation.slug: f"{operation.run.rpartition('.')[0]}.{kind}" for operation in registry().all()}
    return {slug: lambda name=name: import_module(name) for slug, name in names.items() if find_spec(name)}  # type: ignore[misc]


def _name_first(command: str, known: dict[str, Any], arguments: Sequence[str]) -> tuple[str, Sequence[str]]:
    parser = _Parser(prog=f"python -m ml {command}", description=globals()[command].__doc__)
    parser.add_argument("name", choices=sorted(known))
    return parser.parse_args(arguments[:1]).name, arguments[1:]


def weights(arguments: Sequence[str]) -> int:
    """What weights there are, and whether they are on this machine."""
    parser = _Parser(prog="python -m ml weights", description=weights.__doc__)
    parser.add_argument(
        "--verify", action="store_true", help="compare every file with the checksum on its card"
    )
    parser.add_argument(
        "--fetch", metavar="NAME", help="download weights that do not come with an installation"
    )
    chosen = parser.parse_args(arguments)
    cards = {card.name: card for operation in registry().all() for card in operation.weights}
    if chosen.fetch:
        if chosen.fetch not in cards:
            raise ParamsError(UNKNOWN_WEIGHTS, name=chosen.fetch, known=", ".join(cards))
        print(cards[chosen.fetch].fetch())
        return 0
    states = {name: _state(card, verify=chosen.verify) for name, card in cards.items()}
    for name, card in cards.items():
        print(f"{name:28} {card.size / 1e6:7.1f} MB  {states[name]:10} {card.title}. {card.licence}")
    return FAILED if "damaged" in states.values() else 0


def _state(card: Weights, *, verify: bool) -> str:
    if card.locate() is None:
        return "not here"
    if not verify:
        return "here"
    try:
        card.path()
    except WeightsUnavailable:
        return "damaged"
    return "verified"


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        raise ParamsError(WRONG_USAGE, words=message[:1].upper() + message[1:], program=self.prog)


def _failure(error: object, code: int) -> int:
    print(f"Error: {error}" if code != INTERRUPTED else error, file=sys.stderr)
    return code
