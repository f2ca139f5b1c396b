"""Whether this process can answer questions now, for whoever decides where to send them.

Each part is looked at in a thread of its own, so that a store which hangs keeps nobody waiting,
and at most once a second, so that looking costs nothing.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial

from citewise.health import demand_models, demand_store

__all__ = ["READY", "Part", "Readiness", "parts_of"]

READY = "ready"
_LOG = logging.getLogger(__name__)
_KEPT = 1.0
_PATIENCE = 1.5
"""Seconds that one look may take before its part counts as not ready."""
_LOOKED_AT = {"store": demand_store, "models": demand_models}
_FAULTS = {
    "store": "It is not open, holds nothing, or does not answer; the log says more.",
    "models": "The language model is not at hand or not reachable; the log says more.",
}


class Part:
    """One thing that has to work: looked at in the background, remembered for a second.

    Args:
        check: raises if it does not work.
        fault: what is told then; never what ``check`` raises, which may name hosts and paths.
        clock: seconds; tests give their own.
    """

    def __init__(
        self, check: Callable[[], None], fault: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._check = check
        self._fault = fault
        self._clock = clock
        self._look: Future[str] = Future()
        self._look.set_result("")
        self._ended = float("-inf")
        self._said = ""

    async def state(self) -> str:
        """``READY``, or why it is not."""
        if self._look.done() and self._clock() - self._ended > _KEPT:
            self._look = Future()
            threading.Thread(target=self._run, args=(self._look,), daemon=True).start()
        waiting = asyncio.wrap_future(self._look)
        done, _ = await asyncio.wait([waiting], timeout=_PATIENCE)
        return waiting.result() if done else "It has not answered yet."

    def _run(self, look: Future[str]) -> None:
        state, problem = READY, ""
        try:
            self._check()
        except Exception as error:
            state, problem = self._fault, str(error)
        if problem and problem != self._said:
            _LOG.warning("Not ready: %s", problem)
        self._said = problem
        self._ended = self._clock()
        look.set_result(state)


class Readiness:
    """All parts together, and whether the server was told to end."""

    def __init__(self, parts: Mapping[str, Part], ends: Callable[[], bool] = lambda: False) -> None:
        self._parts = parts
        self._ends = ends

    async def states(self) -> tuple[bool, dict[str, str]]:
        """Whether all are ready, and what is to be said of each."""
        states = await asyncio.gather(*(part.state() for part in self._parts.values()))
        told = dict(zip(self._parts, states, strict=True))
        told["server"] = "It is being stopped." if self._ends() else READY
        return all(state == READY for state in told.values()), told


def parts_of(assistant: object) -> dict[str, Part]:
    """The parts of an assistant; what is none of ours tells of none."""
    from citewise.assistant import Assistant

    if not isinstance(assistant, Assistant):
        return {}
    return {n: Part(partial(look, assistant), _FAULTS[n]) for n, look in _LOOKED_AT.items()}
