"""Formats are told by the content of files, and known in one place."""

import ast
from pathlib import Path

import pytest

from ml.core.formats import FORMATS, HEAD_BYTES, PICTURE_SUFFIXES, format_of
from ml.core.reading import opened
from ml.core.weights import ML_ROOT
from tests.ml.samples import SAMPLES, write_sample


@pytest.mark.parametrize("name", SAMPLES)
def test_a_picture_is_told_by_its_first_bytes(name: str, tmp_path: Path) -> None:
    path = write_sample(name, tmp_path)
    found = format_of(path.read_bytes()[:HEAD_BYTES])
    assert found
    assert path.suffix in found.suffixes
    with opened(path) as image:
        assert image.format == found.pillow


@pytest.mark.parametrize("head", [b"", b"<html>", b"\0" * HEAD_BYTES, b"\0\0\0\x18ftyphe??"])
def test_what_is_not_known_has_no_format(head: bytes) -> None:
    assert format_of(head) is None


def test_every_suffix_is_that_of_one_format() -> None:
    suffixes = [suffix for found in FORMATS.values() for suffix in found.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert {".jpg", ".tif", ".webp"} <= PICTURE_SUFFIXES


def test_it_is_a_leaf() -> None:
    tree = ast.parse((ML_ROOT / "core" / "formats.py").read_text("utf-8"))
    imported = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in imported if str(name).startswith("ml")]
