"""How other tools keep passages and search them by meaning, each as its own documentation has it.

Every class builds an index in a folder from texts and unit vectors at hand, opens it again, and
then finds the places of the nearest passages. What a tool lacks is left as it is: most search
exactly and hold everything in memory, none of them searches by words here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["PEERS", "Peer", "Search"]

Vectors = NDArray[np.float32]
Search = Callable[[str, Vectors], list[int]]
"""The places of the ten nearest passages to a question and its vector, best first."""

_TOP = 10
_BLOCK = 5_000


class Peer(Protocol):
    """One tool."""

    def build(self, folder: Path, texts: Sequence[str], vectors: Vectors) -> None:
        """Make the index and keep it in ``folder``."""
        ...

    def open(self, folder: Path) -> Search:
        """Load what ``build`` kept."""
        ...


class RawFaiss:
    """The limit: vectors alone, compared exactly."""

    def build(self, folder: Path, texts: Sequence[str], vectors: Vectors) -> None:
        import faiss

        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        faiss.write_index(index, str(folder / "flat.faiss"))

    def open(self, folder: Path) -> Search:
        import faiss

        index = faiss.read_index(str(folder / "flat.faiss"))
        return lambda _, vector: index.search(vector[None], _TOP)[1][0].tolist()


class LlamaIndex:
    """``FaissVectorStore`` below ``VectorStoreIndex``."""

    def build(self, folder: Path, texts: Sequence[str], vectors: Vectors) -> None:
        import faiss
        from llama_index.core import StorageContext, VectorStoreIndex
        from llama_index.core.schema import TextNode
        from llama_index.vector_stores.faiss import FaissVectorStore

        store = FaissVectorStore(faiss_index=faiss.IndexFlatL2(vectors.shape[1]))
        nodes = [
            TextNode(text=text, id_=str(place), embedding=vector.tolist())
            for place, (text, vector) in enumerate(zip(texts, vectors, strict=True))
        ]
        context = StorageContext.from_defaults(vector_store=store)
        index = VectorStoreIndex(nodes, storage_context=context, embed_model=_no_model())
        index.storage_context.persist(str(folder))

    def open(self, folder: Path) -> Search:
        from llama_index.core.schema import QueryBundle

        retriever = self._index(folder).as_retriever(similarity_top_k=_TOP)

        def search(question: str, vector: Vectors) -> list[int]:
            found = retriever.retrieve(QueryBundle(question, embedding=vector.tolist()))
            return [int(node.node_id) for node in found]

        return search

    def _index(self, folder: Path) -> Any:
        from llama_index.core import StorageContext, load_index_from_storage
        from llama_index.vector_stores.faiss import FaissVectorStore

        store = FaissVectorStore.from_persist_dir(str(folder))
        context = StorageContext.from_defaults(vector_store=store, persist_dir=str(folder))
        return load_index_from_storage(context, embed_model=_no_model())


class CitationEngine(LlamaIndex):
    """``CitationQueryEngine`` over the same, with a language model that echoes."""

    def open(self, folder: Path) -> Search:
        from llama_index.core.llms import MockLLM
        from llama_index.core.query_engine import CitationQueryEngine
        from llama_index.core.schema import QueryBundle

        engine = CitationQueryEngine.from_args(
            self._index(folder), llm=MockLLM(max_tokens=1), similarity_top_k=_TOP
        )

        def search(question: str, vector: Vectors) -> list[int]:
            engine.query(QueryBundle(question, embedding=vector.tolist()))
            return []  # It cites pieces of its own, which know no place.

        return search


class LangChain:
    """``FAISS`` of langchain-community."""

    def build(self, folder: Path, texts: Sequence[str], vectors: Vectors) -> None:
        from langchain_community.vectorstores import FAISS

        pairs = zip(texts, vectors.tolist(), strict=True)
        places = [{"place": place} for place in range(len(texts))]
        FAISS.from_embeddings(pairs, self._none(), metadatas=places).save_local(str(folder))

    def open(self, folder: Path) -> Search:
        from langchain_community.vectorstores import FAISS

        kept = FAISS.load_local(str(folder), self._none(), allow_dangerous_deserialization=True)

        def search(_: str, vector: Vectors) -> list[int]:
            found = kept.similarity_search_by_vector(vector.tolist(), k=_TOP)
            return [document.metadata["place"] for document in found]

        return search

    def _none(self) -> Any:
        from langchain_core.embeddings import FakeEmbeddings

        return FakeEmbeddings(size=384)


class Haystack:
    """``InMemoryDocumentStore`` with its retriever by embedding."""

    def build(self, folder: Path, texts: Sequence[str], vectors: Vectors) -> None:
        from haystack import Document
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        store = InMemoryDocumentStore(embedding_similarity_function="dot_product")
        store.write_documents(
            [
                Document(id=str(place), content=text, embedding=vector.tolist())
                for place, (text, vector) in enumerate(zip(texts, vectors, strict=True))
            ]
        )
        store.save_to_disk(str(folder / "store.json"))

    def open(self, folder: Path) -> Search:
        from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        store = InMemoryDocumentStore.load_from_disk(str(folder / "store.json"))
        retriever = InMemoryEmbeddingRetriever(store, top_k=_TOP)

        def search(_: str, vector: Vectors) -> list[int]:
            found = retriever.run(query_embedding=vector.tolist())["documents"]
            return [int(document.id) for document in found]

        return search


class Txtai:
    """``Embeddings`` with content; the question's vector is handed in as an external one."""

    def build(self, folder: Path, texts: Sequence[str], vectors: Vectors) -> None:
        from txtai import Embeddings

        waiting = iter(vectors)
        taking = lambda batch: np.stack([next(waiting) for _ in batch])  # noqa: E731
        kept = Embeddings(method="external", transform=taking, content=True)
        kept.index((place, text, None) for place, text in enumerate(texts))
        kept.config.pop("transform")
        kept.save(str(folder / "txtai"))

    def open(self, folder: Path) -> Search:
        from txtai import Embeddings

        asked: list[Vectors] = []
        kept = Embeddings()
        kept.load(str(folder / "txtai"), config={"transform": lambda _: np.stack(asked)})

        def search(question: str, vector: Vectors) -> list[int]:
            asked[:] = [vector]
            return [int(found["id"]) for found in kept.search(question, _TOP)]

        return search


