"""Bytes from a stranger become a stored photo, or a refusal."""
