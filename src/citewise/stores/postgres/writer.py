"""A collection as an update sees it: what is known, the writer's lock, preparing, publishing."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from citewise.errors import IndexFault
from citewise.planning import FiledFile, Known, StoredDocument, left_out
from citewise.publishing import Outcome
from citewise.schema import LIVE, PARTIAL, STAGED
from citewise.staging import Piece
from citewise.stores.postgres.database import Database, Manifest
from citewise.stores.postgres.nearness import build_index, drop_other_spaces
from citewise.stores.postgres.numbers import sent_vector
from citewise.stores.postgres.publishing import publish, sweep
from citewise.stores.postgres.rows import copy_rows, new_ids
from citewise.stores.postgres.staged import PassageRows
from citewise.types import Document
from citewise.vectorstore import Key

if TYPE_CHECKING:
    import psycopg

__all__ = ["PostgresStore"]

_log = logging.getLogger(__name__)

# Changes to so large a share of a collection make what the planner knows of it worthless.
_SHARE = 0.1


class PostgresStore:
    """Meets ``Store`` with one collection."""

    def __init__(self, database: Database) -> None:
        self.place = database.place
        self.read_only = database.read_only
        self._database = database

    def known(self) -> Known:
        """What the index knows now."""
        if self._database.pending:
            return _known(Manifest(), {}, (), self._database.pending)
        with self._database.reading() as reading:
            manifest, connection = reading.manifest, reading.connection
            files = connection.execute(
                "SELECT name, size, mtime_ns, sha256, skipped FROM citewise.files"
                " WHERE collection = %s",
                (manifest.id,),
            ).fetchall()
            documents = connection.execute(
                "SELECT id, name, sha256, CASE source WHEN '' THEN name ELSE source END"
                " FROM citewise.documents WHERE collection = %s AND state = %s ORDER BY name",
                (manifest.id, LIVE),
            ).fetchall()
        filed = {
            name: FiledFile(size, time, digest, left_out(skipped))
            for name, size, time, digest, skipped in files
        }
        stored = tuple(StoredDocument(*row) for row in documents)
        return _known(manifest, filed, stored, manifest.pending)

    @contextlib.contextmanager
    def writing(self) -> Iterator[_Writer]:
        """Hold the writer's lock for the length of the block."""
        with self._database.locked() as (connection, collection):
            yield _Writer(self._database, connection, collection)

    def tidy(self, *, leftovers: bool) -> None:
        """Remove what was prepared in vain, unless somebody is writing just now."""
        if self.read_only or not leftovers or self._database.pending:
            return
        with self._database.reading() as reading:
            prepared = reading.connection.execute(
                "SELECT 1 FROM citewise.documents WHERE collection = %s AND state <> %s LIMIT 1",
                (reading.manifest.id, LIVE),
            ).fetchone()
        if prepared:
            with contextlib.suppress(IndexFault), self.writing() as writer:
                writer.discard()


def _known(
    manifest: Manifest,
    files: dict[str, FiledFile],
    documents: tuple[StoredDocument, ...],
    pending: str,
) -> Known:
    entries = {
        "generation": str(manifest.generation),
        "embedder": manifest.embedder,
        "version": manifest.version,
        "passage_count": str(manifest.passage_count),
    }
    return Known(entries, files, documents, pending)


