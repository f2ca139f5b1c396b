"""Whether words entail a claim, by a learnt encoder: the part of the check that reads meaning.

The encoder is ``all-mpnet-base-v2``, fetched like every other model; what was learnt on top of it
(``evals/judge/train.py``) is in this package. ``docs/verifier.md`` says from what, and how well it
agrees with people.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from citewise.errors import ModelError
from citewise.registry import DEFAULT_ENCODER, get
from citewise.torch_threads import torch_threads

if TYPE_CHECKING:
    from citewise.mpnet import PairEncoder

__all__ = ["WITHOUT", "Entailment", "Leaning", "shared_entailment"]

LEARNT = "entailment.safetensors"
_BATCH = 16
WITHOUT = 'Until then claims are checked without it, as with judge = "fast".'
"""What to tell after why it cannot be had."""


@dataclass(frozen=True, slots=True)
class Leaning:
    """Natural-log odds that words support a claim, and that they contradict it."""

    supported: float
    contradicted: float


class Entailment:
    """Reads a claim and its evidence together; loads at first use, safe to share between threads.

    Args:
        folder: of the encoder.

    Attributes:
        name: of the encoder, for ``Answer.models``.

    Raises:
        ModelError: at first use, if a file is missing or damaged.
    """

    name = DEFAULT_ENCODER

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._encoder: PairEncoder | None = None
        self._lock = threading.Lock()

    def leanings(
        self, pairs: Sequence[tuple[str, str]], *, threads: int | None = None
    ) -> list[Leaning]:
        """For each claim and its evidence, a few sentences, what these say about it.

        ``threads``: all by default.
        """
        found = []
        with torch_threads(threads):
            read = self._logits(pairs)
        for logits in read[:, :3].astype(np.float64):
            rest = [float(np.logaddexp.reduce(np.delete(logits, place))) for place in (0, 1)]
            found.append(Leaning(float(logits[0]) - rest[0], float(logits[1]) - rest[1]))
        return found

    def answers(
        self, pairs: Sequence[tuple[str, str]], *, threads: int | None = None
    ) -> list[float]:
        """Natural-log odds, for each question and text, that the text answers the question."""
        with torch_threads(threads):
            return [float(value) for value in self._logits(pairs)[:, 3]]

    def _logits(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        with self._lock:
            encoder = self._loaded()
            order = sorted(range(len(pairs)), key=lambda i: sum(map(len, pairs[i])))
            logits = np.zeros((len(pairs), 4), np.float32)
            for start in range(0, len(order), _BATCH):
                batch = order[start : start + _BATCH]
                logits[batch] = encoder([pairs[i] for i in batch])
        return logits

    def _loaded(self) -> PairEncoder:
        if self._encoder is None:
            from citewise.mpnet import PairEncoder

            try:
                with as_file(files("citewise") / "data" / LEARNT) as learnt:
                    self._encoder = PairEncoder(self._folder, learnt)
            # Whatever a damaged file makes the libraries raise: theirs are no common class.
            except Exception as error:
                raise ModelError(
                    f"The encoder in {self._folder} cannot be loaded ({error}).",
                    f"Delete that folder and run `citewise models fetch {DEFAULT_ENCODER}`.",
                ) from error
        return self._encoder


@lru_cache(maxsize=1)
def shared_entailment() -> Entailment:
    """The one that this process uses; its encoder is fetched if need be.

    Raises:
        ModelError: it cannot be fetched.
    """
    from citewise.fetching import ensure

    return Entailment(ensure(get(DEFAULT_ENCODER)))
