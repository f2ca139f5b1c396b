"""Several indexes searched as one: the same answers as from one index over all documents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citewise.errors import CorpusError, InputError
from citewise.index import Index
from citewise.joined import JoinedIndex
from citewise.retrieval import Retriever, make_query
from citewise.types import Document, Filter
from doubles import HashEmbedder, document, split_lines

CATS = document("cats.txt", "# Cats\nCats sleep for sixteen hours.\nA cat has nine lives.\n")
DOGS = document("dogs.txt", "Dogs bark at night.\n\nA dog sleeps for twelve hours.\n")
FISH = document("fish.txt", "Fish never sleep in a bed.\nA goldfish forgets nothing.\n")
MINE = document("mine.txt", "My hamster sleeps all day.\nIt runs for nine hours at night.\n")
ALL = (CATS, DOGS, FISH, MINE)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def index(stack: ExitStack, folder: Path, documents: tuple[Document, ...]) -> Index:
    made = stack.enter_context(Index.open(folder, HashEmbedder()))
    made.update(documents, split_lines)
    return made


@pytest.fixture
def joined(opened: ExitStack, tmp_path: Path) -> JoinedIndex:
    own = index(opened, tmp_path / "own", (MINE,))
    shared = index(opened, tmp_path / "shared", (CATS, DOGS, FISH))
    return JoinedIndex((own, shared))


@pytest.fixture
def whole(opened: ExitStack, tmp_path: Path) -> Index:
    return index(opened, tmp_path / "whole", ALL)


def found(searched: Index, question: str, where: Filter | None = None) -> list[tuple[str, str]]:
    retriever = Retriever(searched, searched.embedder)
    evidence = retriever.search(make_query(question, (), searched), 5, where)
    return [(item.document, item.text) for item in evidence]


@pytest.mark.parametrize(
    "question", ["How long does a hamster sleep?", "nine hours", "dogs at night", "goldfish"]
)
def test_the_best_is_the_same_as_in_one_index(
    joined: JoinedIndex, whole: Index, question: str
) -> None:
    assert found(joined, question)[0] == found(whole, question)[0]


def test_every_piece_of_evidence_is_a_slice_of_its_document(joined: JoinedIndex) -> None:
    retriever = Retriever(joined, joined.embedder)
    evidence = retriever.search(make_query("sleep hours night", (), joined), 20)
    assert {item.document for item in evidence} == {d.name for d in ALL}
    for item in evidence:
        assert joined.document(item.document).text[item.start : item.end] == item.text


@pytest.mark.parametrize("term", ["sleep", "hamster", "goldfish", "nosuch", "nine"])
def test_rarity_is_counted_over_all_parts(joined: JoinedIndex, whole: Index, term: str) -> None:
    assert joined.idf(term) == pytest.approx(whole.idf(term), abs=1e-9)
    assert joined.contains(term) == whole.contains(term)


def test_a_slip_is_mended_by_the_nearest_word_of_any_part(joined: JoinedIndex) -> None:
    assert joined.similar("hamstre") == "hamster"
    assert joined.similar("goldfihs") == "goldfish"
    assert joined.similar("zzzzzz") is None


def test_passages_of_both_parts_are_found_by_meaning(joined: JoinedIndex, whole: Index) -> None:
    vector = joined.embedder.embed_query("My hamster sleeps all day. It runs for nine hours")
    hits = joined.dense(vector, 3)
    (first,) = joined.passages([hits[0].id])
    assert first.passage.document == "mine.txt"
    assert hits[0].score == pytest.approx(whole.dense(vector, 1)[0].score)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_only_the_chosen_documents_are_searched(joined: JoinedIndex) -> None:
    where = Filter(documents=("mine.txt", "dogs.txt"))
    names = {name for name, _ in found(joined, "sleep hours", where)}
    assert names == {"mine.txt", "dogs.txt"}
    assert {n for n, _ in found(joined, "hours", Filter(documents=("mine.txt",)))} == {"mine.txt"}
    assert {n for n, _ in found(joined, "sleep", Filter(documents=("fish.txt",)))} == {"fish.txt"}


def test_a_document_that_no_part_holds_is_an_error(joined: JoinedIndex) -> None:
    with pytest.raises(InputError, match=r"no document 'nosuch\.txt'"):
        found(joined, "sleep", Filter(documents=("mine.txt", "nosuch.txt")))
    with pytest.raises(InputError, match="No document fits"):
        joined.selected(Filter(types=("pdf",)))
    with pytest.raises(CorpusError, match="no document 'nosuch'"):
        joined.document("nosuch")


def test_a_name_leads_to_one_document_alone(opened: ExitStack, tmp_path: Path) -> None:
    mine = document("cats.txt", "My cat sleeps on the roof.\n")
    own = index(opened, tmp_path / "own", (mine,))
    shared = index(opened, tmp_path / "shared", (CATS, DOGS))
    joined = JoinedIndex((own, shared))
    assert joined.document("cats.txt").text == mine.text
    assert [info.name for info in joined.documents()] == ["cats.txt", "dogs.txt"]
    for name, text in found(joined, "cats sleep sixteen hours nine lives"):
        assert text in joined.document(name).text
        assert "sixteen" not in text


def test_an_empty_part_changes_nothing(opened: ExitStack, tmp_path: Path, whole: Index) -> None:
    joined = JoinedIndex((index(opened, tmp_path / "own", ()), whole))
    assert found(joined, "dogs at night") == found(whole, "dogs at night")
    assert joined.stats()["documents"] == 4


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=st.lists(st.integers(0, 60), max_size=8))
def test_passages_come_in_the_order_asked_for(joined: JoinedIndex, ids: list[int]) -> None:
    got = [stored.id for stored in joined.passages(ids)]
    assert got == [i for i in ids if i in set(got)]


def test_ids_never_collide(joined: JoinedIndex) -> None:
    vector = np.ones(64, np.float32) / 8
    ids = [hit.id for hit in joined.dense(vector, 50)]
    assert len(ids) == len(set(ids)) == len(joined.passages(ids)) == joined.stats()["passages"]


def test_passages_share_a_home_exactly_if_they_share_a_document(joined: JoinedIndex) -> None:
    ids = [hit.id for hit in joined.dense(np.ones(joined.embedder.embed_query("a").shape), 50)]
    homes = joined.homes(ids)
    names = {stored.id: stored.passage.document for stored in joined.passages(ids)}
    assert homes.keys() == names.keys()
    assert len(set(homes.values())) == len(set(names.values())) == len(ALL)
    assert len(set(zip(homes.values(), (names[i] for i in homes), strict=True))) == len(ALL)


def test_what_is_gone_has_no_home(joined: JoinedIndex) -> None:
    assert joined.homes([998, 999]) == {}
