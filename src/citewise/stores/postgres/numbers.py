"""Numbers between numpy and PostgreSQL's binary forms, many at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["array_text", "ids_of", "sent_vector", "vector_text", "vectors_of"]

# vector_send() and halfvec_send() of pgvector: two bytes with the length, two without meaning.
_HEAD = 4


def vector_text(vector: NDArray[np.float32]) -> str:
    """A vector as pgvector reads it, exact."""
    return f"[{','.join(map(repr, vector.astype(np.float64).tolist()))}]"


def sent_vector(packed: bytes, precision: Literal["<f4", "<f2"]) -> bytes:
    """A stored vector's bytes as pgvector receives it."""
    values = np.frombuffer(packed, precision)
    return len(values).to_bytes(2, "big") + b"\0\0" + values.astype(f">{precision[1:]}").tobytes()


def vectors_of(sent: Sequence[bytes], precision: Literal[">f4", ">f2"]) -> NDArray[np.float32]:
    """What pgvector sent, all of one length, shape ``(len(sent), dimensions)``."""
    rows = b"".join(bytes(one[_HEAD:]) for one in sent)
    return np.frombuffer(rows, precision).astype(np.float32).reshape(len(sent), -1)


def array_text(ids: Iterable[int] | NDArray[np.int64]) -> str:
    """Ids as the text of an array: faster than one parameter after the other."""
    values = ids.tolist() if isinstance(ids, np.ndarray) else ids
    return f"{{{','.join(map(str, values))}}}"


def ids_of(sent: bytes | None) -> NDArray[np.int64]:
    """Ids that came as ``string_agg(int8send(id), '')``."""
    return np.frombuffer(sent or b"", ">i8").astype(np.int64)
