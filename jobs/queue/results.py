"""What a run made becomes its owner's, in the transaction that ends the job."""

from collections.abc import Sequence

from jobs.models import Asset, Job


def add(job: Job, outputs: Sequence[Asset]) -> None:
    """Insert the outputs of a job that has just succeeded, as versions of what it was made from.

    Owner and original are looked up now and held: a visitor may have logged in, or deleted the photo, while it ran.
    """
    owner = Job.objects.values_list("owner", flat=True).get(pk=job.pk)
    made_from = (
        Asset.objects.select_for_update(of=("self",)).filter(uses__job=job.pk).order_by("uses__id").first()
    )
    original = (made_from.original_id or made_from.pk) if made_from else None
    for output in outputs:
        output.owner_id, output.original_id = owner, original
    Asset.objects.bulk_create(outputs)
