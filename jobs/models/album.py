"""Photos that an owner put together, in an order."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from jobs.models.asset import Asset
from jobs.models.owner import Owner


class Album(models.Model):
    """Photos of one owner under a name. Its order and what is in it are changed by `jobs.library.albums` alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name="albums")
    name = models.CharField(max_length=120)
    cover = models.ForeignKey(
        Asset,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("Its first photo where there is none."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("album")
        indexes = [models.Index(fields=["owner", "-created_at", "-id"], name="album_owner_created")]

    def __str__(self) -> str:
        return self.name


class AlbumPhoto(models.Model):
    """The place of a photo in an album."""

    album = models.ForeignKey(Album, on_delete=models.CASCADE, related_name="places")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="places")
    position = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("photo of an album")
        verbose_name_plural = _("photos of albums")
        constraints = [models.UniqueConstraint(fields=["album", "asset"], name="album_photo_once")]
        indexes = [models.Index(fields=["album", "position"], name="album_photo_order")]

    def __str__(self) -> str:
        return f"{self.asset} in {self.album}"
