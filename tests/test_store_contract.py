"""What every store promises, whatever engine keeps it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import store_survival
from citewise.assistant import Assistant
from citewise.errors import CorpusError, IndexFault, InputError
from citewise.filters import checked
from citewise.index import Index
from citewise.joined import JoinedIndex
from citewise.retrieval import Retriever, make_query
from citewise.sources import FolderSource
from citewise.splitting import split
from citewise.types import Document, Filter
from doubles import HashEmbedder, document, split_lines
from stores import milvus, postgres, store  # noqa: F401 - fixtures

HERE = Path(__file__).parent
BREAD = document("bread.txt", "Bread needs yeast.\n\nSalt comes last.")
SHIPS = document("ships.txt", "Ships need water.")


@pytest.fixture
def opened(store):  # noqa: F811
    index = store.open()
    yield index
    index.close()


@pytest.fixture
def filled(opened):
    opened.update([BREAD, SHIPS], split_lines)
    opened.embedder.embedded.clear()
    return opened


def texts(index: Index, question: str, k: int = 99) -> list[str]:
    hits = index.lexical(question, k)
    return [stored.passage.text for stored in index.passages([hit.id for hit in hits])]


def nearest(index: Index, question: str, k: int = 1) -> list[str]:
    hits = index.dense(index.embedder.embed_query(question), k)
    return [stored.passage.text for stored in index.passages([hit.id for hit in hits])]


def every_id(index: Index) -> set[int]:
    return {hit.id for hit in index.dense(index.embedder.embed_query("x"), 999)}


# Adding, replacing, deleting, renaming.


def test_an_empty_store_answers_with_nothing(opened):
    assert opened.documents() == []
    assert opened.identity() == ""
    assert nearest(opened, "bread") == texts(opened, "bread") == []
    assert opened.contains("bread") is False
    assert opened.similar("bread") is None
    with pytest.raises(CorpusError, match="The index is empty"):
        opened.document("bread.txt")


def test_what_was_added_is_found(filled):
    assert [(info.name, info.passages) for info in filled.documents()] == [
        ("bread.txt", 2),
        ("ships.txt", 1),
    ]
    assert filled.document("bread.txt") == BREAD
    assert nearest(filled, "Ships need water.") == ["Ships need water."]
    assert texts(filled, "yeast") == ["Bread needs yeast."]
    assert filled.contains("yeast")
    assert filled.similar("brsad") == "bread"
    assert filled.identity() != ""
    stats = filled.stats()
    assert [stats[key] for key in ("documents", "passages", "spans")] == [2, 3, 3]


def test_an_update_says_what_it_did(opened):
    first = opened.update([BREAD, SHIPS], split_lines)
    assert (first.added, first.passages, first.reason) == (2, 3, "first build")
    again = opened.update([BREAD, SHIPS], split_lines)
    assert (again.added, again.unchanged, again.reason) == (0, 2, "")


def test_a_document_comes_back_as_it_was_read(opened):
    odd = Document(
        "a/odd name é.txt",
        "Nul \0 here.\n\nÉté 🛥️ \u2028 {} ' \\ \" end.",
        "ab" * 32,
        pages=(0, 14),
        format="pdf",
        modified="2026-03-01T10:00:00+00:00",
        source="a.zip",
        tags=("red", "two words"),
    )
    opened.update([odd], split_lines)
    assert opened.document("a/odd name é.txt") == odd
    assert texts(opened, "nul") == ["Nul \0 here."]
    assert nearest(opened, "Nul here") == ["Nul \0 here."]


def test_a_changed_document_takes_the_old_ones_place(filled):
    gone = every_id(filled)
    anew = document("bread.txt", "Bread needs flour.\n\nSalt comes last.")
    done = filled.update([anew, SHIPS], split_lines)
    assert (done.changed, done.unchanged, done.embedded) == (1, 1, 1)
    assert filled.embedder.embedded == ["Bread needs flour."]
    assert filled.document("bread.txt") == anew
    assert not filled.contains("yeast")
    assert texts(filled, "yeast flour") == ["Bread needs flour."]
    # An id is never another passage's.
    assert len(every_id(filled) & gone) == 1


def test_a_deleted_document_is_gone(filled):
    kept = every_id(filled)
    assert filled.update([SHIPS], split_lines).removed == 1
    assert [info.name for info in filled.documents()] == ["ships.txt"]
    assert nearest(filled, "Bread needs yeast.", 9) == ["Ships need water."]
    assert texts(filled, "bread yeast salt") == []
    assert filled.passages(sorted(kept - every_id(filled))) == []
    assert filled.homes(sorted(kept - every_id(filled))) == {}
    filled.update([BREAD, SHIPS], split_lines)
    assert len(every_id(filled) & kept) == 1


def test_a_store_may_be_emptied_and_filled_again(filled):
    filled.update([], split_lines)
    assert (filled.documents(), every_id(filled), texts(filled, "bread")) == ([], set(), [])
    filled.update([BREAD], split_lines)
    assert texts(filled, "bread") == ["Bread needs yeast."]


def test_a_renamed_file_is_not_embedded_again(opened, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.md").write_text("# Bread\n\nBread needs yeast, and water too.\n")
    opened.refresh(FolderSource(folder), split)
    ids = every_id(opened)
    opened.embedder.embedded.clear()
    (folder / "a.md").rename(folder / "b.md")
    done = opened.refresh(FolderSource(folder), split)
    assert done.changes.moved == (("a.md", "b.md"),)
    assert opened.embedder.embedded == []
    assert [info.name for info in opened.documents()] == ["b.md"]
    assert every_id(opened) == ids
    assert {stored.passage.document for stored in opened.passages(sorted(ids))} == {"b.md"}


def test_a_dry_run_changes_nothing(filled):
    from citewise.sources import DocumentSource

    done = filled.refresh(DocumentSource([SHIPS]), split_lines, dry_run=True)
    assert (done.removed, done.unchanged) == (1, 1)
    assert len(filled.documents()) == 2


def test_another_embedding_model_embeds_all_anew(store):  # noqa: F811
    with store.open() as index:
        index.update([BREAD, SHIPS], split_lines)
    with store.open(HashEmbedder("hash-32", 32)) as index:
        with pytest.raises(IndexFault, match="was built with 'hash-64', not 'hash-32'"):
            nearest(index, "bread")
        done = index.update([BREAD, SHIPS], split_lines)
        assert (done.reason, done.changed) == ("embedding model changed", 2)
        assert nearest(index, "Salt comes last.") == ["Salt comes last."]
        assert index.stats()["dimensions"] == 32


def test_a_question_of_another_length_or_without_numbers_is_refused(filled):
    with pytest.raises(IndexFault, match="shape"):
        filled.dense(np.zeros(63, np.float32), 1)
    with pytest.raises(InputError, match="not a number"):
        filled.dense(np.full(64, np.nan, np.float32), 1)


# Searching.

_WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("nd", "rk", "st", "mble")]


def large_corpus(passages: int = 300) -> list[Document]:
    """Words as frequent as in language, headings, repeated words, and texts that occur twice."""
    rng = random.Random(5)  # noqa: S311
    weights = [1 / (n + 1) for n in range(len(_WORDS))]
    blocks = []
    for number in range(passages):
        lines = [f"# Part {number % 7}"] if number % 3 else []
        lines += [
            " ".join(rng.choices(_WORDS, weights, k=rng.randint(3, 18))) + "."
            for _ in range(rng.randint(1, 5))
        ]
        blocks.append("\n".join(lines))
    blocks[10] = blocks[20] = blocks[30]
    made = []
    for number in range(0, passages, 10):
        name = f"{'ab'[number % 20 // 10]}/{number}.{'md' if number % 3 else 'txt'}"
        text = "\n\n".join(blocks[number : number + 10])
        day = f"2026-0{number % 9 + 1}-01T00:00:00+00:00" if number % 4 else ""
        tags = ("red",) if number % 30 else ("blue", "Red")
        made.append(Document(name, text, f"{number:064d}", modified=day, tags=tags))
    return made


def questions(count: int = 40) -> list[str]:
    rng = random.Random(6)  # noqa: S311
    asked = [" ".join(rng.choices(_WORDS, k=rng.randint(1, 9))) for _ in range(count - 4)]
    return [*asked, _WORDS[0], " ".join(_WORDS[:4]), " ".join(_WORDS), "part 3 unheard-of"]


@pytest.fixture
def twins(store, tmp_path):  # noqa: F811
    """The same corpus in the store and in an embedded one."""
    with store.open() as index, Index.open(tmp_path / "twin", HashEmbedder()) as twin:
        for one in (index, twin):
            one.update(large_corpus(), split_lines)
        yield index, twin


def placed(index: Index, hits) -> list[tuple[str, int]]:
    found = index.passages([hit.id for hit in hits])
    return [(stored.passage.document, stored.passage.start) for stored in found]


def same_hits(one: Index, its, other: Index, others) -> None:
    """The same scores for the same passages; which of equal ones come last may differ."""
    scores = [hit.score for hit in its], [hit.score for hit in others]
    assert scores[0] == pytest.approx(scores[1], rel=1e-5, abs=1e-6)
    mine = dict(zip(placed(one, its), scores[0], strict=True))
    theirs = dict(zip(placed(other, others), scores[1], strict=True))
    for place in mine.keys() & theirs.keys():
        assert mine[place] == pytest.approx(theirs[place], rel=1e-5, abs=1e-6)
    for place in mine.keys() ^ theirs.keys():
        score = mine.get(place, theirs.get(place))
        assert score == pytest.approx(scores[0][-1], rel=1e-5, abs=1e-6)


def both_ways(one: Index, other: Index, question: str, k: int, within=(None, None)) -> None:
    """Both searches of both find the same."""
    for search, asked in (
        ("lexical", question),
        ("dense", one.embedder.embed_query(question)),
    ):
        its = getattr(one, search)(asked, k, within[0])
        same_hits(one, its, other, getattr(other, search)(asked, k, within[1]))


@pytest.mark.parametrize("k", [1, 10, 50])
def test_both_searches_rank_as_the_embedded_store_does(twins, k):
    index, twin = twins
    for question in questions():
        both_ways(index, twin, question, k)


def test_evidence_is_that_of_the_embedded_store(twins):
    found = []
    for index in twins:
        retriever = Retriever(index, index.embedder)
        found.append([retriever.search(make_query(q, (), index), 10) for q in questions()])
    for its, others in zip(*found, strict=True):
        assert [(e.document, e.start, e.end, e.text, e.heading) for e in its] == [
            (e.document, e.start, e.end, e.text, e.heading) for e in others
        ]
        assert [e.score for e in its] == pytest.approx([e.score for e in others], rel=1e-5)
        assert [e.cosine for e in its] == pytest.approx([e.cosine for e in others], abs=1e-3)


def test_terms_are_counted_as_in_the_embedded_store(twins):
    index, twin = twins
    for term in (*_WORDS, "part", "3", "unheard"):
        assert index.contains(term) == twin.contains(term)
        assert index.idf(term) == pytest.approx(twin.idf(term), rel=1e-12)
    slips = [f"{word[:-2]}{word[-1]}{word[-2]}" for word in _WORDS if len(word) > 4]
    assert [index.similar(slip) for slip in slips] == [twin.similar(slip) for slip in slips]
    assert any(index.similar(slip) for slip in slips)


@pytest.mark.parametrize(
    "where",
    [
        Filter(folders=("a",)),
        Filter(documents=("a/0.txt", "b/10.md")),
        Filter(folders=("b",), documents=("a/0.txt",), types=("txt",)),
        Filter(types=("markdown",)),
        Filter(tags=("blue",)),
        Filter(since="2026-03", until="2026-05"),
        Filter(folders=(".",), until="2026-02"),
    ],
    ids=str,
)
def test_a_filter_lets_through_what_it_does_in_the_embedded_store(twins, where):
    index, twin = twins
    chosen = [one.selected(checked(where)) for one in twins]
    assert len(chosen[0]) == len(chosen[1]) > 0
    for question in questions(12):
        both_ways(index, twin, question, 20, chosen)


@pytest.mark.parametrize(
    "where",
    [
        Filter(documents=("a/1.txt",)),
        Filter(folders=("c",)),
        Filter(types=("pdf",)),
        Filter(folders=("a",), tags=("green",)),
        Filter(since="2027"),
    ],
    ids=str,
)
def test_a_filter_that_fits_nothing_is_refused_in_the_same_words(twins, where):
    said = []
    for index in twins:
        with pytest.raises(InputError) as refused:
            index.selected(checked(where))
        said.append(str(refused.value))
    assert said[0] == said[1]


def test_a_filter_that_was_computed_elsewhere_counts_too(twins):
    index, twin = twins
    mine, its = (one.selected(Filter(folders=("a",)))[::2].copy() for one in twins)
    both_ways(index, twin, _WORDS[3], 9, (mine, its))
    vector = index.embedder.embed_query(_WORDS[3])
    assert index.dense(vector, 9, mine[:0]) == index.lexical(_WORDS[3], 9, mine[:0]) == []


def test_a_passages_own_vector_leads_to_it(twins):
    index, _ = twins
    hits = index.dense(index.embedder.embed_query(_WORDS[0]), 999)
    stored = index.passages([hit.id for hit in hits])
    assert len(stored) == 300
    for one in stored[::5]:
        passage = one.passage
        embedded = f"{passage.heading}\n{passage.text}" if passage.heading else passage.text
        (found,) = index.dense(index.embedder.embed_query(embedded), 1)
        assert found.score == pytest.approx(1.0, abs=1e-5)
        assert index.passages([found.id])[0].passage.text == passage.text


# Failing.


def ran(store, what: str, number: int) -> dict:  # noqa: F811
    place = [store.address, str(number), *([str(store.folder)] if store.folder else [])]
    paths = os.pathsep.join(path for path in [str(HERE), *sys.path] if path)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "store_survival", what, *place],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout)


def test_a_writer_killed_at_any_moment_leaves_the_old_state_or_the_new(store):  # noqa: F811
    found = ran(store, "kills", 8)
    assert set(found["states"]) <= {"old", "new"}
    assert sum(found["states"].values()) == 8
    assert set(found["ends"]) <= {"killed", "told"}
    assert found["last"] == "done, new"


def test_any_statement_may_fail(store):  # noqa: F811
    if store.address.partition("://")[0] not in store_survival.STRIKES:
        pytest.skip("test_index_survival.py does this, with every write to a file")
    found = ran(store, "strikes", 11)
    assert found["statements"] > 50
    for kind, outcomes in found["outcomes"].items():
        told = {"old, told", "new, told", "new, done"}
        died = {"old, killed", "new, killed"}
        assert set(outcomes) <= (told if kind == "fails" else died), kind
        assert any(outcome.startswith("old") for outcome in outcomes), kind
        assert sum(outcomes.values()) >= found["statements"] // 11


class Halting(HashEmbedder):
    """Stops at the third batch of texts, as if the process had been interrupted."""

    def embed_passages(self, texts):
        if len(self.embedded) >= 20:
            raise KeyboardInterrupt
        return super().embed_passages(texts)


def test_what_an_interrupted_update_embedded_is_not_embedded_again(store, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr("citewise.staging._FEWEST", 20)
    monkeypatch.setattr("citewise.staging._SECONDS", 0.0)
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "live.txt").write_text("Live words about a loaf.\n")
    with store.open() as index:
        index.refresh(FolderSource(folder), split)
    for number in range(30):
        (folder / f"{number}.txt").write_text(f"Number {number} is about loaf {number * 7}.\n")
    halting = Halting()
    with store.open(halting) as index, pytest.raises(KeyboardInterrupt):
        index.refresh(FolderSource(folder), split)
    with store.open() as index:
        # What is prepared is there, and nobody sees it.
        assert [info.name for info in index.documents()] == ["live.txt"]
        for k in (1, 99):
            assert nearest(index, "Number 1 is about loaf 7.", k) == ["Live words about a loaf."]
            assert texts(index, "number loaf", k) == ["Live words about a loaf."]
        assert len(every_id(index)) == len(index.lexical("number loaf", 99)) == 1
        assert not index.contains("number")
        assert index.stats()["passages"] == 1
        assert index.refresh(FolderSource(folder), split).added == 30
        embedded = [*halting.embedded, *index.embedder.embedded]
        assert len(set(embedded)) == len(embedded) == 30
        assert len(halting.embedded) == 20
        assert len(index.documents()) == len(every_id(index)) == 31


def test_an_update_that_fails_changes_nothing(filled):
    class Broken(HashEmbedder):
        def embed_passages(self, texts):
            raise IndexFault("no", "")

    filled.embedder = Broken()
    with pytest.raises(IndexFault, match="no"):
        filled.update([document("new.txt", "New words.")], split_lines)
    filled.embedder = HashEmbedder()
    assert [info.name for info in filled.documents()] == ["bread.txt", "ships.txt"]
    assert nearest(filled, "New words.", 9) != ["New words."]
    assert filled.update([BREAD, SHIPS], split_lines).reason == ""


class Waiting(HashEmbedder):
    """Embeds only once it may; tells when it is about to."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may = threading.Event(), threading.Event()

    def embed_passages(self, texts):
        self.begun.set()
        assert self.may.wait(60)
        return super().embed_passages(texts)


