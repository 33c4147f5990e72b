"""Steps that were done before need not be done again: the same recipe, on the same photo."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from jobs.models import Asset, Job, Owner
from jobs.queue.chain import result_of
from jobs.queue.request import Inputs
from jobs.queue.steps import QuotedStep

Key = frozenset[tuple[str, int, object]]
"""Which asset is where."""


def begun(
    owner: Owner | None, steps: Sequence[QuotedStep], inputs: Sequence[Inputs]
) -> list[tuple[int, Inputs]]:
    """For each of the inputs how many of the steps were done before, and what goes into the next one.

    The last step is done in any case: it is what was asked for.
    """
    found: list[tuple[int, Inputs]] = [(0, each) for each in inputs]
    for position, (step, following) in enumerate(pairwise(steps)):
        here = [each for done, each in found if done == position]
        results = dict(_results(owner, step, here)) if here else {}
        for item, (done, each) in enumerate(found):
            result = results.get(_key(each)) if done == position else None
            if result and (slot := following.operation.slot_for(result.facts.kind)):
                found[item] = (position + 1, {slot.name: [result], **following.inputs_beside(slot.name)})
    return found


def _results(owner: Owner | None, step: QuotedStep, inputs: Sequence[Inputs]) -> Iterator[tuple[Key, Asset]]:
    """By what went in, what such a step has made for the owner; the newest last."""
    if step.operation.random and step.asked.seed is None:
        return
    assets = {asset.pk for each in inputs for given in each.values() for asset in given}
    jobs = Job.objects.filter(
        owner=owner,
        operation=step.operation.slug,
        operation_version=step.operation.version,
        seed=step.asked.seed or 0,
        status=Job.Status.SUCCEEDED,
        inputs__asset__in=assets,
    )
    params = step.params.model_dump(mode="json")
    weights = {each.name: each.sha256 for each in step.operation.weights}
    for job in jobs.distinct().order_by("pk").prefetch_related("inputs", "outputs"):
        used = (job.recipe or {}).get("weights", {})
        result = result_of(job, [output for output in job.outputs.all() if output.trashed_at is None])
        if result and job.params == params and used.items() <= weights.items():
            yield frozenset((each.slot, each.position, each.asset_id) for each in job.inputs.all()), result


def _key(inputs: Inputs) -> Key:
    return frozenset(
        (slot, position, asset.pk) for slot, assets in inputs.items() for position, asset in enumerate(assets)
    )
