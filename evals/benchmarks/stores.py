"""The same searches over several stores, side by side: how much each finds, how long it takes.

    python evals/benchmarks/stores.py 10000 DIR/embedded postgresql://... --folder DIR --data DIR

The corpus is that of ``search.py``, made once in ``--folder``; a store that does not hold it yet is
filled by the index's own code. Then every question is put to each store in turn, so that whatever
else the machine does slows all of them alike. Evidence is the retriever's whole way, as in
``search.py``. Recall@10 is that of the search by meaning, against the ten nearest of all passages
by exact inner products; ``same evidence`` is the share of questions for which a store gives the
same ten spans as the first one.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from corpus import ARTICLES, DATA, PoolVectors, articles, pool, write_corpus
from measuring import told

from citewise.documents import list_files, read_sources
from citewise.index import Index
from citewise.records import passage_text
from citewise.retrieval import Retriever, make_query
from citewise.sources import FolderSource
from citewise.splitting import split
from citewise.stores import open_store
from citewise.types import Evidence

_WARMING = 50
_ASKED = 1_000
_TOP = 10
_NAME = "benchmark-pool"

Place = tuple[str, int]


@dataclass
class Measured:
    """One store, and what was measured on it; times in milliseconds."""

    address: str
    index: Index
    retriever: Retriever
    filled: float
    times: list[float] = field(default_factory=list)
    near: list[float] = field(default_factory=list)
    recalls: list[float] = field(default_factory=list)
    found: list[list[tuple[str, int, int]]] = field(default_factory=list)

    def ask(self, question: str) -> tuple[Evidence, ...]:
        """The evidence for a question."""
        return self.retriever.search(make_query(question, (), self.index), _TOP)


def main() -> None:
    """Fill what is empty, ask, and print a line for each store."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("passages", type=int)
    parser.add_argument("stores", nargs="+", help="folders or addresses")
    parser.add_argument("--folder", type=Path, required=True, help="where the corpus lies")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--out", type=Path, help="JSON lines")
    args = parser.parse_args()
    sources, asked = articles(args.data, ARTICLES)
    known = pool(sources, asked[:_ASKED])
    corpus = args.folder / f"corpus-{args.passages}"
    if not corpus.exists():
        write_corpus(corpus, args.passages, sources)
    embedder = PoolVectors(_NAME, known)
    stores = [opened(address, embedder, corpus) for address in args.stores]
    chosen = slice(_WARMING, _WARMING + args.questions)
    true = nearest(corpus, embedder, known.question_vectors[chosen])
    for question in known.questions[:_WARMING]:
        for store in stores:
            store.ask(question)
    vectors = known.question_vectors[chosen]
    for question, vector, best in zip(known.questions[chosen], vectors, true, strict=True):
        for store in stores:
            measure(store, question, vector, best)
    for store in stores:
        told(line(store, stores[0], args.passages), args.out)
        store.index.close()


def opened(address: str, embedder: PoolVectors, corpus: Path) -> Measured:
    """A store that holds the corpus."""
    index = open_store(address, embedder)
    began = time.perf_counter()
    index.refresh(FolderSource(corpus), split)
    return Measured(address, index, Retriever(index, embedder), time.perf_counter() - began)


def nearest(corpus: Path, embedder: PoolVectors, asked: np.ndarray[Any, Any]) -> list[set[Place]]:
    """The ten nearest passages of each question's vector, by looking at all of them."""
    best = np.full((len(asked), _TOP), -np.inf, np.float32)
    places = np.full(best.shape, -1, np.int64)
    every: list[Place] = []
    for _, reading in read_sources(list_files(corpus).files):
        for document in reading.documents:
            passages = split(document)
            vectors = embedder.embed_passages([passage_text(passage) for passage in passages])
            ids = np.arange(len(every), len(every) + len(passages))
            every += [(document.name, passage.start) for passage in passages]
            scores = np.hstack([best, asked @ vectors.T])
            named = np.hstack([places, np.broadcast_to(ids, (len(asked), len(ids)))])
            first = np.argpartition(-scores, _TOP - 1)[:, :_TOP]
            best = np.take_along_axis(scores, first, 1)
            places = np.take_along_axis(named, first, 1)
    return [{every[place] for place in row} for row in places.tolist()]


def measure(store: Measured, question: str, vector: np.ndarray[Any, Any], best: set[Place]) -> None:
    """Put one question to a store."""
    began = time.perf_counter()
    found = store.ask(question)
    store.times.append(1e3 * (time.perf_counter() - began))
    store.found.append([(item.document, item.start, item.end) for item in found])
    began = time.perf_counter()
    hits = store.index.dense(vector, 50)[:_TOP]
    store.near.append(1e3 * (time.perf_counter() - began))
    stored = store.index.passages([hit.id for hit in hits])
    places = {(one.passage.document, one.passage.start) for one in stored}
    store.recalls.append(len(places & best) / len(best))


def line(store: Measured, first: Measured, passages: int) -> dict[str, Any]:
    """What was measured; the address without user and password."""
    same = [mine == other for mine, other in zip(store.found, first.found, strict=True)]
    stats = store.index.stats()
    return {
        "what": "store",
        "store": stats["path"],
        "passages": passages,
        "vectors": stats["vectors"],
        "filled_seconds": round(store.filled, 1),
        "size_mb": round(int(stats["bytes"]) / 1e6, 1),
        "evidence_ms": percentiles(store.times),
        "dense_ms": percentiles(store.near),
        "recall_at_10": round(float(np.mean(store.recalls)), 4),
        "same_evidence": round(float(np.mean(same)), 4),
        "questions": len(store.times),
    }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """The middle, and what nearly all stay below."""
    p50, p95 = np.percentile(values, [50, 95]).round(2).tolist()
    return {"p50": p50, "p95": p95}


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
