"""What a request will cost, or why it cannot be done. The form shows the same quote that `submit` goes by."""

from dataclasses import dataclass

from django.conf import settings

from jobs.errors import Refused
from jobs.messages import RESULT_TOO_LARGE, TOO_EXPENSIVE
from jobs.queue import broker, estimates
from jobs.queue.request import Inputs, Request
from ml.core.errors import OperationError
from ml.core.operation import Estimate, Operation, Params
from ml.registry import registry


@dataclass(frozen=True)
class QuotedJob:
    """One job of a request: what its operation declares, and the seconds that such jobs take here."""

    inputs: Inputs
    estimate: Estimate
    expected_seconds: float
    first_frame_alone: bool = False
    """Of an animation that it was given."""

    @property
    def megapixels(self) -> float:
        """Of all its inputs together."""
        return sum(photo.facts.megapixels for photos in self.inputs.values() for photo in photos)


@dataclass(frozen=True)
class Quote:
    """The checked params of a request, and its jobs."""

    operation: Operation
    params: Params
    queue: str
    jobs: tuple[QuotedJob, ...]

    @property
    def method(self) -> str:
        return method_of(self.params)

    @property
    def expected_seconds(self) -> float:
        return sum(job.expected_seconds for job in self.jobs)

    @property
    def megapixels(self) -> float:
        return sum(job.megapixels for job in self.jobs)


def quote(request: Request) -> Quote:
    """Raises `Refused` where one of its jobs could not be done, whoever asks for it."""
    try:
        operation = registry().get(request.step.operation)
        params = operation.parse(request.step.params)
        jobs = tuple(_quoted(operation, params, inputs) for inputs in request.inputs)
    except OperationError as error:
        raise Refused(error.message, code=error.code) from None
    return Quote(operation, params, broker.queue_of(operation), jobs)


def method_of(params: Params) -> str:
    """Empty for an operation that has but one."""
    return str(getattr(params, "method", ""))


def _quoted(operation: Operation, params: Params, inputs: Inputs) -> QuotedJob:
    facts = {slot: [photo.facts for photo in photos] for slot, photos in inputs.items()}
    operation.check_inputs(facts)
    estimate = operation.cost(params, facts)
    _check_size(estimate)
    expected = estimates.expected_seconds(operation.slug, method_of(params), estimate.seconds)
    _check_time(operation, expected)
    return QuotedJob(inputs, estimate, expected, operation.takes_first_frame_of(facts))


def _check_size(estimate: Estimate) -> None:
    limit = settings.LATENT.max_result_megapixels
    if estimate.megapixels > limit:
        raise Refused(RESULT_TOO_LARGE(size=estimate.megapixels, limit=limit))


def _check_time(operation: Operation, expected: float) -> None:
    if expected > operation.deadline_seconds:
        raise Refused(
            TOO_EXPENSIVE(minutes=round(expected / 60), limit=round(operation.deadline_seconds / 60))
        )
