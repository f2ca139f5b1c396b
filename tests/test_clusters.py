"""Large indexes: approximate within measured bounds, exact in order, filtered without loss."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from citewise import clusters, vectors
from citewise.clusters import Kind, build, choose, memory_budget
from citewise.errors import InputError
from citewise.index import Index
from citewise.index_check import check_index
from citewise.opening import unopened_database
from citewise.vectors import VectorIndex
from doubles import HashEmbedder, document, split_lines

DIMENSIONS = 32


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """On busy cores two threads wait for each other longer than these few vectors take."""
    monkeypatch.setattr(clusters.os, "cpu_count", lambda: 1)


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def stored() -> tuple[np.ndarray, np.ndarray]:
    """Vectors in topics, as texts have them, under ids with gaps."""
    rng = np.random.default_rng(5)
    topics = rng.standard_normal((120, DIMENSIONS))
    near = topics[rng.integers(120, size=3_000)] + 0.7 * rng.standard_normal((3_000, DIMENSIONS))
    return 7 * np.arange(3_000, dtype=np.int64) + 2, unit(near)


@pytest.fixture(scope="module")
def questions() -> np.ndarray:
    rng = np.random.default_rng(5)
    topics = rng.standard_normal((120, DIMENSIONS))
    return unit(topics[:80] + 0.5 * rng.standard_normal((80, DIMENSIONS)))


def made(
    stored: tuple[np.ndarray, np.ndarray], questions: np.ndarray, code: str = "PQ16x4fs"
) -> tuple[VectorIndex, float]:
    ids, held = stored

    def blocks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, len(ids), 1_000):
            yield ids[start : start + 1_000], held[start : start + 1_000]

    return build(blocks, len(ids), DIMENSIONS, Kind(32, code), questions)


def exact(stored: tuple[np.ndarray, np.ndarray], question: np.ndarray, k: int) -> set[int]:
    ids, held = stored
    return set(ids[np.argsort(-(held @ question))[:k]].tolist())


@pytest.mark.parametrize(("code", "over"), [("SQ8", 2), ("PQ16x4fs", 4), ("PQ8x4fs", 8)])
def test_the_recall_told_is_the_recall_there_is(
    stored: tuple[np.ndarray, np.ndarray], questions: np.ndarray, code: str, over: int
) -> None:
    index, recall = made(stored, questions, code)
    assert index.oversample == over
    assert len(index) == 3_000
    hits = [
        len(exact(stored, q, 10) & set(index.search(q, 50 * over)[0].tolist())) for q in questions
    ]
    assert recall == pytest.approx(sum(hits) / (10 * len(questions)))
    assert recall >= 0.98


def test_filters_lose_nothing(stored: tuple[np.ndarray, np.ndarray], questions: np.ndarray) -> None:
    index, _ = made(stored, questions)
    ids, held = stored
    few = ids[::25]
    for question in questions[:20]:
        found, _ = index.search(question, 10 * index.oversample, few)
        assert exact((few, held[::25]), question, 10) <= set(found.tolist()) <= set(few.tolist())
    gone = ids[:1_500]
    found, _ = index.search(questions[0], 50, without=gone)
    assert found.min() > gone.max()


@pytest.mark.parametrize("large_from", [0, 10**9])
def test_it_is_read_back_as_it_was(
    stored: tuple[np.ndarray, np.ndarray],
    questions: np.ndarray,
    large_from: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vectors, "_LARGE_FILE", large_from)
    index, _ = made(stored, questions)
    path = tmp_path / "vectors-1.faiss"
    digest = index.save(path)
    again = VectorIndex.load(path, digest)
    assert again is not None
    assert again.search(questions[3], 30)[0].tolist() == index.search(questions[3], 30)[0].tolist()
    assert np.sort(again.ids()).tolist() == stored[0].tolist()
    near = np.einsum("ij,ij->i", unit(again.reconstruct(stored[0][:50])), stored[1][:50])
    assert near.min() > 0.85
    path.write_bytes(path.read_bytes()[:-3] + b"abc")
    assert VectorIndex.load(path, digest) is None


@pytest.mark.parametrize(
    ("count", "megabytes", "kind"),
    [
        (50_000, 1, "None"),
        (50_001, 1024, "IVF256,PQ192x4fs"),
        (1_000_000, 1024, "IVF1024,PQ192x4fs"),
        (1_000_000, 90, "IVF1024,PQ96x4fs"),
        (10_000_000, 1024, "IVF4096,PQ192x4fs"),
        (10_000_000, 900, "IVF4096,PQ96x4fs"),
    ],
)
def test_what_is_built_depends_on_size_and_memory(count: int, megabytes: int, kind: str) -> None:
    assert str(choose(count, 384, megabytes * 2**20)) == kind


def test_the_memory_budget_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory_budget() == 2**30
    monkeypatch.setenv("CITEWISE_INDEX_MEMORY_MB", "64")
    assert memory_budget() == 64 * 2**20
    for wrong in ("0", "-1", "1 GB"):
        monkeypatch.setenv("CITEWISE_INDEX_MEMORY_MB", wrong)
        with pytest.raises(InputError, match=f"CITEWISE_INDEX_MEMORY_MB is '{wrong}'"):
            memory_budget()


def test_an_index_in_clusters_ranks_as_an_exact_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [
        document(
            f"{i}.txt", "\n\n".join(f"topic{i} w{j} w{(i * j) % 17} w{i + j}" for j in range(8))
        )
        for i in range(60)
    ]
    with Index.open(tmp_path / "exact", HashEmbedder()) as flat:
        flat.update(texts, split_lines)
        assert flat.stats()["vectors"] == "exact (flat)"
        asked = [flat.embedder.embed_query(f"topic{i} w{i + 3}") for i in range(30)]
        expected = [flat.dense(vector, 5) for vector in asked]
    monkeypatch.setattr(clusters, "LARGE", 100)
    monkeypatch.setattr(clusters, "_FEWEST_LISTS", 8)
    with Index.open(tmp_path / "large", HashEmbedder()) as large:
        large.update(texts, split_lines)
        told = str(large.stats()["vectors"])
        assert told.startswith("IVF16,PQ32x4fs, ranked by exact vectors; recall@10 against exact")
        found = [large.dense(vector, 5) for vector in asked]
        pairs = zip(expected, found, strict=True)
        same = sum(len({h.id for h in a} & {h.id for h in b}) for a, b in pairs)
        assert same >= 0.98 * 150
        scores = [{hit.id: hit.score for hit in hits} for hits in expected]
        for hits, known in zip(found, scores, strict=True):
            assert hits == sorted(hits, key=lambda hit: (-hit.score, hit.id))
            assert all(h.score == pytest.approx(known.get(h.id, h.score), abs=1e-6) for h in hits)
        only = np.array(sorted(scores[0]), np.int64)
        assert [h.id for h in large.dense(asked[0], 9, only)] == [h.id for h in expected[0]]
    report = check_index(unopened_database(tmp_path / "large"))
    assert not report.findings
