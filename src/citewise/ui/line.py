"""The line before the language model: first come, first served, and each told how long it is.

Evidence is found in a moment, the model takes seconds. So questions are searched as they come, and
only then wait for the model.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from statistics import median

__all__ = ["Line", "Place"]

_REMEMBERED = 15
_UNKNOWN = 5.0
"""Seconds that one refused should wait while no turn has ended yet."""
_HEARTBEAT = 1.0
"""Seconds after which a waiting place looks whether its reader is still there."""


class Line:
    """Lets ``at_once`` turns go on at a time; safe between threads.

    Args:
        at_once: how many turns the model works on at a time.
        clock: seconds; tests give their own.
        waited: told how many seconds each turn waited.
    """

    def __init__(
        self,
        at_once: int,
        clock: Callable[[], float] = time.monotonic,
        waited: Callable[[float], None] = lambda _: None,
    ) -> None:
        self.at_once = at_once
        self._clock = clock
        self._waited = waited
        self._changed = threading.Condition()
        self._places: deque[Place] = deque()
        self._took: deque[float] = deque(maxlen=_REMEMBERED)

    def join(self) -> Place:
        """The last place; leave it by ``Place.leave``, whatever happens."""
        place = Place(self)
        with self._changed:
            self._places.append(place)
        return place

    def __len__(self) -> int:
        """How many are in it, those at work among them."""
        with self._changed:
            return len(self._places)

    def until_one_ends(self) -> float:
        """Seconds until a turn is likely to end, as the latest ones did."""
        with self._changed:
            return median(self._took) / self.at_once if self._took else _UNKNOWN

    def _ahead(self, place: Place) -> int:
        """How many have to finish before it is this place's turn."""
        return max(0, self._places.index(place) - self.at_once + 1)

    def _seconds(self, ahead: int) -> float | None:
        """How long that will take, as the latest turns did; None before there were any."""
        if not self._took:
            return None
        return median(self._took) * ahead / self.at_once


class Place:
    """One turn in the line; made by ``Line.join``."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._began: float | None = None

    def wait(self) -> Iterator[tuple[int, float | None]]:
        """Yield how many are ahead and how many seconds that may take, until there are none.

        It is yielded again about every second, so that whoever waits can go away.
        """
        line = self._line
        came = line._clock()
        while True:
            with line._changed:
                ahead = line._ahead(self)
                if not ahead:
                    self._began = line._clock()
                    break
                told = ahead, line._seconds(ahead)
            yield told
            with line._changed:
                if line._ahead(self) == ahead:
                    line._changed.wait(_HEARTBEAT)
        line._waited(self._began - came)

    def leave(self) -> None:
        """Let the next one go on; harmless if called twice."""
        line = self._line
        with line._changed:
            if self in line._places:
                line._places.remove(self)
                if self._began is not None:
                    line._took.append(line._clock() - self._began)
                line._changed.notify_all()
