"""The words of the current generation of a large index; a small one is searched by FTS5."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from citewise import postings, postingsfile
from citewise.database import Database, faults_of, meta, set_meta, state
from citewise.errors import IndexFault
from citewise.locking import writer_lock
from citewise.opening import LOCK
from citewise.postings import Postings
from citewise.records import removed_passages
from citewise.schema import LIVE
from citewise.vocabulary import Vocabulary
from citewise.words import Words

__all__ = ["SMALL", "DerivedWords", "every_word", "file_words"]

SMALL = 5_000
"""Up to so many passages FTS5 answers as fast, and nothing else is kept."""

# Layers of what came since the file was written, before they are made one.
_MOST_LAYERS = 8

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Held:
    """What is known of a state; ``file`` tells which file of postings it rests on, if any."""

    state: tuple[str, str]
    file: str
    vocabulary: Vocabulary


class DerivedWords:
    """Keeps the vocabulary that belongs to what a reader of the database sees."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._held: _Held | None = None

    def current(self, connection: sqlite3.Connection) -> Vocabulary:
        """The vocabulary of the generation that ``connection`` sees."""
        now = state(connection)
        with self._lock:
            if self._held is None or self._held.state != now:
                manifest = meta(connection)
                file, words = "", None
                if int(manifest["passage_count"]) > SMALL:
                    file, words = self._loaded(connection, manifest)
                self._held = _Held(now, file, Vocabulary(manifest, words))
            return self._held.vocabulary

    def _loaded(
        self, connection: sqlite3.Connection, manifest: dict[str, str]
    ) -> tuple[str, Words]:
        file = manifest.get("postings_sha256", "")
        held = self._held if self._held and file and self._held.file == file else None
        earlier = held.vocabulary.words if held else None
        if earlier is None:
            path = postingsfile.postings_path(
                self._database.path.parent, int(manifest["vectors_generation"])
            )
            base = postingsfile.load(path, file)
            if base is None:
                words = Words((every_word(connection),), np.empty(0, np.int64))
                return self._write_back(words.layers[0], manifest), words
            earlier = Words((base,), np.empty(0, np.int64))
        return file, _brought_up(connection, earlier)

    def _write_back(self, made: Postings, manifest: dict[str, str]) -> str:
        """Replace a missing or altered file, if that can be done now; return its digest."""
        changed = manifest["generation"] != manifest["vectors_generation"]
        if self._database.read_only or changed:
            return ""
        folder = self._database.path.parent
        lock = writer_lock(folder / LOCK)
        with suppress(IndexFault, OSError), lock, self._database.writing() as connection:
            now = meta(connection)
            if all(now[key] == manifest[key] for key in ("identity", "generation")):
                path = postingsfile.postings_path(folder, int(now["vectors_generation"]))
                if manifest.get("postings_sha256"):
                    _log.warning("%s was missing or altered; rebuilt from the database.", path)
                digest = postingsfile.save(made, path)
                set_meta(connection, postings_sha256=digest)
                return digest
        return ""


def file_words(connection: sqlite3.Connection, folder: Path) -> None:
    """Write the postings beside the vector file of the generation in the manifest.

    Raises:
        IndexFault: no room, or not allowed.
    """
    manifest, digest = meta(connection), ""
    if int(manifest["passage_count"]) > SMALL:
        path = postingsfile.postings_path(folder, int(manifest["vectors_generation"]))
        with faults_of(folder, (OSError,)):
            digest = postingsfile.save(every_word(connection), path)
    set_meta(connection, postings_sha256=digest)


_LIVE = f"passages JOIN documents ON documents.id = document WHERE state = '{LIVE}'"


def every_word(connection: sqlite3.Connection) -> Postings:
    """The postings of all live passages, from the rows."""

    def spans(terms: Sequence[str]) -> Iterable[int]:
        counts = dict(connection.execute("SELECT term, doc FROM spans_vocab"))
        return (counts.get(term, 0) for term in terms)

    rows = connection.execute(f"SELECT passages.id, terms FROM {_LIVE} ORDER BY passages.id")
    return postings.build(rows, spans)


def _brought_up(connection: sqlite3.Connection, earlier: Words) -> Words:
    """With a layer of the passages that came since, so that each is read once."""
    base, *layers = earlier.layers
    rows = connection.execute("SELECT passage FROM refiled WHERE added ORDER BY passage")
    added = np.fromiter((row[0] for row in rows), np.int64)
    if len(layers) >= _MOST_LAYERS:
        layers = []
    held = np.concatenate([np.empty(0, np.int64), *(layer.ids for layer in layers)])
    fresh = np.setdiff1d(added, held)
    if len(fresh):
        layers.append(_some(connection, fresh.tolist()))
    gone = np.union1d(np.setdiff1d(held, added), removed_passages(connection))
    return Words((base, *layers), gone)


def _some(connection: sqlite3.Connection, passages: Sequence[int]) -> Postings:
    rows = [
        (passage, connection.execute(_TERMS_OF, (passage,)).fetchone()[0]) for passage in passages
    ]
    return postings.build(rows, _counter(connection, passages))


_TERMS_OF = "SELECT terms FROM passages WHERE id = ?"
_SPAN_TERMS_OF = "SELECT terms FROM spans WHERE passage = ?"


def _counter(
    connection: sqlite3.Connection, passages: Sequence[int]
) -> Callable[[Sequence[str]], Iterable[int]]:
    counts: Counter[str] = Counter()
    for passage in passages:
        for (terms,) in connection.execute(_SPAN_TERMS_OF, (passage,)):
            counts.update(set(terms.split()))
    return lambda terms: (counts[term] for term in terms)
