"""One visitor whose files, index and selection any process can reach."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from citewise.errors import CitewiseError, IndexFault, InputError
from citewise.types import Filter
from citewise.ui import strings
from citewise.ui.own_assistant import OwnAssistant
from citewise.ui.postgres.database import ChatDatabase
from citewise.ui.postgres.files import Files
from citewise.ui.postgres.indexes import OwnCollections
from citewise.ui.selection import Selection
from citewise.ui.shelf import Upload, shown_name, suffix_of, write_chunks
from citewise.ui.taking_in import Cancelled, take_in
from citewise.ui.telling import told

if TYPE_CHECKING:
    from citewise.assistant import Assistant
    from citewise.ui.limits import Limits

__all__ = ["PostgresVisitor", "Shared"]

_PATIENCE = 600.0
"""Seconds to wait until whoever reads a file of the visitor's has stopped."""


class Shared:
    """What all visitors of a process have in common.

    Args:
        database: where all is kept.
        assistant: answers from everybody's documents.
        limits: what may be brought along.
        wake: told that there is something to read.
    """

    def __init__(
        self,
        database: ChatDatabase,
        assistant: Assistant,
        limits: Limits,
        wake: Callable[[], None],
    ) -> None:
        self.database = database
        self.assistant = assistant
        self.limits = limits
        self.wake = wake
        self.files = Files(database, limits)
        self.indexes = OwnCollections(assistant, database.realm)
        self.closing = False


