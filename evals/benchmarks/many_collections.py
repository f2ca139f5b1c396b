"""Milliseconds of a search over the same documents in one collection, in three and in ten.

python evals/benchmarks/many_collections.py
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from citewise import Assistant, Document
from citewise.splitting import split
from citewise.stores import open_store

_DOCUMENTS, _PARAGRAPHS, _QUESTIONS = 1000, 10, 40


class _Hashing:
    """Vectors of hashed words: a model's time is no part of what is measured."""

    name = "hash-64"

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        vector = np.full(64, 1e-3, np.float32)
        for word in text.split():
            vector[zlib.crc32(word.encode()) % 64] += 1
        return vector / np.float32(np.linalg.norm(vector))


def main() -> None:
    """Build three stores and print the median and the 95 % of each."""
    chance = random.Random(7)
    words = ["".join(chance.choices("abcdefghij", k=6)) for _ in range(4000)]
    texts = [
        "\n\n".join(" ".join(chance.choices(words, k=90)) for _ in range(_PARAGRAPHS))
        for _ in range(_DOCUMENTS)
    ]
    questions = [" ".join(chance.choices(words, k=4)) for _ in range(_QUESTIONS)]
    for count in (1, 3, 10):
        with tempfile.TemporaryDirectory() as folder:
            print(_measured(folder, texts, questions, count))


def _measured(folder: str, texts: Sequence[str], questions: Sequence[str], count: int) -> str:
    names = [f"c{number}" for number in range(count)]
    for number, name in enumerate(names):
        with open_store(folder, _Hashing(), name) as index:
            own = enumerate(texts[number::count])
            index.update(
                [Document(f"{name}/{n}.txt", t, str(zlib.crc32(t.encode()))) for n, t in own], split
            )
    with Assistant(store=folder, embedder=_Hashing(), llm="none", quiet=True) as store:
        seen = store.seeing(*names)
        seen.search("warm")
        spent = []
        for question in questions:
            began = time.perf_counter()
            seen.search(question)
            spent.append(1000 * (time.perf_counter() - began))
        passages = seen.stats()["passages"]
    late = sorted(spent)[int(0.95 * len(spent))]
    return (
        f"{count:2} collections, {passages:,} passages: "
        f"p50 {statistics.median(spent):.1f} ms, p95 {late:.1f} ms"
    )


if __name__ == "__main__":
    main()
