import hashlib

import numpy as np
import pytest

from citewise.errors import IndexFault, InputError
from citewise.vectors import VectorIndex, remove_other_generations, vectors_path


def unit(rng, count, dimensions=24):
    vectors = rng.standard_normal((count, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def brute_force(ids, vectors, query, k):
    scores = vectors @ query
    return sorted(zip(ids.tolist(), scores.tolist(), strict=True), key=lambda p: (-p[1], p[0]))[:k]


@pytest.mark.parametrize("k", [1, 5, 300, 1000])
def test_search_agrees_with_brute_force(k):
    rng = np.random.default_rng(7)
    vectors = unit(rng, 300)
    ids = rng.permutation(10_000)[:300].astype(np.int64)
    index = VectorIndex.build(ids, vectors)
    for query in unit(rng, 20):
        expected = brute_force(ids, vectors, query, k)
        found, scores = index.search(query, k)
        assert found.tolist() == [i for i, _ in expected]
        np.testing.assert_allclose(scores, [s for _, s in expected], atol=1e-6)


@pytest.mark.parametrize("k", [1, 7, 50, 64])
def test_equal_scores_come_by_lower_id(k):
    rng = np.random.default_rng(3)
    same, other = unit(rng, 2)
    ids = rng.permutation(64).astype(np.int64)
    index = VectorIndex.build(ids, np.stack([same] * 50 + [other] * 14))
    found, scores = index.search(same, k)
    expected = [*sorted(ids[:50].tolist()), *sorted(ids[50:].tolist())][:k]
    assert found.tolist() == expected
    assert scores[0] == pytest.approx(1.0, abs=1e-6)


def test_a_vector_finds_itself_first():
    vectors = unit(np.random.default_rng(1), 40)
    index = VectorIndex.build(np.arange(100, 140), vectors)
    for number, vector in enumerate(vectors):
        found, scores = index.search(vector, 1)
        assert found.tolist() == [100 + number]
        assert scores[0] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("k", [0, -1])
def test_none_asked_for_none_found(k):
    index = VectorIndex.build(np.arange(3), np.eye(3, dtype=np.float32))
    found, scores = index.search(np.eye(3, dtype=np.float32)[0], k)
    assert found.shape == scores.shape == (0,)


def test_an_empty_index_finds_nothing():
    index = VectorIndex.build(np.empty(0, np.int64), np.empty((0, 3), np.float32))
    assert index.search(np.ones(3, np.float32), 5)[0].tolist() == []


@pytest.mark.parametrize("shape", [(2,), (4,), (1, 3), ()])
def test_a_vector_of_another_shape_is_refused(shape):
    index = VectorIndex.build(np.arange(3), np.eye(3, dtype=np.float32))
    with pytest.raises(IndexFault, match="holds vectors of 3 numbers"):
        index.search(np.ones(shape, np.float32), 1)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_vector_with_no_number_is_refused(value):
    index = VectorIndex.build(np.arange(3), np.eye(3, dtype=np.float32))
    with pytest.raises(InputError, match="not a number"):
        index.search(np.array([1, value, 0], np.float32), 1)


def test_saved_and_loaded_it_finds_the_same(tmp_path):
    vectors = unit(np.random.default_rng(5), 30)
    path = vectors_path(tmp_path, 4)
    digest = VectorIndex.build(np.arange(30), vectors).save(path)
    assert path.name == "vectors-4.faiss"
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert list(tmp_path.iterdir()) == [path]
    loaded = VectorIndex.load(path, digest)
    assert loaded is not None
    assert (len(loaded), loaded.dimensions) == (30, 24)
    assert loaded.search(vectors[9], 1)[0].tolist() == [9]


def test_a_file_altered_anywhere_is_not_loaded(tmp_path):
    path = tmp_path / "vectors-1.faiss"
    digest = VectorIndex.build(np.arange(3), np.eye(3, dtype=np.float32)).save(path)
    sound = path.read_bytes()
    for position in range(0, len(sound), 7):
        path.write_bytes(sound[:position] + bytes([sound[position] ^ 1]) + sound[position + 1 :])
        assert VectorIndex.load(path, digest) is None
    path.write_bytes(sound[:-1])
    assert VectorIndex.load(path, digest) is None
    path.unlink()
    assert VectorIndex.load(path, digest) is None


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "vectors-1.faiss"
    path.mkdir()
    with pytest.raises(OSError, match="vectors-1"):
        VectorIndex.build(np.arange(3), np.eye(3, dtype=np.float32)).save(path)
    assert list(tmp_path.iterdir()) == [path]


def test_other_generations_are_removed(tmp_path):
    for name in ("vectors-1.faiss", "vectors-2.faiss", "vectors-3.faiss.77.tmp", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    remove_other_generations(tmp_path, 2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["notes.txt", "vectors-2.faiss"]
