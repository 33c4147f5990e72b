"""Weights that are downloaded."""

import dataclasses
import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ml.core.errors import WeightsUnavailable
from ml.core.weights import Download
from ml.style_transfer import VGG19

CONTENT = b"trained " * 1000


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """The address of a web server that has one file, `weights`."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served/weights").write_bytes(CONTENT)
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    )
    threading.Thread(target=partial(server.serve_forever, 0.01), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATENT_WEIGHTS", str(tmp_path / "cache"))
    return tmp_path / "cache"


def declared(url: str, content: bytes = CONTENT):
    return dataclasses.replace(VGG19, source=Download(url), sha256=hashlib.sha256(content).hexdigest())


def test_what_is_downloaded_stands_in_the_cache_under_its_name(site: str, cache: Path) -> None:
    assert declared(f"{site}/weights").fetch().read_bytes() == CONTENT
    assert [path.name for path in cache.iterdir()] == ["vgg19"]


def test_a_file_that_is_damaged_in_the_cache_is_downloaded_anew(site: str, cache: Path) -> None:
    cache.mkdir()
    (cache / "vgg19").write_bytes(CONTENT[:100])
    assert declared(f"{site}/weights").fetch().read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [("nothing", CONTENT, "404"), ("weights", b"others", "hash")],
    ids=["not there", "another file"],
)
def test_what_is_not_the_declared_file_is_refused_and_leaves_nothing(
    site: str, cache: Path, path: str, content: bytes, said: str
) -> None:
    with pytest.raises(WeightsUnavailable, match=f"could not be downloaded.*{said}.*Try again"):
        declared(f"{site}/{path}", content).fetch()
    assert not cache.exists() or list(cache.iterdir()) == []


def test_without_a_network_it_says_so(site: str, cache: Path) -> None:
    nobody = site.replace("127.0.0.1", "127.0.0.2")
    with pytest.raises(WeightsUnavailable, match="Try again with a network"):
        declared(f"{nobody}/weights").fetch()
