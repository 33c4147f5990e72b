"""Stored files: what was uploaded, and what was made of it."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from jobs.messages import told
from jobs.models.owner import Owner
from ml.core.formats import FORMATS, Kind
from ml.core.operation import Facts


class AssetQuerySet(models.QuerySet["Asset"]):
    def uploaded(self) -> Self:
        return self.filter(output="")

    def made(self) -> Self:
        return self.exclude(output="")

    def at_hand(self) -> Self:
        """All but what lies in the trash."""
        return self.filter(trashed_at=None)


class Asset(models.Model):
    """A stored file of an owner. In front of people, and in the API, a photo.

    An upload was decoded, stripped of everything that is no picture, and written anew; a result is as the run of a
    job wrote it. It is a row only once its job has succeeded.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Owner, null=True, on_delete=models.CASCADE, related_name="assets")
    name = models.CharField(max_length=120, blank=True, help_text=_("What its owner called the file."))
    kind = models.CharField(max_length=16, choices=[(kind, kind) for kind in Kind])
    format = models.CharField(max_length=16)
    file = models.FileField(max_length=200)
    width = models.PositiveIntegerField(default=0, help_text=_("In pixels; 0 for what is no picture."))
    height = models.PositiveIntegerField(default=0)
    frames = models.PositiveIntegerField(default=1)
    seconds = models.FloatField(default=0)
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    color = models.CharField(max_length=7, default="#808080", help_text=_("Holds its place on a page."))
    notes = models.JSONField(
        default=list, blank=True, help_text=_("What was changed knowingly on the way in: messages.")
    )
    about = models.JSONField(
        default=dict, blank=True, help_text=_("When and with what it was taken, by whom, where: facts.")
    )
    note_text = models.CharField(
        max_length=300,
        blank=True,
        db_column="note",
        help_text=_("The same as versions before kept it, in words."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    made_by = models.ForeignKey("jobs.Job", null=True, on_delete=models.SET_NULL, related_name="outputs")
    attempt = models.PositiveIntegerField(default=0, help_text=_("Of the job that made it."))
    position = models.PositiveSmallIntegerField(default=0, help_text=_("Among the outputs of its job."))
    output = models.CharField(
        max_length=64, blank=True, help_text=_("Which of the outputs of its job it is; empty for an upload.")
    )
    original = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.SET_NULL,
        related_name="versions",
        help_text=_("The photo that it descends from; none where there was none, or is none any more."),
    )
    alone = models.BooleanField(
        default=True, help_text=_("Stands for itself in the library: it is no version of a photo at hand.")
    )

    words = models.CharField(
        max_length=500,
        blank=True,
        help_text=_("By which it is found beside its name: each between blanks, in lower case."),
    )
    favourite = models.BooleanField(default=False)
    trashed_at = models.DateTimeField(null=True, blank=True)

    objects = AssetQuerySet.as_manager()

    class Meta:
        verbose_name = _("photo")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["made_by", "position"], condition=Q(made_by__isnull=False), name="asset_place"
            )
        ]
        indexes = [
            models.Index(
                fields=["owner", "-created_at", "-id"],
                condition=Q(alone=True, trashed_at=None),
                name="asset_library",
            ),
            models.Index(
                fields=["owner", "name", "words"],
                condition=Q(alone=True, trashed_at=None),
                name="asset_search",
            ),
            models.Index(fields=["owner", "-created_at", "-id"], name="asset_owner_created"),
            models.Index(fields=["owner"], condition=Q(favourite=True), name="asset_favourite"),
            models.Index(fields=["-created_at"], name="asset_created"),
            models.Index(
                fields=["owner", "trashed_at"], condition=Q(trashed_at__isnull=False), name="asset_trash"
            ),
            models.Index(fields=["sha256"], name="asset_sha256"),
        ]

    def __str__(self) -> str:
        return self.name or self.output or str(self.id)

    @property
    def note(self) -> str:
        """What was changed knowingly on the way in, in the reader's language."""
        return " ".join(map(told, self.notes)) or self.note_text

    @property
    def facts(self) -> Facts:
        return Facts(Kind(self.kind), self.width, self.height, self.frames, self.seconds)

    @property
    def media_type(self) -> str:
        return FORMATS[self.format].media_type

    @property
    def is_picture(self) -> bool:
        return self.media_type.startswith("image/")
