"""One language model at several addresses: spread, retried elsewhere, none asked too much.

What can be cured by another address or a later moment is tried again, but never once a piece of
the reply was given out: a reader must not see two replies grown together. An address that failed is
left alone for a while, then tried by one request before others follow.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

from citewise.errors import GeneratorError
from citewise.llm_addresses import Address
from citewise.openai_api import Limits, OpenAIGenerator, offered_models
from citewise.openai_failures import UnavailableError
from citewise.protocols import Prompt

__all__ = ["AddressLoad", "GeneratorPool"]

_ROUNDS = 3
_PAUSE = 0.25  # seconds before the second round; doubled for the third
_LONGEST_PAUSE = 10.0
_FIRST_REST, _LONGEST_REST = 1.0, 30.0
_LONGEST_WISH = 300.0  # of a server's own wish to be left alone
# Requests about one question begin alike; where both places are free, they go to the same one,
# whose prompt cache then holds that beginning.
_ALIKE = 400
_PROBE = Limits(connect=1.0, silence=1.0, total=2.0)
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class AddressLoad:
    """What one address was asked since the start.

    ``failures`` are requests that it refused, broke off or left unanswered; ``failovers`` those
    that it answered after another address had failed; ``in_flight`` those under way now.
    """

    requests: int = 0
    failures: int = 0
    failovers: int = 0
    in_flight: int = 0


class _Place:
    """One address, and how it fares; guarded by the pool's lock."""

    generator: OpenAIGenerator

    def __init__(self, address: Address) -> None:
        self.address = address
        self.busy = 0
        self.failures = 0
        self.rests_until = 0.0
        self.asked = self.failed = self.took_over = 0

    def offered(self, limits: Limits) -> str:
        """The name of the first model here."""
        names = offered_models(self.address.url, self.address.key or None, limits)
        if not names:
            raise GeneratorError(
                f"The language model's server at {self.address.url} offers no model.",
                "Load one there, or name it: http://host:port/v1#model.",
            )
        return names[0]


