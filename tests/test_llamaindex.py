"""The LlamaIndex seams give exact nodes and checked answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from citewise import Assistant
from doubles import HashEmbedder
from scripted import Scripted

TEXT = "Ada Lovelace wrote the first program in 1843. The engine was never finished.\n"


@pytest.fixture
def assistant(tmp_path: Path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "notes.txt").write_text(TEXT, encoding="utf-8")
    generator = Scripted("Ada Lovelace wrote the first program in 1843.")
    with Assistant(
        tmp_path / "corpus",
        tmp_path / "index",
        llm=generator,
        embedder=HashEmbedder(),
        quiet=True,
    ) as made:
        yield made


def test_the_retriever_gives_nodes_with_exact_offsets(assistant: Assistant) -> None:
    from citewise.llamaindex import retriever

    found = retriever(assistant, top_k=2).retrieve("Who wrote the first program?")
    assert found[0].node.text.startswith("Ada Lovelace")
    for item in found:
        assert TEXT[item.node.start_char_idx : item.node.end_char_idx] == item.node.text
        assert item.node.ref_doc_id == "notes.txt"


def test_the_query_engine_gives_the_checked_answer(assistant: Assistant) -> None:
    from citewise.llamaindex import query_engine

    engine = query_engine(assistant)
    for response in (
        engine.query("When was the first program written?"),
        asyncio.run(engine.aquery("When was the first program written?")),
    ):
        assert str(response) == "Ada Lovelace wrote the first program in 1843. [1]"
        (source,) = response.source_nodes
        assert source.node.text == "Ada Lovelace wrote the first program in 1843."
        assert response.metadata["answer"]["status"] == "answered"
