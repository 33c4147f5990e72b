"""A job as a page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from jobs.models import Asset, Job
from jobs.queue.chain import result_of
from jobs.queue.state import State, kept_until
from jobs.web.forms import as_text, form_url
from jobs.web.presenters import humanize
from jobs.web.presenters.picture import PicturePresenter
from jobs.web.presenters.plots import Plot, plots
from jobs.web.presenters.stage import Layer, Stage, stage
from jobs.web.presenters.steps import settings_said
from ml.core.measures import Metric
from ml.core.operation import Shows, Slot

DECIBELS = "dB"
POLL_RUNNING, POLL_NEXT, POLL_WAITING = 1000, 1500, 4000


@dataclass(frozen=True)
class Scores:
    """What was measured of several methods: a title for each measure, and a row for each method."""

    measures: list[str]
    rows: list[tuple[str, list[str]]]


@dataclass(frozen=True)
class JobPresenter:
    """A job as a page shows it: to its owner, to an admin or, where `token` is given, to whoever has the link."""

    job: Job
    state: State
    token: str = ""
    original: bool = True

    @property
    def status_line(self) -> str:
        return humanize.status_line(self.job, self.state)

    @property
    def poll(self) -> int:
        """Milliseconds until the page should ask again."""
        if self.job.status == Job.Status.RUNNING:
            return POLL_RUNNING
        return POLL_NEXT if (self.state.position or 1) <= 2 else POLL_WAITING

    @property
    def title(self) -> str:
        return _(self.job.declaration.title) if self.job.declaration else self.job.operation

    @property
    def method(self) -> str:
        """Its name, without what is said of it."""
        return self._method_title(self.job.method) or self.job.method

    @cached_property
    def inputs(self) -> list[Asset]:
        return [item.asset for item in self.job.inputs.select_related("asset") if item.asset]

    @cached_property
    def photos(self) -> list[PicturePresenter]:
        if not self.original:
            return []
        return [PicturePresenter.of(photo, token=self.token) for photo in self.inputs]

    @property
    def before(self) -> PicturePresenter | None:
        """The original; None where the result is made of the photos rather than out of one of them."""
        made_of_all = self.job.declaration and self.job.declaration.shows in (Shows.SHEET, Shows.FILES)
        if made_of_all and len(self.photos) > 1:
            return None
        return next((photo for photo in self.photos if photo.is_picture), None)

    @cached_property
    def outputs(self) -> list[PicturePresenter]:
        return [self._presented(output) for output in self._made]

    @cached_property
    def _made(self) -> list[Asset]:
        """Save what lies in the trash."""
        return [output for output in self.job.outputs.all() if output.trashed_at is None]

    def _presented(self, output: Asset) -> PicturePresenter:
        """Of several methods, each has its picture under its name, and the most telling figure that it has."""
        figures = (
            (metric, self.job.metrics.get(f"{output.output}_{metric.name}")) for metric in self._metrics
        )
        metric, figure = next(
            ((metric, figure) for metric, figure in figures if figure is not None), (None, None)
        )
        return PicturePresenter.of(
            output,
            token=self.token,
            title=self._method_title(output.output),
            measured=f"{figure:{metric.format}} {metric.unit}".rstrip() if metric else "",
        )

    @cached_property
    def _metrics(self) -> Sequence[Metric]:
        return self.job.declaration.metrics if self.job.declaration else ()

    def _method_title(self, method: str) -> str:
        """Empty for what is no method of the operation."""
        methods = self.job.declaration.methods if self.job.declaration else {}
        return _(methods[method].title) if method in methods else ""

    @cached_property
    def stage(self) -> Stage | None:
        """The results and what they were made from; a result that is none of a photo stands alone."""
        shows = self.job.declaration.shows if self.job.declaration else Shows.COMPARE
        made = [
            Layer.of(asset, picture, self._layer_title(asset, picture))
            for asset, picture in zip(self._made, self.outputs, strict=True)
        ]
        given = [] if shows in (Shows.SHEET, Shows.FILES) else self._given(2 if shows is Shows.INPUTS else 1)
        right = self.result.id if self.result else ""
        if shows is Shows.INPUTS and len(given) == 2:
            return stage([*given, *made], given[0].picture.id, given[1].picture.id)
        left = next((str(asset.pk) for asset in self._made if asset.output == self._left), "")
        return stage([*made, *given], left or (given[0].picture.id if given else ""), right)

    def _given(self, most: int) -> list[Layer]:
        """The first of the photos, as far as they are shown."""
        titles = [_("Original")] if most == 1 else [_(slot.title) for slot in self._slots]
        shown = zip(self.inputs, self.photos, strict=False)
        return [Layer.of(*pair, title) for pair, title in zip(shown, titles[:most], strict=False)]

    def _layer_title(self, asset: Asset, picture: PicturePresenter) -> str:
        if self.job.declaration and asset.output == self.job.declaration.result:
            return _("Result")
        name = picture.name[:1].upper() + picture.name[1:]
        return ", ".join(filter(None, [name, picture.measured]))

    @property
    def _slots(self) -> Sequence[Slot]:
        return self.job.declaration.inputs if self.job.declaration else ()

    @property
    def _left(self) -> str:
        """The output that the result is compared with at first; empty for the photo."""
        return self.job.declaration.left if self.job.declaration else ""

    @property
    def files(self) -> list[PicturePresenter]:
        return [output for output in self.outputs if not (output.is_picture or output.is_video)]

    @property
    def result(self) -> PicturePresenter | None:
        """What was asked for; several methods side by side are named after themselves, and the first is it."""
        found = result_of(self.job, self._made)
        return self.outputs[self._made.index(found)] if found else None

    @property
    def followed_by(self) -> list[tuple[str, PicturePresenter]]:
        """What its outputs are for: what is done with each, in words, and the output."""
        outputs = {output.output: self._presented(output) for output in self._made}
        following = self.job.declaration.then if self.job.declaration else ()
        return [(_(each.title), outputs[each.output]) for each in following if each.output in outputs]

    @property
    def plots(self) -> list[Plot]:
        declared = self.job.declaration.series if self.job.declaration else ()
        return plots(self.state.series, {metric.name: _(metric.title) for metric in declared})

    @property
    def metrics(self) -> list[tuple[str, str]]:
        """What was measured, save what stands in `scores`."""
        said = []
        known = {metric.name: metric for metric in self._metrics}
        for name, value in self.job.metrics.items():
            if not self._scored(name):
                metric = known.get(name) or Metric(name, name.replace("_", " "))
                if value is None:
                    text = _("infinite: the pictures are the same") if metric.unit == DECIBELS else "–"
                else:
                    text = f"{value:{metric.format}} {metric.unit}".rstrip()
                said.append((_(metric.title), text))
        return said

    @property
    def scores(self) -> Scores | None:
        """What was measured of the methods of a comparison, in the order of their pictures; None for other jobs."""
        found: dict[str, dict[str, float | None]] = {}
        for name, value in self.job.metrics.items():
            if scored := self._scored(name):
                method, measure = scored
                found.setdefault(method, {})[measure] = value
        if not found:
            return None
        names = [output.output for output in self._made]
        methods = sorted(found, key=lambda method: names.index(method) if method in names else len(names))
        measures = [metric for metric in self._metrics if any(metric.name in each for each in found.values())]
        return Scores(
            [", ".join(part for part in (_(metric.title), metric.unit) if part) for metric in measures],
            [
                (self._method_title(method), [_cell(found[method], measure) for measure in measures])
                for method in methods
            ],
        )

    def _scored(self, name: str) -> tuple[str, str] | None:
        """The method and the measure of a figure of `compare`: “nlm_psnr” is the PSNR of nlm."""
        method, _underscore, measure = name.rpartition("_")
        known = any(metric.name == measure for metric in self._metrics)
        return (method, measure) if known and self._method_title(method) else None

    @property
    def settings(self) -> list[tuple[str, str]]:
        """The params that matter, each by its title."""
        operation = self.job.declaration
        if operation is None:
            return [(name, as_text(value)) for name, value in self.job.params.items()]
        return settings_said(operation, self.job.params)

    @property
    def weights(self) -> list[str]:
        return list((self.job.recipe or {}).get("weights", {}))

    @property
    def waited(self) -> float:
        if self.job.started_at is None:
            return 0.0
        return max(0.0, (self.job.started_at - self.job.queued_at).total_seconds())

    @property
    def kept_until(self) -> Any:
        return kept_until(self.job)

    @property
    def our_fault(self) -> bool:
        return self.job.error_code in (
            "internal",
            "worker_lost",
            "disk_full",
            "out_of_memory",
            "weights_unavailable",
        )

    @property
    def again_url(self) -> str:
        """The form with the settings and photos of this job in it."""
        if self.job.declaration is None:
            return ""
        seed = self.job.seed if self.job.declaration.random else None
        return form_url(self.job.operation, self.job.params, seed=seed, job=self.job.uuid)


def _cell(scores: dict[str, float | None], metric: Metric) -> str:
    """Of a table of scores; the ratio of the signal to no noise at all is infinite."""
    value = scores.get(metric.name)
    if value is None:
        return "∞" if metric.name in scores and metric.unit == DECIBELS else "–"
    return f"{value:{metric.format}}"
