"""Searching by meaning beside other tools: the same passages, vectors, questions and machine.

    python evals/benchmarks/retrieval.py 1000 10000 100000 --folder DIR --data DIR

Every tool builds its index from the same texts and vectors and is then opened in a process of its
own: seconds to build, megabytes on disk, seconds from starting that process to the first result
(the libraries' imports included, the embedding model not), memory then, milliseconds a question
with one thread, and recall@10 against exact search. ``citewise`` stands there twice: with the part
that does the same work as the others, and with its whole search, which looks for words too and
ranks sentences.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from corpus import ARTICLES, DATA, PoolVectors, articles, passages
from measuring import megabytes, memory, milliseconds, told
from numpy.typing import NDArray
from search import build, model_name, questions_and_vectors

OWN = ("citewise", "citewise-whole")
_TOP = 10
_WARMING, _ASKED = 50, 200


def main() -> None:
    """Build, open and measure every tool at every size."""
    from peers import PEERS

    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("sizes", nargs="+", type=int)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--tools", default=",".join((*OWN, *PEERS)))
    parser.add_argument("--out", type=Path, help="JSON lines, for plots.py")
    parser.add_argument("--child", choices=("build", "open"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        work = built if args.child == "build" else opened
        print(json.dumps(work(args.tools, args.folder, args.sizes[0], args.data)))
        return
    for size in args.sizes:
        prepare(args.folder, size, args.data)
        for tool in args.tools.split(","):
            result = {"what": "retrieval", "passages": size, "tool": tool}
            for child in ("build", "open"):
                result |= in_child(tool, child, size, args)
            told(result, args.out)


def in_child(tool: str, child: str, size: int, args: argparse.Namespace) -> dict[str, Any]:
    """One step in a process of its own."""
    command = [sys.executable, __file__, str(size), "--tools", tool, "--child", child]
    command += ["--folder", str(args.folder), "--data", str(args.data)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HAYSTACK_TELEMETRY_ENABLED": "False"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        return {f"{child}_failed": done.stderr.strip().splitlines()[-1:]}
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def prepare(folder: Path, size: int, data: Path) -> None:
    """Texts, vectors, and the true nearest passages of the questions."""
    kept = folder / f"passages-{size}.npz"
    if kept.exists():
        return
    known = questions_and_vectors(data)
    made = passages(size, articles(data, ARTICLES)[0])
    texts = [" ".join(sentences) for sentences in made]
    vectors = PoolVectors("pool", known).embed_passages(texts)
    (folder / f"passages-{size}.json").write_text(json.dumps(texts), encoding="utf-8")
    asked = known.question_vectors[: _WARMING + _ASKED]
    scores = asked @ vectors.T
    true = np.argpartition(-scores, _TOP - 1)[:, :_TOP]
    np.savez(kept, vectors=vectors, asked=asked, true=true)


def built(tool: str, folder: Path, size: int, data: Path) -> dict[str, Any]:
    """Build one tool's index."""
    if tool in OWN:
        return build(folder / str(size), size, questions_and_vectors(data), data) | {
            "disk_mb": megabytes(folder / str(size) / "index")
        }
    from peers import PEERS

    place = folder / "peers" / f"{tool}-{size}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    texts = json.loads((folder / f"passages-{size}.json").read_text(encoding="utf-8"))
    with np.load(folder / f"passages-{size}.npz") as kept:
        vectors = kept["vectors"]
    clock, spent = time.perf_counter(), time.process_time()
    PEERS[tool].build(place, texts, vectors)
    return {
        "build_seconds": time.perf_counter() - clock,
        "build_cpu_seconds": time.process_time() - spent,
        "build_peak_mb": memory()["peak"],
        "disk_mb": megabytes(place),
    }


def opened(tool: str, folder: Path, size: int, data: Path) -> dict[str, Any]:
    """Open it, ask the first question, then the others."""
    with np.load(folder / f"passages-{size}.npz") as kept:
        asked, true = kept["asked"], kept["true"]
    questions = articles(data, ARTICLES)[1][: len(asked)]
    before, clock, spent = memory(), time.perf_counter(), time.process_time()
    search = own_search(tool, folder, size, asked, questions) if tool in OWN else None
    if search is None:
        from peers import PEERS

        search = PEERS[tool].open(folder / "peers" / f"{tool}-{size}")
    search(questions[0], asked[0])
    began = {
        "open_seconds": time.perf_counter() - clock,
        "open_cpu_seconds": time.process_time() - spent,
    }
    pairs = list(zip(questions, asked, strict=True))
    for question, vector in pairs[:_WARMING]:
        search(question, vector)
    times = milliseconds(lambda pair: search(*pair), pairs[_WARMING:])
    after = memory()
    found = [search(*pair) for pair in pairs[_WARMING:]]
    result = began | times | {k: after[k] - before[k] for k in ("own", "mapped")}
    if tool not in ("citewise-whole", "citation-engine"):
        recall = [np.isin(t, f).mean() for t, f in zip(true[_WARMING:], found, strict=True)]
        result["recall"] = float(np.mean(recall))
    return result


def own_search(
    tool: str, folder: Path, size: int, asked: NDArray[np.float32], questions: list[str]
) -> Any:
    """This project's search; by place, as the others give it."""
    from citewise.index import Index
    from citewise.retrieval import Retriever, make_query

    known = dict(zip(questions, asked, strict=True))

    class Given:
        """Meets ``Embedder``: the vectors of the questions are known."""

        name = model_name()

        def embed_query(self, text: str) -> NDArray[np.float32]:
            return known[text]

    index = Index.open(folder / str(size) / "index", Given())  # type: ignore[arg-type]
    retriever = Retriever(index, Given())  # type: ignore[arg-type]
    if tool == "citewise-whole":
        return lambda text, _: retriever.search(make_query(text, (), index), _TOP)
    # Ids count from 1 in the order of the corpus's files, which is that of the passages.
    return lambda _, vector: [
        stored.id - 1 for stored in index.passages([hit.id for hit in index.dense(vector, _TOP)])
    ]


if __name__ == "__main__":
    main()
