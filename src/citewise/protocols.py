"""The seams: something that embeds, something that generates, something that judges support."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from citewise.types import Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Embedder", "Generator", "Judge", "JudgeChoice", "Prompt"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request to a language model: the rules, then the sources and the question.

    Requests about the same question share everything but the end of ``user``, so that a server
    with a prompt cache reads the sources once.
    """

    system: str
    user: str


class Embedder(Protocol):
    """Turns text into vectors. ``name`` goes into the index manifest."""

    name: str

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors for texts that will be searched, shape ``(len(texts), dimensions)``."""
        ...

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """A unit vector for one question, shape ``(dimensions,)``."""
        ...


class Generator(Protocol):
    """Writes text. ``name`` is shown to the user and goes into ``Answer.models``."""

    name: str

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        """Yield the reply piece by piece, greedily decoded; closing the iterator cancels it.

        A generator function may return the number of tokens in the prompt.

        Raises:
            GeneratorError: unreachable, refused, timed out, broke off, or empty.
        """
        ...

    def yes_log_odds(self, prompt: Prompt) -> float | None:
        """Natural-log odds of "Yes" against "No" as the first token of the reply.

        None if this model cannot tell its probabilities.

        Raises:
            GeneratorError: as for ``stream``.
        """
        ...


class Judge(Protocol):
    """Decides whether evidence supports a claim."""

    def judge(self, claim: str, evidence: Sequence[str]) -> Verdict:
        """The verdict on one sentence, given the texts that could support it."""
        ...


JudgeChoice: TypeAlias = Judge | Literal["fast", "full"]
"""What checks claims: without a model, with the entailment model too, or something of your own."""
