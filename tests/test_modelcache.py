"""The cache: what counts as verified, and when bytes are read again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from citewise.modelcache import ModelCache, State, cache_folder
from tiny_models import EMBEDDER, FOLDER, GGUF, WEIGHTS


@pytest.fixture
def cache(tmp_path: Path) -> ModelCache:
    cache = ModelCache(tmp_path / "models")
    cache.folder(GGUF).mkdir(parents=True)
    (cache.folder(GGUF) / "tiny.gguf").write_bytes(WEIGHTS)
    return cache


def bytes_read(cache: ModelCache, *, full: bool = False) -> tuple[State, int]:
    counts: list[int] = []
    found = cache.verify(GGUF, full=full, on_bytes=counts.append)
    return found.state, sum(counts)


def test_bytes_are_read_once_and_again_only_when_asked_or_changed(cache: ModelCache) -> None:
    path = cache.folder(GGUF) / "tiny.gguf"
    assert cache.state(GGUF).state is State.PRESENT
    assert bytes_read(cache) == (State.VERIFIED, len(WEIGHTS))
    assert cache.state(GGUF).state is State.VERIFIED
    assert bytes_read(cache) == (State.VERIFIED, 0)
    assert bytes_read(cache, full=True) == (State.VERIFIED, len(WEIGHTS))
    os.utime(path, ns=(1, 1))
    assert cache.state(GGUF).state is State.PRESENT
    assert bytes_read(cache) == (State.VERIFIED, len(WEIGHTS))


def test_a_flipped_bit_names_both_hashes(cache: ModelCache) -> None:
    assert bytes_read(cache) == (State.VERIFIED, len(WEIGHTS))
    path = cache.folder(GGUF) / "tiny.gguf"
    path.write_bytes(WEIGHTS[:-1] + bytes([WEIGHTS[-1] ^ 1]))
    os.utime(path, ns=(2, 2))
    found = cache.verify(GGUF)
    assert found.state is State.DAMAGED
    assert str(path) in found.problem
    assert f"expected {GGUF.files[0].sha256}" in found.problem
    assert cache.state(GGUF).state is State.PRESENT  # A damaged file earns no stamp.


def test_a_change_that_left_no_trace_is_found_by_full_verification(cache: ModelCache) -> None:
    path = cache.folder(GGUF) / "tiny.gguf"
    assert bytes_read(cache) == (State.VERIFIED, len(WEIGHTS))
    times = path.stat().st_mtime_ns
    path.write_bytes(WEIGHTS[::-1])
    os.utime(path, ns=(times, times))
    assert cache.verify(GGUF).state is State.VERIFIED
    assert cache.verify(GGUF, full=True).state is State.DAMAGED
    assert cache.verify(GGUF).state is State.DAMAGED
    assert cache.wanting(GGUF) == list(GGUF.files)


def test_a_short_file_is_damaged_without_reading_it(cache: ModelCache) -> None:
    (cache.folder(GGUF) / "tiny.gguf").write_bytes(WEIGHTS[:100])
    found = cache.state(GGUF)
    assert (found.state, "has 100 bytes, expected 3,072" in found.problem) == (State.DAMAGED, True)


def test_a_folder_with_a_file_missing_is_not_there(cache: ModelCache) -> None:
    folder = cache.folder(EMBEDDER)
    for name in list(FOLDER)[1:]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(FOLDER[name])
    found = cache.state(EMBEDDER)
    assert (found.state, found.problem) == (State.MISSING, f"{folder} lacks config.json.")
    assert [file.path for file in cache.wanting(EMBEDDER)] == ["config.json"]


@pytest.mark.parametrize("stamp", ["", "[]", "{", '{"x": 1}'])
def test_a_broken_stamp_only_costs_reading_again(cache: ModelCache, stamp: str) -> None:
    assert bytes_read(cache) == (State.VERIFIED, len(WEIGHTS))
    (stamps,) = (cache.root / ".stamps").iterdir()
    stamps.write_text(stamp)
    assert bytes_read(cache) == (State.VERIFIED, len(WEIGHTS))
    assert bytes_read(cache) == (State.VERIFIED, 0)


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CITEWISE_CACHE", str(tmp_path))
    monkeypatch.setenv("CITEWISE_MODELS", "")
    assert cache_folder() == tmp_path
    assert ModelCache.default().root == tmp_path / "models"
    assert ModelCache.default().local is None
    monkeypatch.delenv("CITEWISE_CACHE")
    assert cache_folder().name.lower() == "citewise" or cache_folder().parent.name == "citewise"
