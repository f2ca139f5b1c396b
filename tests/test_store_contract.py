"""What every store promises, whatever engine keeps it."""

from __future__ import annotations

import pytest

from doubles import document, split_lines
from stores import postgres, store  # noqa: F401 - fixtures

BREAD = document("bread.txt", "Bread needs yeast.\n\nSalt comes last.")
SHIPS = document("ships.txt", "Ships need water.")


@pytest.fixture
def opened(store):  # noqa: F811
    index = store.open()
    yield index
    index.close()


def test_what_was_added_is_found(opened):
    summary = opened.update([BREAD, SHIPS], split_lines)
    assert (summary.added, summary.passages, summary.reason) == (2, 3, "first build")
    assert [info.name for info in opened.documents()] == ["bread.txt", "ships.txt"]
    assert opened.document("bread.txt") == BREAD
    (hit,) = opened.dense(opened.embedder.embed_query("Ships need water."), 1)
    (found,) = opened.passages([hit.id])
    assert (found.passage.document, found.passage.text) == ("ships.txt", "Ships need water.")
