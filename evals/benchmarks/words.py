"""BM25 over many passages: FTS5, this project's postings, and tantivy and bm25s if installed.

    python evals/benchmarks/words.py 10000 100000 1000000

For every size: seconds to build, megabytes on disk, and milliseconds a question, as processor time
and as time on the clock, which a busy machine stretches. ``same`` is the share of questions whose
ten best passages are those of FTS5.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from corpus import ARTICLES, DATA, articles, term_passages
from measuring import megabytes, milliseconds, told

from citewise import postings, postingsfile
from citewise.tokens import content_terms
from citewise.words import Words

_K = 50
Search = Callable[[list[str]], list[int]]


def fts5(texts: Iterable[str], folder: Path) -> tuple[Search, Path]:
    """As the index searches up to 5,000 passages."""
    path = folder / "fts.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE passages (id INTEGER PRIMARY KEY, terms TEXT)")
    tokenize = "tokenize = \"ascii tokenchars '-.+#'\""
    connection.execute(
        "CREATE VIRTUAL TABLE fts USING fts5"
        f" (terms, content = 'passages', content_rowid = 'id', {tokenize})"
    )
    connection.execute("CREATE VIRTUAL TABLE vocab USING fts5vocab (fts, row)")
    connection.executemany("INSERT INTO passages (terms) VALUES (?)", ((text,) for text in texts))
    connection.execute("INSERT INTO fts (rowid, terms) SELECT id, terms FROM passages")
    connection.commit()

    def search(terms: list[str]) -> list[int]:
        known = [t for t in terms if connection.execute(_HELD, (t,)).fetchone()]
        query = " OR ".join(f'"{term}"' for term in known)
        rows = connection.execute(_MATCH, (query, _K)) if known else []
        return [row[0] for row in rows]

    return search, path


_HELD = "SELECT doc FROM vocab WHERE term = ?"
_MATCH = "SELECT rowid FROM fts WHERE fts MATCH ? ORDER BY rank, rowid LIMIT ?"


def own(texts: Iterable[str], folder: Path) -> tuple[Search, Path]:
    """As the index searches more than 5,000 passages."""
    path = folder / "postings-1.bin"
    made = postings.build(enumerate(texts, 1), lambda terms: [0] * len(terms))
    loaded = postingsfile.load(path, postingsfile.save(made, path))
    assert loaded is not None
    words = Words((loaded,), np.empty(0, np.int64))

    def search(terms: list[str]) -> list[int]:
        counted = {term: words.passages(term) for term in terms}
        ids, _ = words.search({t: n for t, n in counted.items() if n}, _K)
        return ids.tolist()

    return search, path


def tantivy(texts: Iterable[str], folder: Path) -> tuple[Search, Path]:
    """The Rust engine, with terms split at white space."""
    import tantivy as engine

    path = folder / "tantivy"
    path.mkdir()
    schema = (
        engine.SchemaBuilder()
        .add_integer_field("id", stored=True)
        .add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
        .build()
    )
    index = engine.Index(schema, str(path))
    writer = index.writer(256_000_000, 1)
    for number, text in enumerate(texts, 1):
        writer.add_document(engine.Document(id=number, terms=text))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()

    def search(terms: list[str]) -> list[int]:
        parts = [(engine.Occur.Should, engine.Query.term_query(schema, "terms", t)) for t in terms]
        hits = searcher.search(engine.Query.boolean_query(parts), _K).hits
        return [searcher.doc(address)["id"][0] for _, address in hits]

    return search, path


def bm25s(texts: Iterable[str], folder: Path) -> tuple[Search, Path]:
    """Scores computed ahead, in sparse matrices of numpy."""
    import bm25s as engine

    path = folder / "bm25s"
    made = engine.BM25(k1=1.2, b=0.75)
    made.index([text.split() for text in texts], show_progress=False)
    made.save(str(path))

    def search(terms: list[str]) -> list[int]:
        known = [term for term in terms if term in made.vocab_dict]
        if not known:
            return []
        ids, _ = made.retrieve([known], k=_K, show_progress=False, n_threads=0)
        return (ids[0] + 1).tolist()

    return search, path


def measured(
    make: Any, texts: list[str], questions: list[list[str]]
) -> tuple[dict[str, Any], list[set[int]]]:
    """What one engine takes, and the ten best passages of each question."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        search, path = make(texts, Path(folder))
        result = {"build_cpu_seconds": time.process_time() - began, "disk_mb": megabytes(path)}
        for question in questions[:5]:
            search(question)
        result |= milliseconds(search, questions)
        return result, [set(search(question)[:10]) for question in questions]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("sizes", nargs="+", type=int)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--engines", default="fts5,own,tantivy,bm25s")
    parser.add_argument("--out", type=Path, help="JSON lines, for plots.py")
    args = parser.parse_args()
    sources, asked = articles(args.data, ARTICLES)
    questions = [terms for q in asked if (terms := content_terms(q))][: args.questions]
    engines = {"fts5": fts5, "own": own, "tantivy": tantivy, "bm25s": bm25s}
    for size in args.sizes:
        texts = list(term_passages(size, sources))
        reference: list[set[int]] = []
        for name in args.engines.split(","):
            try:
                result, found = measured(engines[name], texts, questions)
            except ImportError:
                print(f"{size:>9,} {name:8} is not installed", flush=True)
                continue
            reference = reference or found
            same = np.mean([a == b for a, b in zip(reference, found, strict=True)])
            row = {"what": "words", "passages": size, "engine": name, "same": same} | result
            told(row, args.out)


if __name__ == "__main__":
    main()
