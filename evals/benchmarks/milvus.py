"""The same index with its vectors in FAISS and in Milvus Lite, side by side in one run.

    python evals/benchmarks/milvus.py 10000 100000

One index is built, and a copy of its folder opened with a Milvus file, which is thereby filled.
Then each question goes to both in turn: recall@10 against exact search over the database, and
milliseconds of ``dense()``, over everything and over filters that leave a half and a few.

The vectors are made, not embedded: points of 300 topics in 48 dimensions, turned into 384, with
noise, so that like embeddings they lie near few directions. Nothing here is a model's time.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from measuring import megabytes, memory, told
from numpy.typing import NDArray

from citewise.folder_index import FolderIndex
from citewise.index import Index
from citewise.records import live_vector_blocks
from citewise.stores import open_store
from citewise.types import Document, Filter, Passage, Span

_DIMENSIONS, _TOPICS, _LATENT = 384, 300, 48
_PER_DOCUMENT = 50
_ASKED, _TOP, _FOUND = 200, 10, 50


class Made:
    """Meets ``Embedder``: a text's number decides its topic and its vector."""

    name, dimensions = "made-384", _DIMENSIONS

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self._topics = rng.standard_normal((_TOPICS, _LATENT), np.float32)
        self._turn = rng.standard_normal((_LATENT, _DIMENSIONS), np.float32)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit vector per text."""
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The vector of one text."""
        rng = np.random.default_rng(zlib.crc32(text.encode()))
        latent = self._topics[rng.integers(_TOPICS)] + rng.standard_normal(_LATENT, np.float32)
        vector = latent @ self._turn + rng.standard_normal(_DIMENSIONS, np.float32)
        return vector / np.linalg.norm(vector)


def documents(passages: int) -> Iterator[Document]:
    """Documents of passages with nothing but a number each."""
    for first in range(0, passages, _PER_DOCUMENT):
        lines = [f"item {n}" for n in range(first, min(passages, first + _PER_DOCUMENT))]
        yield Document(f"{first:09}.txt", "\n".join(lines), f"{first:064}")


def split(document: Document) -> list[Passage]:
    """A passage a line."""
    made, start = [], 0
    for line in document.text.split("\n"):
        end = start + len(line)
        span = Span(start, end, "sentence", line)
        made.append(Passage(document.name, start, end, line, "prose", "", (span,)))
        start = end + 1
    return made


def exact(index: FolderIndex, asked: NDArray[np.float32], within: Any) -> list[set[int]]:
    """The true ten nearest of each question."""
    best = np.full((len(asked), _TOP), -np.inf, np.float32)
    true = np.full(best.shape, -1, np.int64)
    with index._database.reading() as connection:
        for ids, vectors in live_vector_blocks(connection, _DIMENSIONS):
            keep = np.isin(ids, within) if within is not None else slice(None)
            scores = np.hstack([best, asked @ vectors[keep].T])
            named = np.hstack([true, np.broadcast_to(ids[keep], (len(asked), len(ids[keep])))])
            first = np.argpartition(-scores, _TOP - 1)[:, :_TOP]
            best = np.take_along_axis(scores, first, 1)
            true = np.take_along_axis(named, first, 1)
    return [set(row.tolist()) for row in true]


def side_by_side(
    stores: dict[str, Index], asked: NDArray[np.float32], true: list[set[int]], within: Any
) -> dict[str, dict[str, float]]:
    """Recall and milliseconds of each store, the questions in turn."""
    times: dict[str, list[float]] = {name: [] for name in stores}
    right = dict.fromkeys(stores, 0)
    for question, nearest in zip(asked, true, strict=True):
        for name, store in stores.items():
            began = time.perf_counter()
            hits = store.dense(question, _FOUND, within)
            times[name].append(1e3 * (time.perf_counter() - began))
            right[name] += len({hit.id for hit in hits[:_TOP]} & nearest)
    return {
        name: {
            "recall_at_10": round(right[name] / (_TOP * len(asked)), 4),
            "p50_ms": round(float(np.percentile(times[name], 50)), 1),
            "p95_ms": round(float(np.percentile(times[name], 95)), 1),
        }
        for name in stores
    }


def indexed(file: Path, patience: float = 900.0) -> None:
    """Wait until Milvus Lite has built its HNSW, which it does beside everything else."""
    end, quiet = time.monotonic() + patience, 0.0
    known: set[tuple[str, int]] = set()
    while time.monotonic() < end and quiet < 10.0:
        time.sleep(1.0)
        now = {(str(path), path.stat().st_size) for path in file.rglob("*.hnsw.idx")}
        quiet = quiet + 1.0 if now and now == known else 0.0
        known = now


def timed(work: Callable[[], Any]) -> float:
    """Seconds on the clock."""
    began = time.perf_counter()
    work()
    return round(time.perf_counter() - began, 1)


def measured(size: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Everything about one size."""
    embedder = Made()
    faiss = FolderIndex.open(folder / "faiss", embedder)
    seconds = timed(lambda: faiss.update(documents(size), split))
    yield {"what": "built with FAISS", "seconds": seconds, "kind": faiss.stats()["vectors"]}
    faiss.close()
    shutil.copytree(folder / "faiss", folder / "milvus")
    address = f"milvus+file://{folder}/vectors.db"
    milvus = open_store(address, embedder, folder=folder / "milvus")
    asked = np.stack([embedder.embed_query(f"question {n}") for n in range(_ASKED)])
    seconds = timed(lambda: milvus.dense(asked[0], _FOUND))
    size_mb = round(megabytes(folder / "vectors.db"))
    yield {"what": "filled Milvus Lite", "seconds": seconds, "disk_mb": size_mb}
    asked_first = side_by_side(
        {"milvus lite": milvus}, asked[:20], exact(faiss, asked[:20], None), None
    )
    yield {"what": "all, while Milvus Lite indexes", **asked_first}
    yield {
        "what": "indexed by Milvus Lite",
        "seconds": timed(lambda: indexed(folder / "vectors.db")),
    }
    stores = {"faiss": faiss, "milvus lite": milvus}
    names = [info.name for info in faiss.documents()]
    for what, chosen in (("all", None), ("half", names[::2]), ("few", names[:40])):
        within = None if chosen is None else faiss.selected(Filter(documents=tuple(chosen)))
        found = side_by_side(stores, asked, exact(faiss, asked, within), within)
        yield {"what": what, "within": size if within is None else len(within), **found}
    more = [*documents(size), Document("new.txt", "item new", "1" * 64)]
    for name, store in stores.items():
        seconds = timed(lambda: store.update(more, split))  # noqa: B023 - called at once
        yield {"what": f"one document added, {name}", "seconds": seconds}
    yield {"what": "memory", **{k: round(v) for k, v in memory().items()}}
    for store in stores.values():
        store.close()


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("sizes", nargs="+", type=int)
    parser.add_argument("--out", type=Path, help="JSON lines")
    args = parser.parse_args()
    for size in args.sizes:
        with tempfile.TemporaryDirectory() as scratch:
            for row in measured(size, Path(scratch)):
                told({"passages": size, **row}, args.out)


if __name__ == "__main__":
    main()
