"""A bounded worker: one thread, visitors in turn, so that forty files of one block nobody."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable

from citewise.errors import InputError

__all__ = ["Jobs"]

Job = Callable[[], None]
_LOG = logging.getLogger(__name__)


class Jobs:
    """Runs what it is given one after the other; a visitor's jobs keep their order.

    Args:
        most: how many may wait.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: OrderedDict[str, deque[Job]] = OrderedDict()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def add(self, visitor: str, job: Job) -> None:
        """Put a job at the end of its visitor's line.

        Raises:
            InputError: too many are waiting.
        """
        with self._changed:
            if sum(map(len, self._waiting.values())) >= self._most:
                raise InputError("Too many files are waiting to be read.", "Try again in a while.")
            self._waiting.setdefault(visitor, deque()).append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="citewise-jobs", daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self, wait: float = 5.0) -> None:
        """Begin nothing more, and wait for what is running."""
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(wait)

    def _run(self) -> None:
        while (job := self._next()) is not None:
            _survived(job)

    def _next(self) -> Job | None:
        with self._changed:
            while not self._waiting and not self._stopped:
                self._changed.wait()
            if self._stopped:
                return None
            visitor, line = self._waiting.popitem(last=False)
            job = line.popleft()
            if line:
                self._waiting[visitor] = line
            return job


def _survived(job: Job) -> None:
    """One file that goes wrong must not stop the others."""
    try:
        job()
    except Exception:
        _LOG.exception("A file could not be worked on.")
