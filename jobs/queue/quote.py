"""What a request will cost, or why it cannot be done. The form shows the same quote that `submit` goes by."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

from jobs.errors import Refused
from jobs.messages import RESULT_TOO_LARGE, TOO_EXPENSIVE
from jobs.queue import estimates, reuse
from jobs.queue.request import Inputs, Request
from jobs.queue.steps import QuotedStep, checked
from ml.core.chain import slot_after
from ml.core.errors import OperationError
from ml.core.operation import Estimate, Facts, Operation


@dataclass(frozen=True)
class QuotedJob:
    """One job of a request: what its operation declares, and the seconds that such jobs take here.

    `follows` names the slot for the result of the job before it, whose `facts` are foreseen; empty for one that need
    not wait.
    """

    item: int
    position: int
    step: QuotedStep
    inputs: Inputs
    facts: Mapping[str, Sequence[Facts]]
    estimate: Estimate
    expected_seconds: float
    follows: str = ""
    first_frame_alone: bool = False
    """Of an animation that it was given."""

    @property
    def megapixels(self) -> float:
        """Of all its inputs together."""
        return sum(facts.megapixels for given in self.facts.values() for facts in given)


@dataclass(frozen=True)
class Quote:
    """The checked steps of a request, and its jobs, those of one photo behind each other."""

    steps: tuple[QuotedStep, ...]
    jobs: tuple[QuotedJob, ...]

    @property
    def queue(self) -> str:
        """Where it begins."""
        return self.jobs[0].step.queue

    @property
    def expected_seconds(self) -> float:
        return sum(job.expected_seconds for job in self.jobs)

    @property
    def megapixels(self) -> float:
        return sum(job.megapixels for job in self.jobs)


def quote(request: Request) -> Quote:
    """Raises `Refused` where one of its jobs could not be done, whoever asks for it."""
    history = estimates.History()
    try:
        steps = checked(request.steps)
        first = [{**inputs, **steps[0].inputs_beside(*inputs)} for inputs in request.inputs]
        begun = reuse.begun(request.owner, steps, first)
        jobs = [
            job
            for item, (done, inputs) in enumerate(begun)
            for job in _chain(steps, item, done, inputs, history)
        ]
    except OperationError as error:
        raise Refused(error.message, code=error.code) from None
    return Quote(steps, tuple(jobs))


def _chain(
    steps: Sequence[QuotedStep], item: int, done: int, inputs: Inputs, history: estimates.History
) -> Iterator[QuotedJob]:
    """The jobs of one photo, for which the first `done` steps were done before."""
    facts: dict[str, list[Facts]] = _facts(inputs)
    follows = ""
    for position in range(done, len(steps)):
        step = steps[position]
        job = _quoted(step, item, position, inputs, facts, follows, history)
        yield job
        if position + 1 < len(steps):
            result = step.operation.foreseen(job.estimate, facts)
            following = steps[position + 1]
            follows = slot_after(step.operation, following.operation, result.kind)
            inputs = following.inputs_beside(follows)
            facts = _facts(inputs) | {follows: [result]}


def _quoted(
    step: QuotedStep,
    item: int,
    position: int,
    inputs: Inputs,
    facts: Mapping[str, Sequence[Facts]],
    follows: str,
    history: estimates.History,
) -> QuotedJob:
    step.operation.check_inputs(facts)
    estimate = step.operation.cost(step.params, facts)
    _check_size(estimate)
    expected = history.expected_seconds(step.operation.slug, step.method, estimate.seconds)
    _check_time(step.operation, expected)
    first_frame_alone = step.operation.takes_first_frame_of(facts)
    return QuotedJob(item, position, step, inputs, facts, estimate, expected, follows, first_frame_alone)


def _facts(inputs: Inputs) -> dict[str, list[Facts]]:
    return {slot: [photo.facts for photo in photos] for slot, photos in inputs.items()}


def _check_size(estimate: Estimate) -> None:
    limit = settings.LATENT.max_result_megapixels
    if estimate.megapixels > limit:
        raise Refused(RESULT_TOO_LARGE(size=estimate.megapixels, limit=limit))


def _check_time(operation: Operation, expected: float) -> None:
    if expected > operation.deadline_seconds:
        raise Refused(
            TOO_EXPENSIVE(minutes=round(expected / 60), limit=round(operation.deadline_seconds / 60))
        )
