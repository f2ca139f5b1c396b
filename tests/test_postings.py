"""BM25 by postings: the same passages and scores as FTS5, and as counting by hand."""

from __future__ import annotations

import math
import random
import sqlite3
from collections import Counter

import numpy as np
import pytest

from citewise import postings
from citewise.postings import K1, B, Postings, build


def corpus(count: int, seed: int = 1, vocabulary: int = 400) -> dict[int, list[str]]:
    """Passages of Zipfian words under ids with gaps."""
    rng = random.Random(seed)  # noqa: S311
    words = [f"w{i}" for i in range(vocabulary)]
    weights = [1 / (rank + 1) for rank in range(vocabulary)]
    return {3 * i + 1: rng.choices(words, weights, k=rng.randint(1, 60)) for i in range(count)}


def made(texts: dict[int, list[str]]) -> Postings:
    return build(
        ((i, " ".join(text)) for i, text in texts.items()), lambda words: [1 for _ in words]
    )


def weights(texts: dict[int, list[str]], question: list[str]) -> dict[str, float]:
    holding = {term: sum(term in text for text in texts.values()) for term in question}
    return {
        term: max(1e-6, math.log((len(texts) - n + 0.5) / (n + 0.5)))
        for term, n in holding.items()
        if n
    }


def average(texts: dict[int, list[str]]) -> float:
    return sum(map(len, texts.values())) / len(texts)


def by_hand(texts: dict[int, list[str]], question: list[str]) -> list[tuple[int, float]]:
    mean, found = average(texts), []
    weighted = sorted(weights(texts, question).items(), key=lambda item: -item[1])
    for passage, text in texts.items():
        counts, score = Counter(text), 0.0
        for term, weight in weighted:
            n = counts[term]
            score += weight * n * (K1 + 1) / (n + K1 * (1 - B + B * len(text) / mean))
        if score > 0:
            found.append((passage, score))
    return sorted(found, key=lambda item: (-item[1], item[0]))


QUESTIONS = [
    ["w300"],
    ["w0", "w399"],
    ["w0", "w1", "w2"],
    ["w7", "w90", "w3", "w250", "w0", "w12"],
    ["nowhere"],
    ["w5", "nowhere"],
]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("few", [0, 5_000])
def test_search_agrees_with_counting_by_hand(
    question: list[str], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postings, "_FEW", few)
    monkeypatch.setattr(postings, "_BLOCK", 70)
    texts = corpus(400)
    index = made(texts)
    for k in (1, 10, 5_000):
        ids, scores = index.search(weights(texts, question), k, average(texts))
        expected = by_hand(texts, question)[:k]
        assert ids.tolist() == [passage for passage, _ in expected]
        np.testing.assert_allclose(scores, [score for _, score in expected], rtol=1e-9)


def test_search_agrees_with_fts5() -> None:
    texts = corpus(500, seed=4)
    index = made(texts)
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE fts USING fts5 (terms)")
    connection.executemany(
        "INSERT INTO fts (rowid, terms) VALUES (?, ?)",
        [(i, " ".join(text)) for i, text in texts.items()],
    )
    for question in QUESTIONS[:4]:
        rows = connection.execute(
            "SELECT rowid, -rank FROM fts WHERE fts MATCH ? ORDER BY rank, rowid LIMIT 50",
            (" OR ".join(question),),
        ).fetchall()
        ids, scores = index.search(weights(texts, question), 50, average(texts))
        assert ids.tolist() == [row[0] for row in rows]
        np.testing.assert_allclose(scores, [row[1] for row in rows], rtol=1e-9)


def test_only_allowed_passages_are_found_and_ranked_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postings, "_FEW", 0)
    texts, question = corpus(1_000), ["w0", "w3", "w80"]
    index = made(texts)
    allowed = np.arange(1_000) % 7 == 3
    ids, _ = index.search(weights(texts, question), 40, average(texts), allowed)
    let_through = set(index.ids[allowed].tolist())
    expected = [i for i, _ in by_hand(texts, question) if i in let_through][:40]
    assert ids.tolist() == expected
    assert len(ids) == 40


def test_a_longer_average_than_at_building_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postings, "_FEW", 0)
    texts, question = corpus(400), ["w0", "w1", "w40", "w350"]
    index = made(texts)
    for factor in (0.3, 1.0, 3.0):
        mean = average(texts) * factor
        few, _ = index.search(weights(texts, question), 10, mean)
        every, _ = index.search(weights(texts, question), 400, mean)
        assert few.tolist() == every[:10].tolist()


def test_terms_are_looked_up_in_any_script() -> None:
    index = build([(1, "zebra été 東京 a été"), (9, "été b")], lambda words: map(len, words))
    assert [index.term(i) for i in range(5)] == ["a", "b", "zebra", "été", "東京"]
    assert index.passages("été") == 2
    assert index.passages("ete") == 0
    assert index.number("zz") is None
    assert index.beginning_with("é") == (3, 4)
    assert index.beginning_with("y") == (2, 2)
    assert index.spans.tolist() == [1, 1, 5, 3, 2]
    assert index.counts[index.offsets[3] : index.offsets[4]].tolist() == [2, 1]


def test_nothing_is_found_in_nothing() -> None:
    empty = build([], lambda _: [])
    assert empty.search({"a": 1.0}, 5, 1.0)[0].tolist() == []
    assert build([(4, "")], lambda _: []).search({"a": 1.0}, 5, 1.0)[0].tolist() == []
