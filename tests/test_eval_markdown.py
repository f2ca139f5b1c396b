"""The Markdown report: its numbers, and that foreign text stands in code and nowhere else."""

from __future__ import annotations

import copy
import html
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewise.errors import EvaluationError
from citewise.eval_markdown import markdown_report
from citewise.eval_markdown_text import block, code, html_code, rows
from eval_record_double import (
    ATTACK,
    FAILED_GATE,
    PASSED_GATE,
    QUESTIONS,
    baseline,
    question,
    record,
)

RECORD = record()
BEFORE = baseline(RECORD)
BEFORE["overall"]["measures"]["correct"] = 0.7
REPORT = markdown_report(RECORD, BEFORE, FAILED_GATE)
TEXTS = st.text(alphabet=st.one_of(st.sampled_from("`~|\\<@\n\r "), st.characters(codec=None)))


def without_code(report: str) -> str:
    """What is left of a report when code is taken out, by CommonMark 0.31, sections 4.5 and 6.1."""
    kept: list[str] = []
    fence = ""
    for line in report.split("\n"):
        if fence:
            if re.fullmatch(r" {0,3}`+ *", line) and line.count("`") >= len(fence):
                fence = ""
        elif opening := re.fullmatch(r"(`{3,})[^`]*", line):
            fence = opening[1]
        elif line.startswith("<details>"):  # up to the next blank line this is HTML, not Markdown
            kept.append(re.sub(r"<code>[^<>]*</code>", "CODE", line))
        else:
            kept.append(_without_spans(line))
    assert fence == ""
    return "\n".join(kept)


def _without_spans(line: str) -> str:
    kept = ""
    while run := re.search("`+", line):
        closing = re.search(rf"(?<!`){run[0]}(?!`)", line[run.end() :])
        assert closing is not None, line
        kept, line = kept + line[: run.start()] + "CODE", line[run.end() + closing.end() :]
    return kept + line


def test_foreign_text_stands_in_code_and_nowhere_else() -> None:
    left = without_code(REPORT)
    assert not re.search(r"[@~\\]|http|evil|octocat|#12|&(?!amp)|\[", left)
    assert set(re.findall(r"<[^>]*>", left)) == {
        "<details>",
        "</details>",
        "<summary>",
        "</summary>",
    }
    assert left.count("<details>") == left.count("</details>") == 4
    assert "@octocat" in REPORT and "⟨U+202E⟩gnp.exe" in REPORT


def test_no_character_of_control_or_direction_is_left() -> None:
    assert not re.findall("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", REPORT)


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    tables = re.findall(r"(?m)(?:^\|.*\|\n?)+", without_fences(REPORT))
    assert len(tables) == 3
    for found in tables:
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in found.strip().split("\n")}
        assert len(cells) == 1, found
    assert "\\| cell" in tables[0]


def without_fences(report: str) -> str:
    return re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", report)


@given(TEXTS)
def test_any_text_makes_one_code_span(text: str) -> None:
    span = code(text)
    assert "\n" not in span
    assert without_code(f"x {span} y") in ("x CODE y", "x – y")


@given(TEXTS)
def test_any_text_makes_one_block(text: str) -> None:
    assert without_code(block(text)) == ""


@given(TEXTS)
def test_any_text_makes_one_element(text: str) -> None:
    found = html_code(text)
    assert re.fullmatch(r"<code>[^<>\n]*</code>", found)


def test_code_keeps_the_words() -> None:
    assert code("a|b") == "`a|b`"
    assert code("`x` ``y``") == "``` `x` ``y`` ```"
    assert code("`x") == "`` `x ``" and code("x`") == "`` x` ``"
    assert code(" two\n lines ") == "`two lines`"
    assert code(" \n") == "–"
    assert code("x" * 400) == f"`{'x' * 299}…`"
    assert block("```\nx") == "````text\n```\nx\n````"
    assert html.unescape(html_code("<b>&\n`")) == "<code><b>& `</code>"
    assert rows(["a", "b"], [["`x|y`", "1"]]) == "| a | b |\n| --- | --: |\n| `x\\|y` | 1 |"


