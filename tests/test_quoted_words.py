"""What stands between quotation marks has to be somebody's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from citewise import Assistant, Status
from citewise.quoted_words import before_quotation, misquoted
from doubles import HashEmbedder
from scripted import Scripted

SOURCE = "It signals the end of the 'efficiency-first' era, the CEO said: “We don't look back.”"


@pytest.mark.parametrize(
    "sentence",
    [
        "The 'efficiency-first' era ends.",
        "The “Efficiency First” era ends.",
        'He said "we don\'t look back."',
        "He said «we don’t look back».",
        "He said »we don't look back«, and „look back“ again.",
        "DeepSeek's plan and its users' data are Baidu's.",
        "It was 5' 6'' tall in the '90s, rock 'n' roll.",
        "Nothing is quoted here.",
    ],
)
def test_right_quotations(sentence: str) -> None:
    assert misquoted(sentence, ["Another text, rock n roll.", SOURCE]) == ""


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("The 'efficiency-first' era ends, and the 'scale-first' era dawns.", "scale-first"),
        ('He said "we never look back".', "we never look back"),
        ("The “end of era” comes.", "end of era"),
        ("It is called 'first'-rate, not 'fir'.", "fir"),
    ],
)
def test_wrong_quotations(sentence: str, words: str) -> None:
    assert misquoted(sentence, [SOURCE]) == words


def test_what_stands_before_a_quotation() -> None:
    sentence = "The board called it a bold step, and the press, a 'new era'."
    assert before_quotation(sentence, "new era") == (
        "The board called it a bold step, and the press."
    )
    assert before_quotation("So it is, a 'new era'.", "new era") == ""
    assert before_quotation("The press called it a 'new era', and a bold step.", "new era") == ""


def test_no_answer_shows_a_quotation_that_its_sources_do_not_hold(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "a.txt").write_text(
        "The board of Northwind called the merger a bold step for all bakeries.\n", "utf-8"
    )

    def asked(draft: str, question: str) -> object:
        options = {"llm": Scripted(draft), "embedder": HashEmbedder(), "quiet": True}
        with Assistant(folder, tmp_path / "index", **options) as assistant:
            return assistant.ask(question)

    question = "What did the board of Northwind call the merger?"
    right = asked("The board of Northwind called the merger 'a bold step'.", question)
    assert right.status is Status.ANSWERED
    wrong = asked("The board of Northwind called the merger a 'bold step for bakeries'.", question)
    assert wrong.status is not Status.ANSWERED
    reasons = [sentence.verdict.reason for sentence in wrong.dropped]
    assert "the cited words do not hold “bold step for bakeries”" in reasons
    kept = "The board of Northwind called the merger a bold step for all bakeries"
    half = asked(f"{kept}, a 'step for bakeries'.", question)
    assert half.text == f"{kept}. [1]"
    taken_over = asked(
        "The board of Northwind called the 'bakery deal' a bold step for all bakeries.",
        "What did the board of Northwind call the 'bakery deal', the merger?",
    )
    assert taken_over.status is Status.ANSWERED
