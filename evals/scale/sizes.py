"""Bytes a passage in the embedded store, by what they hold."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from search import build, questions_and_vectors

__all__ = ["embedded_sizes"]

# Which part each table and index of the database belongs to; what is not named is "other".
_PARTS = {
    "documents": "document text",
    "passages": "passage rows (text, terms)",
    "spans": "span rows",
    "spans_by_passage": "span rows",
    "vectors": "vectors",
    "sqlite_autoindex_vectors_1": "vectors",
    "passages_by_document": "passage rows (text, terms)",
}
_FILES = {".faiss": "vector file", ".sqlite3": "", ".db": ""}


def embedded_sizes(folder: Path, passages: int, data: Path) -> dict[str, Any]:
    """Build the index from files unless it is there, and add up its pages and files."""
    build(folder, passages, questions_and_vectors(data), data)
    index = folder / "index"
    database = next(path for path in index.iterdir() if _is_database(path))
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM passages").fetchone()
        (spans,) = connection.execute("SELECT count(*) FROM spans").fetchone()
        (vectors,) = connection.execute("SELECT count(*) FROM vectors").fetchone()
        (characters,) = connection.execute("SELECT avg(length(text)) FROM passages").fetchone()
        pages = connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall()
    parts: Counter[str] = Counter()
    for name, size in pages:
        fts = "full-text index (FTS5)" if "_fts" in name else "other"
        parts[_PARTS.get(name, fts)] += size
    for path in index.rglob("*"):
        if path.is_file() and path != database:
            parts[f"file {path.suffix or path.name}"] += path.stat().st_size
    return {
        "passages": rows,
        "spans": spans,
        "vectors": vectors,
        "characters_a_passage": round(characters, 1),
        "bytes_a_passage": {name: round(size / rows, 1) for name, size in parts.most_common()},
    }


def _is_database(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(15) == b"SQLite format 3"
