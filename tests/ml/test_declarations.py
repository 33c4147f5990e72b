"""Declarations: light to import, complete, and one line in the registry."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

import pydantic
import pytest

from ml.core.errors import ParamsError, UnknownOperation
from ml.core.operation import Estimate, Facts, Kind, Operation, Params, Slot, choices
from ml.core.weights import ML_ROOT, Package
from ml.registry import Registry, registry

HEAVY = {
    "torch",
    "torchvision",
    "cv2",
    "skimage",
    "scipy",
    "onnxruntime",
    "av",
    "matplotlib",
    "django",
    "celery",
    "redis",
    "jobs",
}
RESERVED = {"o", "out", "device", "seed", "recipe", "input", "help"}
BOUNDS = ("ge", "gt", "le", "lt", "max_length", "pattern")

OPERATIONS = registry().all()
ON_MORE = {
    "train-classifier": {"archive": [Facts(Kind.ARCHIVE, 0, 0, frames=300)]},
    "burst-super-resolution": {"frames": [Facts(Kind.IMAGE, 4000, 3000)] * 16},
}
"""What those are given that cannot run on one photo."""

FIELDS = [
    pytest.param(operation, name, field, id=f"{operation.slug}-{name}")
    for operation in OPERATIONS
    for name, field in operation.params.model_fields.items()
]


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ML_ROOT.parent, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_registry_imports_nothing_heavy() -> None:
    loaded = run_python(
        "import sys; from ml.registry import registry; import ml.core.execution; registry().all();"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    ).split()
    assert not HEAVY & set(loaded)


def test_the_command_line_works_without_django() -> None:
    listed = run_python(
        "import sys; sys.modules['django'] = sys.modules['celery'] = sys.modules['jobs'] = None;"
        "from ml.command_line import main; sys.exit(main(['list']))"
    )
    assert all(operation.slug in listed for operation in OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.slug)
def test_every_operation_is_described(operation: Operation) -> None:
    assert operation.title
    assert operation.summary.endswith(".")
    for slot in operation.inputs:
        assert slot.title
        assert slot.name.isidentifier()
        assert 0 <= slot.minimum <= slot.maximum
    assert operation.function().__doc__


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.slug)
def test_every_operation_runs_with_its_defaults_on_any_photo_in_time(operation: Operation) -> None:
    for width, height in ((1, 1), (640, 480), (4000, 3000)):
        inputs = ON_MORE.get(operation.slug) or {
            slot.name: [Facts(Kind.IMAGE if Kind.IMAGE in slot.accepts else min(slot.accepts), width, height)]
            * max(slot.minimum, 1)
            for slot in operation.inputs
            if slot.required
        }
        operation.check_inputs(inputs)
        estimate = operation.estimate(operation.parse({}), inputs)
        assert 0 < estimate.seconds <= operation.deadline_seconds
        assert estimate.megapixels <= 120


@pytest.mark.parametrize(("operation", "name", "field"), FIELDS)
def test_every_param_is_described_and_bounded(
    operation: Operation, name: str, field: pydantic.fields.FieldInfo
) -> None:
    assert field.title
    assert field.description
    assert not field.is_required()
    assert name not in RESERVED
    titles = choices(operation.params, name)
    if titles:
        allowed = next(item for item in flat(field.annotation) if get_origin(item) is Literal)
        assert set(titles) == {str(value) for value in get_args(allowed)}
        assert all(titles.values())
    elif field.annotation is not bool:
        assert any(hasattr(item, bound) for item in field.metadata for bound in BOUNDS), "no bounds"


@pytest.mark.parametrize(("operation", "name", "field"), FIELDS)
def test_a_param_for_some_choices_names_real_ones(
    operation: Operation, name: str, field: pydantic.fields.FieldInfo
) -> None:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    when = extra.get("when", {})
    assert isinstance(when, Mapping)
    for other, values in when.items():
        assert set(values) <= set(choices(operation.params, other))


def flat(annotation: Any) -> Iterator[Any]:
    """A type and those of its union."""
    yield annotation
    if get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            yield from flat(part)


@pytest.mark.parametrize(
    "weights",
    [weights for operation in OPERATIONS for weights in operation.weights],
    ids=lambda weights: weights.name,
)
def test_every_card_is_complete(weights: Any) -> None:
    for text in (
        weights.title,
        weights.summary,
        weights.paper,
        weights.licence,
        weights.origin,
        weights.engine,
    ):
        assert text
    assert len(weights.sha256) == 64
    if isinstance(weights.source, Package):
        assert weights.path().stat().st_size == weights.size


class ExampleParams(Params):
    strength: float = pydantic.Field(1, ge=0, le=2, title="Strength", description="How much.")
    scale: Literal[2, 3] = pydantic.Field(2, title="Scale", description="How large.")


def example(slug: str = "example", **changes: Any) -> Operation:
    declared: dict[str, Any] = {
        "slug": slug,
        "title": "Example",
        "summary": "An example.",
        "inputs": (
            Slot(name="image", title="Picture"),
            Slot(name="others", title="Others", minimum=0, maximum=2),
        ),
        "params": ExampleParams,
        "estimate": lambda params, inputs: Estimate(1, 1, 1),
        "run": "tests.ml.samples:photo",
    }
    return Operation(**declared | changes)


def test_the_registry_refuses_duplicates_and_stays_unchanged() -> None:
    found = Registry()
    first = example()
    found.add(first)
    with pytest.raises(ValueError, match="example"):
        found.add(example(title="Another"))
    assert found.all() == [first]


def test_an_unknown_operation_is_refused_with_the_known_ones() -> None:
    found = Registry()
    found.add(example())
    with pytest.raises(UnknownOperation, match=r"“nothing”.*example"):
        found.get("nothing")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"strength": 3}, "strength"),
        ({"strength": "much"}, "strength"),
        ({"scale": 5}, "2 or 3"),
        ({"colour": "red"}, "no param “colour”"),
        ({"strength": float("nan")}, "strength"),
    ],
)
def test_a_wrong_param_gets_one_clear_sentence(params: dict[str, Any], words: str) -> None:
    with pytest.raises(ParamsError, match=words) as caught:
        example().parse(params)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert caught.value.code == "bad_params"
