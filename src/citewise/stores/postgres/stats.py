"""What a collection holds, in numbers."""

from __future__ import annotations

from citewise.schema import LIVE
from citewise.stores.postgres.database import Reading
from citewise.stores.postgres.schema import FORMAT

__all__ = ["index_stats"]


def index_stats(reading: Reading, place: str) -> dict[str, int | str]:
    """Counts, the manifest's entries, and the size of the store, with all its collections."""
    manifest = reading.manifest
    row = reading.connection.execute(
        "SELECT count(*), coalesce(sum(characters), 0)::bigint,"
        " (SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c"
        "  WHERE relnamespace = 'citewise'::regnamespace AND relkind = 'r')"
        " FROM citewise.documents WHERE collection = %s AND state = %s",
        (manifest.id, LIVE),
    ).fetchone()
    documents, characters, size = row or (0, 0, 0)
    return {
        "documents": documents,
        "characters": characters,
        "passages": manifest.passage_count,
        "spans": manifest.span_count,
        "dimensions": manifest.dimensions,
        "embedder": manifest.embedder,
        "vectors": _vectors(manifest.space, manifest.indexed),
        "words": "tsvector",
        "generation": manifest.generation,
        "format": FORMAT,
        "bytes": size,
        "path": place,
    }


def _vectors(space: int, indexed: bool) -> str:
    if not space:
        return "none yet"
    return "hnsw, ranked by exact vectors" if indexed else "exact"
