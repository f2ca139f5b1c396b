"""A FAISS vector store for LlamaIndex that deletes, filters, and never gives an id twice.

    store = CitewiseVectorStore.from_folder("path/to/store")
    VectorStoreIndex.from_vector_store(store, embed_model=...)

LlamaIndex's own FAISS stores cannot delete, or take an id again after they did, so that a search
for one passage's vector returns another passage. Here SQLite holds the nodes and their vectors and
numbers them for good; the FAISS index is derived from it, in memory, and made anew after a change.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.schema import BaseNode
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
    VectorStoreQueryResult,
)
from llama_index.core.vector_stores.utils import (
    build_metadata_filter_fn,
    metadata_dict_to_node,
    node_to_metadata_dict,
)
from numpy.typing import NDArray

from citewise.errors import IndexFault, InputError
from citewise.vectors import VectorIndex

__all__ = ["CitewiseVectorStore"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS nodes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    node_id TEXT NOT NULL UNIQUE,
    ref_doc TEXT,
    node TEXT NOT NULL,
    vector BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS nodes_of_document ON nodes (ref_doc);
"""


class CitewiseVectorStore(BasePydanticVectorStore):
    """Nodes with their embeddings in one folder; searched by inner product of unit vectors.

    Similarities are cosines, in [-1, 1]; higher is nearer. Safe to share between threads.
    """

    stores_text: bool = True
    is_embedding_query: bool = True
    folder: str

    _connection: sqlite3.Connection = PrivateAttr()
    _lock: threading.RLock = PrivateAttr()
    _index: VectorIndex | None = PrivateAttr(default=None)

    def __init__(self, folder: str, **fields: Any) -> None:
        super().__init__(**{"folder": folder, **fields})
        path = Path(folder)
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path / "nodes.sqlite", check_same_thread=False)
            self._connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise IndexFault(
                f"The vector store in {folder!r} cannot be opened ({error}).",
                "Check that it is a folder that you may write, or choose another.",
            ) from None
        self._lock = threading.RLock()

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex stores this class."""
        return "CitewiseVectorStore"

    @classmethod
    def from_folder(cls, folder: str | Path) -> CitewiseVectorStore:
        """Open the store in ``folder``, creating it if needed.

        Raises:
            IndexFault: it is no folder, cannot be written, or is damaged.
        """
        return cls(folder=str(folder))

    @property
    def client(self) -> VectorIndex | None:
        """The FAISS index as it stands; None while nothing is stored."""
        return self._current()

    def add(self, nodes: Sequence[BaseNode], **_: Any) -> list[str]:
        """Store nodes with their embeddings; a node whose id is stored is replaced.

        Raises:
            InputError: a node has no embedding, or one of another length.
        """
        rows = [
            (node.node_id, node.ref_doc_id, _dump(node), _unit(node.get_embedding()).tobytes())
            for node in nodes
        ]
        with self._changing() as connection:
            held = connection.execute("SELECT length(vector) FROM nodes LIMIT 1").fetchone()
            sizes = {len(row[3]) for row in rows} | ({held[0]} if held else set())
            if len(sizes) > 1:
                lengths = ", ".join(str(size // 4) for size in sorted(sizes))
                raise InputError(
                    f"The embeddings have different lengths: {lengths}.",
                    "Store the vectors of one embedding model in one store.",
                )
            connection.executemany("DELETE FROM nodes WHERE node_id = ?", [row[:1] for row in rows])
            connection.executemany(
                "INSERT INTO nodes (node_id, ref_doc, node, vector) VALUES (?, ?, ?, ?)", rows
            )
        return [row[0] for row in rows]

    def delete(self, ref_doc_id: str, **_: Any) -> None:
        """Remove all nodes of a document."""
        with self._changing() as connection:
            connection.execute("DELETE FROM nodes WHERE ref_doc = ?", (ref_doc_id,))

    def delete_nodes(
        self,
        node_ids: list[str] | None = None,
        filters: MetadataFilters | None = None,
        **_: Any,
    ) -> None:
        """Remove the nodes that have one of these ids and meet the filters; all if neither."""
        with self._changing() as connection:
            rows = [(row,) for row, _ in self._matching(node_ids, filters)]
            connection.executemany("DELETE FROM nodes WHERE id = ?", rows)

    def clear(self) -> None:
        """Remove everything."""
        with self._changing() as connection:
            connection.execute("DELETE FROM nodes")

    def get_nodes(
        self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None
    ) -> list[BaseNode]:
        """The nodes that have one of these ids and meet the filters, in the order of storing."""
        with self._lock:
            return [_load(node) for _, node in self._matching(node_ids, filters)]

    def query(self, query: VectorStoreQuery, **_: Any) -> VectorStoreQueryResult:
        """The nodes nearest to the embedding, best first.

        Raises:
            InputError: there is no embedding, or another mode than the default is asked for.
        """
        if query.query_embedding is None or query.mode != VectorStoreQueryMode.DEFAULT:
            raise InputError(
                f"This store searches by an embedding, not in the mode {query.mode.value!r}.",
                "Give query_embedding, and leave the mode out.",
            )
        vector = _unit(query.query_embedding)
        with self._lock:
            index = self._current()
            if index is None:
                return VectorStoreQueryResult(nodes=[], similarities=[], ids=[])
            allowed = self._allowed(query)
            # Filtering after an exact search loses nothing, as long as all are searched.
            count = query.similarity_top_k if allowed is None else len(index)
            ids, scores = index.search(vector, count)
            hits = [
                (int(row), float(score))
                for row, score in zip(ids, scores, strict=True)
                if allowed is None or int(row) in allowed
            ][: query.similarity_top_k]
            nodes = [_load(self._node(row)) for row, _ in hits]
        return VectorStoreQueryResult(
            nodes=nodes, similarities=[score for _, score in hits], ids=[n.node_id for n in nodes]
        )

    def close(self) -> None:
        """Close the database; the store cannot be used afterwards."""
        self._connection.close()

    def _allowed(self, query: VectorStoreQuery) -> set[int] | None:
        filters = query.filters if query.filters and query.filters.filters else None
        # LlamaIndex's retriever gives an empty list where nothing is to be left out.
        if filters is None and not query.node_ids and not query.doc_ids:
            return None
        documents = set(query.doc_ids) if query.doc_ids else None
        return {
            row
            for row, node in self._matching(query.node_ids or None, filters)
            if documents is None or json.loads(node)["ref_doc_id"] in documents
        }

    def _matching(
        self, node_ids: Sequence[str] | None, filters: MetadataFilters | None
    ) -> list[tuple[int, str]]:
        wanted = None if node_ids is None else set(node_ids)
        rows = self._connection.execute("SELECT id, node_id, node FROM nodes ORDER BY id")
        kept = [(row, node) for row, name, node in rows if wanted is None or name in wanted]
        metadata: Mapping[str, Any] = {str(row): json.loads(node) for row, node in kept}
        meets = build_metadata_filter_fn(metadata.__getitem__, filters)
        return [(row, node) for row, node in kept if meets(str(row))]

    def _node(self, row: int) -> str:
        found = self._connection.execute("SELECT node FROM nodes WHERE id = ?", (row,)).fetchone()
        return str(found[0])

    def _current(self) -> VectorIndex | None:
        with self._lock:
            if self._index is None:
                rows = self._connection.execute(
                    "SELECT id, vector FROM nodes ORDER BY id"
                ).fetchall()
                if rows:
                    ids = np.array([row[0] for row in rows], np.int64)
                    vectors = np.stack([np.frombuffer(row[1], np.float32) for row in rows])
                    self._index = VectorIndex.build(ids, vectors)
            return self._index

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing; the FAISS index is made anew after it."""
        with self._lock, self._connection as connection:
            yield connection
            self._index = None


def _dump(node: BaseNode) -> str:
    return json.dumps(node_to_metadata_dict(node), ensure_ascii=False)


def _load(stored: str) -> BaseNode:
    return metadata_dict_to_node(json.loads(stored))


def _unit(values: Sequence[float]) -> NDArray[np.float32]:
    vector = np.asarray(values, np.float32)
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length == 0.0:
        raise InputError(
            "An embedding is all zeros, or holds a value that is not a number.",
            "Check the embedding model.",
        )
    unit: NDArray[np.float32] = vector / np.float32(length)
    return unit
