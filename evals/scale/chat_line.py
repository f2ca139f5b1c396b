"""The chat's line before the language model, as ``citewise.ui.line`` has it, in simulated time."""

from __future__ import annotations

from dataclasses import dataclass

from simulation import Process, Resume, Wait

__all__ = ["Line", "Turn"]


class Line:
    """As ``citewise.ui.line``: a place from the start, the turn when few enough are before."""

    def __init__(self, answering: int) -> None:
        self.answering = answering
        self.places: list[Turn] = []

    def changed(self) -> None:
        """Let those go on whose turn it is."""
        for place in self.places[: self.answering]:
            if place.resume is not None:
                resume, place.resume = place.resume, None
                resume(None)


@dataclass(slots=True, eq=False)
class Turn:
    """One question's place in a line."""

    line: Line
    resume: Resume | None = None

    def waited(self) -> Process:
        """Wait until few enough are before."""
        if self.line.places.index(self) >= self.line.answering:
            yield Wait(self._hold)

    def _hold(self, resume: Resume) -> None:
        self.resume = resume

    def leave(self) -> None:
        """Let the next one go on."""
        self.line.places.remove(self)
        self.line.changed()
