"""Every operation whose result is a picture of its input takes any photo and keeps what it says that it keeps."""

from pathlib import Path

import pytest

from ml.core.context import Context, Inputs
from ml.core.execution import execute
from ml.core.formats import Kind
from ml.core.images import write_picture
from ml.core.operation import Operation, Shows, Trait
from ml.registry import registry
from tests.ml.running import odd_pictures

ODD = odd_pictures()
NOT_OF_ONE_PHOTO = {"burst-super-resolution", "digit-denoise"}
"""The one needs several frames of 16 pixels, the other a digit: their own tests give them what they need."""


QUICK = {"deep-dream": {"octaves": 1, "strength": 0}}
"""Settings for those whose defaults take long."""


def of_a_photo(operation: Operation) -> bool:
    """Whether it shows a picture that is made of one photo. Those that `LATENT_ROOMS` names are among them."""
    return (
        operation.shows in (Shows.COMPARE, Shows.ANNOTATED)
        and operation.slug not in NOT_OF_ONE_PHOTO
        and all(Kind.IMAGE in slot.accepts for slot in operation.inputs if slot.required)
    )


@pytest.mark.sampled(8)
@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize(
    "operation", [each for each in registry().all() if of_a_photo(each)], ids=lambda operation: operation.slug
)
def test_an_odd_picture_keeps_what_it_is(operation: Operation, kind: str, tmp_path: Path) -> None:
    picture, path = ODD[kind], tmp_path / "odd.png"
    write_picture(picture, path, "png")
    inputs = Inputs({slot.name: [path] * slot.minimum for slot in operation.inputs if slot.required})
    result = execute(operation, operation.parse(QUICK.get(operation.slug, {})), inputs, Context())
    shown = next(iter(result.images.values()))
    if Trait.ALPHA in operation.keeps:
        assert (shown.alpha is None) == (picture.alpha is None)
    if Trait.GRAY in operation.keeps:
        assert shown.gray == picture.gray
    if Trait.DEPTH in operation.keeps:
        assert shown.pixels.dtype == picture.pixels.dtype
