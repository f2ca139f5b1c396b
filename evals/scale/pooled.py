"""Addresses of a language model as ``citewise.generator_pool`` uses them, in simulated time.

What that module does is done here: the address with the fewest requests is asked, ``at_once`` at
most; one that failed rests 1 s, twice as long each time up to 30, then one request tries it; what
fails before the first piece goes elsewhere, three rounds in all; what breaks off later is lost.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from simulation import Delay, Process, Resume, Shared, Simulation, Station, Wait

__all__ = ["Address", "Pool"]

_ROUNDS = 3
_PAUSE = 0.25
_FIRST_REST, _LONGEST_REST = 1.0, 30.0
_REFUSED = 0.001
"""Seconds that a refused connection takes."""


class Address:
    """A server: ``slots`` requests are worked on at a time, and share ``speed`` processors."""

    def __init__(self, simulation: Simulation, slots: int, speed: float) -> None:
        self.slots = Station(simulation, slots)
        self.work = Shared(simulation, speed)
        self.alive = True

    def die(self) -> None:
        """All that it works on breaks off; who comes later is refused."""
        self.alive = False
        self.work.end_all()

    def rise(self) -> None:
        """It takes requests again."""
        self.alive = True

    def served(self, seconds: float) -> Process:
        """False if it died before the work was done."""
        done = self.alive
        if done:
            done = yield from self.work.served(seconds)
        return done


@dataclass(slots=True)
class _Place:
    """One address as one process sees it."""

    address: Address
    busy: int = 0
    failures: int = 0
    rests_until: float = 0.0


@dataclass(slots=True)
class Pool:
    """What one process knows of the addresses.

    Args:
        simulation: whose clock.
        addresses: shared with other processes.
        at_once: requests of this process in flight at each.
        chance: for pauses and rests.
    """

    simulation: Simulation
    addresses: Sequence[Address]
    at_once: int
    chance: random.Random
    waiting: list[tuple[list[_Place], Resume]] = field(default_factory=list)
    _places: list[_Place] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._places = [_Place(address) for address in self.addresses]

    def asked(self, first: float, rest: float) -> Process:
        """One request: "done", "broken" after its first piece, or "failed" everywhere.

        Args:
            first: seconds of work until the first piece.
            rest: seconds of work after it.
        """
        pause = _PAUSE
        for number in range(_ROUNDS):
            untried = list(self._places)
            while untried:
                place = yield from self._enter(untried)
                untried.remove(place)
                said = yield from self._tried(place, first, rest)
                if said != "refused":
                    return said
            if number + 1 < _ROUNDS:
                yield Delay(pause * self.chance.uniform(0.5, 1.5))
                pause *= 2
        return "failed"

    def _tried(self, place: _Place, first: float, rest: float) -> Process:
        server = place.address
        if not server.alive:
            yield Delay(_REFUSED)
            self._left(place, failed=True)
            return "refused"
        yield from server.slots.taken()
        begun = yield from server.served(first)
        if begun:
            place.failures, place.rests_until = 0, 0.0
            self._retry()
        done = begun and (yield from server.served(rest))
        server.slots.leave()
        self._left(place, failed=not done)
        if not begun:
            return "refused"
        return "done" if done else "broken"

    def _enter(self, among: list[_Place]) -> Process:
        place = self._best(among)
        if place is None:
            place = yield Wait(lambda resume: self.waiting.append((list(among), resume)))
        else:
            place.busy += 1
        return place

    def _best(self, among: Sequence[_Place]) -> _Place | None:
        now = self.simulation.now
        awake = [place for place in among if place.rests_until <= now] or list(among)
        free = [place for place in awake if place.busy < self._room(place, among)]
        if not free:
            return None
        least = min(place.busy for place in free)
        return self.chance.choice([place for place in free if place.busy == least])

    def _room(self, place: _Place, among: Sequence[_Place]) -> int:
        on_trial = place.failures and any(not other.failures for other in among)
        return 1 if on_trial else self.at_once

    def _left(self, place: _Place, *, failed: bool) -> None:
        place.busy -= 1
        now = self.simulation.now
        if failed and place.rests_until <= now:
            rest = min(_FIRST_REST * 2.0**place.failures, _LONGEST_REST)
            place.failures += 1
            place.rests_until = now + rest * self.chance.uniform(0.8, 1.2)
            self.simulation.at(place.rests_until, self._retry)
        self._retry()

    def _retry(self) -> None:
        """Let those who wait go on, the first first."""
        for entry in list(self.waiting):
            among, resume = entry
            place = self._best(among)
            if place is not None:
                self.waiting.remove(entry)
                place.busy += 1
                resume(place)
