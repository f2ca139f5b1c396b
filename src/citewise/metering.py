"""How far an update is, told to whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Meter", "Phase", "Progress", "Step"]

Phase = Literal["comparing", "embedding", "publishing", "checking"]


@dataclass(frozen=True, slots=True)
class Step:
    """How far an update is.

    ``done`` of the ``total`` bytes that this phase has to go through, the ``texts`` embedded so
    far, and the ``name`` of the file at hand.
    """

    phase: Phase
    done: int
    total: int
    texts: int = 0
    name: str = ""


Progress: TypeAlias = Callable[[Step], None]


class Meter:
    """Adds up what is done in each phase and reports it."""

    def __init__(self, progress: Progress | None) -> None:
        self.texts = 0
        self._progress = progress
        self._phase: Phase = "comparing"
        self._done = 0.0
        self._total = 0
        self._name = ""

    def begin(self, phase: Phase, total: int) -> None:
        """Start a phase that has to go through ``total`` bytes."""
        self._phase, self._total, self._done, self._name = phase, total, 0.0, ""
        self._report()

    def advance(self, size: float, name: str = "", texts: int = 0) -> None:
        """So many bytes more are done, with so many texts embedded."""
        self._done += size
        self._name = name or self._name
        self.texts += texts
        self._report()

    def _report(self) -> None:
        if self._progress:
            done = min(round(self._done), self._total)
            self._progress(Step(self._phase, done, self._total, self.texts, self._name))