class PostgresVisitor:
    """Meets ``VisitorState``. Holds nothing: each look is one at the database.

    Args:
        key: tells the visitor from others.
        shared: what all visitors have in common.
    """

    def __init__(self, key: str, shared: Shared) -> None:
        self.key = key
        self._shared = shared
        self._files = shared.files

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """The files, oldest first, each with how far it is."""
        return self._files.of(self.key).uploads

    @property
    def selection(self) -> Selection:
        """What the next question searches."""
        return self._files.of(self.key).selection

    def select(self, selection: Selection, shared: Assistant | None = None) -> None:
        """Choose what the next questions search.

        Args:
            selection: what is chosen.
            shared: see ``assistant``.

        Raises:
            InputError: a ticked document is not there.
        """
        known = {info.name for info in self.assistant(everything=True, shared=shared).documents()}
        if any(name not in known for name in selection.names):
            raise InputError("A ticked document is no longer there.", "Reload the page.")
        self._files.select(self.key, selection)

    def where(self) -> Filter | None:
        """The restriction to the documents that are ticked."""
        chosen = self.selection
        return Filter(documents=chosen.names) if chosen.scope == "some" else None

    def assistant(self, *, everything: bool = False, shared: Assistant | None = None) -> Assistant:
        """Answers from what is selected, or from all that this visitor may see.

        Args:
            everything: whatever is selected.
            shared: has what this visitor may see of the documents that are not their own, where
                not everybody sees the same.
        """
        kept, shared = self._files.of(self.key), shared or self._shared.assistant
        if not any(upload.documents for upload in kept.uploads):
            return shared
        own = self._shared.indexes.opened(self.key)
        alone = kept.selection.scope == "own" and not everything
        return OwnAssistant(shared, own, alone=alone)

    def own_names(self) -> frozenset[str]:
        """The names of the visitor's own documents that can be searched."""
        return frozenset(name for upload in self.uploads for name in upload.documents)

    async def add(
        self, name: str, chunks: AsyncIterator[bytes], size: int | None, owner: str = ""
    ) -> Upload:
        """Take in a file; whichever process comes first reads and embeds it.

        Raises:
            TooLargeError: it, or all files together, would be too large.
            InputError: there are too many files, it is there already, or it is empty.
        """
        shown = shown_name(name)
        others = await run_in_threadpool(lambda: self.uploads)
        kept = sum(upload.size for upload in others)
        allowed = self._shared.limits.room(shown, size, len(others), kept)
        with tempfile.TemporaryDirectory(prefix="citewise-") as folder:
            path = Path(folder) / f"content{suffix_of(shown)}"
            length, digest = await write_chunks(path, chunks, allowed)
            if not length:
                raise InputError(f"The file {shown!r} is empty.", "Choose another one.")
            upload = Upload(secrets.token_hex(8), shown, length, digest, path.name, owner)
            made = await run_in_threadpool(self._files.add, self.key, upload, path)
        self._shared.wake()
        return made

    def upload(self, key: str) -> Upload:
        """The file with this id, or a KeyError."""
        found = next((upload for upload in self.uploads if upload.id == key), None)
        if found is None:
            raise KeyError(key)
        return found

    def cancel(self, key: str) -> Upload:
        """Stop working on a file; it stays, and can be read again."""
        if not self.upload(key).busy:
            return self.upload(key)
        self._files.stop(self.key, key)
        return self._files.change(
            self.key,
            key,
            lambda u: replace(u, state="cancelled") if u.state == "waiting" else u,
        )

    def reread(self, key: str) -> Upload:
        """Read a file again from the beginning."""

        def fresh(upload: Upload) -> Upload:
            if upload.busy:
                return upload
            return replace(upload, state="waiting", problem="", done=0, total=0, left_out=())

        made = self._files.change(self.key, key, fresh)
        self._shared.wake()
        return made

    def remove(self, key: str) -> None:
        """Delete a file, and all that was made from it.

        Raises:
            IndexFault: the store cannot be reached; the file is still there then.
        """
        self._files.stop(self.key, key)
        with self._claimed():
            upload = self.upload(key)
            others = (other for other in self.uploads if other.id != key)
            self._shared.indexes.keep_only(
                self.key, {name for other in others for name in other.documents}
            )
            self._files.remove(
                self.key, key, lambda chosen: chosen.with_names(removed=upload.documents)
            )

    def erase(self) -> None:
        """Delete everything this visitor keeps.

        Raises:
            IndexFault: the store cannot be reached.
        """
        if not self.uploads:
            self._files.erase(self.key)
            return
        self._files.stop(self.key)
        with self._claimed():
            self.erase_claimed()

    def erase_claimed(self) -> None:
        """The same for whoever has claimed the visitor."""
        if self.uploads:
            self._shared.indexes.keep_only(self.key, ())
        self._files.erase(self.key)

    def work(self) -> None:
        """Take in the oldest file that waits; for whoever has claimed the visitor.

        Whatever happens to it becomes its state. One that another process had begun and did not
        finish begins anew: what it had put into the index is found there and not embedded again.
        """
        upload = next((u for u in self.uploads if u.busy), None)
        if upload is None:
            return
        upload = replace(upload, state="waiting", done=0, total=0, seconds_left=None)
        try:
            done = self._taken_in(upload)
        except Cancelled:
            if self._shared.closing:
                self._files.report(self.key, upload)
                return
            done = replace(upload, state="cancelled")
        except CitewiseError as error:
            done = replace(upload, state="failed", problem=told(error, strings.NOT_TAKEN_IN))
        except Exception:
            problem = "It could not be read, and the reason is in the server's log."
            self._files.finish(self.key, replace(upload, state="failed", problem=problem))
            raise
        if done.state != "ready":
            self._shared.indexes.erase_unfinished(self.key)
            self._files.finish(self.key, done)

    def _taken_in(self, upload: Upload) -> Upload:
        with self._files.on_disk(self.key, upload) as path:
            done = take_in(
                upload,
                path,
                self._shared.indexes.opened(self.key),
                taken=self._taken_names(upload),
                report=self._report,
            )
        gone = tuple(name for name in upload.documents if name not in done.documents)
        if gone:
            others = (other for other in self.uploads if other.id != upload.id)
            names = {name for other in (*others, done) for name in other.documents}
            self._shared.indexes.keep_only(self.key, names)
        self._files.finish(self.key, done, lambda chosen: chosen.with_names(done.documents, gone))
        return done

    def _report(self, upload: Upload) -> None:
        if self._files.report(self.key, upload) != "go" or self._shared.closing:
            raise Cancelled

    def _taken_names(self, upload: Upload) -> frozenset[str]:
        """Names of other documents: a cited name must lead to one document alone."""
        own = {n for other in self.uploads if other.id != upload.id for n in other.documents}
        return frozenset(own | {info.name for info in self._shared.assistant.documents()})

    @contextmanager
    def _claimed(self) -> Iterator[None]:
        with self._shared.database.claim(self.key, _PATIENCE) as got:
            if not got:
                raise IndexFault("A file of yours is still being read.", "Try again in a while.")
            yield

    def to_dict(self) -> dict[str, Any]:
        """Limits, and what is used of them."""
        uploads = self.uploads
        used = {"files": len(uploads), "bytes": sum(upload.size for upload in uploads)}
        return {"limits": self._shared.limits.to_dict(), "used": used}
