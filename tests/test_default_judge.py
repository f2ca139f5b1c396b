"""Without a word from anybody, the entailment model reads too: claims, and answers."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from citewise import Assistant, ModelError, check
from citewise.cli import main
from citewise.default_judge import _can_be_had, default_judge
from citewise.entailment import Leaning
from citewise.settings import current
from doubles import HashEmbedder

CLAIM = "The firm was bought by a rival in 2019."
EVIDENCE = ["In 2019 the firm purchased a rival."]


class Denying:
    """An entailment model that believes no claim."""

    def leanings(self, pairs: list[tuple[str, str]], *, threads: int | None = None) -> list[object]:
        return [Leaning(-6.0, -1.0) for _ in pairs]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CITEWISE_JUDGE")
    _can_be_had.cache_clear()
    yield
    _can_be_had.cache_clear()


def missing() -> None:
    raise ModelError("The encoder is not here.", "Fetch it.")


def test_the_default_is_full(tmp_path: Path) -> None:
    assert current().judge == "full"
    corpus = tmp_path / "notes.txt"
    corpus.write_text("Ada wrote it.", encoding="utf-8")
    with Assistant(corpus, tmp_path / "index", llm="none", embedder=HashEmbedder()) as assistant:
        assert assistant.judge == "full"


def test_a_claim_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("citewise.default_judge.shared_entailment", Denying)
    monkeypatch.setattr("citewise.checking.shared_entailment", Denying)
    read = check(CLAIM, EVIDENCE)
    assert read == check(CLAIM, EVIDENCE, judge="full")
    assert read.score < check(CLAIM, EVIDENCE, judge="fast").score
    monkeypatch.setenv("CITEWISE_JUDGE", "fast")
    assert default_judge() == "fast"
    assert check(CLAIM, EVIDENCE) == check(CLAIM, EVIDENCE, judge="fast")


def test_where_the_model_cannot_be_had_the_rest_decides_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("citewise.default_judge.shared_entailment", missing)
    monkeypatch.setattr("citewise.checking.shared_entailment", missing)
    with caplog.at_level(logging.WARNING):
        assert check(CLAIM, EVIDENCE) == check(CLAIM, EVIDENCE, judge="fast")
        check(CLAIM, EVIDENCE)
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "The encoder is not here. Fetch it. Until then claims are checked without it, as with "
        'judge = "fast".'
    ], "once"
    with pytest.raises(ModelError, match="not here"):
        check(CLAIM, EVIDENCE, judge="full")


def test_the_command_line_asks_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("citewise.default_judge.shared_entailment", Denying)
    monkeypatch.setattr("citewise.checking.shared_entailment", Denying)
    source = tmp_path / "source.txt"
    source.write_text(EVIDENCE[0], encoding="utf-8")
    scores = []
    for options in ([], ["--judge", "fast"]):
        assert main(["check", *options, "--json", CLAIM, str(source)]) == 1
        scores.append(json.loads(capsys.readouterr().out)["score"])
    assert scores[0] < scores[1]


@pytest.mark.model
def test_the_real_one_tells_who_bought_whom() -> None:
    assert check(CLAIM, ["In 2019 a rival purchased the firm."]).supported
    assert not check(CLAIM, EVIDENCE).supported
