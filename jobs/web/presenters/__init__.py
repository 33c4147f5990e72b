"""What a page says of a row."""
