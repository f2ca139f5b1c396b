"""One visitor: the files they brought, an index over them, and what their questions search."""

from __future__ import annotations

import shutil
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citewise.errors import CitewiseError, InputError
from citewise.types import Filter
from citewise.ui import strings
from citewise.ui.clock import Clock, date, elapsed
from citewise.ui.jobs import Jobs
from citewise.ui.limits import Limits
from citewise.ui.own_assistant import OwnAssistant
from citewise.ui.own_index import OwnIndex
from citewise.ui.selection import Selection, load_selection, save_selection
from citewise.ui.shelf import Shelf, Upload, shown_name
from citewise.ui.taking_in import Cancelled, free_name, take_in
from citewise.ui.telling import told

if TYPE_CHECKING:
    from citewise.assistant import Assistant

__all__ = ["Visitor"]

_TOUCHED_EVERY = 60.0


class Visitor:
    """Safe to share between threads. A folder is only made when there is something to keep.

    Args:
        key: the name of the visitor's folder.
        folder: where files, index and selection are kept.
        shared: answers from the documents that everybody may ask.
        limits: what may be brought along.
        jobs: reads and embeds in the background.
        clock: what time it is.
    """

    def __init__(
        self,
        key: str,
        folder: Path,
        shared: Assistant,
        limits: Limits,
        jobs: Jobs,
        clock: Clock | None = None,
    ) -> None:
        self.key = key
        self.folder = folder
        self._clock = clock or Clock()
        self._shared = shared
        self._limits = limits
        self._jobs = jobs
        self._shelf = Shelf(folder / "files")
        self._lock = threading.RLock()
        self._writing = threading.Lock()
        self._uploads = {upload.id: upload for upload in self._shelf.load()}
        self._stopping: set[str] = set()
        self._coming = 0
        self._closing = False
        self._touched: float | None = None
        self._index = OwnIndex(folder / "index", shared._made_embedder)
        self._selection = load_selection(folder / "selection.json")
        for upload in list(self._uploads.values()):
            if upload.busy:  # The server was stopped in the middle of it.
                self._begin_or_fail(upload)

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """The files, oldest first, each with how far it is."""
        with self._lock:
            return tuple(self._uploads.values())

    @property
    def selection(self) -> Selection:
        """What the next question searches."""
        return self._selection

    def touch(self) -> None:
        """Remember that the visitor is there; see ``Limits.idle_seconds``."""
        lately = self._touched is not None and elapsed() - self._touched <= _TOUCHED_EVERY
        if not lately and self.folder.exists():
            self._touched = elapsed()
            date(self.folder / "used", self._clock)

    def select(self, selection: Selection, shared: Assistant | None = None) -> None:
        """Choose what the next questions search, and keep it over a restart.

        Args:
            selection: what is chosen.
            shared: see ``assistant``.

        Raises:
            InputError: a ticked document is not there.
        """
        known = {info.name for info in self.assistant(everything=True, shared=shared).documents()}
        unknown = next((name for name in selection.names if name not in known), None)
        if unknown is not None:
            raise InputError("A ticked document is no longer there.", "Reload the page.")
        with self._lock:
            self._selection = selection
            self._keep_selection()

    def where(self) -> Filter | None:
        """The restriction to the documents that are ticked."""
        chosen = self._selection
        return Filter(documents=chosen.names) if chosen.scope == "some" else None

    def assistant(self, *, everything: bool = False, shared: Assistant | None = None) -> Assistant:
        """Answers from what is selected, or from all that this visitor may see.

        Args:
            everything: whatever is selected.
            shared: has what this visitor may see of the documents that are not their own.
        """
        own, shared = self._index.current(), shared or self._shared
        if own is None:
            return shared
        return OwnAssistant(shared, own, alone=self._selection.scope == "own" and not everything)

    def own_names(self) -> frozenset[str]:
        """The names of the visitor's own documents that can be searched."""
        return frozenset(name for upload in self.uploads for name in upload.documents)

    async def add(
        self, name: str, chunks: AsyncIterator[bytes], size: int | None, owner: str = ""
    ) -> Upload:
        """Take in a file; it is read and embedded in the background.

        Args:
            name: what the visitor calls it.
            chunks: its bytes.
            size: their number as announced, which nobody has to believe.

        Raises:
            TooLargeError: it, or all files together, would be too large.
            InputError: there are too many files, it is there already, or it is empty.
        """
        shown = shown_name(name)
        allowed = self._reserve(shown, size)
        try:
            upload = await self._shelf.receive(shown, chunks, allowed, owner)
        finally:
            with self._lock:
                self._coming -= allowed
        with self._lock:
            same = next((u for u in self._uploads.values() if u.sha256 == upload.sha256), None)
            if same is not None:
                self._shelf.remove(upload)
                raise InputError(f"This file is already here, as {same.name!r}.")
            taken = {other.name for other in self._uploads.values()}
            upload = replace(upload, name=free_name(shown, taken))
            self._uploads[upload.id] = upload
        self.touch()
        self._begin_or_fail(upload)
        return self.upload(upload.id)

    def upload(self, key: str) -> Upload:
        """The file with this id, or a KeyError."""
        with self._lock:
            return self._uploads[key]

    def cancel(self, key: str) -> Upload:
        """Stop working on a file; it stays, and can be read again."""
        with self._lock:
            upload = self._uploads[key]
            if not upload.busy:
                return upload
            self._stopping.add(key)
            if upload.state == "waiting":
                self._set(replace(upload, state="cancelled", seconds_left=None))
            return self._uploads[key]

    def reread(self, key: str) -> Upload:
        """Read a file again from the beginning."""
        with self._lock:
            upload = self._uploads[key]
            if upload.busy:
                return upload
            self._stopping.discard(key)
            fresh = replace(upload, state="waiting", problem="", done=0, total=0, left_out=())
            self._set(fresh)
        self._begin_or_fail(fresh)
        return self.upload(key)

    def remove(self, key: str) -> None:
        """Delete a file, and all that was made from it."""
        with self._lock:
            upload = self._uploads[key]
            self._stopping.add(key)
        with self._writing:
            with self._lock:
                upload = self._uploads.pop(key, upload)
                self._shelf.remove(upload)
                self._selection = self._selection.with_names(removed=upload.documents)
                self._keep_selection()
            self._index.forget(upload.documents)
        self._stopping.discard(key)

    def erase(self) -> None:
        """Delete everything this visitor keeps."""
        with self._lock:
            self._stopping.update(self._uploads)
        with self._writing, self._lock:
            self._uploads.clear()
            self._selection = Selection()
            self._index.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Stop working; files in the middle of it are begun again at the next start."""
        with self._lock:
            self._closing = True
            self._stopping.update(self._uploads)
        with self._writing:
            self._index.close()

    @property
    def at_work(self) -> bool:
        """Whether a file is coming in or being read."""
        return self._coming > 0 or any(upload.busy for upload in self.uploads)

    def _reserve(self, name: str, size: int | None) -> int:
        """The bytes that a file may take, held until it is there whole."""
        with self._lock:
            kept = sum(upload.size for upload in self._uploads.values()) + self._coming
            allowed = self._limits.room(name, size, len(self._uploads), kept)
            reserved = allowed if size is None else size
            self._coming += reserved
            return reserved

    def _begin(self, upload: Upload) -> None:
        self._jobs.add(self.key, lambda: self._work(upload.id))

    def _begin_or_fail(self, upload: Upload) -> None:
        try:
            self._begin(upload)
        except InputError as error:
            self._set(replace(upload, state="failed", problem=told(error, strings.NOT_TAKEN_IN)))

    def _work(self, key: str) -> None:
        """Take a file in; whatever happens to it becomes its state."""
        with self._lock:
            upload = self._uploads.get(key)
            if upload is None or key in self._stopping:
                self._stopping.discard(key)
                return
        with self._writing:
            try:
                done = take_in(
                    upload,
                    self._shelf.file(upload),
                    self._index.opened(),
                    taken=self._taken_names(upload),
                    report=self._report,
                )
                gone = tuple(name for name in upload.documents if name not in done.documents)
                if gone:
                    self._index.forget(gone)
                with self._lock:
                    self._selection = self._selection.with_names(done.documents, gone)
                    self._keep_selection()
            except Cancelled:
                if self._closing:
                    return
                self._index.erase_unfinished()
                done = replace(upload, state="cancelled", seconds_left=None)
            except CitewiseError as error:
                self._index.erase_unfinished()
                done = replace(
                    upload,
                    state="failed",
                    problem=told(error, strings.NOT_TAKEN_IN),
                    seconds_left=None,
                )
            except Exception:
                problem = "It could not be read, and the reason is in the server's log."
                self._set(replace(upload, state="failed", problem=problem))
                raise
            finally:
                self._stopping.discard(key)
            self._set(done)

    def _report(self, upload: Upload) -> None:
        if upload.id in self._stopping:
            raise Cancelled
        with self._lock:
            if upload.id in self._uploads:
                self._uploads[upload.id] = upload

    def _set(self, upload: Upload) -> None:
        with self._lock:
            if upload.id in self._uploads:
                self._uploads[upload.id] = upload
                self._shelf.note(upload)

    def _taken_names(self, upload: Upload) -> frozenset[str]:
        """Names of other documents: a cited name must lead to one document alone."""
        own = {n for other in self.uploads if other.id != upload.id for n in other.documents}
        return frozenset(own | {info.name for info in self._shared.documents()})

    def _keep_selection(self) -> None:
        path = self.folder / "selection.json"
        if self._selection != Selection():
            self.folder.mkdir(parents=True, exist_ok=True)
            save_selection(path, self._selection)
        else:
            path.unlink(missing_ok=True)

    def to_dict(self) -> dict[str, Any]:
        """Limits, and what is used of them."""
        uploads = self.uploads
        used = {"files": len(uploads), "bytes": sum(upload.size for upload in uploads)}
        return {"limits": self._limits.to_dict(), "used": used}
