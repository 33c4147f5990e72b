"""Small pictures for pages: previews, thumbnails, and the colour that holds a picture's place."""

import io

from ml.core.images import Picture

PREVIEW_SIDE = 768


def preview_bytes(picture: Picture) -> bytes:
    """WebP of at most 768 pixels a side."""
    return encoded(picture, PREVIEW_SIDE)


def encoded(picture: Picture, side: int) -> bytes:
    """WebP of at most `side` pixels a side."""
    buffer = io.BytesIO()
    picture.thumbnail(side).to_pillow().save(buffer, "WEBP", quality=82, method=2)
    return buffer.getvalue()


def mean_color(picture: Picture) -> str:
    """As #rrggbb."""
    small = picture.thumbnail(16).rgb()
    red, green, blue = small.reshape(-1, 3).mean(axis=0).round().astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"
