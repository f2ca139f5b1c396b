"""Nearest-neighbour search over unit vectors; with citewise.clusters, all that knows FAISS.

Everything here is derived from SQLite and can be rebuilt from it. FAISS files carry no checksum
of their own, so a file is trusted only if its SHA-256 is the one SQLite holds.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from citewise.errors import IndexFault, InputError

__all__ = [
    "VectorIndex",
    "check_question",
    "faiss_library",
    "remove_other_generations",
    "sync_folder",
    "vectors_path",
]

_LARGEST_FILE = 64 * 1024**3
# From this size on a file is read twice, since holding it beside its index takes too much memory.
_LARGE_FILE = 128 * 1024**2
_BLOCK = 1 << 20
# How many times as many vectors as wanted are found by codes, to be ranked by exact vectors: so
# many times the numbers that share a code. Earlier versions wrote a byte a number too.
_OVER = 2


class VectorIndex:
    """Inner-product search over vectors with ids; higher scores are better.

    Args:
        index: a FAISS index whose ids are the caller's.
    """

    def __init__(self, index: Any) -> None:
        self._index = index

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimensions(self) -> int:
        """Length of each vector."""
        return int(self._index.d)

    @property
    def oversample(self) -> int:
        """Scores are exact if this is 1; else so many times more should be found and ranked anew.

        An exact index finds what is nearest, a clustered one most of it.
        """
        if not self._clustered:
            return 1
        return _OVER * int(self._index.pq.dsub) if hasattr(self._index, "pq") else _OVER

    @property
    def _clustered(self) -> bool:
        return hasattr(self._index, "nprobe")

    def ids(self) -> NDArray[np.int64]:
        """All ids, in the order in which they are held."""
        if self._clustered:
            lists = self._index.invlists
            return np.concatenate([_list_ids(lists, n) for n in range(lists.nlist)])
        return np.asarray(faiss_library().vector_to_array(self._index.id_map), np.int64)

    def reconstruct(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors of these ids as they are held, shape ``(len(ids), dimensions)``."""
        if self._clustered:
            if hasattr(self._index, "fine_quantizer"):
                # FAISS forgets to set this when it reads a file, and crashes without it.
                self._index.fine_quantizer = self._index.pq
            self._index.set_direct_map_type(faiss_library().DirectMap.Hashtable)
        return np.asarray(self._index.reconstruct_batch(ids), np.float32)

    @classmethod
    def build(cls, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> VectorIndex:
        """Index ``vectors``, shape ``(n, dimensions)``, under ``ids``, shape ``(n,)``."""
        faiss = faiss_library()
        index = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.shape[1]))
        index.add_with_ids(np.ascontiguousarray(vectors, np.float32), ids.astype(np.int64))
        return cls(index)

    @classmethod
    def load(cls, path: Path, sha256: str) -> VectorIndex | None:
        """The index in ``path``, or None if the file is missing or not the one expected."""
        try:
            if path.stat().st_size >= _LARGE_FILE:
                # Not mapped: a process dies if a file it has mapped is cut short.
                whole = _digest(path) == sha256
                return cls(faiss_library().read_index(str(path))) if whole else None
            data = path.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(data).hexdigest() != sha256:
            return None
        return cls(faiss_library().deserialize_index(np.frombuffer(data, np.uint8)))

    def save(self, path: Path) -> str:
        """Write to ``path`` so that it is there whole or not at all; return its SHA-256.

        Raises:
            OSError: no room, or not allowed.
        """
        aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        try:
            with aside.open("wb") as file:
                _write(self._index, file)
                file.flush()
                os.fsync(file.fileno())
            digest = _digest(aside)
            aside.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
        return digest

    def search(
        self,
        vector: NDArray[np.float32],
        k: int,
        within: NDArray[np.int64] | None = None,
        *,
        without: NDArray[np.int64] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The ``k`` best ids and their scores, best first; equal scores by lower id.

        Args:
            within: the only ids looked at; all by default.
            without: ids not looked at, where ``within`` is not given.

        Raises:
            InputError: the vector holds NaN or infinity.
            IndexFault: the vector has another length than the index.
        """
        check_question(vector, self.dimensions)
        left_out = 0 if without is None else len(without)
        most = len(self) - left_out if within is None else len(within)
        k = min(k, most)
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        selector = None
        if within is not None:
            selector = _selector(within)
        elif without is not None and left_out:
            selector = faiss_library().IDSelectorNot(_selector(without))
        query = np.ascontiguousarray(vector[None], np.float32)
        if self._clustered:
            return self._nearest_clusters(query, k, most, selector)
        options = faiss_library().SearchParameters(sel=selector) if selector else None
        ids, scores = self._past_ties(query, k, most, options)
        best = np.lexsort((ids, -scores))[:k]
        return ids[best], scores[best]

    def _nearest_clusters(
        self, query: NDArray[np.float32], k: int, most: int, selector: Any
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        # The fewer vectors may be found, the more clusters hold the nearest of them.
        share = max(1.0, len(self) / most) if selector else 1.0
        probes = min(self._index.nlist, math.ceil(self._index.nprobe * share))
        options = faiss_library().SearchParametersIVF(nprobe=probes, sel=selector)
        scores, ids = self._index.search(query, k, params=options)
        there = ids[0] >= 0
        return ids[0][there], scores[0][there]

    def _past_ties(
        self, query: NDArray[np.float32], k: int, most: int, options: Any
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """At least the ``k`` best, and whatever else scores as high as the last of them.

        FAISS picks among equal scores as it likes; a repeatable choice needs all of them.
        """
        fetch = min(k + 1, most)
        while True:
            scores, ids = self._index.search(query, fetch, params=options)
            if fetch == most or scores[0, -1] < scores[0, k - 1]:
                # FAISS fills up with -1 where the index lacks some of the ids asked for.
                there = ids[0] >= 0
                return ids[0][there], scores[0][there]
            fetch = min(fetch * 4, most)


def check_question(vector: NDArray[np.float32], dimensions: int) -> None:
    """A vector that is to be searched for has to be like those that are held.

    Raises:
        InputError: it holds NaN or infinity.
        IndexFault: it has another length.
    """
    if vector.shape != (dimensions,):
        raise IndexFault(
            f"The question's vector has shape {vector.shape}, the index holds vectors of "
            f"{dimensions} numbers.",
            "Update the index with the embedding model in use.",
        )
    if not np.isfinite(vector).all():
        raise InputError(
            "The question's vector holds a value that is not a number.",
            "Ask with other words, or check the embedding model's files.",
        )


def _write(index: Any, file: BinaryIO) -> None:
    faiss = faiss_library()
    # In pieces: a copy in memory would double what the largest index takes.
    writer = faiss.PyCallbackIOWriter(file.write, _BLOCK)
    faiss.write_index(index, writer)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _list_ids(lists: Any, number: int) -> NDArray[np.int64]:
    faiss, size = faiss_library(), lists.list_size(number)
    if not size:
        return np.empty(0, np.int64)
    ids: NDArray[np.int64] = faiss.rev_swig_ptr(lists.get_ids(number), size).astype(np.int64)
    return ids


def _selector(ids: NDArray[np.int64]) -> Any:
    chosen = np.zeros(int(ids.max()) + 1, np.bool_)
    chosen[ids] = True
    return faiss_library().IDSelectorBitmap(np.packbits(chosen, bitorder="little"))


def vectors_path(folder: Path, generation: int) -> Path:
    """Where the vectors of a generation are kept."""
    return folder / f"vectors-{generation}.faiss"


def remove_other_generations(folder: Path, generation: int) -> None:
    """Delete the files of every other generation, and what a crash left half-written."""
    kept = {vectors_path(folder, generation).name, f"postings-{generation}.bin"}
    for path in (*folder.glob("vectors-*.faiss*"), *folder.glob("postings-*.bin*")):
        if path.name not in kept:
            # Windows keeps a file that a reader has open; the next update takes it.
            with contextlib.suppress(OSError):
                path.unlink()


def sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut, where folders can be synced."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def faiss_library() -> Any:
    """FAISS, imported at first use."""
    with warnings.catch_warnings():
        # SWIG's types lack a __module__, which Python deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        import faiss
    faiss.set_deserialization_vector_byte_limit(_LARGEST_FILE)
    faiss.set_deserialization_loop_limit(1_000_000)
    return faiss
