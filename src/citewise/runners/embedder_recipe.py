"""How a worker on another machine comes by the embedding model that the driver has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from citewise.errors import ModelError
from citewise.protocols import Embedder

__all__ = ["Recipe", "recipe_of"]


class Recipe(Protocol):
    """Can be sent to another process, which makes the embedder from it."""

    def made(self) -> Embedder:
        """The embedder; ModelError if it cannot be had there."""
        ...


@dataclass(frozen=True, slots=True)
class _Model:
    """A model by name: a node takes it from the driver's path, its own cache, or fetches it once.

    The digest of its weights is part of ``embedder``; another model's vectors are thus refused.
    """

    embedder: str
    path: Path
    batch_size: int
    settings: tuple[tuple[str, Any], ...]

    def made(self) -> Embedder:
        from citewise.embedding import SentenceTransformerEmbedder
        from citewise.fetching import ensure
        from citewise.registry import get
        from citewise.settings import using

        name = self.embedder.rpartition("@")[0]
        folder = self.path
        if not (folder / "model.safetensors").is_file():
            with using("none", dict(self.settings)):
                folder = ensure(get(name), progress=False)
        # As many workers as processors: a second thread in one would only wait for the others.
        embedder = SentenceTransformerEmbedder(folder, name, batch_size=self.batch_size, threads=1)
        if embedder.name != self.embedder:
            raise ModelError(
                f"A node of the cluster has the model {embedder.name!r} in {folder}, the driver "
                f"{self.embedder!r}.",
                "Put the same model on every node, or none, so that each fetches it.",
            )
        return embedder


@dataclass(frozen=True, slots=True)
class _Sent:
    """An embedder that is pickled as it is."""

    embedder: Embedder

    def made(self) -> Embedder:
        return self.embedder


def recipe_of(embedder: Embedder) -> Recipe:
    """What to send to workers."""
    from citewise.embedding import SentenceTransformerEmbedder
    from citewise.settings import current

    if not isinstance(embedder, SentenceTransformerEmbedder):
        return _Sent(embedder)
    chosen = current()
    settings = {"cache": chosen.cache, "models": chosen.models, "offline": chosen.offline}
    given = tuple((name, value) for name, value in settings.items() if value is not None)
    return _Model(embedder.name, embedder.path.resolve(), embedder.batch_size, given)
