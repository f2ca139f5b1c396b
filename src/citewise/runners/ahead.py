"""Passages and vectors that were made elsewhere, held until the store asks for them."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from citewise.protocols import Embedder
from citewise.types import Document, Passage

if TYPE_CHECKING:
    from citewise.staging import Split

__all__ = ["MOST_WAITING", "Ahead", "Made"]

MOST_WAITING = 4096
"""Texts that ``Staging`` gathers at most before it asks for their vectors."""

_MOST_IN_MEMORY = 64 << 20  # Bytes of one file's vectors; the rest lies in a temporary file.


@dataclass
class Made:
    """What was made of one document, part by part; ``rows`` says where a text's vector is."""

    document: Document
    passages: list[Passage] = field(default_factory=list)
    parts: list[NDArray[np.float32]] = field(default_factory=list)
    rows: dict[str, tuple[int, int]] = field(default_factory=dict)
    spool: IO[bytes] | None = None

    def add(self, passages: Sequence[Passage], texts: Sequence[str], vectors: bytes) -> None:
        """Take in some passages, and the vectors of some of their texts."""
        self.passages += passages
        if not texts:
            return
        made = np.frombuffer(vectors, np.float32).reshape(len(texts), -1)
        if sum(part.nbytes for part in self.parts) > _MOST_IN_MEMORY:
            made = self._spooled(made)
        for row, text in enumerate(texts):
            self.rows[text] = len(self.parts), row
        self.parts.append(made)

    def _spooled(self, made: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.spool is None:
            self.spool = tempfile.TemporaryFile()  # noqa: SIM115 - as long as this object
        place = self.spool.seek(0, 2)
        self.spool.write(made.tobytes())
        self.spool.flush()
        return np.memmap(self.spool, np.float32, "r", place, made.shape)

    def vector(self, text: str) -> NDArray[np.float32]:
        """The vector of one of its texts, shape ``(dimensions,)``."""
        part, row = self.rows[text]
        found: NDArray[np.float32] = self.parts[part][row]
        return found

    def close(self) -> None:
        """Give back the temporary file."""
        if self.spool is not None:
            self.spool.close()

    @property
    def texts(self) -> int:
        """How many texts the store counts it as."""
        return sum(1 + len(passage.spans) for passage in self.passages)


class Ahead:
    """Meets ``Embedder`` and ``Split`` by looking up what was made; makes what is missing.

    What the store can no longer ask for is dropped, so that memory stays bounded.

    Attributes:
        missing: texts that had to be embedded here.
    """

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self.name = embedder.name
        self.missing = 0
        self._split: Split | None = None
        self._coming: dict[str, Made] = {}
        self._waiting: deque[Made] = deque()
        self._texts = 0
        self._holding: dict[str, Made] = {}

    @contextmanager
    def splitting(self, split: Split) -> Iterator[None]:
        """Within it, documents can be split; ``split`` is for those of which nothing was made."""
        self._split = split
        try:
            yield
        finally:
            self._split = None
            self.expect(())
            self._drop(0)

    def expect(self, made: Sequence[Made]) -> None:
        """The documents of the file that comes next; those of earlier ones have been split."""
        for left in self._coming.values():
            left.close()
        self._coming = {one.document.name: one for one in made}

    def split(self, document: Document) -> Sequence[Passage]:
        """The passages of a document."""
        made = self._coming.pop(document.name, None)
        if made is None or made.document.sha256 != document.sha256:
            assert self._split is not None  # noqa: S101 - see ``splitting``
            return self._split(document)
        self._drop(MOST_WAITING)
        self._waiting.append(made)
        self._texts += made.texts
        self._holding.update(dict.fromkeys(made.rows, made))
        return made.passages

    def _drop(self, kept: int) -> None:
        """Forget the oldest documents, as long as younger ones fill what the store gathers."""
        while self._waiting and self._texts - self._waiting[0].texts >= kept:
            old = self._waiting.popleft()
            self._texts -= old.texts
            for text in old.rows:
                if self._holding.get(text) is old:
                    del self._holding[text]
            old.close()

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Their vectors, shape ``(len(texts), dimensions)``."""
        absent = [text for text in texts if text not in self._holding]
        if len(absent) == len(texts):
            self.missing += len(texts)
            return self.embedder.embed_passages(texts)
        found: dict[str, NDArray[np.float32]] = {}
        if absent:
            self.missing += len(absent)
            found = dict(zip(absent, self.embedder.embed_passages(absent), strict=True))
        rows = [found[t] if t in found else self._holding[t].vector(t) for t in texts]
        return np.stack(rows)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """A unit vector, shape ``(dimensions,)``."""
        return self.embedder.embed_query(text)
