"""What was uploaded."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from jobs.messages import told
from jobs.models.owner import Owner
from ml.core.formats import FORMATS, Kind
from ml.core.operation import Facts


class Photo(models.Model):
    """An upload: decoded, stripped of everything that is no picture, and written anew."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Owner, null=True, on_delete=models.CASCADE, related_name="photos")
    name = models.CharField(max_length=120, blank=True, help_text=_("What its owner called the file."))
    kind = models.CharField(max_length=16, choices=[(kind, kind) for kind in Kind])
    format = models.CharField(max_length=16)
    file = models.FileField(upload_to="photos", max_length=200)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    frames = models.PositiveIntegerField(default=1)
    seconds = models.FloatField(default=0)
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    color = models.CharField(max_length=7, default="#808080", help_text=_("Holds its place on a page."))
    notes = models.JSONField(
        default=list, blank=True, help_text=_("What was changed knowingly on the way in: messages.")
    )
    note_text = models.CharField(
        max_length=300,
        blank=True,
        db_column="note",
        help_text=_("The same as versions before kept it, in words."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("photo")
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="photo_owner_created"),
            models.Index(fields=["-created_at"], name="photo_created"),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)

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