@pytest.fixture
def updating(filled, store):  # noqa: F811
    """A store in the middle of an update that changes every document."""
    waiting = Waiting()
    writer = store.open(waiting)
    anew = [document("bread.txt", "Bread needs flour."), document("tea.txt", "Tea is hot.")]
    thread = threading.Thread(target=writer.update, args=(anew, split_lines))
    thread.start()
    assert waiting.begun.wait(60)

    def finish() -> None:
        waiting.may.set()
        thread.join(60)

    yield filled, finish
    finish()
    writer.close()


def test_a_second_writer_is_told_of_the_first(updating, store):  # noqa: F811
    filled, finish = updating
    with store.open() as second, pytest.raises(IndexFault, match="is being written by"):
        second.update([SHIPS], split_lines)
    finish()
    assert [info.name for info in filled.documents()] == ["bread.txt", "tea.txt"]
    with store.open() as second:
        assert second.update([SHIPS], split_lines).removed == 2


def test_a_reader_sees_one_state_while_another_is_made(updating, store):  # noqa: F811
    filled, finish = updating

    def seen() -> tuple:
        return (
            [info.name for info in filled.documents()],
            sorted(nearest(filled, "x", 99)),
            sorted(texts(filled, "bread yeast flour tea ships")),
            filled.contains("flour"),
        )

    old = (
        ["bread.txt", "ships.txt"],
        ["Bread needs yeast.", "Salt comes last.", "Ships need water."],
        ["Bread needs yeast.", "Ships need water."],
        False,
    )
    new = (
        ["bread.txt", "tea.txt"],
        ["Bread needs flour.", "Tea is hot."],
        ["Bread needs flour.", "Tea is hot."],
        True,
    )
    assert seen() == old
    with filled.reading():
        assert filled.documents()[0].name == "bread.txt"
        finish()
        assert seen() == old
        with store.open() as other:
            assert [info.name for info in other.documents()] == new[0]
    assert seen() == new


