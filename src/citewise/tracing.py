"""What watches the stages of a question; nothing does, unless the setting ``traces`` is set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

from citewise.types import Answer, Verdict

if TYPE_CHECKING:
    from citewise.protocols import Generator
    from citewise.serve_settings import ServeSettings

__all__ = ["UNWATCHED", "Tracing", "Unwatched", "Watch", "tracing_of"]


class Watch(Protocol):
    """Told of what happens to one question; see ``citewise.spans`` for the one there is."""

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Entered when a stage begins, left when it ends."""
        ...

    def verdict(self, verdict: Verdict) -> None:
        """The verdict that the stage of now has come to."""
        ...

    def generator(self, generator: Generator) -> Generator:
        """The same language model, with each request watched."""
        ...

    def answered(self, answer: Answer) -> None:
        """The question has its answer."""
        ...


class Unwatched:
    """Watches nothing, and costs next to nothing."""

    def stage(self, _: str) -> AbstractContextManager[None]:
        """See ``Watch``."""
        return _NOTHING

    def verdict(self, _: Verdict) -> None:
        """See ``Watch``."""

    def generator(self, generator: Generator) -> Generator:
        """See ``Watch``."""
        return generator

    def answered(self, _: Answer) -> None:
        """See ``Watch``."""


_NOTHING: AbstractContextManager[None] = nullcontext()
UNWATCHED = Unwatched()


class Tracing:
    """Watches every question of an assistant; this one watches none."""

    @contextmanager
    def question(self, question: str, top_k: int) -> Iterator[Watch]:  # noqa: ARG002
        """What watches one question, from its beginning until the block is left."""
        yield UNWATCHED


_OFF = Tracing()


def tracing_of(serving: ServeSettings) -> Tracing:
    """What the settings ask for.

    Raises:
        InputError: ``traces`` is no address, or the packages that it needs are not installed.
    """
    if not serving.traces:
        return _OFF
    from citewise.spans import Spans, exporting

    return Spans(exporting(serving.traces), text=serving.trace_text)
