"""All visitors of the chats that share a database, and the threads that read what they bring."""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from citewise.errors import CitewiseError
from citewise.ui.clock import elapsed
from citewise.ui.limits import Limits, TooLargeError
from citewise.ui.postgres.database import ChatDatabase
from citewise.ui.postgres.visitor import PostgresVisitor, Shared
from citewise.ui.preparing import Preparing
from citewise.ui.tokens import folder_name

if TYPE_CHECKING:
    from citewise.assistant import Assistant

__all__ = ["PostgresVisitors"]

_LOG = logging.getLogger(__name__)
_COMMON = "common"
_MOST_HELD = 5000
_TOUCHED_EVERY = 60.0
_SWEPT_EVERY = 600.0
_LOOKED_EVERY = 2.0
"""Seconds after which idle workers look for what other processes took in, or left unfinished."""


class PostgresVisitors:
    """Meets ``VisitorStates``.

    A file is read by whichever process claims its visitor first. The claim ends with the process,
    so that what one that was killed had begun, another takes up.

    Args:
        database: where all is kept.
        assistant: answers from the documents that everybody may ask.
        limits: what may be brought along, and for how long it stays.
        common: whether all visitors share what any of them brings.
        workers: how many files this process reads at once; 0 leaves them to others.
    """

    def __init__(
        self,
        database: ChatDatabase,
        assistant: Assistant,
        limits: Limits | None = None,
        *,
        common: bool = False,
        workers: int = 2,
    ) -> None:
        self.limits = limits or Limits()
        self.common = common
        self._database = database
        self._changed = threading.Condition()
        self._shared = Shared(database, assistant, self.limits, self._wake)
        self._preparing = Preparing(assistant)
        self._touched: OrderedDict[str, float] = OrderedDict()
        self._workers = workers
        self._threads: list[threading.Thread] = []

    def get(self, token: str) -> PostgresVisitor:
        """The visitor with that cookie; a new one costs nothing until they bring something."""
        key = _COMMON if self.common else folder_name(token)
        with self._changed:
            late = elapsed() - self._touched.get(key, -_TOUCHED_EVERY) >= _TOUCHED_EVERY
            if late:
                self._touched[key] = elapsed()
                self._touched.move_to_end(key)
                while len(self._touched) > _MOST_HELD:
                    self._touched.popitem(last=False)
        if late:
            self._shared.files.touch(key)
        return PostgresVisitor(key, self._shared)

    def prepared(self) -> bool:
        """Whether the documents for everybody can be searched; if not, it is being seen to.

        Raises:
            CitewiseError: they cannot.
        """
        return self._preparing.done()

    def require_room(self, size: int) -> None:
        """Refuse what would fill the database, or the disk that a file passes on its way.

        Raises:
            TooLargeError: all visitors together keep too much, or the disk is nearly full.
        """
        free = shutil.disk_usage(tempfile.gettempdir()).free
        full = free < 2 * size + self.limits.file_bytes
        if full or self._shared.files.bytes_of_all() + size > self.limits.all_bytes:
            raise TooLargeError("This server has no room left for files.", "Try again later.")

    def sweep(self) -> int:
        """Delete what nobody has used for ``Limits.idle_seconds``; return how many were deleted."""
        gone = 0
        for key in self._shared.files.idle(self.limits.idle_seconds):
            if key == _COMMON:
                continue
            with self._database.claim(key) as got:
                # Another process may have swept, or seen them, since.
                if got and key in self._shared.files.idle(self.limits.idle_seconds):
                    PostgresVisitor(key, self._shared).erase_claimed()
                    gone += 1
        return gone

    def start_sweeping(self) -> None:
        """Sweep now and then, and read what is brought, in the background, until closed."""
        for number in range(self._workers):
            name = f"citewise-files-{number}"
            self._threads.append(threading.Thread(target=self._working, name=name, daemon=True))
        self._threads.append(
            threading.Thread(target=self._sweeping, name="citewise-sweep", daemon=True)
        )
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop working; what is unfinished is left to other processes, or to the next start."""
        with self._changed:
            self._shared.closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(5.0)
        self._shared.indexes.close()

    def work_once(self) -> bool:
        """Read one file, of whoever was served longest ago; whether there was one to read."""
        for key in self._shared.files.unfinished():
            with self._database.claim(key) as got:
                if got:
                    self._shared.files.served(key)
                    PostgresVisitor(key, self._shared).work()
                    return True
        return False

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _working(self) -> None:
        while not self._shared.closing:
            worked = False
            try:
                worked = self.work_once()
            except CitewiseError as error:
                _LOG.warning("What visitors bring cannot be read just now: %s", error)
            except Exception:
                _LOG.exception("A file could not be worked on.")
            with self._changed:
                if not worked and not self._shared.closing:
                    self._changed.wait(_LOOKED_EVERY)

    def _sweeping(self) -> None:
        pause = min(_SWEPT_EVERY, self.limits.idle_seconds / 4)
        while not self._shared.closing:
            try:
                self.sweep()
            except CitewiseError as error:
                _LOG.warning("What nobody uses cannot be deleted just now: %s", error)
            end = elapsed() + pause
            with self._changed:
                while not self._shared.closing and elapsed() < end:
                    self._changed.wait(end - elapsed())
