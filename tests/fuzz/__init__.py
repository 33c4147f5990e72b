"""Hostile files and nonsensical requests, thousands of them, at a whole site: `make fuzz`."""