def test_the_verdict_comes_first() -> None:
    assert REPORT.startswith("## ❌ Gate failed: 1 of 2 checks missed.\n")
    passed = markdown_report(RECORD, gate=PASSED_GATE)
    assert passed.startswith("## ✅ Gate passed: 1 of 1 checks met.\n")
    assert "### Missed checks" not in passed
    assert markdown_report(RECORD).startswith("## No gate was asked for.\n")


def test_the_headline_has_intervals_and_the_baseline() -> None:
    assert (
        "| measure | value | 95 % | n | against the baseline |\n| --- | --: | --: | --: | --: |\n"
        "| answered or quoted correctly | 50.0 % | 25–75 % | 4 | -20.0 points, worse |\n"
    ) in REPORT
    assert "| unsupported sentences | 1 | – | – | unchanged |\n" in REPORT
    assert "| measure | value | 95 % | n |\n" in markdown_report(RECORD)
    assert (
        "Judge: `citewise rules`. Its agreement with people: `WiCE dev`: AUROC 0.80, "
        "balanced accuracy 0.70 (n = 349)."
    ) in REPORT
    assert "| `unanswerable` | 2 | 50.0 % | – | – | – | 50.0 % | – | – | – | 0 | 0 |\n" in REPORT


def test_a_failure_has_answer_reasons_and_quotes() -> None:
    start = REPORT.index("· <code>v3-price</code>")
    part = REPORT[start : REPORT.index("</details>\n\n<details>", start)]
    assert "- `missing: $0.27`" in part
    assert "\n**Answer**\n\n````text\nIt costs $0.14. [1]" in part
    assert "- ✗ contradicted (0.02): `" in part
    assert "because `the source gives another number`" in part
    assert "**Cited as 1**: " in part and "31 to" not in part.split("**Cited as 1**")[0]
    refused = REPORT[REPORT.index("· <code>refused</code>") :]
    assert "**Nearest in the documents**\n\n`prices.txt`, 5 to 20\n\n```text\nA near row.\n```" in (
        refused
    )


def test_right_answers_are_not_listed() -> None:
    assert "v2-price" not in REPORT
    quiet = markdown_report(record(QUESTIONS[0]))
    assert "### Answers to read" not in quiet and "<details>" not in quiet


def test_a_big_run_stays_small_and_says_what_it_leaves_out() -> None:
    long = ATTACK + "\u202e😀" * 40_000
    worst = copy.deepcopy(QUESTIONS[2])
    for key in ("text", "question", "draft", "error"):
        worst[key] = long
    for key in ("problems", "history", "notices", "forbidden"):
        worst[key] = [long] * 30
    for key in ("sentences", "dropped", "citations"):
        worst[key] = [{**item, **_lengthened(item, long)} for item in worst[key] * 20]
    many = [{**worst, "id": f"q-{n}"} for n in range(60)]
    report = markdown_report(record(*many), None, FAILED_GATE)
    assert len(report.encode("utf-8")) < 900_000
    shown = report.count("<details>")
    assert 5 <= shown <= 20
    assert f"\n{60 - shown} more such answers are not shown here.\n" in report
    assert "\n40 more disagreements are not shown here.\n" in report


def _lengthened(item: dict[str, Any], text: str) -> dict[str, str]:
    return {key: text for key in ("text", "reason", "quote", "document", "heading") if key in item}


def test_twenty_failures_are_shown() -> None:
    failures = [question(f"f-{n}", "cell", "answered_wrongly") for n in range(35)]
    report = markdown_report(record(*failures))
    assert report.count("<details>") == 20
    assert "\n15 more such answers are not shown here.\n" in report


def test_another_file_is_refused() -> None:
    with pytest.raises(EvaluationError, match="no run record of format 2"):
        markdown_report({"format": "2"})
