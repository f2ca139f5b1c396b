"""A discrete-event simulation in a hundred lines: a clock, stations, processors that are shared.

Own code rather than SimPy: what is needed is small, a shared processor is not among what SimPy
has, and a dependency of a document's figures would have to be kept. Tests hold it against the
closed forms of M/M/1, M/M/c, M/D/1 and M/G/1 with processor sharing.

A process is a generator that yields what it waits for:

    def customer():
        yield Delay(1.0)
        yield from station.served(2.0)
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["Delay", "Process", "Shared", "Simulation", "Station", "Wait"]

Resume: TypeAlias = Callable[[Any], None]
Process: TypeAlias = Generator["Delay | Wait", Any, Any]


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until ``begin`` calls what it is given; the process goes on with its argument."""

    begin: Callable[[Resume], None]


class Simulation:
    """The clock, and what is to happen when."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def at(self, when: float, do: Callable[[], None]) -> None:
        """Call ``do`` at a time; of several at one time, first come, first served."""
        heapq.heappush(self._events, (when, next(self._numbers), do))

    def start(self, process: Process) -> None:
        """Run a process until it waits, and on from there when it need not wait any more."""

        def resume(value: Any = None) -> None:
            try:
                wish = process.send(value)
            except StopIteration:
                return
            if isinstance(wish, Delay):
                self.at(self.now + wish.seconds, lambda: resume(None))
            else:
                wish.begin(resume)

        resume()

    def run(self, until: float) -> None:
        """Let everything happen until a time."""
        while self._events and self._events[0][0] <= until:
            self.now, _, do = heapq.heappop(self._events)
            do()
        self.now = until


class Station:
    """Some servers and one line before them, first come, first served."""

    def __init__(self, simulation: Simulation, servers: int) -> None:
        self._simulation = simulation
        self.servers = servers
        self.busy = 0
        self.line: deque[Resume] = deque()
        self.busy_seconds = 0.0

    def taken(self) -> Process:
        """Wait for a server, and keep it until ``leave``."""
        if self.busy < self.servers:
            self.busy += 1
        else:
            yield Wait(self.line.append)

    def leave(self) -> None:
        """Give the server to the next in line."""
        if self.line:
            self.line.popleft()(None)
        else:
            self.busy -= 1

    def served(self, seconds: float) -> Process:
        """Wait for a server, and be served by it."""
        yield from self.taken()
        yield Delay(seconds)
        self.busy_seconds += seconds
        self.leave()


class Shared:
    """Processors that all who are here share equally; one job uses at most one of them.

    Args:
        simulation: whose clock.
        processors: how many; jobs beyond as many slow each other down.
    """

    def __init__(self, simulation: Simulation, processors: float) -> None:
        self._simulation = simulation
        self.processors = processors
        self._jobs: dict[int, tuple[float, Resume]] = {}
        self._numbers = itertools.count()
        self._since = 0.0
        self._version = 0
        self.busy_seconds = 0.0

    def __len__(self) -> int:
        return len(self._jobs)

    def served(self, seconds: float) -> Process:
        """Done when so many seconds of one processor were spent; False if it was ended before."""

        def begin(resume: Resume) -> None:
            self._advance()
            self._jobs[next(self._numbers)] = (seconds, resume)
            self._plan()

        done = yield Wait(begin)
        return done

    def end_all(self) -> None:
        """Drop all jobs, as a server that dies does."""
        self._advance()
        jobs, self._jobs = self._jobs, {}
        self._plan()
        for _, resume in jobs.values():
            resume(False)

    def _speed(self) -> float:
        return min(1.0, self.processors / len(self._jobs)) if self._jobs else 0.0

    def _advance(self) -> None:
        passed = (self._simulation.now - self._since) * self._speed()
        self._since = self._simulation.now
        self.busy_seconds += passed * len(self._jobs)
        self._jobs = {key: (left - passed, go) for key, (left, go) in self._jobs.items()}

    def _plan(self) -> None:
        self._version += 1
        if not self._jobs:
            return
        version, key = self._version, min(self._jobs, key=lambda key: self._jobs[key][0])
        when = self._simulation.now + max(0.0, self._jobs[key][0]) / self._speed()
        self._simulation.at(when, lambda: self._done(key, version))

    def _done(self, key: int, version: int) -> None:
        if version != self._version:
            return
        self._advance()
        _, resume = self._jobs.pop(key)
        self._plan()
        resume(True)
