"""What documents and models write stays words wherever it goes: terminal, Markdown, JSON, logs."""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from pathlib import Path

import pytest

from citewise import Assistant
from citewise.cli import main
from citewise.rendering import answer_markdown, answer_terminal, explanation_lines, json_text
from citewise.types import Answer, Citation, Evidence, Label, Sentence, Status, Verdict
from citewise.ui.logs import InertFormatter
from doubles import HashEmbedder

ESCAPES = (
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b]8;;http://evil.example\x1b\\link \x9b31m \x7f "
    "\u202egpj.exe\u202c \u2066x\u2069 a\u200bb"
)
MARKUP = (
    "# <img src=x onerror=alert(1)> ![x](http://evil.example/?q=1) [x](javascript:alert(1)) "
    "<form action=//evil> $$x$$ `code` **bold** | a | @someone www.evil.example [^1] [1] <!-- -->"
)
VERDICT = Verdict(Label.PARTLY_SUPPORTED, 0.5, ESCAPES + MARKUP, ESCAPES)


def hostile(status: Status = Status.ANSWERED) -> Answer:
    text = ESCAPES + MARKUP
    sentences = (Sentence(text, (1,), VERDICT), Sentence("- 1. [9] " + text, (), VERDICT))
    return Answer(
        question=text,
        status=status,
        text=f"{text} [1]",
        sentences=() if status is Status.NOT_FOUND else sentences,
        citations=() if status is Status.NOT_FOUND else (Citation(1, text, 0, 9, text, text),),
        evidence=(Evidence(text, 0, 9, text, 1.0, 1, 1, text, None, "sentence", text),),
        draft=text,
        dropped=sentences,
        notices=(text,),
        models={"llm": text},
        explanation={"searched_for": text},
    )


def acting(text: str) -> list[str]:
    """The characters that a terminal would act on, or that make it show another order."""
    return [ascii(c) for c in text if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf")]


@pytest.mark.parametrize("status", list(Status))
def test_the_terminal_gets_no_control_characters(status: Status) -> None:
    answer = hostile(status)
    assert acting(answer_terminal(answer)) == []
    assert acting(explanation_lines(answer)) == []
    assert acting(answer.to_json(indent=2)) == []
    assert "red" in answer_terminal(answer)


def test_json_for_a_terminal_is_the_same_data() -> None:
    assert json.loads(hostile().to_json()) == hostile().to_dict()
    assert json_text({"a": "é\x9b\u202e"}) == '{"a": "é\\u009b\\u202e"}'


@pytest.mark.parametrize("status", list(Status))
def test_exported_markdown_holds_nothing_alive(status: Status) -> None:
    markdown = answer_markdown(hostile(status))
    assert acting(markdown) == []
    ours = re.sub(r"\[\^1\]:?", "", re.sub(r"\\.|&#\d+;", "", markdown))
    assert re.search(r"[<>`$|\[\]@]|!\[|://|www\.|^[#=-](?! )", ours, re.MULTILINE) is None


def test_a_number_that_a_document_holds_is_no_footnote() -> None:
    said = Verdict(Label.SUPPORTED, 1.0, "")
    cited = Citation(1, "a.md", 0, 5, "See [2] and [9].")
    answer = Answer(
        "Where?",
        Status.ANSWERED,
        "See [2] and [9]. [1]",
        (Sentence("See [2] and [9].", (1,), said),),
        (cited,),
    )
    markdown = answer_markdown(answer)
    assert "See \\[2\\] and \\[9\\]. [^1]" in markdown
    assert re.findall(r"\[\^\d+\]", markdown) == ["[^1]", "[^1]"]


def test_letters_that_need_joiners_keep_them() -> None:
    answer = Answer("چرا؟", Status.ANSWERED, "می\u200cخواهم 👩\u200d👧")
    assert answer_terminal(answer) == "می\u200cخواهم 👩\u200d👧"


def test_commands_print_names_and_reasons_inert(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / f"bad{ESCAPES.replace('/', '')}.exe").write_bytes(b"x")
    (corpus / f"evil{ESCAPES.replace('/', '')}.md").write_text(f"The kelp is {ESCAPES} green.\n")
    with Assistant(corpus, tmp_path / "index", llm="none", embedder=HashEmbedder()) as assistant:
        answer = assistant.ask("What colour is the kelp?")
        assert all(
            assistant.document(c.document).text[c.start : c.end] == c.quote
            for c in answer.citations
        )
    print(answer_terminal(answer))
    assert main(["ask", "--corpus", f"no{ESCAPES}where", "--llm", "none", "Why?"]) == 3
    claims = tmp_path / "a.txt"
    claims.write_text(f"Kelp {ESCAPES} is green.")
    main(["check", f"Kelp {ESCAPES} is red in 1999.", str(claims)])
    main(["check", "--json", f"Kelp {ESCAPES} is red in 1999.", str(claims)])
    shown = capsys.readouterr()
    assert "red in 1999" in shown.out
    assert "green" in shown.out
    assert acting(shown.out) == []
    assert acting(shown.err) == []


def test_the_log_can_be_neither_forged_nor_made_to_act() -> None:
    fault = f"no\n2026-01-01 00:00:00,000 ERROR forged {ESCAPES} Bearer sk-secret-123456"
    try:
        raise RuntimeError(fault)
    except RuntimeError as error:
        record = logging.LogRecord(
            "citewise",
            logging.ERROR,
            __file__,
            1,
            "Failed: %s",
            (fault,),
            (type(error), error, None),
        )
    entry = InertFormatter().format(record)
    first, *rest = entry.splitlines()
    assert " ERROR Failed: no" in first
    assert all(line.startswith("  | ") for line in rest)
    assert acting(entry) == []
    assert "sk-secret" not in entry
