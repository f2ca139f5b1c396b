"""The one transaction that turns what was prepared into what readers see."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from citewise import __version__
from citewise.database import meta, set_meta
from citewise.documents import SkippedFile
from citewise.filing import file_vectors
from citewise.planning import FiledFile
from citewise.schema import LIVE
from citewise.storing import Counts, delete_document, publish_document, rename_document

__all__ = ["Outcome", "leftovers", "publish", "remembered", "sweep"]


@dataclass
class Outcome:
    """What an update found, document by document.

    Attributes:
        published: row ids of prepared documents that become live.
        deleted: row ids of live documents that go.
        renamed: row ids of live documents, with the name, source and time each gets.
        filed: what to remember of files, by name; None of those to forget.
        sweep: also delete what an earlier update had prepared and this one did not want.
    """

    published: list[int] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    renamed: list[tuple[int, str, str]] = field(default_factory=list)
    filed: dict[str, FiledFile | None] = field(default_factory=dict)
    sweep: bool = True

    @property
    def seen(self) -> bool:
        """True if readers will notice a difference."""
        return bool(self.published or self.deleted or self.renamed)


def publish(connection: sqlite3.Connection, outcome: Outcome, embedder: str, folder: Path) -> None:
    """Carry it out inside an open transaction.

    The vector file of the new generation is complete before the transaction names it.
    """
    manifest = meta(connection)
    counts = Counts(*(int(manifest[what]) for what in _COUNTED))
    for document in outcome.deleted:
        counts += -delete_document(connection, document)
    for document, name, source in outcome.renamed:
        rename_document(connection, document, name, source)
    for document in outcome.published:
        counts += publish_document(connection, document)
    if outcome.sweep:
        sweep(connection)
    _file(connection, outcome.filed)
    if manifest["generation"] != "0" and not outcome.seen:
        set_meta(connection, embedder=embedder, version=__version__)
        return
    generation = int(manifest["generation"]) + 1
    set_meta(
        connection,
        generation=generation,
        embedder=embedder,
        version=__version__,
        passage_count=counts.passages,
        span_count=counts.spans,
        span_terms=counts.terms,
    )
    file_vectors(connection, folder)


_COUNTED = ("passage_count", "span_count", "span_terms")


def leftovers(connection: sqlite3.Connection) -> list[int]:
    """The row ids of documents that an update prepared and never published."""
    rows = connection.execute("SELECT id FROM documents WHERE state != ?", (LIVE,))
    return [document for (document,) in rows]


def sweep(connection: sqlite3.Connection) -> None:
    """Delete what was prepared and never published."""
    for document in leftovers(connection):
        delete_document(connection, document)


def _file(connection: sqlite3.Connection, filed: Mapping[str, FiledFile | None]) -> None:
    gone = [(name,) for name, file in filed.items() if file is None]
    connection.executemany("DELETE FROM files WHERE name = ?", gone)
    connection.executemany(
        "INSERT OR REPLACE INTO files (name, size, mtime_ns, sha256, skipped)"
        " VALUES (?, ?, ?, ?, ?)",
        (
            (name, file.size, file.mtime_ns, file.sha256, remembered(file.skipped))
            for name, file in filed.items()
            if file is not None
        ),
    )


def remembered(skipped: Sequence[SkippedFile]) -> str:
    """What was left out of a file, as ``planning.left_out`` reads it."""
    return json.dumps([(file.name, file.reason) for file in skipped]) if skipped else ""
