"""A claimed job -> `ml` -> stored outputs."""
