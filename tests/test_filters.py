"""Searching only some of the documents, without losing what is in them."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from citewise import Assistant, Filter, InputError
from citewise.cli import main
from citewise.filters import checked
from citewise.index import Index
from citewise.retrieval import Retriever, make_query
from citewise.types import Document, EvidenceEvent
from doubles import HashEmbedder, document, split_lines

DOCUMENTS = {
    "contracts/2025/lease.md": "The lease of the office ends in June.",
    "contracts/2026/lease.md": "The lease of the office ends in March.",
    "contracts/2026/loan.pdf": "The loan of the office ends in May.",
    "notes.txt": "The lease of the office is talked about.",
}


def dated(name: str, text: str) -> Document:
    formats = {"md": "markdown", "pdf": "pdf", "txt": "text"}
    year = "2025" if "2025" in name else "2026"
    return dataclasses.replace(
        document(name, text),
        format=formats[name.rsplit(".", 1)[1]],
        modified="" if name == "notes.txt" else f"{year}-03-31T12:00:00Z",
        tags=("Signed", "Büro") if "2026" in name else (),
    )


@pytest.fixture
def index(tmp_path: Path) -> Index:
    made = Index.open(tmp_path / "index", HashEmbedder())
    made.update([dated(*item) for item in DOCUMENTS.items()], split_lines)
    return made


def names(index: Index, where: Filter) -> set[str]:
    only = checked(where)
    retriever = Retriever(index, index.embedder)
    found = retriever.search(make_query("When does the lease end?", (), index), 10, only)
    return {item.document for item in found}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Filter(documents=("notes.txt",)), {"notes.txt"}),
        (
            Filter(folders=("contracts/2026",)),
            {"contracts/2026/lease.md", "contracts/2026/loan.pdf"},
        ),
        (Filter(folders=("/contracts/2026/",), types=("md",)), {"contracts/2026/lease.md"}),
        (
            Filter(documents=("notes.txt",), folders=("contracts/2025",)),
            {"notes.txt", "contracts/2025/lease.md"},
        ),
        (Filter(types=("PDF", ".txt")), {"contracts/2026/loan.pdf", "notes.txt"}),
        (Filter(types=("markdown",), until="2025"), {"contracts/2025/lease.md"}),
        (Filter(since="2025-03-31", until="2025-03"), {"contracts/2025/lease.md"}),
        (Filter(since="2025-04"), {"contracts/2026/lease.md", "contracts/2026/loan.pdf"}),
        (Filter(tags=("büro",), types=("md",)), {"contracts/2026/lease.md"}),
        (Filter(folders=(".",)), set(DOCUMENTS)),
    ],
)
def test_only_fitting_documents_are_found(index: Index, where: Filter, expected: set[str]) -> None:
    assert names(index, where) == expected


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (Filter(documents=("note.txt",)), "There is no document 'note.txt'. Nearest: 'notes.txt'."),
        (
            Filter(folders=("contract/2026",)),
            "There is no folder 'contract/2026'. Nearest: 'contrac",
        ),
        (Filter(types=("docx",)), "No document fits the filter (type docx). The index holds 4 doc"),
        (Filter(types=("txt",), since="2020"), "(type txt; since 2020-01-01)"),
        (Filter(tags=("draft",)), "No document fits the filter (tag draft)."),
        (Filter(since="yesterday"), "since of the filter is 'yesterday'. Give a date such as"),
        (Filter(until="2026-02-30"), "until of the filter is '2026-02-30'"),
        (Filter(since="2026-13"), "since of the filter is '2026-13'"),
        (Filter(since="2027", until="2026"), "No day is since 2027 and until 2026."),
        (Filter(types="pdf"), "types of the filter is 'pdf'. Give a tuple"),
        (Filter(folders=("",)), "folders of the filter holds ''."),
        ({"types": ("pdf",)}, "The filter is a dict."),
    ],
)
def test_a_mistake_is_told_with_its_remedy(index: Index, where: Filter, message: str) -> None:
    with pytest.raises(InputError) as raised:
        names(index, where)
    assert message in str(raised.value)


def test_an_empty_filter_is_none() -> None:
    assert checked(Filter()) is None
    assert checked(None) is None
    assert checked(Filter(until="2024-02")) == Filter(until="2024-02-29")


def test_what_a_filter_leaves_is_ranked_as_if_there_were_nothing_else(tmp_path: Path) -> None:
    """Searching first and filtering then would find nothing here."""
    many = [document(f"many/{i}.txt", f"apple pear plum number {i}") for i in range(400)]
    few = [document(f"few/{i}.txt", f"apple {'moss ' * (i + 3)}") for i in range(12)]
    with Index.open(tmp_path / "both", HashEmbedder()) as both:
        both.update(many + few, split_lines)
        only = both.selected(Filter(folders=("few",)))
        vector = both.embedder.embed_query("apple pear plum")
        ids = [hit.id for hit in both.dense(vector, 8, only)]
        found = [stored.passage.document for stored in both.passages(ids)]
        words = both.lexical("apple pear plum", 50, only)
        everywhere = both.lexical("apple pear plum", 1000)
    with Index.open(tmp_path / "alone", HashEmbedder()) as alone:
        alone.update(few, split_lines)
        ids = [hit.id for hit in alone.dense(vector, 8)]
        assert found == [stored.passage.document for stored in alone.passages(ids)]
    assert len(found) == 8
    assert words == [hit for hit in everywhere if hit.id in set(only.tolist())]
    assert len(words) == 12


def test_ids_that_the_vectors_lack_are_not_made_up(index: Index) -> None:
    within = np.array([1, 2, 900], np.int64)
    hits = index.dense(index.embedder.embed_query("lease"), 10, within)
    assert sorted(hit.id for hit in hits) == [1, 2]
    assert index.lexical("lease", 10, np.empty(0, np.int64)) == []


@pytest.fixture
def assistant(tmp_path: Path) -> Assistant:
    for name, text in DOCUMENTS.items():
        path = (tmp_path / "corpus" / name).with_suffix(".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Assistant(
        tmp_path / "corpus", tmp_path / "index", llm="none", embedder=HashEmbedder(), quiet=True
    )


def test_every_way_to_ask_takes_a_filter(assistant: Assistant) -> None:
    question, where = "When does the lease end?", Filter(folders=("contracts/2025",))
    with assistant:
        answers = [
            assistant.ask(question, where=where),
            asyncio.run(assistant.aask(question, where=where)),
        ]
        streamed = next(iter(assistant.stream(question, where=where)))
        assert isinstance(streamed, EvidenceEvent)
        searched = assistant.search(question, where=where)
    for evidence in (*(answer.evidence for answer in answers), streamed.evidence, searched):
        assert {item.document for item in evidence} == {"contracts/2025/lease.txt"}
    cited = {c.document for answer in answers for c in answer.citations}
    assert cited <= {"contracts/2025/lease.txt"}


def test_a_filter_that_is_none_raises_at_the_call(assistant: Assistant) -> None:
    with assistant, pytest.raises(InputError, match="since of the filter is 'x'"):
        assistant.stream("Why?", where=Filter(since="x"))


def test_the_command_line_chooses_documents(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("citewise.assistant.Assistant", lambda **_: assistant)
    asked = ["ask", "--json", "When does the lease end?"]
    assert main([*asked, "--folder", "contracts/2025", "--document", "notes.txt"]) == 0
    evidence = json.loads(capsys.readouterr().out)["evidence"]
    assert {item["document"] for item in evidence} == {"contracts/2025/lease.txt", "notes.txt"}
    assert main([*asked, "--type", "pdf"]) == 2
    assert "No document fits the filter (type pdf). The index holds 4 documents, of the types " in (
        capsys.readouterr().err
    )
