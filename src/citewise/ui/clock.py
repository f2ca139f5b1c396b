"""What time it is for telling what is old, on a machine whose clock may be set or wrong.

The machine's clock is read once and counted on from there by one that nobody sets, so that no jump
makes old what was used a short while ago.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

__all__ = ["Clock", "date", "elapsed"]

_WRITTEN = 1_767_225_600.0
"""2026: a clock that shows an earlier time, such as 1970 after a flat battery, is wrong."""
_STEADY = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def elapsed() -> float:
    """Seconds of a clock that never goes back, those in which the machine slept among them."""
    return time.monotonic() if _STEADY is None else time.clock_gettime(_STEADY)


class Clock:
    """Seconds since 1970.

    Args:
        wall: what the machine says; tests give their own.
        steady: seconds that only ever grow.
    """

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = elapsed
    ) -> None:
        self._wall = wall
        self._begin: float | None = None
        self.steady = steady
        self.now()

    def now(self) -> float | None:
        """By which things are old; None as long as the machine's clock is certainly wrong."""
        if self._begin is None and self._wall() >= _WRITTEN:
            self._begin = self._wall() - self.steady()
        return None if self._begin is None else self._begin + self.steady()

    def late(self) -> float:
        """By which things are dated: the later one, should the machine's clock have been set."""
        return max(self._wall(), self.now() or 0.0)


def date(path: Path, clock: Clock) -> None:
    """Give a file, made if it is not there, the time of now; a disk that refuses is left alone."""
    if clock.now() is None:
        return
    with suppress(OSError):
        path.touch()
        os.utime(path, (clock.late(), clock.late()))
