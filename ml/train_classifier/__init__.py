"""A classifier of one's own, learned from a few dozen photos."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import pydantic

from ml.classify import LITE0
from ml.classify.heads import FEWEST_CLASSES, LONGEST_CLASS, MOST_CLASSES, is_name
from ml.core.errors import InputError
from ml.core.formats import Kind
from ml.core.measures import Metric
from ml.core.operation import Estimate, Facts, FineTuning, Group, Next, Operation, Params, Shows, Slot
from ml.core.text import _, excerpt
from ml.core.validation import wrong
from ml.train_classifier.messages import (
    EQUAL_NAMES,
    LETTERS_OF_A_NAME,
    NUMBER_OF_CLASSES,
    PHOTOS_OR_ARCHIVE,
    TOO_FEW_PHOTOS,
    TOO_MANY_NAMES,
)

FEWEST_PHOTOS = 10
"""Of a class: with five parts, two are held back from each head that is measured."""

MOST_PHOTOS = 90
"""Of a class that is uploaded photo by photo: a form of ten classes holds less than 1,000 fields."""

PICTURE_SIDE = 1600
"""The most that the pictures that a run draws are wide or high."""

SECONDS_PER_VIEW = 0.06
SECONDS_PER_MEGAPIXEL = 0.06


class ClassifierTrainingParams(Params):
    names: Annotated[list[str], pydantic.Field(max_length=MOST_CLASSES)] = pydantic.Field(
        [],
        title=_("Names"),
        description=_(
            "What the classes are called, in their order, with commas between: cat, dog, bird. "
            "A ZIP archive names them by its folders."
        ),
    )
    variants: int = FineTuning(
        6,
        ge=0,
        le=16,
        title=_("Variants"),
        description=_(
            "How many random variants of each photo it also learns from: moved, turned, mirrored, lit anew."
        ),
    )

    @pydantic.field_validator("names", mode="before")
    @classmethod
    def _with_commas_between(cls, names: object) -> object:
        """As it is written on the command line."""
        return [name.strip() for name in names.split(",")] if isinstance(names, str) else names

    @pydantic.field_validator("names")
    @classmethod
    def _fit_to_be_shown(cls, names: list[str]) -> list[str]:
        for name in names:
            if not is_name(name):
                raise wrong(LETTERS_OF_A_NAME, count=LONGEST_CLASS, name=excerpt(name, LONGEST_CLASS))
        if len(set(names)) < len(names):
            raise wrong(EQUAL_NAMES)
        return names


CLASS_TITLES = (
    _("Class 1"), _("Class 2"), _("Class 3"), _("Class 4"), _("Class 5"),
    _("Class 6"), _("Class 7"), _("Class 8"), _("Class 9"), _("Class 10"),
)  # fmt: skip


def class_slot(number: int) -> Slot:
    return Slot(
        name=f"class_{number}",
        title=CLASS_TITLES[number - 1],
        help=_("10 to 90 photos of the same kind of thing.") if number == 1 else "",
        minimum=0,
        maximum=MOST_PHOTOS,
    )


CLASS_SLOTS = tuple(class_slot(number) for number in range(1, MOST_CLASSES + 1))


def class_names(params: ClassifierTrainingParams, inputs: Mapping[str, Sequence[object]]) -> dict[str, str]:
    """By slot that is filled, what its class is called; those without a name by their number."""
    filled = [slot for slot in CLASS_SLOTS if inputs.get(slot.name)]
    names = dict(zip((slot.name for slot in filled), params.names, strict=False))
    return {slot.name: names.get(slot.name, slot.title) for slot in filled}


def check_counts(counts: Mapping[str, int]) -> None:
    """Raise `InputError` unless there are enough photos (the values) of enough classes (the keys)."""
    if not FEWEST_CLASSES <= len(counts) <= MOST_CLASSES:
        raise InputError(NUMBER_OF_CLASSES, fewest=FEWEST_CLASSES, most=MOST_CLASSES, photos=FEWEST_PHOTOS)
    for name, count in counts.items():
        if count < FEWEST_PHOTOS:
            raise InputError(TOO_FEW_PHOTOS, name=name, count=count, fewest=FEWEST_PHOTOS)


def estimate(params: ClassifierTrainingParams, inputs: Mapping[str, Sequence[Facts]]) -> Estimate:
    """By photos and their variants; raises `InputError` where a class has too few."""
    archives = inputs.get("archive", ())
    names = class_names(params, inputs)
    if archives and names:
        raise InputError(PHOTOS_OR_ARCHIVE)
    if not archives:
        check_counts({name: len(inputs[slot]) for slot, name in names.items()})
        if len(params.names) > len(names):
            raise InputError(TOO_MANY_NAMES, names=len(params.names), classes=len(names))
    photos = sum(facts.frames for facts in archives) + sum(len(inputs[slot]) for slot in names)
    megapixels = sum(facts.megapixels for given in inputs.values() for facts in given)
    seconds = 4 + SECONDS_PER_VIEW * photos * (1 + params.variants) + SECONDS_PER_MEGAPIXEL * megapixels
    return Estimate(seconds, PICTURE_SIDE, PICTURE_SIDE)


operation = Operation(
    slug="train-classifier",
    title=_("Train your own classifier"),
    summary=_("Teach a network to tell your own kinds of photos apart, from a dozen photos of each."),
    group=Group.UNDERSTAND,
    inputs=(
        *CLASS_SLOTS,
        Slot(
            name="archive",
            title=_("ZIP archive"),
            help=_("Instead of the classes: a folder of photos for each, named after it."),
            accepts=frozenset({Kind.ARCHIVE}),
            minimum=0,
        ),
    ),
    params=ClassifierTrainingParams,
    estimate=estimate,
    run="ml.train_classifier.run:run",
    word="trained",
    random=True,
    members_only=True,
    weights=(LITE0,),
    result="model",
    gives=Kind.MODEL,
    shows=Shows.FILES,
    metrics=(
        Metric("cross-validated_accuracy", _("Cross-validated accuracy")),
        Metric("photos", _("Photos")),
        Metric("mistakes", _("Mistakes")),
    ),
    series=(
        Metric("loss", _("Loss")),
        Metric("held_back_loss", _("Loss on held-back photos")),
        Metric("held_back_accuracy", _("Accuracy on held-back photos")),
    ),
    then=(
        Next(
            operation="classify",
            output="model",
            slot="model",
            title=_("Classify with it"),
            params={"method": "own"},
        ),
    ),
)
