"""All visitors of a server: found by their cookie, kept over a restart, forgotten when idle."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from citewise.ui.clock import Clock, date
from citewise.ui.jobs import Jobs
from citewise.ui.limits import Limits, TooLargeError
from citewise.ui.preparing import Preparing
from citewise.ui.tokens import folder_name
from citewise.ui.visitor import Visitor

if TYPE_CHECKING:
    from citewise.assistant import Assistant

__all__ = ["Visitors"]

_COMMON = "common"
_MOST_HELD = 5000
_SWEPT_EVERY = 600.0
_WEIGHED_EVERY = 10.0


class Visitors:
    """Gives each visitor their own files; safe to share between threads.

    Args:
        root: the folder that holds a folder for each.
        shared: answers from the documents that everybody may ask.
        limits: what may be brought along, and for how long it stays.
        common: whether all visitors share what any of them brings.
        clock: what time it is.
    """

    def __init__(
        self,
        root: Path,
        shared: Assistant,
        limits: Limits | None = None,
        *,
        common: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self.root = root
        self.limits = limits or Limits()
        self.common = common
        self._clock = clock or Clock()
        self._shared = shared
        self._jobs = Jobs(self.limits.waiting)
        self._known: dict[str, tuple[Visitor, float]] = {}
        self._lock = threading.Lock()
        self._weighed = (0, -_WEIGHED_EVERY)
        self._closed = threading.Event()
        self._preparing = Preparing(shared)
        self._sweeper: threading.Thread | None = None

    def get(self, token: str) -> Visitor:
        """The visitor with that cookie; a new one costs nothing until they bring something."""
        key = _COMMON if self.common else folder_name(token)
        with self._lock:
            held = self._known.pop(key, None)
            visitor = held[0] if held else self._made(key)
            self._known[key] = (visitor, self._clock.steady())
            if len(self._known) > _MOST_HELD:
                self._let_go(len(self._known) - _MOST_HELD)
        visitor.touch()
        return visitor

    def prepared(self) -> bool:
        """Whether the documents for everybody can be searched; if not, it is being seen to.

        Raises:
            CitewiseError: they cannot.
        """
        return self._preparing.done()

    def require_room(self, size: int) -> None:
        """Refuse what would fill the disk.

        Raises:
            TooLargeError: all visitors together keep too much, or the disk is nearly full.
        """
        kept, when = self._weighed
        if time.monotonic() - when > _WEIGHED_EVERY:
            kept = sum(path.stat().st_size for path in self.root.glob("*/files/*/content*"))
            self._weighed = (kept, time.monotonic())
        place = next(p for p in (self.root, *self.root.parents) if p.exists())
        full = shutil.disk_usage(place).free < 2 * size + self.limits.file_bytes
        if kept + size > self.limits.all_bytes or full:
            raise TooLargeError("This server has no room left for files.", "Try again later.")

    def sweep(self) -> int:
        """Delete what nobody has used for ``Limits.idle_seconds``; return how many were deleted."""
        gone = 0
        for folder in [path for path in self.root.glob("*/") if path.name != _COMMON]:
            if self._is_idle(folder):
                gone += self._forget(folder)
        with self._lock:
            before = self._clock.steady() - _SWEPT_EVERY
            for key, (visitor, seen) in list(self._known.items()):
                if seen < before and not visitor.uploads and not visitor.at_work:
                    del self._known[key]
        return gone

    def start_sweeping(self) -> None:
        """Sweep now and then in the background, until closed."""
        self._sweeper = threading.Thread(target=self._sweeping, name="citewise-sweep", daemon=True)
        self._sweeper.start()

    def close(self) -> None:
        """Stop working; what is unfinished begins again at the next start."""
        self._closed.set()
        with self._lock:
            visitors = [visitor for visitor, _ in self._known.values()]
        for visitor in visitors:
            visitor.close()
        self._jobs.stop()

    def _let_go(self, count: int) -> None:
        """Cookies cost nothing to make up: of those who bring nothing, the latest are held."""
        idle = [k for k, (v, _) in self._known.items() if not v.uploads and not v.at_work]
        for key in idle[:count]:
            del self._known[key]

    def _made(self, key: str) -> Visitor:
        return Visitor(key, self.root / key, self._shared, self.limits, self._jobs, self._clock)

    def _is_idle(self, folder: Path) -> bool:
        with self._lock:
            held = self._known.get(folder.name)
        if held is not None:
            return self._clock.steady() - held[1] > self.limits.idle_seconds
        now = self._clock.now()
        if now is None:
            return False
        used = folder / "used"
        last = (used if used.exists() else folder).stat().st_mtime
        if last > self._clock.late() + 1:
            # The clock was set back since: else it would be kept until that time has come.
            date(used, self._clock)
        return now - last > self.limits.idle_seconds

    def _forget(self, folder: Path) -> bool:
        with self._lock:
            known = self._known.get(folder.name)
            if known is not None and known[0].at_work:
                return False
            visitor = known[0] if known else None
            self._known.pop(folder.name, None)
        if visitor is not None:
            visitor.erase()
        shutil.rmtree(folder, ignore_errors=True)
        return True

    def _sweeping(self) -> None:
        while True:
            self.sweep()
            if self._closed.wait(min(_SWEPT_EVERY, self.limits.idle_seconds / 4)):
                return
