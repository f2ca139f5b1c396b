"""A run record as Markdown for a CI job's summary: verdict, numbers, failures worth reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from citewise.eval_differences import difference, differences, not_asked, to_read
from citewise.eval_markdown_text import block, code, html_code, name, rows
from citewise.eval_reading import (
    HEADLINE,
    LABELS,
    OUTCOMES,
    Gate,
    Record,
    amount,
    demand_record,
    interval,
    percent,
    problems_of,
    verdict,
)

__all__ = ["markdown_report"]

_QUESTIONS = 20
_LISTED = 20
_ROWS = 60
_ITEMS = 8
# GitHub drops a summary of more than 1,024 KiB; past this many bytes no further question is added.
_BUDGET = 700_000
_COUNTS = ("unscored", "inexact_citations", "unsupported_sentences", "ungrounded_sentences")
_KIND_COLUMNS = ("right", *HEADLINE)


def markdown_report(
    record: Record, baseline: Record | None = None, gate: Gate | None = None
) -> str:
    """The run as GitHub Markdown, below 900 KB however large the run is.

    Args:
        record: as ``citewise.eval_record.run_record`` builds it.
        baseline: ``overall`` with its ``measures`` and ``counts`` by name, and ``questions`` by id
            with ``outcome``, ``scores`` and ``counts``; None if there is nothing to compare with.
        gate: the decision about the run, if one was asked for.

    Raises:
        EvaluationError: ``record`` is not a run record of this format.
    """
    demand_record(record)
    parts = [*_head(record, gate), _headline(record, baseline), _judge(record["judge"])]
    parts += ["### By kind", _kinds(record), *_disagreements(record["disagreements"])]
    parts += _failures(record, baseline)
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(record: Record, gate: Gate | None) -> Iterator[str]:
    state, words = verdict(gate)
    yield "## " + {"passed": "✅ ", "failed": "❌ ", "none": ""}[state] + words
    about = record["set"]
    models = "; ".join(
        f"{code(role)}: {', '.join(map(code, names))}" for role, names in record["models"].items()
    )
    yield (
        f"{about['asked']} of {about['questions']} questions of {code(about['file'])}"
        + (f", {models}" if models else "")
        + f", {record['seconds']['total']:.0f} s."
    )
    missed = [check for check in gate.checks if not check.passed] if gate else []
    if missed:
        yield "### Missed checks"
        head = ("check", "kind", "what it says", "reached", "limit", "n")
        yield rows(
            head,
            [
                (
                    code(f"{check.demand}: {check.name}"),
                    code(check.kind or "all"),
                    code(check.message),
                    code(amount(check.reached)),
                    code(amount(check.limit)),
                    amount(check.n),
                )
                for check in missed[:_ROWS]
            ],
            words=3,
        )
        yield _left_out(len(missed) - _ROWS, "missed checks")


def _headline(record: Record, baseline: Record | None) -> str:
    before: Mapping[str, Any] = (baseline or {}).get("overall", {})
    measures, counts = record["overall"]["measures"], record["overall"]["counts"]
    body = []
    for key in HEADLINE:
        if key in measures:
            measure, was = measures[key], before.get("measures", {}).get(key)
            value = [percent(measure["value"]), interval(measure) or "–", str(measure["n"])]
            body.append([name(key), *value, *_change(key, measure["value"], was, baseline)])
    for key in _COUNTS:
        was = before.get("counts", {}).get(key)
        change = _change(key, counts[key], was, baseline)
        body.append([name(key), str(counts[key]), "–", "–", *change])
    head = ["measure", "value", "95 %", "n"] + ["against the baseline"] * (baseline is not None)
    return rows(head, body)


def _change(key: str, value: float | None, was: float | None, baseline: Record | None) -> list[str]:
    return [difference(key, value, was)[1] or "–"] if baseline is not None else []


def _judge(judge: Record) -> str:
    known = "; ".join(
        f"{code(people)}: AUROC {_share(of.get('auroc'))}, balanced accuracy "
        f"{_share(of.get('balanced_accuracy'))} (n = {of.get('n', '–')})"
        for people, of in judge["agreement"].items()
    )
    agreement = known or "⚠️ not measured for this run"
    return f"Judge: {code(judge['name'])}. Its agreement with people: {agreement}."


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _kinds(record: Record) -> str:
    body = []
    for kind, part in list(record["kinds"].items())[:_ROWS]:
        measures, counts = part["measures"], part["counts"]
        shares = [percent(measures[key]["value"]) for key in _KIND_COLUMNS if key in measures]
        ends = [str(counts["ungrounded_sentences"]), str(counts["unscored"])]
        body.append([code(kind), str(counts["questions"]), *shares, *ends])
    known = [name(key) for key in _KIND_COLUMNS if key in record["overall"]["measures"]]
    return rows(["kind", "questions", *known, "ungrounded", "unscored"], body)


def _disagreements(found: Sequence[Record]) -> Iterator[str]:
    if found:
        yield "### Where judge and facts disagree"
        yield "\n".join(f"- {code(item['id'])}: {code(item['why'])}" for item in found[:_LISTED])
        yield _left_out(len(found) - _LISTED, "disagreements")


def _failures(record: Record, baseline: Record | None) -> Iterator[str]:
    wanted = to_read(record, baseline)
    if wanted:
        yield "### Answers to read"
        yield "Newly failed first, then unscored, wrong, and right with a blemish."
    written = shown = 0
    for question in wanted[:_QUESTIONS]:
        text = "\n\n".join(_question(question, baseline))
        written += len(text.encode())
        if written > _BUDGET:
            break
        yield text
        shown += 1
    yield _left_out(len(wanted) - shown, "such answers")
    left = len(not_asked(record, baseline))
    yield f"Questions of the baseline that were not asked in this run: {left}." if left else ""


def _left_out(count: int, of: str) -> str:
    return f"{count} more {of} are not shown here." if count > 0 else ""


def _question(question: Record, baseline: Record | None) -> Iterator[str]:
    mark, words = OUTCOMES.get(question["outcome"], ("?", question["outcome"]))
    shown = " · ".join(map(html_code, (question["id"], question["kind"], question["question"])))
    yield f"<details><summary>{mark} {html_code(words)} · {shown}</summary>"
    yield from _listed("Asked before", question["history"])
    yield from _listed("Problems", problems_of(question))
    yield from _listed("Differs from the baseline", differences(question, baseline))
    yield from _listed("A right answer states", map(" / ".join, question["facts"]))
    yield from _listed("It must not state", question["forbidden"])
    if question["text"]:
        yield "**Answer**"
        yield block(question["text"])
    yield from _judged("Sentences", question["sentences"])
    yield from _judged("Held back by the check", question["dropped"])
    yield from _quotes(question)
    yield from _listed("Notices", question["notices"])
    yield "</details>"


def _listed(title: str, lines: Any) -> Iterator[str]:
    items = [f"- {code(line)}" for line in lines]
    if items:
        more = [f"- and {len(items) - _ITEMS} more"] * (len(items) > _ITEMS)
        yield f"**{title}**"
        yield "\n".join(items[:_ITEMS] + more)


def _judged(title: str, sentences: Sequence[Record]) -> Iterator[str]:
    if not sentences:
        return
    lines = []
    for sentence in sentences[:_ITEMS]:
        mark, words = LABELS.get(sentence["label"], ("?", "of an unknown verdict"))
        reason = f", because {code(sentence['reason'])}" if sentence["reason"] else ""
        lines.append(
            f"- {mark} {words} ({sentence['score']:.2f}): {code(sentence['text'])}{reason}"
        )
    yield f"**{title}**"
    yield "\n".join(lines + [f"- and {len(sentences) - _ITEMS} more"] * (len(sentences) > _ITEMS))


def _quotes(question: Record) -> Iterator[str]:
    for item in question["citations"][:_ITEMS]:
        page = f"page {item['page']}" if item["page"] is not None else ""
        place = " · ".join(filter(None, (item["document"], item["heading"], page)))
        yield f"**Cited as {item['number']}**: {code(place)}, {item['start']} to {item['end']}"
        yield block(item["quote"])
    if not question["citations"] and question["evidence"]:
        yield "**Nearest in the documents**"
        for item in question["evidence"][:3]:
            yield f"{code(item['document'])}, {item['start']} to {item['end']}"
            yield block(item["text"])