def test_what_was_stored_is_there_when_it_is_opened_again(filled, store):  # noqa: F811
    with store.open() as again:
        assert again.identity() == filled.identity()
        assert again.update([BREAD, SHIPS], split_lines).reason == ""
        assert again.embedder.embedded == []
        assert nearest(again, "Salt comes last.") == ["Salt comes last."]
    again.close()
    assert nearest(again, "Salt comes last.") == ["Salt comes last."]  # closed, and usable
    again.close()


def test_a_newer_format_is_refused(filled, store):  # noqa: F811
    if store.shift_format is None:
        pytest.skip("no way to change this store's format from outside")
    filled.close()
    store.shift_format(1)
    with pytest.raises(IndexFault, match="written by a newer citewise"):
        store.open()


def test_an_older_format_is_built_anew(filled, store):  # noqa: F811
    if store.shift_format is None:
        pytest.skip("no way to change this store's format from outside")
    filled.close()
    store.shift_format(-1)
    with store.open() as index:
        done = index.update([BREAD, SHIPS], split_lines)
        assert (done.reason, done.added) == ("format changed", 2)
        assert nearest(index, "Salt comes last.") == ["Salt comes last."]


def test_an_altered_text_is_never_quoted(filled, store):  # noqa: F811
    if store.alter is None:
        pytest.skip("no way to change this store's texts from outside")
    store.alter("bread.txt", "Bread needs no yeast at all, said somebody.")
    with pytest.raises(IndexFault, match=r"The stored text of bread\.txt has been altered"):
        filled.document("bread.txt")
    assert filled.document("ships.txt") == SHIPS


