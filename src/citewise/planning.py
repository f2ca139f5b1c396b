"""What an update has to do: the files of a corpus compared with what the index knows of them."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from citewise import __version__
from citewise.database import meta
from citewise.documents import SkippedFile, SourceFile
from citewise.errors import InputError
from citewise.metering import Meter
from citewise.schema import LIVE
from citewise.sources import Source

__all__ = ["FiledFile", "Known", "Plan", "StoredDocument", "known", "left_out", "make_plan"]

# File systems tell time in steps of up to 2 s: a file changed more recently than that could
# change again without looking any different.
_SETTLED_NS = 2 * 10**9


@dataclass(frozen=True, slots=True)
class FiledFile:
    """What the index remembers of a file; ``mtime_ns`` is 0 where its time proves nothing."""

    size: int
    mtime_ns: int
    sha256: str
    skipped: tuple[SkippedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A live document: its row id, its name and digest, and the file it came from."""

    id: int
    name: str
    sha256: str
    file: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be done, file by file.

    Attributes:
        read: new or changed, to be read.
        moved: files known under another name that is gone, with that name.
        touched: the content is the same, the time is not.
        same: nothing to do.
        removed: names of files that are gone.
        skipped: left out already when listing, or because they cannot be opened.
        filed: what to remember of each file that is read, moved or touched.
        reason: as in ``UpdateSummary``.
        everything: all has to be embedded anew.
    """

    read: tuple[SourceFile, ...]
    moved: tuple[tuple[str, SourceFile], ...]
    touched: tuple[SourceFile, ...]
    same: tuple[SourceFile, ...]
    removed: tuple[str, ...]
    skipped: tuple[SkippedFile, ...]
    filed: dict[str, FiledFile]
    reason: str
    everything: bool

    @property
    def harmless(self) -> bool:
        """True if readers will notice no difference."""
        return not (self.read or self.moved or self.removed or self.reason)

    @property
    def idle(self) -> bool:
        """True if there is nothing to write."""
        return self.harmless and not self.touched


@dataclass(frozen=True, slots=True)
class Known:
    """What the index knows before an update: its manifest, files and live documents.

    ``pending`` tells why it was emptied when it was opened, or is "".
    """

    manifest: dict[str, str]
    files: dict[str, FiledFile]
    documents: tuple[StoredDocument, ...]
    pending: str = ""

    @property
    def passages(self) -> int:
        """How many are live."""
        return int(self.manifest["passage_count"])


def known(connection: sqlite3.Connection) -> Known:
    """Look it up."""
    rows = connection.execute("SELECT name, size, mtime_ns, sha256, skipped FROM files")
    files = {
        name: FiledFile(size, mtime_ns, sha256, left_out(skipped))
        for name, size, mtime_ns, sha256, skipped in rows
    }
    documents = connection.execute(
        "SELECT id, name, sha256, CASE source WHEN '' THEN name ELSE source END"
        " FROM documents WHERE state = ? ORDER BY name",
        (LIVE,),
    )
    return Known(meta(connection), files, tuple(StoredDocument(*row) for row in documents))


def left_out(stored: str) -> tuple[SkippedFile, ...]:
    """What was left out of a file, as it is remembered."""
    return tuple(SkippedFile(*pair) for pair in json.loads(stored)) if stored else ()


@dataclass
class _Comparison:
    """Sorts listed files by what has to be done with them."""

    source: Source
    filed: dict[str, FiledFile]
    thorough: bool
    retry: bool
    digests: dict[tuple[str, int, int], str]
    now: int = field(default_factory=time.time_ns)
    read: list[SourceFile] = field(default_factory=list)
    touched: list[SourceFile] = field(default_factory=list)
    same: list[SourceFile] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    found: dict[str, FiledFile] = field(default_factory=dict)

    def looks_same(self, file: SourceFile) -> bool:
        known = self.filed.get(file.name)
        if known is None or self.thorough or not known.mtime_ns:
            return False
        if known.skipped and self.retry:
            return False
        return (known.size, known.mtime_ns) == (file.size, file.mtime_ns)

    def compare(self, file: SourceFile) -> None:
        if self.looks_same(file):
            self.same.append(file)
            return
        try:
            digest = self.digest(file)
        except OSError as error:
            # Perhaps only for a moment: another program may have it open.
            stays = "; what was read earlier stays" if file.name in self.filed else ""
            reason = f"cannot be read: {error.strerror}{stays}"
            self.skipped.append(SkippedFile(file.name, reason))
            if stays:
                self.same.append(file)
            return
        settled = file.mtime_ns if file.mtime_ns < self.now - _SETTLED_NS else 0
        known = self.filed.get(file.name)
        same = known is not None and known.sha256 == digest and not (known.skipped and self.retry)
        skipped = known.skipped if known and same else ()
        self.found[file.name] = FiledFile(file.size, settled, digest, skipped)
        if not same:
            self.read.append(file)
        elif self.found[file.name] != known:
            self.touched.append(file)
        else:
            self.same.append(file)

    def digest(self, file: SourceFile) -> str:
        """Hashed once, though files are compared before the writer's lock is held and after."""
        key = file.name, file.size, file.mtime_ns
        if key not in self.digests:
            self.digests[key] = self.source.digest(file)
        return self.digests[key]


