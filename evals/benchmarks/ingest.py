"""Ingest against raw encoding, and against other tools with the same model.

    python evals/benchmarks/ingest.py --passages 300 --data DIR

Every line is of one run over the same passages, models loaded and warm: seconds on the clock and
of processor time of all threads (which a busy machine does not stretch), passages a second of
processor time, and the ratio to raw encoding of the same texts. This project embeds each passage
and each of its sentences, and indexes words; the others embed the passages, at their defaults.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpus import ARTICLES, DATA, articles, passages
from measuring import told

from citewise.embedding import SentenceTransformerEmbedder
from citewise.fetching import ensure
from citewise.index import Index
from citewise.registry import get
from citewise.splitting import split
from citewise.types import Document

Work = Callable[[list[str]], Any]
_PER_DOCUMENT = 10


def documents(count: int, data: Path) -> list[Document]:
    """Documents of ten sections each, every section one passage."""
    made = list(passages(count, articles(data, ARTICLES)[0]))
    texts = [
        "\n\n".join(f"## Section {start + i}\n\n{' '.join(made[start + i])}" for i in range(10))
        for start in range(0, count - count % _PER_DOCUMENT, _PER_DOCUMENT)
    ]
    return [
        Document(f"{i}.md", text, hashlib.sha256(text.encode()).hexdigest(), format="markdown")
        for i, text in enumerate(texts)
    ]


def raw(path: Path) -> Work:
    """The limit: sentence-transformers' own ``encode``, which sorts by length too."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(path), device="cpu")
    return lambda texts: model.encode(texts, show_progress_bar=False)


def llama_index(path: Path) -> Work:
    """``VectorStoreIndex`` over sentence-transformers, into its FAISS store."""
    import faiss
    from llama_index.core import StorageContext, VectorStoreIndex
    from llama_index.core.embeddings import BaseEmbedding
    from llama_index.core.schema import TextNode
    from llama_index.vector_stores.faiss import FaissVectorStore

    encode = raw(path)

    class Embedding(BaseEmbedding):
        def _get_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embeddings([query])[0]

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

        def _get_text_embedding(self, text: str) -> list[float]:
            return self._get_text_embeddings([text])[0]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return encode(texts).tolist()

    def work(texts: list[str]) -> None:
        store = FaissVectorStore(faiss_index=faiss.IndexFlatL2(384))
        context = StorageContext.from_defaults(vector_store=store)
        nodes = [TextNode(text=text) for text in texts]
        VectorStoreIndex(nodes, storage_context=context, embed_model=Embedding())

    return work


def langchain(path: Path) -> Work:
    """``FAISS.from_texts`` with ``HuggingFaceEmbeddings``."""
    from langchain_community.vectorstores import FAISS
    from langchain_huggingface import HuggingFaceEmbeddings

    embeddings = HuggingFaceEmbeddings(model_name=str(path))
    return lambda texts: FAISS.from_texts(texts, embeddings)


def haystack(path: Path) -> Work:
    """An embedder and a writer, one after the other."""
    from haystack import Document as Text
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersDocumentEmbedder,
    )

    embedder = SentenceTransformersDocumentEmbedder(model=str(path), progress_bar=False)
    embedder.warm_up()

    def work(texts: list[str]) -> None:
        found = embedder.run([Text(content=text) for text in texts])["documents"]
        InMemoryDocumentStore().write_documents(found)

    return work


def txtai(path: Path) -> Work:
    """``Embeddings`` with content."""
    from txtai import Embeddings

    return lambda texts: Embeddings(path=str(path), content=True).index(texts)


def chroma(path: Path) -> Work:
    """A collection with Chroma's sentence-transformers function, added in one call."""
    import chromadb
    from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction

    function = SentenceTransformerEmbeddingFunction(str(path), device="cpu")

    def work(texts: list[str]) -> None:
        client = chromadb.EphemeralClient(chromadb.Settings(anonymized_telemetry=False))
        collection = client.create_collection(f"passages-{len(texts)}", embedding_function=function)
        collection.add(ids=[str(i) for i in range(len(texts))], documents=texts)

    return work


PEERS = {
    "LlamaIndex": llama_index,
    "LangChain": langchain,
    "Haystack": haystack,
    "txtai": txtai,
    "Chroma": chroma,
}


def main() -> None:
    """Time everything, print a line each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--passages", type=int, default=300)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--threads", type=int, default=1, help="of torch; waiting ones spin")
    parser.add_argument("--out", type=Path, help="JSON lines, for plots.py")
    args = parser.parse_args()
    import torch

    torch.set_num_threads(args.threads)
    path = ensure(get("all-minilm-l6-v2"))
    corpus = documents(args.passages, args.data)
    split_up = [passage for document in corpus for passage in split(document)]
    texts = [f"{passage.heading}\n{passage.text}" for passage in split_up]
    every = sorted({*texts, *(s.rendered for p in split_up for s in p.spans)})
    print(f"{len(texts)} passages; {len(every)} texts with their sentences", flush=True)
    encode = raw(path)
    encode(texts[:8])
    embedder = SentenceTransformerEmbedder(path, "all-minilm-l6-v2", threads=args.threads)
    embedder.embed_passages(texts[:8])

    def own(_: list[str]) -> None:
        with tempfile.TemporaryDirectory() as folder, Index.open(Path(folder), embedder) as index:
            index.update(corpus, split)

    lines = Lines(len(texts), args.out)
    limit = lines.timed("sentence-transformers, all texts", encode, every, None)
    lines.timed("citewise's encoder, all texts", embedder.embed_passages, every, limit)
    lines.timed("citewise index", own, every, limit)
    limit = lines.timed("sentence-transformers, passages", encode, texts, None)
    lines.timed("citewise's encoder, passages", embedder.embed_passages, texts, limit)
    for name in args.peers.split(","):
        try:
            work = PEERS[name](path)
            work(texts[:8])
        except ImportError as missing:
            print(f"{name:34} not installed ({missing.name})", flush=True)
            continue
        lines.timed(name, work, texts, limit)


class Lines:
    """Prints what was timed, and keeps it."""

    def __init__(self, passages: int, out: Path | None) -> None:
        self._passages = passages
        self._out = out

    def timed(self, name: str, work: Work, texts: list[str], against: float | None) -> float:
        """Processor seconds of one run over ``texts``; ``against`` is what the limit took."""
        began, clock = time.process_time(), time.perf_counter()
        work(texts)
        spent, waited = time.process_time() - began, time.perf_counter() - clock
        rate = self._passages / spent
        ratio = f"  {against / spent:.2f} of the limit" if against else ""
        timing = f"{spent:7.1f} s cpu ({waited:7.1f} s clock)"
        print(f"{name:34}{timing}  {rate:6.1f} passages/s{ratio}", flush=True)
        row = {"what": "ingest", "tool": name, "passages": self._passages, "cpu": spent}
        told(row | {"clock": waited, "limit": against}, self._out)
        return spent


if __name__ == "__main__":
    os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", DO_NOT_TRACK="1")
    sys.exit(main())
