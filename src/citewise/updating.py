"""Bringing the index up to date: what differs is split, embedded and committed, or nothing is."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from citewise.database import faults_of, meta, set_meta
from citewise.errors import IndexFault, InputError
from citewise.protocols import Embedder
from citewise.records import (
    all_vectors,
    delete_document,
    digests,
    insert_document,
    passage_text,
    stored_vectors,
)
from citewise.types import Document, Passage
from citewise.vectors import VectorIndex, vectors_path

__all__ = ["Plan", "Progress", "Split", "UpdateSummary", "apply", "by_name", "plan", "summary"]

Split = Callable[[Document], Sequence[Passage]]
Progress = Callable[[int, int], None]
Vectors = dict[str, NDArray[np.float32]]

# Texts embedded between two reports of progress, and texts whose vectors are held at once.
_STEP = 64
_HELD = 2048


@dataclass(frozen=True, slots=True)
class UpdateSummary:
    """What an update did, in numbers of documents; ``passages`` counts those now in the index.

    ``reason`` is "first build", "documents changed", "embedding model changed", "format changed",
    "repaired", or "" if there was nothing to do.
    """

    added: int
    changed: int
    removed: int
    unchanged: int
    passages: int
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be done, by document name."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    reason: str


def by_name(documents: Iterable[Document]) -> dict[str, Document]:
    """The documents by name.

    Raises:
        InputError: two have the same name.
    """
    named: dict[str, Document] = {}
    for document in documents:
        if document.name in named:
            raise InputError(
                f"Two documents are called {document.name!r}.", "Give each a name of its own."
            )
        named[document.name] = document
    return named


def plan(
    connection: sqlite3.Connection,
    documents: Mapping[str, Document],
    embedder: Embedder,
    *,
    remove_missing: bool,
    pending: str,
) -> Plan:
    """Compare documents with what is stored.

    Args:
        pending: why the index was emptied when it was opened, or "".

    Raises:
        InputError: the embedding model changed, and not all stored documents were given.
    """
    manifest, stored = meta(connection), digests(connection)
    first = manifest["generation"] == "0"
    other_model = not first and manifest["embedder"] != embedder.name
    missing = [name for name in stored if name not in documents]
    if other_model and missing and not remove_missing:
        raise InputError(
            f"The index was built with {manifest['embedder']!r}, not {embedder.name!r}; "
            f"{missing[0]!r} was not given and cannot stay beside vectors of another model.",
            "Update with all documents, or let those that were not given be removed.",
        )
    added = tuple(name for name in documents if name not in stored)
    kept = [name for name in documents if name in stored]
    changed = tuple(n for n in kept if other_model or documents[n].sha256 != stored[n])
    removed = tuple(missing) if remove_missing else ()
    reason = "documents changed" if added or changed or removed else ""
    if first:
        reason = pending or "first build"
    elif other_model:
        reason = "embedding model changed"
    unchanged = tuple(name for name in kept if name not in set(changed))
    return Plan(added, changed, removed, unchanged, reason)


def summary(connection: sqlite3.Connection, done: Plan) -> UpdateSummary:
    """The plan in numbers, with the passages now stored."""
    (passages,) = connection.execute("SELECT count(*) FROM passages").fetchone()
    counts = (len(done.added), len(done.changed), len(done.removed), len(done.unchanged))
    return UpdateSummary(*counts, passages, done.reason)


def apply(
    connection: sqlite3.Connection,
    todo: Plan,
    documents: Mapping[str, Document],
    split: Split,
    embedder: Embedder,
    progress: Progress | None,
    folder: Path,
) -> int:
    """Carry out a plan inside an open transaction; return the new generation.

    The vector file of the new generation is complete before the transaction names it.
    """
    manifest = meta(connection)
    known: Vectors = {}
    for name in todo.changed + todo.removed:
        if manifest["embedder"] == embedder.name:
            known |= stored_vectors(connection, name)
        delete_document(connection, name)
    pieces = [(documents[name], split(documents[name])) for name in todo.added + todo.changed]
    for group, vectors in _embedded(pieces, embedder, known, progress):
        for document, passages in group:
            insert_document(connection, document, passages, vectors)
    return _commit_manifest(connection, embedder, int(manifest["generation"]) + 1, folder)


def _commit_manifest(
    connection: sqlite3.Connection, embedder: Embedder, generation: int, folder: Path
) -> int:
    first = connection.execute("SELECT length(vector) / 4 FROM passages LIMIT 1").fetchone()
    dimensions = first[0] if first else 0
    digest = ""
    if dimensions:
        index = VectorIndex.build(*all_vectors(connection, dimensions))
        with faults_of(folder, (OSError,)):
            digest = index.save(vectors_path(folder, generation))
    spans, terms = connection.execute("SELECT count(*), total(length) FROM spans").fetchone()
    set_meta(
        connection,
        generation=generation,
        embedder=embedder.name,
        dimensions=dimensions,
        vectors_sha256=digest,
        span_count=spans,
        span_terms=int(terms),
    )
    return generation


Pieces = list[tuple[Document, Sequence[Passage]]]


def _embedded(
    pieces: Pieces, embedder: Embedder, known: Vectors, progress: Progress | None
) -> Iterator[tuple[Pieces, Vectors]]:
    """Documents in groups, each with the vectors of all its texts."""
    total = sum(len(_texts(passages)) for _, passages in pieces)
    done = 0
    for group in _groups(pieces):
        texts = [text for _, passages in group for text in _texts(passages)]
        vectors = {text: known[text] for text in texts if text in known}
        # Equal lengths side by side: a batch is padded to its longest text.
        new = sorted({text for text in texts if text not in known}, key=lambda t: (len(t), t))
        finished = done + len(texts)
        for start in range(0, len(new), _STEP):
            step = new[start : start + _STEP]
            vectors.update(zip(step, _checked(embedder, step), strict=True))
            if progress:
                progress(finished - len(texts) * (len(new) - start - len(step)) // len(new), total)
        done = finished
        if progress and not new:
            progress(done, total)
        yield group, vectors


def _groups(pieces: Pieces) -> Iterator[Pieces]:
    """Runs of whole documents that reach ``_HELD`` texts together."""
    sizes = itertools.accumulate(len(_texts(passages)) for _, passages in pieces)
    numbered = zip(sizes, pieces, strict=True)
    for _, run in itertools.groupby(numbered, key=lambda item: item[0] // _HELD):
        yield [piece for _, piece in run]


def _texts(passages: Sequence[Passage]) -> list[str]:
    return [
        text for p in passages for text in (passage_text(p), *(span.rendered for span in p.spans))
    ]


def _checked(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    vectors = np.asarray(embedder.embed_passages(texts), np.float32)
    if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
        raise IndexFault(
            f"The embedding model {embedder.name!r} gave an array of shape {vectors.shape} for "
            f"{len(texts)} texts, or values that are not numbers.",
            "Check the model's files, or choose another embedding model.",
        )
    return vectors
