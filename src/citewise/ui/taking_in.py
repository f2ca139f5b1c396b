"""One uploaded file into a visitor's index: read, split, embedded, with progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import count
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from citewise.errors import CorpusError
from citewise.types import Document
from citewise.ui.shelf import Upload

if TYPE_CHECKING:
    from citewise.index import Index, Step
    from citewise.types import Passage

__all__ = ["Cancelled", "free_name", "take_in"]

Report = Callable[[Upload], None]
_TOLD_AFTER = 0.5
"""Seconds of embedding before a time left means anything."""


class Cancelled(Exception):  # noqa: N818 - it is a wish, not a fault
    """The visitor wants no more of it."""


def take_in(
    upload: Upload, path: Path, index: Index, *, taken: Collection[str], report: Report
) -> Upload:
    """Read a file into the index and return it as it is then.

    Args:
        upload: the file, as it is known.
        path: where its bytes are.
        index: the visitor's own.
        taken: names that other documents have.
        report: told of each step; what it raises stops the work, and the index stays as it was.

    Raises:
        CorpusError: nothing in it can be read; the message says why.
    """
    from citewise.splitting import split

    report(replace(upload, state="reading"))
    documents, left_out = _read(upload, path, taken)
    report(replace(upload, state="splitting"))
    pieces: dict[str, tuple[Passage, ...]] = {}
    for document in documents:
        pieces[document.name] = split(document)
        report(replace(upload, state="splitting"))
    began = time.monotonic()

    def progress(step: Step) -> None:
        if step.phase != "embedding":
            return
        done, total, spent = step.done, step.total, time.monotonic() - began
        left = spent / done * (total - done) if done and spent > _TOLD_AFTER else None
        report(replace(upload, state="embedding", done=done, total=total, seconds_left=left))

    report(replace(upload, state="embedding"))
    index.update(
        documents, lambda document: pieces[document.name], remove_missing=False, progress=progress
    )
    # A file that is read again may hold fewer documents than before, as readers improve.
    names = tuple(document.name for document in documents)
    return replace(upload, state="ready", documents=names, left_out=left_out, seconds_left=None)


def free_name(name: str, taken: Collection[str]) -> str:
    """``name``, or with a number before its ending: ``report (2).pdf``."""
    if name not in taken:
        return name
    path = PurePosixPath(name)
    numbered = (f"{path.stem} ({n}){path.suffix}" for n in count(2))
    return next(candidate for candidate in numbered if candidate not in taken)


def _read(
    upload: Upload, path: Path, taken: Collection[str]
) -> tuple[list[Document], tuple[tuple[str, str], ...]]:
    from citewise.documents import read_file

    name = free_name(upload.name, taken)
    reading = read_file(path, name)
    left_out = tuple((skipped.name, skipped.reason) for skipped in reading.skipped)
    if not reading.documents:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out[:3])
        raise CorpusError(f"{reasons or name + ': holds no text'}.")
    return list(reading.documents), left_out
