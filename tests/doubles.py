"""Small real stand-ins for what costs seconds or gigabytes."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from citewise.tokens import lexical_terms
from citewise.types import Document, Passage, Span

__all__ = ["HashEmbedder", "document", "split_lines"]


class HashEmbedder:
    """Meets ``Embedder`` by hashing words into a few dimensions: shared words, near vectors.

    ``embedded`` lists every passage text it was given.
    """

    def __init__(self, name: str = "hash-64", dimensions: int = 64) -> None:
        self.name = name
        self.dimensions = dimensions
        self.embedded: list[str] = []

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit vector per text; a text without words points along the first axis."""
        self.embedded += texts
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Counts of hashed words, scaled to length 1."""
        vector = np.zeros(self.dimensions, np.float32)
        for term in lexical_terms(text):
            vector[zlib.crc32(term.encode()) % self.dimensions] += 1
        norm = float(np.linalg.norm(vector))
        if norm == 0:
            vector[0] = norm = 1
        return vector / np.float32(norm)


def document(name: str, text: str) -> Document:
    """A document whose digest is that of its text."""
    return Document(name, text, hashlib.sha256(text.encode()).hexdigest())


def split_lines(source: Document) -> list[Passage]:
    """One passage per paragraph (lines up to a blank one), one span per line.

    A paragraph's first line starting with ``# `` is its heading and no span.
    """
    passages = []
    start = 0
    for block in source.text.split("\n\n"):
        if block.strip():
            passages.append(_passage(source.name, block, start))
        start += len(block) + 2
    return passages


def _passage(name: str, block: str, start: int) -> Passage:
    heading, spans, offset = "", [], start
    for line in block.split("\n"):
        if line.startswith("# "):
            heading = line[2:]
        elif line:
            spans.append(Span(offset, offset + len(line), "sentence", line))
        offset += len(line) + 1
    return Passage(name, start, start + len(block), block, "prose", heading, tuple(spans))
