"""Whole searches at any size: how long, how much memory, how near to exact search.

    python evals/benchmarks/search.py 10000 100000 1000000 --folder DIR --data DIR

A search is the retriever's whole way: slips mended, both searches, fusion, spans ranked and put in
order; only embedding the question is left out. Each size is built by the index's own code from
files (kept in ``--folder``) and measured in a process of its own, after 50 questions to warm up:
milliseconds on the clock and of processor time, memory taken beyond what the libraries take (its
own, and of files it has mapped), recall@10 of the search by meaning against exact search, and the
time from opening the index to the first evidence.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from corpus import ARTICLES, DATA, Pool, PoolVectors, articles, pool, write_corpus
from measuring import memory, milliseconds, told

from citewise.assistant import Assistant
from citewise.database import Database
from citewise.index import Index
from citewise.opening import DATABASE
from citewise.records import live_vector_blocks
from citewise.retrieval import Retriever, make_query
from citewise.sources import FolderSource
from citewise.splitting import split

_WARMING = 50
_ASKED = 1_000
_TOP = 10
_STAGES = ("contains", "similar", "dense", "lexical", "passages", "span_scores", "idf")


def main() -> None:
    """Build what is missing, then measure each size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("sizes", nargs="+", type=int)
    parser.add_argument("--folder", type=Path, required=True, help="where corpora and indexes lie")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sentences", type=int, default=5, help="in a passage, at the most")
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--out", type=Path, help="JSON lines, for plots.py")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    known = questions_and_vectors(args.data)
    if args.child:
        print(json.dumps(measured(args.folder / str(args.sizes[0]), known, args.questions)))
        return
    for size in args.sizes:
        built = build(args.folder / str(size), size, known, args.data, args.sentences)
        command = [sys.executable, __file__, str(size), "--child", "--folder", str(args.folder)]
        command += ["--data", str(args.data), "--questions", str(args.questions)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        result = {"what": "search", "passages": size} | built | json.loads(done.stdout)
        told(result, args.out)


def questions_and_vectors(data: Path) -> Pool:
    """What the corpus is made of."""
    sources, asked = articles(data, ARTICLES)
    return pool(sources, asked[:_ASKED])


def model_name() -> str:
    """The default embedding model's: `citewise index` takes the index for its own."""
    return Assistant(llm="none").embedder_name


def build(folder: Path, size: int, known: Pool, data: Path, sentences: int = 5) -> dict[str, float]:
    """Corpus and index, unless they are there; seconds that the index took."""
    taken = folder / "built.json"
    if not taken.exists():
        if not (folder / "corpus").exists():
            write_corpus(folder / "corpus", size, articles(data, ARTICLES)[0], sentences)
        clock, spent = time.perf_counter(), time.process_time()
        with Index.open(folder / "index", PoolVectors(model_name(), known)) as index:
            index.refresh(FolderSource(folder / "corpus"), split)
        seconds = {
            "build_seconds": time.perf_counter() - clock,
            "build_cpu_seconds": time.process_time() - spent,
            "build_peak_mb": memory()["peak"],
        }
        taken.write_text(json.dumps(seconds))
    result: dict[str, float] = json.loads(taken.read_text())
    return result


def measured(folder: Path, known: Pool, questions: int) -> dict[str, Any]:
    """Everything about one index."""
    embedder = PoolVectors(model_name(), known)
    embedder.embed_query(known.questions[0])
    before = memory()
    began = time.perf_counter()
    index = Index.open(folder / "index", embedder)
    retriever = Retriever(index, embedder)
    search = lambda text: retriever.search(make_query(text, (), index), _TOP)  # noqa: E731
    search(known.questions[0])
    opened = time.perf_counter() - began
    for text in known.questions[1:_WARMING]:
        search(text)
    asked = known.questions[_WARMING : _WARMING + questions]
    times = milliseconds(search, asked)
    after = memory()
    return {
        "spans": index.stats()["spans"],
        "vectors": index.stats()["vectors"],
        "words": index.stats()["words"],
        "size_mb": index.stats()["bytes"] / 1e6,
        "open_seconds": opened,
        **times,
        "memory_mb": {kind: after[kind] - before[kind] for kind in ("own", "mapped")},
        "recall_at_10": recall(index, known, questions),
        "stages_cpu_ms": stages(index, search, asked),
    }


def stages(index: Any, search: Callable[[str], Any], asked: list[str]) -> dict[str, list[float]]:
    """Processor time of each of the index's answers, p50 and p95, and of what is between them."""
    spent: defaultdict[str, float] = defaultdict(float)

    def clocked(name: str) -> Callable[..., Any]:
        real = getattr(index, name)

        def call(*args: Any) -> Any:
            began = time.thread_time()
            try:
                return real(*args)
            finally:
                spent[name] += 1e3 * (time.thread_time() - began)

        return call

    for name in _STAGES:
        setattr(index, name, clocked(name))
    rows = []
    for text in asked:
        spent.clear()
        began = time.thread_time()
        search(text)
        whole = 1e3 * (time.thread_time() - began)
        rows.append([*(spent[name] for name in _STAGES), whole - sum(spent.values())])
    parts = np.percentile(np.array(rows), [50, 95], axis=0).T.round(2).tolist()
    return dict(zip((*_STAGES, "rest"), parts, strict=True))


def recall(index: Index, known: Pool, questions: int) -> float:
    """The share of the true ten nearest that the index finds."""
    vectors = known.question_vectors[_WARMING : _WARMING + questions]
    dimensions = vectors.shape[1]
    best = np.full((len(vectors), _TOP), -np.inf, np.float32)
    true = np.full(best.shape, -1, np.int64)
    with Database(index.folder / DATABASE, read_only=True).reading() as connection:
        for ids, block in live_vector_blocks(connection, dimensions):
            scores = np.hstack([best, vectors @ block.T])
            named = np.hstack([true, np.broadcast_to(ids, (len(vectors), len(ids)))])
            first = np.argpartition(-scores, _TOP - 1)[:, :_TOP]
            best = np.take_along_axis(scores, first, 1)
            true = np.take_along_axis(named, first, 1)
    found = [[hit.id for hit in index.dense(vector, 50)[:_TOP]] for vector in vectors]
    return float(np.mean([np.isin(t, f).mean() for t, f in zip(true, found, strict=True)]))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
