"""The top of the HTML report: the gate's verdict, the headline numbers, the judge's own quality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from citewise.eval_differences import difference
from citewise.eval_markup import Content, Html, element, table
from citewise.eval_reading import (
    HEADLINE,
    Gate,
    GateCheck,
    Record,
    amount,
    interval,
    measure_name,
    percent,
    verdict,
)

__all__ = ["disagreements", "header", "section", "summary"]

_COUNTS = {
    "inexact_citations": "citations",
    "unsupported_sentences": "shown_sentences",
    "ungrounded_sentences": "shown_sentences",
    "unscored": "questions",
}
"""What should be 0, and what it is counted among."""


def header(record: Record, gate: Gate | None) -> Html:
    """What was run, and the verdict."""
    state, words = verdict(gate)
    mark = {"passed": "✓ ", "failed": "✗ ", "none": ""}[state]
    asked, total = record["set"]["asked"], record["set"]["questions"]
    return element(
        "header",
        element("h1", "Evaluation of ", element("bdi", record["set"]["file"])),
        element("p", f"{asked} of {total} questions asked, in {record['seconds']['total']:.0f} s"),
        element("p", mark + words, class_=f"verdict {state}"),
    )


def summary(record: Record, baseline: Record | None, gate: Gate | None) -> list[Content]:
    """The sections that a reader looks at first."""
    return [_checks(gate), _headline(record, baseline), _judge(record["judge"])]


def _checks(gate: Gate | None) -> Html | None:
    if gate is None or not gate.checks:
        return None
    missed = [check for check in gate.checks if not check.passed]
    every = element(
        "details",
        element("summary", f"All {len(gate.checks)} checks"),
        _check_table(gate.checks, "Checks"),
        class_="more",
    )
    return section("Gate", _check_table(missed, "Missed checks") if missed else None, every)


def _check_table(checks: Iterable[GateCheck], caption: str) -> Html:
    rows = [
        (
            f"{check.demand}: {measure_name(check.name)}",
            element("span", "✓ met", class_="good")
            if check.passed
            else element("span", "✗ missed", class_="bad"),
            check.kind or "all",
            amount(check.reached),
            amount(check.limit),
            amount(check.n),
            check.message,
        )
        for check in checks
    ]
    return table(
        ("check", "result", "kind", "reached", "limit", "n", "what it says"), rows, caption
    )


def _headline(record: Record, baseline: Record | None) -> Html:
    measures, counts = record["overall"]["measures"], record["overall"]["counts"]
    before: Mapping[str, Any] = (baseline or {}).get("overall", {})
    cards = [
        _measure_card(name, measures[name], before.get("measures", {}).get(name))
        for name in HEADLINE
        if name in measures
    ]
    cards += [_count_card(name, counts, before.get("counts", {}).get(name)) for name in _COUNTS]
    return section("Headline", element("ul", *cards, class_="cards"))


def _measure_card(name: str, measure: Record, was: float | None) -> Html:
    value, n = measure["value"], measure["n"]
    note = f"95 %: {interval(measure)}, n = {n}" if n else "nothing to measure it on"
    return _card(name, percent(value), note, percent(was), difference(name, value, was))


def _count_card(name: str, counts: Record, was: int | None) -> Html:
    whole = _COUNTS[name]
    note = f"of {counts[whole]} {measure_name(whole)}"
    change = difference(name, counts[name], was)
    return _card(name, str(counts[name]), note, amount(was), change)


def _card(name: str, value: str, note: str, was: str, change: tuple[str, str]) -> Html:
    tone, words = change
    return element(
        "li",
        element("span", measure_name(name), class_="name"),
        element("strong", value),
        element("span", note, class_="note"),
        element("span", f"baseline {was}: {words}", class_=f"note {tone}") if words else None,
    )


def _judge(judge: Record) -> Html:
    agreement = judge["agreement"]
    rows = [
        (
            name,
            *(
                amount(round(of[key], 3)) if of.get(key) is not None else "–"
                for key in ("auroc", "balanced_accuracy", "n")
            ),
        )
        for name, of in agreement.items()
    ]
    known = table(
        ("labelled by people", "AUROC", "balanced accuracy", "n"), rows, "Agreement with people"
    )
    return section(
        "The judge",
        element(
            "p",
            "The verdicts are by ",
            element("bdi", judge["name"]),
            f" ({judge['sha256'][:12]}). How far it agrees with people bounds what they are worth.",
        ),
        known
        if rows
        else element(
            "p", "⚠ Its agreement with people was not measured for this run.", class_="warn"
        ),
    )


def disagreements(found: Iterable[Record]) -> Html | None:
    """Where the verdicts and the facts say different things; None if nowhere."""
    items = [
        element(
            "li",
            element("a", item["id"], href=f"#q-{item['id']}"),
            f": the judge says {item['judge']}, the facts say {item['facts']}. ",
            element("bdi", item["why"]),
        )
        for item in found
    ]
    return section("Where judge and facts disagree", element("ul", *items)) if items else None


def section(title: str, *children: Content) -> Html:
    """A part of the page under a heading of its own."""
    return element("section", element("h2", title), *children)
