"""A question's terms are taken apart once, and found as they are stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from citewise.index import Index
from citewise.retrieval import Retriever, make_query
from doubles import HashEmbedder, document, split_lines

TEXT = "The lease began in May.\nA disease was found.\nHouses were purchased.\nNothing else."


@pytest.fixture
def index(tmp_path: Path) -> Index:
    made = Index.open(tmp_path / "index", HashEmbedder())
    made.update([document("a.txt", TEXT)], split_lines)
    return made


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ("leases?", "The lease began in May."),
        ("Which diseases?", "A disease was found."),
        ("Whose house?", "Houses were purchased."),
        ("Any purchases?", "Houses were purchased."),
        ("Which diseese?", "A disease was found."),
    ],
)
def test_a_stem_that_looks_like_a_plural_is_found_by_words(
    index: Index, question: str, line: str
) -> None:
    query = make_query(question, (), index)
    assert all(map(index.contains, query.lexical))
    found = Retriever(index, index.embedder).search(query, 4)
    assert [item.text for item in found if item.lexical_rank == 1] == [line]


def test_a_question_with_nothing_in_common_is_searched_like_any_other(tmp_path: Path) -> None:
    made = Index.open(tmp_path / "index", HashEmbedder())
    made.update([document("a.txt", "The engine weighs 15 tons.")], split_lines)
    query = make_query("What colour is kelp?", (), made)
    found = Retriever(made, made.embedder).search(query, 4)
    assert all(item.lexical_rank is None for item in found)
