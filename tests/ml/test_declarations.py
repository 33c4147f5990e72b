"""Declarations: light to import, complete, and one line in the registry."""

import json
import math
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.core.errors import InputError, OperationError, ParamsError, UnknownOperation
from ml.core.formats import Kind
from ml.core.operation import GROUP_TITLES, Estimate, Facts, Group, Operation, Params, Slot, choices
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

SAMPLES = ML_ROOT.parent / "static" / "samples"

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


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


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


@pytest.mark.slow
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
        assert slot.same_size_as in ("", *(other.name for other in operation.inputs))
    assert operation.function().__doc__


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.slug)
def test_what_is_said_of_an_operation_fits_it(operation: Operation) -> None:
    for declared in (operation.metrics, operation.series):
        assert len({metric.name for metric in declared}) == len(declared)
        for metric in declared:
            assert metric.title
            assert f"{1.5:{metric.format}}"
    if operation.example:
        operation.parse(operation.example.params)
        assert set(operation.example.others) <= {slot.name for slot in operation.inputs}
        assert bool(operation.example.photo) == any(slot.required for slot in operation.inputs)
        for each in (operation.example, *operation.example.others.values()):
            assert not each.photo or (SAMPLES / f"{each.photo}.jpg").is_file()
    for following in operation.then:
        other = registry().get(following.operation)
        other.parse(following.params)
        assert following.slot in {slot.name for slot in other.inputs}


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
    options = choices(operation.params, name)
    if options:
        allowed = next(item for item in flat(field.annotation) if get_origin(item) is Literal)
        assert set(options) == {str(value) for value in get_args(allowed)}
        assert all(option.title and ": " not in option.title for option in options.values())
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


def sensible(operation: Operation, name: str) -> st.SearchStrategy[Any]:
    """What a field is meant for, its bounds, and what lies just beyond them."""
    field = operation.params.model_fields[name]
    bounds = [getattr(item, bound) for item in field.metadata for bound in BOUNDS if hasattr(item, bound)]
    numbers = [bound + more for bound in bounds if isinstance(bound, int | float) for more in (-1, 0, 1)]
    literal = next((item for item in flat(field.annotation) if get_origin(item) is Literal), None)
    return st.sampled_from([field.default, *numbers, *get_args(literal)])


@st.composite
def asked_for(draw: st.DrawFn, operation: Operation) -> dict[str, Any]:
    """Params as somebody may send them: some as they are meant, some of any JSON, some of no such name."""
    names = draw(st.lists(st.sampled_from(sorted(operation.params.model_fields)), unique=True))
    params = {name: draw(sensible(operation, name) | JSON) for name in names}
    return params | draw(st.dictionaries(st.text(max_size=8), JSON, max_size=1))


@st.composite
def given_to(draw: st.DrawFn, operation: Operation) -> dict[str, list[Facts]]:
    """Files of any size in every slot, as many as fit."""
    sides = st.sampled_from([1, 2, 100, 3_000, 65_535, 40_000_000])
    return {
        slot.name: [
            Facts(kind, draw(sides), draw(sides), draw(st.sampled_from([1, 100])), draw(st.sampled_from([0.0, 60.0])))
            for kind in draw(st.lists(st.sampled_from(sorted(slot.accepts)), min_size=slot.minimum, max_size=slot.maximum))
        ]
        for slot in operation.inputs
    }  # fmt: skip


@pytest.mark.sampled(1)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.slug)
@given(st.data())
@settings(deadline=None, max_examples=20)
def test_any_params_are_understood_or_refused_in_words(operation: Operation, data: st.DataObject) -> None:
    sentence = "."
    try:
        params = operation.parse(data.draw(asked_for(operation)))
        again = json.loads(json.dumps(params.model_dump(mode="json"), allow_nan=False))
        assert operation.parse(again) == params, "a recipe says something else"
        inputs = data.draw(given_to(operation))
        operation.check_inputs(inputs)
        estimate = operation.estimate(params, inputs)
        assert 0 < estimate.seconds < math.inf
        assert min(estimate.width, estimate.height) >= 1
    except OperationError as error:
        sentence = str(error)
    assert sentence.endswith(".")
    assert sentence.isprintable()


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
        "group": Group.LABORATORY,
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


def test_operations_are_in_the_order_of_their_groups() -> None:
    found = Registry()
    for slug, group in (("draw", Group.LABORATORY), ("mend", Group.IMPROVE), ("cut", Group.EDIT)):
        found.add(example(slug, group=group))
    assert [operation.slug for operation in found.all()] == ["mend", "cut", "draw"]
    assert set(GROUP_TITLES) == set(Group)


def test_an_operation_is_found_by_its_other_name() -> None:
    found = Registry()
    found.add(example("example", also=("sample",)))
    assert found.get("sample") is found.get("example")
    assert [operation.slug for operation in found.all()] == ["example"]
    with pytest.raises(ValueError, match="sample"):
        found.add(example("sample"))
    assert registry().get("denoising-demonstration").slug == "denoise-demonstration"


def test_a_file_of_another_size_than_its_slot_asks_for_is_refused() -> None:
    operation = example(
        inputs=(Slot(name="image", title="Picture"), Slot(name="mask", title="Mask", same_size_as="image"))
    )
    picture, other = Facts(Kind.IMAGE, 4, 3), Facts(Kind.IMAGE, 3, 4)
    operation.check_inputs({"image": [picture], "mask": [picture]})
    with pytest.raises(InputError, match="“Mask” is 3 x 4 pixels, and has to be 4 x 3"):
        operation.check_inputs({"image": [picture], "mask": [other]})


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
        ({"a\nb": 1}, "no param “a b”"),
        ({"x" * 1000: 1}, "no param “x{59}…”"),
    ],
)
def test_a_wrong_param_gets_one_clear_sentence(params: dict[str, Any], words: str) -> None:
    with pytest.raises(ParamsError, match=words) as caught:
        example().parse(params)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert caught.value.code == "bad_params"
