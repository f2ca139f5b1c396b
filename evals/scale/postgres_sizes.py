"""Bytes a row and an index entry in PostgreSQL with pgvector, and milliseconds of its searches.

The tables hold what a store of this project has to: documents' passages with their terms for full
text, the spans that are cited, and a vector for each. The figures are the database's own
(``pg_table_size``, ``pg_relation_size``); vectors are the benchmarks' (``corpus.py``), 384 numbers.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from corpus import ARTICLES, PoolVectors, articles, passages
from machine import quantiles
from search import model_name, questions_and_vectors

__all__ = ["postgres_sizes"]

_TOP = 50
_SCHEMA = """
CREATE EXTENSION vector;
CREATE TABLE passages (id bigint PRIMARY KEY, document bigint NOT NULL, first int NOT NULL,
    last int NOT NULL, body text NOT NULL, words tsvector NOT NULL);
CREATE TABLE spans (id bigserial PRIMARY KEY, passage bigint NOT NULL, first int NOT NULL,
    last int NOT NULL, vector {kind}(384) NOT NULL);
CREATE TABLE vectors (passage bigint PRIMARY KEY, vector {kind}(384) NOT NULL);
"""
_INDEXES = {
    "words, GIN": "CREATE INDEX words ON passages USING gin (words)",
    "spans by passage": "CREATE INDEX by_passage ON spans (passage)",
    "vectors, HNSW (m 16)": "CREATE INDEX near ON vectors USING hnsw (vector {kind}_ip_ops)",
}
_NAMES = {
    "words, GIN": "words",
    "spans by passage": "by_passage",
    "vectors, HNSW (m 16)": "near",
}
_BY_WORDS = (
    "SELECT id FROM passages, to_tsquery('english', %s) asked WHERE words @@ asked "
    f"ORDER BY ts_rank(words, asked) DESC LIMIT {_TOP}"
)


def postgres_sizes(rows: int, data: Path) -> dict[str, Any]:
    """Both kinds of vector; full text at a quarter of the rows too, to see how it grows."""
    from pgserver import get_server  # type: ignore[attr-defined]

    known = questions_and_vectors(data)
    embedder = PoolVectors(model_name(), known)
    made = list(passages(rows, articles(data, ARTICLES)[0]))
    found: dict[str, Any] = {"rows": rows, "spans_a_passage": sum(map(len, made)) / rows}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with get_server(folder) as server:
            for kind in ("vector", "halfvec"):
                found[kind] = _one_kind(server.get_uri(), kind, made, embedder, known)
    return found


def _one_kind(
    address: str, kind: str, made: list[list[str]], embedder: PoolVectors, known: Any
) -> dict[str, Any]:
    import psycopg

    asked = [" | ".join(_words(question)) for question in known.questions[50:170]]
    near = [_text(vector) for vector in known.question_vectors[50:170]]
    quarter = len(made) // 4
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS passages, spans, vectors")
        connection.execute(
            _SCHEMA.format(kind=kind).replace("CREATE EXTENSION", "CREATE EXTENSION IF NOT EXISTS")
        )
        found: dict[str, Any] = {"by_words": {}}
        _fill(connection, made[:quarter], 0, embedder)
        connection.execute(_INDEXES["words, GIN"])
        found["by_words"][quarter] = _searched(connection, _BY_WORDS, asked)
        connection.execute("DROP INDEX words")
        _fill(connection, made[quarter:], quarter, embedder)
        seconds = {}
        for name, statement in _INDEXES.items():
            began = time.perf_counter()
            connection.execute(statement.format(kind=kind))
            seconds[name] = round(time.perf_counter() - began, 2)
        connection.execute("VACUUM ANALYZE")
        found["build_seconds"] = seconds
        found["by_words"][len(made)] = _searched(connection, _BY_WORDS, asked)
        by_meaning = f"SELECT passage FROM vectors ORDER BY vector <#> %s::{kind}(384) LIMIT {_TOP}"
        connection.execute("SET hnsw.ef_search = 100")
        found["by_meaning"] = _searched(connection, by_meaning, near)
        found["bytes_a_passage"] = _sizes(connection, len(made))
    return found


def _fill(connection: Any, made: list[list[str]], first: int, embedder: PoolVectors) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        for place, sentences in enumerate(made, first):
            body = " ".join(sentences)
            cursor.execute(
                "INSERT INTO passages VALUES (%s, %s, 0, %s, %s, to_tsvector('english', %s))",
                (place, place // 50, len(body), body, body),
            )
        with cursor.copy("COPY vectors FROM STDIN") as copy:
            for place, vector in enumerate(_vectors(made, embedder), first):
                copy.write_row((place, _text(vector)))
        with cursor.copy("COPY spans (passage, first, last, vector) FROM STDIN") as copy:
            for place, sentences in enumerate(made, first):
                for vector in embedder.embed_passages(sentences):
                    copy.write_row((place, 0, 1, _text(vector)))


def _vectors(made: list[list[str]], embedder: PoolVectors) -> Iterator[Any]:
    for sentences in made:
        yield embedder.embed_passages([" ".join(sentences)])[0]


def _text(vector: Any) -> str:
    return "[" + ",".join(map(str, np.round(vector, 6).tolist())) + "]"


def _words(question: str) -> list[str]:
    kept = ["".join(c for c in word if c.isalnum()) for word in question.split()]
    return [word for word in kept if word] or ["nothing"]


def _searched(connection: Any, statement: str, asked: list[str]) -> dict[str, Any]:
    """Milliseconds of processor time of the backend, which other work does not stretch."""
    (backend,) = connection.execute("SELECT pg_backend_pid()").fetchone()
    spent = Path(f"/proc/{backend}/schedstat")  # nanoseconds on a processor come first
    connection.execute("SET max_parallel_workers_per_gather = 0")
    times = []
    for one in asked:
        before = int(spent.read_text("ascii").split()[0])
        connection.execute(statement, (one,)).fetchall()
        times.append((int(spent.read_text("ascii").split()[0]) - before) / 1e6)
    return quantiles(times[20:])


def _sizes(connection: Any, rows: int) -> dict[str, float]:
    sizes = {
        f"{table}, rows": connection.execute("SELECT pg_table_size(%s)", (table,)).fetchone()[0]
        for table in ("passages", "spans", "vectors")
    }
    for name, index in _NAMES.items():
        sizes[name] = connection.execute("SELECT pg_relation_size(%s)", (index,)).fetchone()[0]
    keys = ("passages_pkey", "spans_pkey", "vectors_pkey")
    sizes["primary keys"] = sum(
        connection.execute("SELECT pg_relation_size(%s)", (key,)).fetchone()[0] for key in keys
    )
    return {name: round(size / rows, 1) for name, size in sizes.items()}
