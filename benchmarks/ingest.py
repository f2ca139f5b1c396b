"""Ingest against raw encoding, and against other tools with the same model.

    python benchmarks/ingest.py --passages 200

Every line is of one run over the same passages: seconds of processor time of all threads (which a
busy machine does not stretch), passages a second of processor time, and the ratio to raw encoding.
This project embeds each passage and each of its sentences; the others embed the passages.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpus import DATA, articles

from citewise.embedding import SentenceTransformerEmbedder
from citewise.index import Index
from citewise.registry import get
from citewise.splitting import split
from citewise.types import Document


def documents(count: int, data: Path) -> list[Document]:
    """Documents of about ten passages each."""
    sources, _ = articles(data, 10 * count)
    texts = ["\n\n".join(" ".join(a[:5]) for a in sources[i : i + 10]) for i in range(0, count, 10)]
    return [
        Document(f"{i}.txt", text, hashlib.sha256(text.encode()).hexdigest())
        for i, text in enumerate(texts)
    ]


def raw(embedder: SentenceTransformerEmbedder, texts: list[str]) -> None:
    """The encoder over the same texts in its best order: what ingest cannot beat."""
    embedder.embed_passages(texts)


def own(embedder: SentenceTransformerEmbedder, corpus: list[Document], folder: Path) -> None:
    with Index.open(folder, embedder) as index:
        index.update(corpus, split)


def llama_index(path: Path, passages: list[str]) -> None:
    """VectorStoreIndex at its defaults, over sentence-transformers."""
    from llama_index.core import VectorStoreIndex
    from llama_index.core.embeddings import BaseEmbedding
    from llama_index.core.schema import TextNode
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(path), device="cpu")

    class Embedding(BaseEmbedding):
        def _get_query_embedding(self, query: str) -> list[float]:
            return model.encode(query).tolist()

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

        def _get_text_embedding(self, text: str) -> list[float]:
            return model.encode(text).tolist()

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return model.encode(texts).tolist()

    VectorStoreIndex([TextNode(text=text) for text in passages], embed_model=Embedding())


def chroma(path: Path, passages: list[str]) -> None:
    """A collection with Chroma's sentence-transformers function, added in one call."""
    import chromadb
    from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction

    function = SentenceTransformerEmbeddingFunction(str(path), device="cpu")
    client = chromadb.EphemeralClient(chromadb.Settings(anonymized_telemetry=False))
    collection = client.create_collection("passages", embedding_function=function)
    collection.add(ids=[str(i) for i in range(len(passages))], documents=passages)


def timed(name: str, work: Callable[[], Any], passages: int, against: float | None) -> float:
    began, clock = time.process_time(), time.perf_counter()
    try:
        work()
    except ImportError as missing:
        print(f"{name:34} not installed ({missing.name})", flush=True)
        return 0.0
    spent, waited = time.process_time() - began, time.perf_counter() - clock
    ratio = f"  {against / spent:.2f} of raw" if against else ""
    line = f"{spent:7.1f} s cpu ({waited:7.1f} s clock)  {passages / spent:6.1f} passages/s{ratio}"
    print(f"{name:34}{line}", flush=True)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--passages", type=int, default=200)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--model", type=Path, help="folder of all-minilm-l6-v2")
    args = parser.parse_args()
    if args.model is None:
        from citewise.fetching import ensure

        args.model = ensure(get("all-minilm-l6-v2"))
    corpus = documents(args.passages, args.data)
    split_up = [passage for document in corpus for passage in split(document)]
    passages = [passage.text for passage in split_up]
    every = sorted({*passages, *(s.rendered for p in split_up for s in p.spans)})
    count = len(passages)
    print(f"{count} passages; {len(every)} texts with their sentences", flush=True)
    embedder = SentenceTransformerEmbedder(args.model, "all-minilm-l6-v2")
    embedder.load()
    embedder.embed_passages(passages[:4])
    alone = timed("raw encode, all texts", lambda: raw(embedder, every), count, None)
    with tempfile.TemporaryDirectory() as folder:
        work = lambda: own(embedder, corpus, Path(folder))  # noqa: E731
        timed("citewise index", work, count, alone)
    least = timed("raw encode, passages alone", lambda: raw(embedder, passages), count, None)
    for name, peer in (("LlamaIndex", llama_index), ("Chroma", chroma)):
        peer_work = lambda peer=peer: peer(args.model, passages)  # noqa: E731
        timed(f"{name} (with loading)", peer_work, count, least)


if __name__ == "__main__":
    sys.exit(main())