class _Writer:
    """Meets ``Writer``; its connection holds the lock."""

    def __init__(
        self, database: Database, connection: psycopg.Connection[Any], collection: int
    ) -> None:
        self._database = database
        self._connection = connection
        self._collection = collection
        self._space = 0
        self._known: dict[Key, int] = {}
        self._open, self._passages = 0, 0

    @contextlib.contextmanager
    def _changing(self) -> Iterator[psycopg.Connection[Any]]:
        with self._database.faults(), self._connection.transaction():
            yield self._connection

    def prepared(self, embedder: str) -> dict[tuple[str, str], int]:
        with self._changing() as connection:
            row = connection.execute(
                "SELECT staged_embedder FROM citewise.collections WHERE id = %s",
                (self._collection,),
            ).fetchone()
            if row is None or row[0] != embedder:
                sweep(connection, self._collection)
                connection.execute(
                    "UPDATE citewise.collections SET staged_embedder = %s WHERE id = %s",
                    (embedder, self._collection),
                )
            space = connection.execute(
                "SELECT id FROM citewise.spaces WHERE collection = %s AND embedder = %s",
                (self._collection, embedder),
            ).fetchone()
            self._space = space[0] if space else 0
            rows = connection.execute(
                "SELECT name, sha256, id FROM citewise.documents"
                " WHERE collection = %s AND state = %s",
                (self._collection, STAGED),
            )
            return {(name, sha256): document for name, sha256, document in rows}

    def held(self, keys: Iterable[Key]) -> Collection[Key]:
        with self._changing() as connection:
            rows = connection.execute(
                "SELECT key, id FROM citewise.passage_vectors"
                " WHERE space = %(space)s AND key = ANY(%(keys)s) UNION ALL"
                " SELECT key, id FROM citewise.span_vectors"
                " WHERE space = %(space)s AND key = ANY(%(keys)s)",
                {"space": self._space, "keys": list(keys)},
            )
            self._known = {bytes(key): number for key, number in rows}
        return self._known.keys()

    def add(
        self, pieces: Sequence[Piece], vectors: Mapping[Key, bytes], embedder: str
    ) -> dict[str, int]:
        complete = {}
        with self._changing() as connection:
            ids = self._known | self._add_vectors(pieces, vectors, embedder)
            rows = PassageRows(self._collection, embedder, ids)
            count = sum(len(piece.passages) for piece in pieces)
            numbers = iter(new_ids(connection, "passages", count))
            for piece in pieces:
                if piece.first:
                    self._open, self._passages = self._begin(piece.document), 0
                for passage in piece.passages:
                    rows.take(next(numbers), self._open, passage)
                self._passages += len(piece.passages)
                if piece.last:
                    self._complete()
                    complete[piece.document.name] = self._open
            rows.store(connection)
        return complete

    def _add_vectors(
        self, pieces: Sequence[Piece], vectors: Mapping[Key, bytes], embedder: str
    ) -> dict[Key, int]:
        wanted = {key: what for piece in pieces for key, what in piece.keys(embedder).items()}
        whole = [key for key in vectors if wanted[key][1] == "<f4"]
        half = [key for key in vectors if wanted[key][1] == "<f2"]
        if not vectors:
            return {}
        size = len(vectors[whole[0]]) // 4 if whole else len(vectors[half[0]]) // 2
        space, ids = self._space_of(embedder, size), dict[Key, int]()
        for table, precision, keys in (
            ("passage_vectors", "<f4", whole),
            ("span_vectors", "<f2", half),
        ):
            new = dict(zip(keys, new_ids(self._connection, table, len(keys)), strict=True))
            sent = (
                (number, space, key, sent_vector(vectors[key], precision))  # type: ignore[arg-type]
                for key, number in new.items()
            )
            copy_rows(self._connection, table, sent)
            ids |= new
        return ids

    def _space_of(self, embedder: str, dimensions: int) -> int:
        row = self._connection.execute(
            "INSERT INTO citewise.spaces (collection, embedder, dimensions) VALUES (%s, %s, %s)"
            " ON CONFLICT (collection, embedder) DO UPDATE SET embedder = excluded.embedder"
            " RETURNING id, dimensions",
            (self._collection, embedder, dimensions),
        ).fetchone()
        assert row is not None  # noqa: S101 - inserted or found
        if row[1] != dimensions:
            raise IndexFault(
                f"The embedding model {embedder!r} gave vectors of {dimensions} numbers, and of "
                f"{row[1]} before.",
                "Give each embedding model a name of its own.",
            )
        self._space = int(row[0])
        return self._space

    def _begin(self, document: Document) -> int:
        text = document.text.encode()
        about = (document.format, document.modified, document.source, "\n".join(document.tags))
        row = self._connection.execute(
            "INSERT INTO citewise.documents (collection, state, name, sha256, characters,"
            " text_sha256, pages, format, modified, source, tags, text)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s::int[], %s, %s, %s, %s, %s) RETURNING id",
            (
                *(self._collection, PARTIAL, document.name, document.sha256, len(document.text)),
                *(hashlib.sha256(text).hexdigest(), list(document.pages), *about, text),
            ),
        ).fetchone()
        assert row is not None  # noqa: S101 - every insertion has one
        return int(row[0])

    def _complete(self) -> None:
        self._connection.execute(
            "UPDATE citewise.documents SET state = %s, passages = %s WHERE id = %s",
            (STAGED, self._passages, self._open),
        )

    def publish(self, outcome: Outcome, embedder: str) -> int:
        # Before readers need it: a search without it looks at every vector.
        self._afterthought(build_index, self._space)
        with self._changing() as connection:
            changed = publish(connection, self._collection, outcome, embedder)
            row = connection.execute(
                "SELECT passage_count FROM citewise.collections WHERE id = %s",
                (self._collection,),
            ).fetchone()
        count = int(row[0]) if row else 0
        self._afterthought(_tidied, self._collection, changed > 0, changed >= _SHARE * count)
        return count

    def _afterthought(self, what: Any, *arguments: Any) -> None:
        """What makes searches faster may fail without harm."""
        try:
            with self._database.faults():
                what(self._connection, *arguments)
        except IndexFault as fault:
            _log.warning("%s", fault)

    def discard(self) -> None:
        with self._changing() as connection:
            sweep(connection, self._collection)


def _tidied(
    connection: psycopg.Connection[Any], collection: int, changed: bool, much: bool
) -> None:
    """Fold in what is searched slowly, and let the planner see what there is now."""
    drop_other_spaces(connection, collection)
    if changed:
        connection.execute("SELECT gin_clean_pending_list('citewise.words_by_word')")
    if changed and much:
        for table in ("documents", "passages", "passage_vectors", "spans", "words", "terms"):
            connection.execute(f"ANALYZE citewise.{table}".encode())