def make_plan(
    before: Known,
    source: Source,
    embedder: str | None,
    *,
    remove_missing: bool,
    thorough: bool,
    digests: dict[tuple[str, int, int], str],
    meter: Meter,
) -> Plan:
    """Compare a corpus with the index.

    Args:
        embedder: the name of the embedding model; None if it does not matter.
        thorough: hash every file, even where size and time are those remembered.
        digests: those found so far; added to.
        meter: told of every file.

    Raises:
        CorpusError: the corpus does not exist.
        InputError: the embedding model changed, and not all stored documents were given.
    """
    manifest, filed, listing = before.manifest, before.files, source.listing()
    first = manifest["generation"] == "0"
    other_model = not first and embedder is not None and manifest["embedder"] != embedder
    names = {file.name for file in listing.files}
    missing = [name for name in filed if name not in names]
    if other_model and missing and not remove_missing:
        raise InputError(
            f"The index was built with {manifest['embedder']!r}, not {embedder!r}; "
            f"{missing[0]!r} was not given and cannot stay beside vectors of another model.",
            "Update with all documents, or let those that were not given be removed.",
        )
    # Another version may be able to read what this one's predecessor could not.
    retry = manifest["version"] != __version__
    comparison = _Comparison(source, {} if other_model else filed, thorough, retry, digests)
    meter.begin("comparing", sum(file.size for file in listing.files))
    for file in listing.files:
        comparison.compare(file)
        meter.advance(file.size, file.name)
    gone = missing if remove_missing else []
    moved = list(_moves(comparison, gone))
    read = _without(comparison.read, {file.name for _, file in moved})
    removed = tuple(name for name in gone if name not in {old for old, _ in moved})
    changed = read or moved or removed
    reason = "documents changed" if changed else ""
    if first:
        reason = before.pending or "first build"
    elif other_model:
        reason = "embedding model changed"
        lost = {file.name for file in comparison.skipped}
        removed += tuple(name for name in filed if name in lost)
    return Plan(
        tuple(read),
        tuple(moved),
        tuple(comparison.touched),
        tuple(comparison.same),
        removed,
        (*listing.skipped, *comparison.skipped),
        comparison.found,
        reason,
        other_model,
    )


def _moves(comparison: _Comparison, gone: Sequence[str]) -> Iterator[tuple[str, SourceFile]]:
    """Pair files that are gone with new ones of the same content and kind."""
    homeless: dict[tuple[str, str], list[str]] = {}
    for name in reversed(gone):
        if name in comparison.filed and comparison.filed[name].sha256:
            homeless.setdefault(_looks(name, comparison.filed[name]), []).append(name)
    for file in comparison.read:
        if file.name not in comparison.filed:
            old = homeless.get(_looks(file.name, comparison.found[file.name]))
            if old:
                yield old.pop(), file


def _looks(name: str, file: FiledFile) -> tuple[str, str]:
    # The suffix decides how a file is read.
    return file.sha256, PurePosixPath(name).suffix.lower()


def _without(files: Sequence[SourceFile], names: set[str]) -> list[SourceFile]:
    return [file for file in files if file.name not in names]
