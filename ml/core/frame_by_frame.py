"""An operation that makes a picture of a picture makes an animation of an animation, a frame after the other."""

from collections import defaultdict

from PIL import Image

from ml.core.animations import plays, write_animation
from ml.core.context import Context, Inputs, Result, ResultFile
from ml.core.formats import FORMATS
from ml.core.frames import frames
from ml.core.images import write_picture
from ml.core.messages import FRAME
from ml.core.operation import Operation, Params
from ml.core.reading import opened
from ml.core.side_by_side import Part
from ml.core.text import Message


def run(operation: Operation, params: Params, inputs: Inputs, count: int, context: Context) -> Result:
    """Each of the result's pictures as an animated WebP of the name that it has; measures are those of the last frame."""
    slot = operation.inputs[0].name
    (source,) = inputs[slot]
    made: dict[str, list[Image.Image]] = defaultdict(list)
    milliseconds: list[int] = []
    result = Result()
    for index, frame in enumerate(frames(source)):
        path = context.scratch / f"frame-{index}.png"
        write_picture(frame.picture, path, "png")
        part = FramePart(context, index, count)
        part.advance(0)
        result = operation.function()(Inputs({**inputs, slot: [path]}), params, part)
        path.unlink()
        milliseconds.append(round(1000 * frame.seconds))
        for name, picture in result.images.items():
            made[name].append(picture.to_pillow())
        context.preview(next(iter(result.images.values())))
    with opened(source) as image:
        shown = plays(image)
    result.images = {}
    for name, pictures in made.items():
        target = context.scratch / f"{name}.webp"
        with target.open("w+b") as file:
            write_animation(pictures, milliseconds, shown, file)
        result.files[name] = ResultFile(target, FORMATS["webp"])
    return result


class FramePart(Part):
    """The part of a run that is spent on one frame, of which the finished one alone is shown."""

    def __init__(self, whole: Context, index: int, count: int) -> None:
        super().__init__(whole, index / count, (index + 1) / count)
        self._note = FRAME(number=index + 1, count=count)

    def progress(self, fraction: float, note: Message | None = None) -> None:
        super().progress(min(1.0, fraction), self._note)

    def preview(self, picture: object) -> None:
        pass
