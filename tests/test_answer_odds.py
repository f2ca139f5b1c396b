"""The entailment model beside the language model: does the evidence answer the question?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from citewise import Assistant, InputError, ModelError, Status
from citewise.answerability import AnswerOdds, Signals, estimate
from citewise.entailment import Leaning
from doubles import HashEmbedder
from scripted import Scripted

NOTES = """Team notes

Ada Lovelace wrote the first program in 1843. She worked with Charles Babbage.

The engine was never finished, because the money ran out.
"""
QUESTION = "Why was the engine left half done?"
INVENTED = Scripted("The engine was left half done since Babbage fell ill in Paris.", 1.0)


class Reader:
    """Odds that a text answers, by what it holds; keeps what it was asked.

    ``said`` are the odds that a claim is said, by its first word; all others are sure.
    """

    name = "reader"

    def __init__(self, word: str, odds: float = 3.0, said: dict[str, float] | None = None) -> None:
        self.word, self.odds, self.said = word, odds, said or {}
        self.asked: list[tuple[str, str]] = []

    def leanings(
        self, pairs: Sequence[tuple[str, str]], *, threads: int | None = None
    ) -> list[Leaning]:
        odds = [self.said.get(claim.partition(" ")[0], 3.0) for claim, _ in pairs]
        return [Leaning(value, -value) for value in odds]

    def answers(self, pairs: Sequence[tuple[str, str]], *, threads: int) -> list[float]:
        assert threads == 1, "a person waits, and others may be using the cores"
        self.asked += pairs
        return [self.odds if self.word in text else -4.0 for _, text in pairs]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "notes.txt").write_text(NOTES, encoding="utf-8")
    return folder


def make(corpus: Path, generator: object, **options: object) -> Assistant:
    index = corpus.parent / "index"
    return Assistant(corpus, index, llm=generator, embedder=HashEmbedder(), quiet=True, **options)


def read_by(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.setattr("citewise.entailment.shared_entailment", lambda: reader)
    return reader


def test_where_a_draft_fails_what_answers_is_quoted(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = read_by(Reader("money"), monkeypatch)
    with make(corpus, INVENTED) as fast, make(corpus, INVENTED, judge="full") as full:
        assert fast.ask(QUESTION).status is Status.NOT_FOUND
        assert not reader.asked
        answer = full.ask(QUESTION)
    assert answer.status is Status.QUOTED
    assert "the money ran out" in answer.citations[0].quote
    assert answer.explanation["reading"] > 0.73
    assert answer.models["entailment"] == "reader"
    assert len(answer.citations) == 1
    assert {question for question, _ in reader.asked} == {QUESTION}


def test_where_a_draft_stands_it_is_not_asked_whether_there_is_an_answer(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = read_by(Reader("money"), monkeypatch)
    draft = Scripted("Ada Lovelace wrote the first program in 1843.")
    with make(corpus, draft, judge="full") as assistant:
        assert assistant.ask("Who wrote the first program?").status is Status.ANSWERED
    assert not reader.asked


def test_where_nothing_answers_nothing_is_quoted(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_by(Reader("a word that no text holds"), monkeypatch)
    with make(corpus, INVENTED, judge="full") as assistant:
        assert assistant.ask(QUESTION).status is Status.NOT_FOUND
    with make(corpus, "none", judge="full") as assistant:
        assert assistant.ask("Who wrote the first program?").status is Status.NOT_FOUND


def test_without_a_language_model_it_decides_alone(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_by(Reader("money"), monkeypatch)
    with make(corpus, "none", judge="full") as assistant:
        answer = assistant.ask(QUESTION)
    assert answer.status is Status.QUOTED
    assert "the money ran out" in answer.citations[0].quote


@pytest.mark.parametrize(
    ("odds", "forest", "shown"),
    [(-3.0, 0.9, False), (-1.0, 0.9, True), (-1.0, 0.1, False), (3.0, 0.4, True)],
)
def test_a_sentence_that_its_sources_hardly_say_is_held_back(
    odds: float, forest: float, shown: bool, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the model alone where it is sure, else by what it and the forest say together."""
    read_by(Reader("nothing", said={"Ada": odds}), monkeypatch)
    monkeypatch.setattr("citewise.drafting.support_score", lambda found: forest)
    draft = Scripted("Ada Lovelace wrote the first program in 1843.")
    with make(corpus, draft, judge="full") as assistant:
        answer = assistant.ask("Who wrote the first program?")
    assert (answer.status is Status.ANSWERED) is shown
    if not shown:
        assert answer.dropped[0].verdict.reason == "the sources hardly say this"


def test_where_it_cannot_be_had_a_notice_says_so(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def missing() -> None:
        looked.append(1)
        raise ModelError("The encoder is not here.", "Fetch it.")

    monkeypatch.setattr("citewise.entailment.shared_entailment", missing)
    with make(corpus, Scripted("The engine was never finished."), judge="full") as assistant:
        answer = assistant.ask(QUESTION)
        assert any("The encoder is not here." in notice for notice in answer.notices)
        assert answer.explanation["reading"] is None
        assert answer.models["entailment"] == "none"
        assert answer.status is Status.ANSWERED
        assistant.ask(QUESTION)
    assert looked == [1], "once: a question must not wait for a network that is not there"
    with make(corpus, INVENTED, judge="full") as assistant:
        assert assistant.ask(QUESTION).status is Status.NOT_FOUND, "a notice is no reason to quote"


def test_an_unknown_judge_is_told(corpus: Path) -> None:
    with pytest.raises(InputError, match="'slow'"):
        make(corpus, "none", judge="slow")


@pytest.mark.parametrize("log_odds", [None, 1.0])
def test_each_of_its_signals_raises_the_probability(log_odds: float | None) -> None:
    def probability(each: float, together: float) -> float:
        reading = AnswerOdds((-5.0, each), together)
        return estimate(Signals(log_odds, 0.5, 0.5, (), reading)).probability

    assert probability(-2.0, 0.0) < probability(1.0, 0.0) < probability(1.0, 2.0)
    unknown = Signals(log_odds, 0.5, 0.5, ("GPT-5",), AnswerOdds((3.0,), 3.0))
    assert estimate(unknown).probability < 0.5
