"""The models of an assistant, each made when first needed, shared by all that see its store."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from citewise.errors import GeneratorError, ModelError

if TYPE_CHECKING:
    from citewise.entailment import Entailment
    from citewise.llamaindex_llm import LLM
    from citewise.protocols import Embedder, Generator

__all__ = ["ModelsInUse"]

_EMBEDDER = "all-minilm-l6-v2"


class ModelsInUse:
    """Embedder and language model; safe to share between threads.

    Args:
        embedder: the pinned MiniLM by default.
        llm: see ``Assistant``.
        quiet: do not show how far fetching is.
    """

    def __init__(
        self, embedder: Embedder | None, llm: str | LLM | Generator, *, quiet: bool
    ) -> None:
        self._embedder = embedder
        self._llm = llm
        self._quiet = quiet
        # Two locks: fetching one model must not hold up who needs the other.
        self._embedder_lock = threading.Lock()
        self._generator_lock = threading.Lock()
        self._generator: Generator | None = None
        self._generator_made = False
        self._entailment_lock = threading.Lock()
        self._no_entailment: str | None = None

    def embedder(self) -> Embedder:
        """The embedding model.

        Raises:
            ModelError: it cannot be had.
        """
        with self._embedder_lock:
            if self._embedder is None:
                from citewise.embedding import SentenceTransformerEmbedder
                from citewise.fetching import ensure
                from citewise.registry import get

                spec = get(_EMBEDDER)
                self._embedder = SentenceTransformerEmbedder(
                    ensure(spec, progress=not self._quiet), spec.name
                )
            return self._embedder

    def embedder_name(self) -> str:
        """What ``embedder().name`` is, without the model."""
        if self._embedder is not None:
            return self._embedder.name
        from citewise.registry import get

        spec = get(_EMBEDDER)
        weights = next(file for file in spec.files if file.path == "model.safetensors")
        return f"{spec.name}@{weights.sha256[:12]}"

    def generator(self) -> tuple[Generator | None, list[str]]:
        """The language model, or None and why: without one, answers are quoted passages."""
        from citewise.generators import make_generator

        with self._generator_lock:
            if not self._generator_made:
                try:
                    self._generator = make_generator(self._llm)
                except (GeneratorError, ModelError) as error:
                    return None, [str(error)]
                self._generator_made = True
            return self._generator, []

    def entailment(self) -> tuple[Entailment | None, list[str]]:
        """The entailment model, which all assistants share, or None and why.

        It is looked for once: a question must not wait for a network that is not there.
        """
        from citewise.entailment import WITHOUT, shared_entailment

        with self._entailment_lock:
            if self._no_entailment is None:
                try:
                    return shared_entailment(), []
                except ModelError as error:
                    self._no_entailment = f"{error} {WITHOUT}"
            return None, [self._no_entailment]

    @property
    def made_generator(self) -> Generator | None:
        """The language model as far as somebody needed it."""
        return self._generator

    def close(self) -> None:
        """End the language model's process if it was started here."""
        close = getattr(self._generator, "close", None)
        if close is not None and isinstance(self._llm, str):
            close()
