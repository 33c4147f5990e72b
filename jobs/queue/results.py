"""What a run made becomes its owner's, in the transaction that ends the job."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import override

from jobs.messages import told
from jobs.models import Asset, Job

MOST_CHARACTERS = 500
SURE = 0.1
"""The share from which on a photo is found by a label."""


def add(job: Job, outputs: Sequence[Asset], labels: Sequence[Mapping[str, Any]]) -> None:
    """Insert the outputs of a job that has just succeeded, as versions of the photo that it was made from.

    Owner and photo are looked up now and held: a visitor may have logged in, or deleted the photo, while it ran.
    """
    owner = Job.objects.values_list("owner", flat=True).get(pk=job.pk)
    original = _original(job)
    for output in outputs:
        output.owner_id, output.original = owner, original
        output.about = original.about if original else {}
        output.alone = original is None or original.trashed_at is not None
    Asset.objects.bulk_create(outputs)
    if original:
        original.words = noted(original.words, _said_of(job, labels))
        original.save(update_fields=["words"])


def words_of(*texts: str) -> set[str]:
    """The words of texts, as they are compared."""
    return {word for text in texts for word in re.findall(r"\w+", text.casefold())}


def noted(words: str, texts: Iterable[str]) -> str:
    """The words of a photo and those of the texts, each between blanks; the newest are left out where there is no room."""
    new = sorted(words_of(*texts) - {*words.split()})
    while len(said := " ".join(["", *words.split(), *new, ""])) > MOST_CHARACTERS:
        new.pop()
    return said


def _original(job: Job) -> Asset | None:
    held = Asset.objects.select_for_update(of=("self",))
    made_from = held.filter(uses__job=job.pk).order_by("uses__id").first()
    if made_from is None or made_from.original_id is None:
        return made_from
    return held.filter(pk=made_from.original_id).first()


def _said_of(job: Job, labels: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What was done, and what was recognised, in English as declared."""
    yield job.operation
    if job.declaration:
        yield str(job.declaration.title)
    yield from recognised(labels)


def recognised(labels: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """By what the labels of a run let its photo be found: those that are sure enough, and the wider terms for them."""
    with override("en"):
        for label in labels:
            if (label["score"] or 0) >= SURE:
                yield told(label["title"])
            yield from label.get("also", ())
