"""Text into unit vectors, with a sentence-transformers model in a local folder."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from citewise.bert import BertEncoder
from citewise.errors import ModelError
from citewise.torch_threads import torch_threads

__all__ = ["SentenceTransformerEmbedder"]

Encode = Callable[[Sequence[str]], NDArray[np.float32]]

_WEIGHTS = "model.safetensors"
# Read by the libraries when they are imported.
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


class SentenceTransformerEmbedder:
    """Meets ``Embedder``; the model loads at first use, or in ``load``.

    Safe to share between threads. A question waits for at most one batch of passages.

    Args:
        path: the model's folder; never a name to be looked up on a hub.
        name: what to call the model. ``self.name`` adds the start of the weights' digest, so that
            an index notices other weights under the same name.
        sha256: of ``model.safetensors``, if known; hashing 90 MB takes about 0.4 s.
        batch_size: texts in one pass; more cost memory, and make questions wait longer.
        threads: for passages; all cores by default. Questions always use one: on busy cores
            two threads took 240 ms for a question that takes 15 ms with one.

    Raises:
        ModelError: the folder or its weights are missing.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        *,
        sha256: str = "",
        batch_size: int = 16,
        threads: int | None = None,
    ) -> None:
        self.path = Path(path)
        if not (self.path / _WEIGHTS).is_file():
            raise ModelError(
                f"The embedding model {name!r} is not in {self.path}: {_WEIGHTS} is missing.",
                "Fetch it with `citewise models`, or give the folder of another model.",
            )
        self.name = f"{name}@{(sha256 or _digest(self.path / _WEIGHTS))[:12]}"
        self.batch_size = batch_size
        self._threads = threads or os.cpu_count() or 1
        self._encode: Encode | None = None
        # Held for one batch at a time; also keeps torch's process-wide number of threads ours.
        self._lock = threading.Lock()

    def load(self) -> None:
        """Load the model now, for example while something else is being waited for.

        Raises:
            ModelError: a file of the model is missing or damaged.
        """
        with self._lock:
            self._loaded()

    def embed_passages(
        self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        """Unit vectors, shape ``(len(texts), dimensions)``; too long texts are cut.

        Args:
            progress: called with the number of texts done and their total.

        Raises:
            ModelError: the model cannot be loaded.
        """
        # Equal lengths side by side: a batch is padded to its longest text.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        parts: list[NDArray[np.float32]] = []
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            parts.append(self._run([texts[i] for i in batch], self._threads))
            if progress:
                progress(start + len(batch), len(order))
        if not parts:
            return np.empty((0, self.embed_query("").shape[0]), np.float32)
        vectors = np.concatenate(parts)
        vectors[order] = vectors.copy()
        return vectors

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """A unit vector, shape ``(dimensions,)``.

        Raises:
            ModelError: the model cannot be loaded.
        """
        vector: NDArray[np.float32] = self._run([text], 1)[0]
        return vector

    def _run(self, texts: Sequence[str], threads: int) -> NDArray[np.float32]:
        with self._lock:
            encode = self._loaded()
            with torch_threads(threads):
                return encode(texts)

    def _loaded(self) -> Encode:
        if self._encode is None:
            try:
                self._encode = _load(self.path)
            # Whatever a damaged file makes the libraries raise: theirs are no common class.
            except Exception as error:
                raise ModelError(
                    f"The embedding model in {self.path} cannot be loaded ({error}).",
                    "Delete that folder and fetch the model again with `citewise models`.",
                ) from error
        return self._encode


def _load(path: Path) -> Encode:
    os.environ.update(_ENVIRONMENT)
    if BertEncoder.fits(path):
        return BertEncoder(path)
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(path), device="cpu", local_files_only=True)

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, np.float32)

    return encode


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
