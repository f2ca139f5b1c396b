"""A large index is searched by postings: found is what FTS5 finds, through updates and faults."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from citewise import derivedwords, filing, index_check_words
from citewise.index import Index
from citewise.index_check import check_index
from citewise.opening import unopened_database
from citewise.types import Document
from doubles import HashEmbedder, document, split_lines

VOCABULARY = [f"{a}{b}" for a in ("bread", "ship", "piano", "lease", "yeast") for b in "abcdefgh"]


def written(number: int, seed: int = 0) -> Document:
    rng = random.Random(1000 * seed + number)  # noqa: S311
    lines = [" ".join(rng.choices(VOCABULARY, k=rng.randint(1, 9))) for _ in range(3)]
    return document(f"{number}.txt", f"{lines[0]}\n{lines[1]}\n\n{lines[2]}")


def large(folder: Path, monkeypatch: pytest.MonkeyPatch, documents: list[Document]) -> Index:
    """An index that takes itself to be large from the first passage on."""
    monkeypatch.setattr(derivedwords, "SMALL", 0)
    monkeypatch.setattr(filing, "_SMALL", 0)
    monkeypatch.setattr(filing, "_SHARE", 9.0)
    index = Index.open(folder, HashEmbedder())
    index.update(documents, split_lines)
    return index


def found(index: Index, question: str) -> list[tuple[str, float]]:
    hits = index.lexical(question, 1_000)
    stored = {s.id: s.passage for s in index.passages([hit.id for hit in hits])}
    assert stored.keys() == {hit.id for hit in hits}
    places = ((stored[hit.id], hit.score) for hit in hits)
    return sorted((f"{p.document}:{p.start}", round(score, 6)) for p, score in places)


QUESTIONS = ["breada", "shipb pianoc", "leasea leaseb leasec yeastd breade", "nothing"]


def test_postings_find_what_fts5_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [written(i) for i in range(60)]
    with Index.open(tmp_path / "small", HashEmbedder()) as small:
        small.update(documents, split_lines)
        expected = {question: found(small, question) for question in QUESTIONS}
        weights = {term: small.idf(term) for term in VOCABULARY}
        spans = small.span_scores("breada shipb", small.passages(range(1, 50)))
        only = np.arange(10, 40)
        within = small.lexical("breada shipb", 10, only)
        assert not list((tmp_path / "small").glob("postings-*"))
    with large(tmp_path / "large", monkeypatch, documents) as index:
        assert [path.name for path in index.folder.glob("postings-*")] == ["postings-1.bin"]
        assert {question: found(index, question) for question in QUESTIONS} == expected
        assert {term: index.idf(term) for term in VOCABULARY} == weights
        assert index.span_scores("breada shipb", index.passages(range(1, 50))) == spans
        again = index.lexical("breada shipb", 10, only)
        assert [hit.id for hit in again] == [hit.id for hit in within]
        assert index.contains("breada")
        assert not index.contains("breadz")


def test_updates_are_seen_without_writing_the_file_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = {i: written(i) for i in range(40)}
    with large(tmp_path / "index", monkeypatch, list(documents.values())) as index:
        for step in range(12):
            documents[100 + step] = written(100 + step)
            documents[step] = written(step, seed=7)
            documents.pop(20 + step)
            index.update(list(documents.values()), split_lines)
            held = {hit.id for hit in index.lexical(" ".join(VOCABULARY), 1_000)}
            assert len(held) == index.stats()["passages"]
            assert len(index.passages(sorted(held))) == len(held)
            assert index.dense(index.embedder.embed_query("breada"), 1_000)
        assert (index.folder / "postings-1.bin").exists()
        names = {info.name for info in index.documents()}
        assert names == {item.name for item in documents.values()}
        index.update([*documents.values(), document("new.txt", "Zymurgy is rare.")], split_lines)
        assert [hit.id for hit in index.lexical("zymurgy", 5)]
        assert index.similar("zymugri") == "zymurgi"


@pytest.mark.parametrize("damage", ["missing", "altered", "empty"])
def test_a_file_that_cannot_be_trusted_is_made_again(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [written(i) for i in range(30)]
    with large(tmp_path / "index", monkeypatch, documents) as index:
        expected = found(index, QUESTIONS[2])
    path = tmp_path / "index" / "postings-1.bin"
    whole = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"" if damage == "empty" else whole[:-1] + b"\x07")
    with Index.open(tmp_path / "index", HashEmbedder()) as index:
        assert found(index, QUESTIONS[2]) == expected
    assert path.read_bytes() == whole


def test_a_slip_is_mended_to_a_common_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [document(f"{i}.txt", "Violins sound.") for i in range(3)]
    texts += [document("x.txt", "Violets grow.")]
    with large(tmp_path / "index", monkeypatch, texts) as index:
        assert index.similar("violni") == "violin"
        assert index.similar("viloet") == "violet"
    monkeypatch.setattr("citewise.words._COMMON", 2)
    with Index.open(tmp_path / "index", HashEmbedder()) as index:
        assert index.similar("viloet") is None


def test_what_is_left_of_other_generations_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with large(tmp_path / "index", monkeypatch, [written(i) for i in range(5)]) as index:
        (index.folder / "postings-9.bin").write_bytes(b"old")
        monkeypatch.setattr(filing, "_SHARE", 0.0)
        index.update([written(i) for i in range(50, 70)], split_lines)
        assert [path.name for path in index.folder.glob("postings-*")] == ["postings-2.bin"]


def test_an_index_that_an_earlier_version_left_to_fts5_gets_its_postings_when_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with Index.open(tmp_path, HashEmbedder()) as before:
        before.update([written(i) for i in range(20)], split_lines)
        expected = found(before, "breada shipb")
    monkeypatch.setattr(derivedwords, "SMALL", 5)
    monkeypatch.setattr(index_check_words, "SMALL", 5)
    assert not check_index(unopened_database(tmp_path)).findings
    with Index.open(tmp_path, HashEmbedder()) as index:
        assert found(index, "breada shipb") == expected
        assert [path.name for path in tmp_path.glob("postings-*")] == ["postings-1.bin"]
    assert not check_index(unopened_database(tmp_path)).findings
    assert not caplog.records
