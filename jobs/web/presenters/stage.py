"""What stands on the stage of a page: pictures, any two of which are looked at against each other."""

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.models import Asset, Job
from jobs.web.presenters.picture import PicturePresenter
from ml.core.formats import Kind
from ml.core.operation import Shows

ALONE = "alone"


@dataclass(frozen=True)
class Layer:
    """A picture or a film under a name. `shows` is how it is looked at where it stands on the right."""

    picture: PicturePresenter
    title: str
    shows: str = Shows.COMPARE
    loops: bool = False

    @classmethod
    def of(cls, asset: Asset, picture: PicturePresenter, title: str) -> "Layer":
        return cls(picture, title, _shows(asset.made_by), _loops(asset) if picture.is_video else False)


@dataclass(frozen=True)
class Stage:
    """Layers, the ids of the two that a page begins with, and what they are called there. `left` is empty for none."""

    layers: Sequence[Layer]
    left: str
    right: str

    @property
    def has_films(self) -> bool:
        return any(layer.picture.is_video for layer in self.layers)

    @property
    def ratio_class(self) -> str:
        """The proportions of what is seen first, for a stage that is no higher than its picture."""
        return next((each.picture.ratio_class for each in self.layers if each.picture.id == self.right), "")


def stage(layers: Sequence[Layer], left: str, right: str) -> Stage | None:
    """Of those layers that can be looked at; None where there are none. What stands right must be one of them."""
    seen = [each for each in layers if each.picture.is_picture or each.picture.is_video]
    if not seen:
        return None
    ids = [each.picture.id for each in seen]
    right = right if right in ids else ids[-1]
    return Stage(seen, left if left in ids and left != right else "", right)


def _shows(job: Job | None) -> str:
    """Of a result; an upload lies on whatever it is compared with."""
    shows = job.declaration.shows if job and job.declaration else Shows.COMPARE
    return {Shows.ANNOTATED: "annotated", Shows.SHEET: ALONE, Shows.FILES: ALONE}.get(shows, "compare")


def _loops(asset: Asset) -> bool:
    """What was no film when it came in moves on and on."""
    came_as = asset.original or asset
    return came_as.kind != Kind.VIDEO
