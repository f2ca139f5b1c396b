"""Reading a corpus: files into Documents, each that cannot be used reported with its reason.

``list_files`` says what there is, ``read_sources`` reads; ``read_corpus`` does both. Text is
decoded here; every other format is read in processes of their own, since a file from a stranger
may be made to crash, to hang or to fill the memory.
"""

from __future__ import annotations

import os
import queue
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from citewise.errors import CorpusError
from citewise.files import Listing, SkippedFile, SourceFile, list_files, safe_name
from citewise.limits import ReadLimits, UnusableFileError
from citewise.reading_process import ReaderProcess
from citewise.settings import current
from citewise.types import Document

__all__ = [
    "Corpus",
    "Listing",
    "ReadLimits",
    "Reading",
    "SkippedFile",
    "SourceFile",
    "list_files",
    "nothing_to_read",
    "read_corpus",
    "read_file",
    "read_sources",
]

_MOST_PROCESSES = 8


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was read from ``root``: documents sorted by name, and the files left out."""

    root: Path
    documents: tuple[Document, ...]
    skipped: tuple[SkippedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file gave: usually one document, from an archive several; and what it did not.

    A name in ``skipped`` may be that of a part: ``report.pdf (pages 3–4)``.
    ``unreached``: it could not be looked at, perhaps only for a moment, so that what it gave
    earlier stays.
    """

    documents: tuple[Document, ...]
    skipped: tuple[SkippedFile, ...] = ()
    unreached: bool = False


def read_corpus(root: Path) -> Corpus:
    """Read every file of a known format under ``root``, or the one file that ``root`` is.

    Raises:
        CorpusError: ``root`` does not exist, or holds no document that can be read.
        InputError: a setting cannot be.
    """
    listing = list_files(root)
    documents: list[Document] = []
    skipped = list(listing.skipped)
    for _, reading in read_sources(listing.files):
        documents.extend(reading.documents)
        skipped.extend(reading.skipped)
    if not documents:
        raise CorpusError(*nothing_to_read(root, skipped))
    documents.sort(key=lambda document: document.name)
    return Corpus(root, tuple(documents), tuple(skipped))


def read_file(path: Path, name: str = "", limits: ReadLimits | None = None) -> Reading:
    """Read one file, under ``name`` if given, else under its own.

    Its suffix decides the format, that of ``name`` if it has one. A link is followed.

    Raises:
        OSError: there is no such file.
    """
    status = path.stat()
    source = SourceFile(safe_name(name or path.name), path, status.st_size, status.st_mtime_ns)
    ((_, reading),) = read_sources([source], limits)
    return reading


def read_sources(
    files: Iterable[SourceFile], limits: ReadLimits | None = None, processes: int = 0
) -> Iterator[tuple[SourceFile, Reading]]:
    """Read listed files, in their order, a few at a time; none can hang or crash the caller.

    Args:
        limits: as the settings say by default.
        processes: how many read at once; by default as many as there are processors, at most 8.

    Raises:
        InputError: a setting cannot be.
    """
    count = processes or min(os.cpu_count() or 1, _MOST_PROCESSES)
    pool = _Readers(limits or current().reading, count)
    threads = ThreadPoolExecutor(count, "citewise-read")
    waiting: deque[tuple[SourceFile, Future[Reading]]] = deque()
    try:
        for file in files:
            waiting.append((file, threads.submit(pool.read, file)))
            # What is read ahead lies in memory.
            if len(waiting) > 2 * count:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.close()
        threads.shutdown(wait=True, cancel_futures=True)


class _Readers:
    """Reads in threads; a process is started only when a file needs one."""

    def __init__(self, limits: ReadLimits, count: int) -> None:
        self._limits = limits
        self._all = [ReaderProcess(limits) for _ in range(count)]
        self._idle: queue.LifoQueue[ReaderProcess] = queue.LifoQueue()
        for process in reversed(self._all):
            self._idle.put(process)

    def read(self, file: SourceFile) -> Reading:
        try:
            plain = _plain(file, self._limits)
        except UnusableFileError as error:
            return Reading((), (SkippedFile(file.name, str(error)),))
        if plain is not None:
            return Reading((plain,))
        process = self._idle.get()
        try:
            found = list(process.read(file))
        finally:
            self._idle.put(process)
        return Reading(
            tuple(item for item in found if isinstance(item, Document)),
            tuple(item for item in found if isinstance(item, SkippedFile)),
        )

    def close(self) -> None:
        for process in self._all:
            process.end()


def _plain(file: SourceFile, limits: ReadLimits) -> Document | None:
    """The document if its format is only decoded, None if it needs a process.

    Raises:
        UnusableFileError: it cannot be read.
    """
    from citewise.readers.kinds import IN_PROCESS, format_of, proposed_format
    from citewise.readers.source import plain_document, read_bytes, utc

    if proposed_format(file.name) not in IN_PROCESS:
        return None
    data = read_bytes(file.path, limits)
    kind = format_of(file.name, data[:1024])
    if kind not in IN_PROCESS:
        return None
    return plain_document(data, file.name, utc(file.mtime_ns), kind, limits)


def nothing_to_read(root: Path | str, skipped: Sequence[SkippedFile]) -> tuple[str, str]:
    """What to say of a corpus that gave no document: the problem and the remedy."""
    remedy = "Put documents into it: text, Markdown, PDF, Word and others; see docs/documents.md."
    if not skipped:
        return f"The corpus {str(root)!r} is empty.", remedy
    shown = "; ".join(f"{file.name}: {file.reason}" for file in skipped[:5])
    more = f"; and {len(skipped) - 5} more" if len(skipped) > 5 else ""
    return f"No document in {str(root)!r} can be read ({shown}{more}).", remedy
