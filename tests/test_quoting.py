"""What is cited stands in the stored document when the answer is given, or is not cited."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from citewise import Answer, Assistant, Label, Status
from citewise.errors import IndexFault
from citewise.protocols import Prompt
from citewise.quoting import Quotes
from citewise.types import AnswerEvent, Evidence, SentenceEvent
from doubles import HashEmbedder
from scripted import Scripted

NOTES = """Team notes

Ada Lovelace wrote the first program in 1843. She worked with Charles Babbage.

| Machine | Weight | Price |
|---|---|---|
| Difference Engine | 15 tons | $100 |
| Analytical Engine | 20 tons | $250 |
"""
LETTER = "Mary Somerville introduced Ada Lovelace to Charles Babbage in 1833.\n"
QUESTION = "When did Ada Lovelace write the first program?"
SAID = "Ada Lovelace wrote the first program in 1843."
REASON = "the words it cites are no longer in the stored document"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "notes.txt").write_text(NOTES, encoding="utf-8")
    (tmp_path / "corpus" / "letter.txt").write_text(LETTER, encoding="utf-8")
    return tmp_path


def assistant_of(folder: Path, generator: object, **options: object) -> Assistant:
    embedder = HashEmbedder()
    made = Assistant(
        folder / "corpus", folder / "index", llm=generator, embedder=embedder, quiet=True, **options
    )
    made.update()
    return made


def alter(folder: Path, old: str, new: str, *, seals: bool = True) -> None:
    """Change a stored document behind the index's back; ``seals``: its checksum as well."""
    with closing(sqlite3.connect(folder / "index" / "citewise.sqlite3")) as connection, connection:
        rows = connection.execute("SELECT id, CAST(text AS TEXT) FROM documents").fetchall()
        for number, text in rows:
            if old not in text:
                continue
            changed = text.replace(old, new).encode()
            connection.execute("UPDATE documents SET text = ? WHERE id = ?", (changed, number))
            if seals:
                digest = hashlib.sha256(changed).hexdigest()
                connection.execute(
                    "UPDATE documents SET text_sha256 = ? WHERE id = ?", (digest, number)
                )


def shown(answer: Answer) -> str:
    return answer.text + "".join(c.quote for c in answer.citations)


def test_what_stands_is_cited_and_nothing_is_counted(folder: Path) -> None:
    with assistant_of(folder, Scripted(SAID)) as assistant:
        answer = assistant.ask(QUESTION)
    assert (answer.status, answer.text) == (Status.ANSWERED, f"{SAID} [1]")
    assert answer.explanation["dropped_citations"] == 0


@pytest.mark.parametrize("seals", [True, False])
def test_a_sentence_is_not_supported_by_words_that_were_altered(folder: Path, seals: bool) -> None:
    with assistant_of(folder, Scripted(SAID)) as assistant:
        alter(folder, "in 1843", "in 1834", seals=seals)
        events = list(assistant.stream(QUESTION))
    last = events[-1]
    assert isinstance(last, AnswerEvent)
    answer = last.answer
    assert "1843" not in shown(answer)
    assert [(s.text, s.verdict.label, s.verdict.reason) for s in answer.dropped] == [
        (SAID, Label.UNSUPPORTED, REASON)
    ]
    assert answer.explanation["dropped_citations"] >= 1
    assert all("1843" not in item.text for item in answer.evidence)
    told = [event for event in events if isinstance(event, SentenceEvent)]
    assert [event.shown for event in told] == [False], "it was never shown as part of the answer"


def test_in_flag_mode_it_is_shown_marked_and_without_a_citation(folder: Path) -> None:
    with assistant_of(folder, Scripted(SAID), mode="flag") as assistant:
        alter(folder, "in 1843", "in 1834")
        answer = assistant.ask(QUESTION)
    assert (answer.text, answer.citations) == (f"{SAID} (not verified)", ())
    assert answer.explanation["dropped_citations"] == 1


def test_cells_that_were_altered_answer_nothing(folder: Path) -> None:
    question = "Which machine has the greatest weight?"
    with assistant_of(folder, "none") as assistant:
        before = assistant.ask(question)
        alter(folder, "| 20 tons |", "| 10 tons |")
        after = assistant.ask(question)
    assert (before.status, "20 tons" in before.text) == (Status.ANSWERED, True)
    assert "20 tons" not in shown(after)
    assert after.explanation["dropped_citations"] >= 1


def test_passages_that_stand_are_quoted_instead_of_those_that_do_not(folder: Path) -> None:
    with assistant_of(folder, "none") as assistant:
        before = assistant.ask(QUESTION)
        alter(folder, "in 1843", "in 1834")
        after = assistant.ask(QUESTION)
        stored = {name: assistant.document(name).text for name in ("notes.txt", "letter.txt")}
    assert (before.status, after.status) == (Status.QUOTED, Status.QUOTED)
    assert "1843" in shown(before)
    assert "1843" not in shown(after)
    assert after.citations
    assert all(stored[c.document][c.start : c.end] == c.quote for c in after.citations)


class _Replacing(Scripted):
    """Replaces the document while it drafts, as an update beside the question would."""

    def __init__(self, folder: Path) -> None:
        super().__init__(SAID)
        self.folder = folder

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        (self.folder / "corpus" / "notes.txt").unlink()
        with assistant_of(self.folder, "none"):
            pass
        yield from super().stream(prompt, max_tokens=max_tokens)


def test_a_document_that_goes_while_it_is_asked_about_is_not_cited(folder: Path) -> None:
    with assistant_of(folder, _Replacing(folder)) as assistant:
        answer = assistant.ask(QUESTION)
    assert "1843" not in shown(answer)
    assert all(c.document == "letter.txt" for c in answer.citations)
    assert answer.explanation["dropped_citations"] >= 1


class _Faulty:
    """A store that cannot give its documents."""

    def __init__(self, identity: str) -> None:
        self.identity = lambda: identity

    def document(self, name: str) -> object:
        raise IndexFault(f"The stored text of {name} cannot be read.")


def test_a_store_that_is_away_is_a_fault_and_no_answer() -> None:
    item = Evidence("a.txt", 0, 3, "Ada", 1.0, 1, 1)
    there = Quotes(_Faulty("abc"))  # type: ignore[arg-type]
    assert (there.stand(item), there.dropped) == (False, 1)
    away = Quotes(_Faulty(""))  # type: ignore[arg-type]
    with pytest.raises(IndexFault):
        away.stand(item)
    assert away.dropped == 0


def test_each_cited_document_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from citewise.folder_index import FolderIndex

    read: list[str] = []
    document = FolderIndex.document

    def noting(index: FolderIndex, name: str) -> object:
        read.append(name)
        return document(index, name)

    with assistant_of(folder, Scripted(SAID)) as assistant:
        monkeypatch.setattr(FolderIndex, "document", noting)
        answer = assistant.ask(QUESTION)
    assert [c.document for c in answer.citations] == ["notes.txt"]
    assert read == ["notes.txt"]
