"""What Ray's workers do: read and split files, and embed the texts of their passages.

A row is a part of what one file gave: at most about ``_TEXTS`` texts, so that neither a row nor a
block of rows grows with the size of a document.
"""

from __future__ import annotations

import hashlib
import pickle
import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from citewise import __version__
from citewise.collecting import Naming
from citewise.documents import Reading, SkippedFile, SourceFile, read_sources
from citewise.errors import CorpusError, InputError
from citewise.limits import ReadLimits
from citewise.remote_address import Corpus, RemoteAddress
from citewise.runners.embedder_recipe import Recipe
from citewise.storing import keys_of
from citewise.types import Document, Passage

if TYPE_CHECKING:
    from citewise.staging import Split

__all__ = ["Digests", "EmbedTexts", "Job", "Part", "document_digest", "read_files"]

_TEXTS = 512


class Digests:
    """A set of 16-byte digests that costs 8 bytes each, wherever it is sent."""

    def __init__(self, digests: Iterable[bytes] = ()) -> None:
        data = b"".join(digest[:8] for digest in digests)
        self._sorted: NDArray[np.uint64] = np.unique(np.frombuffer(data, np.uint64))

    def __contains__(self, digest: bytes) -> bool:
        value = np.frombuffer(digest[:8], np.uint64)[0]
        place = int(np.searchsorted(self._sorted, value))
        return place < len(self._sorted) and bool(self._sorted[place] == value)

    def __len__(self) -> int:
        return len(self._sorted)


def document_digest(name: str, sha256: str) -> bytes:
    """What tells a document from others in ``Digests``."""
    made_from = f"{sha256}\n{name}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(made_from, digest_size=16).digest()


@dataclass(frozen=True)
class Job:
    """What a worker has to know.

    Attributes:
        corpus: where the files lie.
        prefix: what all names begin with, which the files there do not have.
        embedder: the name of the model.
        prepared: documents that are neither split nor embedded, since the store holds them.
        stored: keys of vectors that the store holds.
        version: of this package in the driver.
    """

    corpus: Corpus
    prefix: str
    limits: ReadLimits
    split: Split
    embedder: str
    recipe: Recipe
    prepared: Digests
    stored: Digests
    version: str = __version__

    def require_same_version(self) -> None:
        """Another version may split otherwise.

        Raises:
            InputError: the worker's package is of another version than the driver's.
        """
        if self.version != __version__:
            raise InputError(
                f"{socket.gethostname()} has citewise {__version__}, the driver {self.version}.",
                "Install the same version on every node of the cluster.",
            )


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what a file gave.

    Attributes:
        document: the document that begins with this part, if one does.
        passages: the next passages of the document begun last; None if it was not split.
        skipped, unreached: as in ``Reading``; in the last part of a file.
        last: nothing more comes of this file.
    """

    document: Document | None = None
    passages: tuple[Passage, ...] | None = None
    skipped: tuple[SkippedFile, ...] = ()
    unreached: bool = False
    last: bool = False


def read_files(groups: Any, job: Job) -> Iterator[Any]:
    """The first stage: files, by number, into tables with ``file``, ``part`` and ``texts``.

    Args:
        groups: an Arrow table; each row of ``group`` holds pickled pairs of number and file.
    """
    import pyarrow as pa

    job.require_same_version()
    for group in groups.column("group").to_pylist():
        files: list[tuple[int, SourceFile]] = pickle.loads(group)  # noqa: S301 - the driver's own
        numbers = {file.name: number for number, file in files}
        for file, reading in _readings([file for _, file in files], job):
            for part, texts in _parts(reading, job):
                row = (numbers[file.name], pickle.dumps(part), pickle.dumps(texts))
                yield pa.table({k: [v] for k, v in zip(_COLUMNS, row, strict=True)}, _schema())


_COLUMNS = ("file", "part", "texts")


def _schema() -> Any:
    import pyarrow as pa

    kinds = (pa.int64(), pa.large_binary(), pa.large_binary())
    return pa.schema(list(zip(_COLUMNS, kinds, strict=True)))


def _readings(files: Sequence[SourceFile], job: Job) -> Iterator[tuple[SourceFile, Reading]]:
    naming = Naming(job.prefix)
    for file, found in _read([naming.plain(file) for file in files], job):
        yield naming.file(file), naming.reading(found)


def _read(files: Sequence[SourceFile], job: Job) -> Iterator[tuple[SourceFile, Reading]]:
    if isinstance(job.corpus, RemoteAddress):
        from citewise.remote_source import RemoteSource

        return RemoteSource(job.corpus, job.limits, processes=1).read(files)
    # Files that only this node cannot see must not be taken for deleted ones.
    if not Path(job.corpus).exists():
        raise CorpusError(
            f"{socket.gethostname()}, a node of the Ray cluster, does not see {job.corpus}.",
            "Mount the folder at the same path on every node, or give an address such as "
            "s3://bucket/folder.",
        )
    return read_sources(files, job.limits, processes=1)


def _parts(reading: Reading, job: Job) -> Iterator[tuple[Part, list[str]]]:
    for document in reading.documents:
        if document_digest(document.name, document.sha256) in job.prepared:
            yield Part(document), []
        else:
            yield from _split(document, job)
    yield Part(skipped=reading.skipped, unreached=reading.unreached, last=True), []


def _split(document: Document, job: Job) -> Iterator[tuple[Part, list[str]]]:
    begun: Document | None = document
    passages: list[Passage] = []
    texts: list[str] = []
    seen: set[str] = set()
    for passage in job.split(document):
        passages.append(passage)
        for key, (text, _) in keys_of(passage, job.embedder).items():
            if text not in seen and key not in job.stored:
                seen.add(text)
                texts.append(text)
        if len(texts) >= _TEXTS or len(passages) >= _TEXTS:
            yield Part(begun, tuple(passages)), texts
            begun, passages, texts = None, [], []
    if begun or passages:
        yield Part(begun, tuple(passages)), texts


class EmbedTexts:
    """The second stage, in an actor that keeps the model: adds ``vectors`` to each row."""

    def __init__(self, job: Job) -> None:
        job.require_same_version()
        self._embedder = job.recipe.made()

    def __call__(self, rows: Any) -> Any:
        """The table with a column more: float32, one vector behind the other."""
        import pyarrow as pa

        asked: list[list[str]] = [pickle.loads(t) for t in rows.column("texts").to_pylist()]  # noqa: S301
        # Equal lengths side by side: a batch is padded to its longest text.
        texts = sorted({text for some in asked for text in some}, key=lambda t: (len(t), t))
        made: dict[str, NDArray[np.float32]] = {}
        if texts:
            vectors = np.asarray(self._embedder.embed_passages(texts), np.float32)
            made = dict(zip(texts, vectors, strict=True))
        packed = [b"".join(made[text].tobytes() for text in some) for some in asked]
        return rows.append_column("vectors", pa.array(packed, pa.large_binary()))
