"""A language model as the judge: what counts as a verdict, and what does not."""

from __future__ import annotations

import io
import json

import pytest

from citewise import check
from citewise.check_command import _batch
from citewise.llm_judge import LLMJudge, UnreadableVerdictError
from citewise.types import Label
from scripted import Scripted

SOURCE = "The bridge was opened\nin 1890 and cost two million francs."


def reply(verdict: str, quote: str = "") -> str:
    return json.dumps({"verdict": verdict, "quote": quote})


def judge(text: str) -> LLMJudge:
    return LLMJudge(Scripted(text))


def test_the_verdict_and_the_words_that_decide() -> None:
    found = judge(reply("contradicted", "opened in 1890")).judge("It opened in 1900.", [SOURCE])
    assert (found.label, found.score) == (Label.CONTRADICTED, 0.05)
    assert found.reason == "the source says “opened in 1890”"
    assert found.claim == "It opened in 1900."


def test_a_fenced_object_is_read_too() -> None:
    found = judge(f"```json\n{reply('supported')}\n```").judge("It opened in 1890.", [SOURCE])
    assert (found.label, found.reason) == (Label.SUPPORTED, "the source states it")


def test_words_that_no_source_holds_are_not_quoted() -> None:
    found = judge(reply("partly_supported", "opened by the king")).judge("x", [SOURCE])
    assert (found.label, found.reason) == (
        Label.PARTLY_SUPPORTED,
        "the source states a part of it",
    )


def test_a_contradiction_that_quotes_nothing_real_is_none() -> None:
    found = judge(reply("contradicted", "opened in 1900")).judge("x", [SOURCE])
    assert (found.label, found.reason) == (Label.UNSUPPORTED, "the source does not state it")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Yes",
        "No - I would not say supported.",
        "supported",
        '{"verdict": "yes", "quote": ""}',
        '{"quote": "opened in 1890"}',
        '{"verdict": "supported", "quote": 7}',
        '[{"verdict": "supported"}]',
        'I think {"verdict": "supported", "quote": ""}',
        '{"verdict": "supported", "quote": ""} but it is hard to say',
        '{"verdict": "supported"',
        "{" * 5000 + "}" * 5000,
    ],
)
def test_whatever_else_it_says_is_no_verdict(text: str) -> None:
    with pytest.raises(UnreadableVerdictError, match="is no verdict"):
        judge(text).judge("It opened in 1890.", [SOURCE])


def test_sources_and_claim_go_into_the_prompt_as_one_line_each() -> None:
    model = Scripted(reply("supported"))
    LLMJudge(model).judge("It opened\nin 1890.", [SOURCE, "Other."])
    lines = model.prompts[0].user.splitlines()
    assert lines[1] == "[1] The bridge was opened in 1890 and cost two million francs."
    assert lines[2] == "[2] Other."
    assert lines[4] == "Claim: It opened in 1890."


def test_check_asks_the_judge_about_each_sentence() -> None:
    model = Scripted(reply("supported"))
    verdict = check("It opened in 1890. It cost two million.", [SOURCE], judge=LLMJudge(model))
    assert verdict.supported
    assert [part.claim for part in verdict.claims] == [
        "It opened in 1890.",
        "It cost two million.",
    ]
    assert len(model.prompts) == 2


def test_a_batch_counts_what_could_not_be_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = json.dumps({"id": 3, "claim": "It opened in 1890.", "evidence": [SOURCE]})
    monkeypatch.setattr("sys.stdin", io.StringIO(row))
    assert _batch("-", judge("Perhaps.")) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["id"] == 3
    assert json.loads(out)["unscored"].startswith("The judge's reply is no verdict")
    assert "1 unscored" in err


def test_no_model_is_no_judge(capsys: pytest.CaptureFixture[str]) -> None:
    from citewise.cli import main

    assert main(["check", "It opened.", __file__, "--judge", "none"]) == 2
    assert "or a language model" in capsys.readouterr().err
