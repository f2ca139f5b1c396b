"""What an index holds, in numbers; neither model nor documents are needed."""

from __future__ import annotations

from pathlib import Path

from citewise.database import Database, meta
from citewise.schema import FORMAT, LIVE

__all__ = ["index_stats"]


def index_stats(database: Database) -> dict[str, int | str]:
    """Counts, the manifest's entries, and the size of the folder in bytes."""
    folder = database.path.parent
    with database.reading() as connection:
        manifest = meta(connection)
        documents, characters = connection.execute(
            "SELECT count(*), coalesce(sum(characters), 0) FROM documents WHERE state = ?", (LIVE,)
        ).fetchone()
    return {
        "documents": documents,
        "characters": characters,
        "passages": int(manifest["passage_count"]),
        "spans": int(manifest["span_count"]),
        "dimensions": int(manifest["dimensions"]),
        "embedder": manifest["embedder"],
        **_searched(manifest),
        "generation": int(manifest["generation"]),
        "format": FORMAT,
        "bytes": sum(_size(file) for file in folder.iterdir()),
        "path": str(folder),
    }


def _searched(manifest: dict[str, str]) -> dict[str, str]:
    """How vectors and words are searched; the recall is that measured when the file was built."""
    kind, recall = manifest.get("vectors_kind", ""), manifest.get("vectors_recall", "")
    vectors = "none yet" if not kind else "exact (flat)"
    if kind not in ("", "exact"):
        measured = f"; recall@10 against exact search {recall}" if recall else ""
        vectors = f"{kind}, ranked by exact vectors{measured}"
    return {
        "vectors": vectors,
        "words": "postings" if manifest.get("postings_sha256") else "FTS5",
    }


def _size(file: Path) -> int:
    try:
        # Of a folder, even its size says something of the other collections that lie in it.
        return file.stat().st_size if file.is_file() else 0
    except OSError:  # Gone since it was listed: a side file of SQLite, or an older generation.
        return 0
