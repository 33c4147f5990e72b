"""A job that is being put together on a page."""

from dataclasses import dataclass

from jobs.library.naming import file_name
from jobs.models import Asset, Owner
from jobs.queue.request import Request, Step
from jobs.web.forms import ParamsForm
from jobs.web.presenters.picture import PicturePresenter
from jobs.web.views.building import Building
from ml.core.formats import FORMATS, Kind
from ml.core.operation import Operation, Slot


@dataclass
class SlotField:
    """A slot of a form, with the photos that are in it."""

    slot: Slot
    photos: list[Asset]
    error: str = ""

    @property
    def pictures(self) -> list[PicturePresenter]:
        return [PicturePresenter.of(photo, title=file_name(photo)) for photo in self.photos]

    @property
    def accept(self) -> str:
        """For a file input."""
        return ",".join(part for kind in sorted(self.slot.accepts) for part in _accepted(kind))


@dataclass
class Draft:
    """A step that is being put together. The first slot takes several photos: where it wants one, a job for each.

    `built` is what the step goes on from; its slot for that is not among the `slots`.
    """

    operation: Operation
    slots: list[SlotField]
    form: ParamsForm
    built: Building | None = None

    @property
    def main(self) -> SlotField | None:
        """The slot that has the stage; none for an operation that draws its picture out of nothing."""
        return next((field for field in self.slots[:1] if field.slot.required and not self.built), None)

    @property
    def others(self) -> list[SlotField]:
        return [field for field in self.slots if field is not self.main]

    @property
    def beside(self) -> list[SlotField]:
        return [field for field in self.others if not field.slot.fine_tuning]

    @property
    def folded(self) -> list[SlotField]:
        return [field for field in self.others if field.slot.fine_tuning]

    @property
    def fine_tuned(self) -> bool:
        """Whether something that is folded away is filled, or wrong."""
        return self.form.fine_tuned or any(field.photos or field.error for field in self.folded)

    @property
    def begun(self) -> bool:
        """Whether somebody has done something to it yet."""
        return bool(self.built) or self.form.is_bound or any(field.photos for field in self.slots)

    def inputs(self) -> list[dict[str, list[Asset]]]:
        """What goes into each of the jobs, beside what they have in common."""
        if self.main is None:
            return [{}]
        together = (
            [self.main.photos]
            if self.main.slot.many or not self.main.photos
            else [[p] for p in self.main.photos]
        )
        return [{self.main.slot.name: photos} if photos else {} for photos in together]

    def request(self, owner: Owner | None) -> Request:
        """Of a form that is valid: all steps up to this one."""
        if self.built:
            return self.built.request(owner, self.step())
        return Request(owner, [self.step()], self.inputs())

    def step(self) -> Step:
        """Of a form that is valid, with what its jobs have in common."""
        others = {field.slot.name: field.photos for field in self.others if field.photos}
        return Step(self.operation.slug, self.form.params, self.form.seed, others)

    def missing(self) -> SlotField | None:
        return next((field for field in self.slots if len(field.photos) < field.slot.minimum), None)


def _accepted(kind: Kind) -> list[str]:
    """Media types and suffixes; of pictures any, so that a telephone offers its camera and all that it has."""
    if kind is Kind.IMAGE:
        return ["image/*"]
    found = [one for one in FORMATS.values() if one.kind is kind or (kind is Kind.ANIMATION and one.animated)]
    return [part for one in found for part in (one.media_type, *one.suffixes)]
