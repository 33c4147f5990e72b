"""As 29 Nov 2026, 17:05:09."""

DATE_FORMAT = "j M Y"
DATETIME_FORMAT = "j M Y, H:i:s"