# Collections.


def test_collections_know_nothing_of_each_other(store):  # noqa: F811
    with store.open() as common, store.open(collection="red") as red:
        assert (common.identity(), red.identity()) == ("", "")
        common.update([BREAD], split_lines)
        red.update([SHIPS, document("bread.txt", "Bread, in red.")], split_lines)
        assert [info.name for info in common.documents()] == ["bread.txt"]
        assert [info.name for info in red.documents()] == ["bread.txt", "ships.txt"]
        assert common.document("bread.txt") == BREAD
        assert sorted(nearest(common, "ships", 99)) == ["Bread needs yeast.", "Salt comes last."]
        assert texts(common, "ships water red") == texts(red, "salt yeast") == []
        assert not common.contains("water")
        assert red.similar("yaest") is None
        assert common.stats()["passages"] == 2
        assert red.stats()["passages"] == 2
        assert common.idf("bread") == pytest.approx(np.log(1 + 1.5 / 1.5))
        foreign = sorted(every_id(red) - every_id(common))
        assert common.homes(foreign) == {}
        assert common.passages(foreign) == []
        red.update([], split_lines)
        assert nearest(common, "Salt comes last.") == ["Salt comes last."]


def test_collections_are_searched_as_one(store):  # noqa: F811
    with store.open() as common, store.open(collection="red") as red:
        common.update([BREAD], split_lines)
        red.update([SHIPS], split_lines)
        joined = JoinedIndex((common, red))
        assert set(nearest(joined, "x", 9)) == {
            "Bread needs yeast.",
            "Salt comes last.",
            "Ships need water.",
        }
        assert sorted(texts(joined, "salt water")) == ["Salt comes last.", "Ships need water."]
        retriever = Retriever(joined, joined.embedder)
        found = retriever.search(make_query("what do ships need", (), joined), 1)
        assert found[0].text == "Ships need water."


# Citations.


def test_citations_are_exact(store, tmp_path):  # noqa: F811
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "été.md").write_text(
        "# Brot 🍞\n\nBread needs yeast. Salt comes last!\n\n- one\n- two\n"
    )
    (folder / "t.md").write_text("| Name | Price |\n|---|---|\n| Tea | 3 € |\n| Rye | 4 € |\n")
    settings = {"store": store.address, "embedder": HashEmbedder(), "llm": "none"}
    settings |= {"quiet": True, "index": store.folder}
    with Assistant(folder, **settings) as assistant:
        assistant.update()
        for question in ("What does bread need?", "What is the price of rye?", "one two"):
            found = assistant.search(question)
            assert found
            for evidence in found:
                text = assistant.document(evidence.document).text
                assert text[evidence.start : evidence.end] == evidence.text
        answer = assistant.ask("What does bread need?")
        assert answer.citations
        for citation in answer.citations:
            text = assistant.document(citation.document).text
            assert text[citation.start : citation.end] == citation.quote
    if "://" in store.address:
        # Another process, without any documents of its own, answers from the same store.
        with Assistant(**settings) as reader:
            assert reader.reads_only
            assert reader.search("What does bread need?")[0].text == "Bread needs yeast."