class GeneratorPool:
    """A generator over one or several addresses of the same model; for many threads at once.

    Args:
        addresses: where to ask; those that name no model are asked for the model that the others
            name, or for the first that one of them offers.
        limits: time-outs and caps for each address; ``limits.at_once`` requests are in flight at
            each, and more wait their turn.

    Raises:
        InputError: an address or a key cannot be used.
        GeneratorError: no address names a model, and none can be asked for one.
    """

    def __init__(self, addresses: Sequence[Address], limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._changed = threading.Condition()
        self._places = [_Place(address) for address in addresses]
        named = [address.model for address in addresses if address.model]
        names = list(dict.fromkeys(named)) or [self._first_offered()]
        self.name = ", ".join(names)
        for place in self._places:
            at = place.address
            place.generator = OpenAIGenerator(
                at.url, at.model or names[0], at.key or None, limits=self._limits
            )

    @property
    def identity(self) -> str:
        """The addresses and the model's name there."""
        return " ".join(place.generator.identity for place in self._places)

    def __repr__(self) -> str:
        return f"GeneratorPool({[place.address for place in self._places]})"

    def close(self) -> None:
        """Close all connections; the generator cannot be used afterwards."""
        for place in self._places:
            place.generator.close()

    def loads(self) -> list[AddressLoad]:
        """What each address was asked so far, in the order in which they were given."""
        with self._changed:
            return [AddressLoad(p.asked, p.failed, p.took_over, p.busy) for p in self._places]

    def demand_reachable(self) -> None:
        """Look whether any address answers at all; it takes a second or two for each.

        Raises:
            GeneratorError: none does.
        """
        faults = [fault for place in self._places if (fault := _unreachable(place)) is not None]
        if len(faults) == len(self._places):
            raise faults[0]

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Generator[str, None, int | None]:
        """See ``Generator.stream``; the first piece may come from the second address asked.

        Raises:
            GeneratorError: no address could be reached in time, or one refused or broke off.
        """

        def begun(place: _Place) -> tuple[str, Generator[str, None, int | None]]:
            pieces = place.generator.stream(prompt, max_tokens=max_tokens)
            return next(pieces), pieces

        place, (first, pieces) = self._tried(begun, prompt.user)
        failure = None
        try:
            with closing(pieces):
                yield first
                return (yield from pieces)
        except GeneratorError as error:
            failure = error
            raise
        finally:
            self._leave(place, failure)

    def yes_log_odds(self, prompt: Prompt) -> float | None:
        """See ``Generator.yes_log_odds``.

        Raises:
            GeneratorError: as for ``stream``.
        """
        place, odds = self._tried(lambda place: place.generator.yes_log_odds(prompt), prompt.user)
        self._leave(place)
        return odds

    def _first_offered(self) -> str:
        place, name = self._tried(lambda place: place.offered(self._limits))
        self._leave(place)
        return name

    def _tried(self, use: Callable[[_Place], _Result], text: str = "") -> tuple[_Place, _Result]:
        """What ``use`` gives at the first place where it succeeds, which is still occupied."""
        left, pause = list(self._places), _PAUSE
        failed: _Place | None = None
        for last_round in (False,) * (_ROUNDS - 1) + (True,):
            untried, waits = list(left), []
            while untried:
                place = self._enter(untried, text)
                untried.remove(place)
                try:
                    result = use(place)
                except UnavailableError as error:
                    self._leave(place, error)
                    failed, failure, wait = place, error, error.wait or 0.0
                    if error.once or wait > _LONGEST_PAUSE:
                        left.remove(place)  # it would take as long, or fail, again
                    else:
                        waits.append(wait)
                except BaseException as error:
                    self._leave(place, error if isinstance(error, GeneratorError) else None)
                    raise
                else:
                    self._recovered(place, takes_over=failed not in (None, place))
                    return place, result
            if last_round or not left:
                break
            # At random, so that those who failed together do not come back together.
            time.sleep(max(*waits, pause * random.uniform(0.5, 1.5)))  # noqa: S311
            pause *= 2
        raise failure

    def _enter(self, among: Sequence[_Place], text: str) -> _Place:
        """Occupy the best of some places; wait until one is free."""
        deadline = time.monotonic() + self._limits.silence
        with self._changed:
            while True:
                now = time.monotonic()
                awake = [place for place in among if place.rests_until <= now] or among
                free = [place for place in awake if place.busy < self._room(place, among)]
                if free:
                    place = min(free, key=lambda place: (place.busy, _affinity(place, text)))
                    place.busy += 1
                    place.asked += 1
                    return place
                if now > deadline:
                    raise GeneratorError(
                        f"All {len(self._places)} addresses of the language model were busy for "
                        f"{self._limits.silence:g} seconds.",
                        "Ask again in a moment, raise llm_at_once, or add an address to llm.",
                    )
                self._changed.wait(0.5)

    def _room(self, place: _Place, among: Sequence[_Place]) -> int:
        """One request tries whether a place that failed is back, if others can be asked instead."""
        on_trial = place.failures and any(not other.failures for other in among)
        return 1 if on_trial else self._limits.at_once

    def _recovered(self, place: _Place, *, takes_over: bool) -> None:
        with self._changed:
            place.took_over += takes_over
            place.failures, place.rests_until = 0, 0.0
            self._changed.notify_all()

    def _leave(self, place: _Place, failure: GeneratorError | None = None) -> None:
        with self._changed:
            place.busy -= 1
            place.failed += failure is not None
            if isinstance(failure, UnavailableError):
                _send_to_rest(place, failure.wait or 0.0)
            self._changed.notify_all()


def _unreachable(place: _Place) -> UnavailableError | None:
    try:
        offered_models(place.address.url, place.address.key or None, _PROBE)
    except UnavailableError as error:
        return error
    except GeneratorError:  # it answers, though it does not tell its models
        return None
    return None


def _send_to_rest(place: _Place, wish: float) -> None:
    """Twice as long each time; those who failed together, or while it rests, count once."""
    now = time.monotonic()
    if place.rests_until <= now:
        rest = min(_FIRST_REST * 2.0**place.failures, _LONGEST_REST)
        place.failures += 1
        place.rests_until = now + rest * random.uniform(0.8, 1.2)  # noqa: S311
    place.rests_until = max(place.rests_until, now + min(wish, _LONGEST_WISH))


def _affinity(place: _Place, text: str) -> bytes:
    said = f"{place.address.url} {text[:_ALIKE]}"
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest()