class Chroma:
    """A persistent collection."""

    def build(self, folder: Path, texts: Sequence[str], vectors: Vectors) -> None:
        collection = self._client(folder).create_collection(
            "passages", metadata={"hnsw:space": "ip"}
        )
        for start in range(0, len(texts), _BLOCK):
            block = range(start, min(start + _BLOCK, len(texts)))
            collection.add(
                ids=[str(place) for place in block],
                embeddings=vectors[block.start : block.stop],
                documents=list(texts[block.start : block.stop]),
            )

    def open(self, folder: Path) -> Search:
        collection = self._client(folder).get_collection("passages")

        def search(_: str, vector: Vectors) -> list[int]:
            found = collection.query(query_embeddings=[vector], n_results=_TOP)
            return [int(place) for place in found["ids"][0]]

        return search

    def _client(self, folder: Path) -> Any:
        import chromadb

        settings = chromadb.Settings(anonymized_telemetry=False)
        return chromadb.PersistentClient(str(folder), settings)


def _no_model() -> Any:
    from llama_index.core.embeddings import MockEmbedding

    return MockEmbedding(embed_dim=384)


PEERS: dict[str, Peer] = {
    "faiss": RawFaiss(),
    "llamaindex": LlamaIndex(),
    "citation-engine": CitationEngine(),
    "langchain": LangChain(),
    "haystack": Haystack(),
    "txtai": Txtai(),
    "chroma": Chroma(),
}
