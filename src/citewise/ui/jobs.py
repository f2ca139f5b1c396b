"""Bounded workers: two threads, visitors in turn, so that the files of one block nobody."""

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
    """Runs what it is given; a visitor's jobs keep their order, and one of them runs at a time.

    Args:
        most: how many may wait.
        workers: how many run at once; what embeds takes turns anyway, batch by batch.
    """

    def __init__(self, most: int, workers: int = 2) -> None:
        self._most = most
        self._workers = workers
        self._running: set[str] = set()
        self._waiting: OrderedDict[str, deque[Job]] = OrderedDict()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
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
            if len(self._threads) < self._workers:
                thread = threading.Thread(target=self._run, name="citewise-jobs", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify_all()

    def stop(self, wait: float = 5.0) -> None:
        """Begin nothing more, and wait for what is running."""
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify_all()
            threads = list(self._threads)
        for thread in threads:
            thread.join(wait)

    def _run(self) -> None:
        while (found := self._next()) is not None:
            visitor, job = found
            _survived(job)
            with self._changed:
                self._running.discard(visitor)
                self._changed.notify_all()

    def _next(self) -> tuple[str, Job] | None:
        with self._changed:
            while not self._stopped:
                free = next((v for v in self._waiting if v not in self._running), None)
                if free is not None:
                    return free, self._taken(free)
                self._changed.wait()
            return None

    def _taken(self, visitor: str) -> Job:
        """The visitor's first job; the visitor goes to the end of the line."""
        line = self._waiting.pop(visitor)
        job = line.popleft()
        if line:
            self._waiting[visitor] = line
        self._running.add(visitor)
        return job


def _survived(job: Job) -> None:
    """One file that goes wrong must not stop the others."""
    try:
        job()
    except Exception:
        _LOG.exception("A file could not be worked on.")
