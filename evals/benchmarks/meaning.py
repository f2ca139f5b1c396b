"""The search by meaning alone, at sizes whose whole index takes long to build.

    python evals/benchmarks/meaning.py 100000 1000000 --data DIR

The vectors are those of ``corpus.py``'s passages, made without their texts, and kept in a file
from which what is found is ranked exactly, as the index does from its database. Built, searched and
measured by the index's own code: seconds and memory to build, the memory of the index, recall@10
against exact search, and milliseconds a question with one thread.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from corpus import DATA, Pool, Vectors
from measuring import memory, milliseconds, told
from numpy.typing import NDArray
from search import questions_and_vectors

from citewise import clusters
from citewise.vectors import VectorIndex

_BLOCK = 20_000
_CHANGE = 0.3
_TOP, _FOUND, _ASKED = 10, 50, 300


def write_vectors(path: Path, count: int, known: Pool) -> NDArray[np.float32]:
    """Means of three sentences that stand together and two others that do, a little changed."""
    rng = np.random.default_rng(0)
    pool = known.vectors
    made = np.lib.format.open_memmap(path, "w+", np.float32, (count, pool.shape[1]))
    for start in range(0, count, _BLOCK):
        size = min(_BLOCK, count - start)
        first, second = rng.integers(len(pool) - 5, size=(2, size))
        block = sum(pool[first + rng.integers(5, size=size)] for _ in range(3))
        block = block + sum(pool[second + rng.integers(5, size=size)] for _ in range(2))
        block /= np.linalg.norm(block, axis=1, keepdims=True)
        noise = rng.standard_normal(block.shape, np.float32)
        block += _CHANGE * noise / np.linalg.norm(noise, axis=1, keepdims=True)
        made[start : start + size] = block / np.linalg.norm(block, axis=1, keepdims=True)
    return made


def main() -> None:
    """Build and measure each size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("sizes", nargs="+", type=int)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, help="JSON lines")
    args = parser.parse_args()
    known = questions_and_vectors(args.data)
    for size in args.sizes:
        with tempfile.TemporaryDirectory() as scratch:
            told(
                {"what": "meaning", "passages": size} | measured(size, known, Path(scratch)),
                args.out,
            )


def measured(size: int, known: Pool, folder: Path) -> dict[str, object]:
    """Everything about one size."""
    vectors = write_vectors(folder / "vectors.npy", size, known)
    dimensions = vectors.shape[1]
    kind = clusters.choose(size, dimensions, clusters.memory_budget())
    # Stored sentences settle how many clusters are looked at; the questions below never do.
    settling = known.vectors[:: len(known.vectors) // 200][:200]

    def blocks() -> Iterator[tuple[NDArray[np.int64], Vectors]]:
        for start in range(0, size, _BLOCK):
            block = np.array(vectors[start : start + _BLOCK])
            yield np.arange(start, start + len(block)), block

    began = time.process_time()
    if kind is None:
        index, settled = VectorIndex.build(np.arange(size), np.array(vectors)), 1.0
    else:
        index, settled = clusters.build(blocks, size, dimensions, kind, settling)
    building = time.process_time() - began
    digest = index.save(folder / "index.faiss")
    del index
    before = memory()
    loaded = VectorIndex.load(folder / "index.faiss", digest)
    assert loaded is not None
    after = memory()

    def search(vector: Vectors) -> NDArray[np.int64]:
        ids, scores = loaded.search(vector, _FOUND * loaded.oversample)
        if loaded.oversample > 1:
            ids = np.sort(ids)
            scores = vectors[ids] @ vector
        return ids[np.argsort(-scores)[:_FOUND]]

    asked = known.question_vectors[:_ASKED]
    found = [search(vector)[:_TOP] for vector in asked]
    times = milliseconds(search, list(asked))
    return {
        "kind": str(kind),
        "build_cpu_seconds": building,
        "memory_mb": {name: after[name] - before[name] for name in ("own", "mapped")},
        "disk_mb": (folder / "index.faiss").stat().st_size / 1e6,
        "recall_settled": settled,
        "recall_at_10": recall(vectors, asked, found),
        **times,
    }


def recall(vectors: NDArray[np.float32], asked: Vectors, found: list[NDArray[np.int64]]) -> float:
    """The share of the true ten nearest that was found."""
    best = np.full((len(asked), _TOP), -np.inf, np.float32)
    true = np.full(best.shape, -1, np.int64)
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK]
        scores = np.hstack([best, asked @ block.T])
        ids = np.broadcast_to(np.arange(start, start + len(block)), (len(asked), len(block)))
        named = np.hstack([true, ids])
        first = np.argpartition(-scores, _TOP - 1)[:, :_TOP]
        best = np.take_along_axis(scores, first, 1)
        true = np.take_along_axis(named, first, 1)
    return float(np.mean([np.isin(t, f).mean() for t, f in zip(true, found, strict=True)]))


if __name__ == "__main__":
    main()
