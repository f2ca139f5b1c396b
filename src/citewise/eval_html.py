"""A run record as one HTML page that needs nothing else: no network, no server, no script to read.

The page's policy lets in only its own style and script, by their hashes, so that a text which
found a way into the markup could still neither run nor load anything.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib import resources

from citewise.eval_charts import HATCH, measures_chart, outcomes_chart, seconds_chart
from citewise.eval_differences import differences, not_asked
from citewise.eval_html_question import question_html
from citewise.eval_html_summary import disagreements, header, section, summary
from citewise.eval_markup import Html, element, join
from citewise.eval_reading import OUTCOMES, Gate, Record, demand_record

__all__ = ["html_report"]


def html_report(record: Record, baseline: Record | None = None, gate: Gate | None = None) -> str:
    """The run as a self-contained page, for a browser.

    Args:
        record: as ``citewise.eval_record.run_record`` builds it.
        baseline: ``overall`` with its ``measures`` and ``counts`` by name, and ``questions`` by id
            with ``outcome``, ``scores`` and ``counts``; None if there is nothing to compare with.
        gate: the decision about the run, if one was asked for.

    Raises:
        EvaluationError: ``record`` is not a run record of this format.
    """
    demand_record(record)
    style, script = _resource("report.css"), _resource("report.js")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    head = join(
        [
            element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=policy),
            element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name_="color-scheme", content="light dark"),
            element("title", f"citewise eval: {record['set']['file']}"),
            element("style", style),
        ]
    )
    page = element("body", HATCH, _body(record, baseline, gate), element("script", script))
    return "<!doctype html>\n" + element("html", element("head", head), page, lang="en") + "\n"


def _body(record: Record, baseline: Record | None, gate: Gate | None) -> Html:
    return join(
        [
            element("a", "Skip to the questions", href="#questions", class_="skip"),
            header(record, gate),
            element(
                "main",
                *summary(record, baseline, gate),
                section("Outcomes", outcomes_chart(record)),
                section("All measures", measures_chart(record, baseline)),
                section("Time", seconds_chart(record)),
                disagreements(record["disagreements"]),
                _questions(record, baseline),
            ),
            _footer(record),
        ]
    )


def _questions(record: Record, baseline: Record | None) -> Html:
    seconds = record["seconds"]["questions"]
    disputed: dict[str, list[str]] = {}
    for item in record["disagreements"]:
        disputed.setdefault(item["id"], []).append(item["why"])
    articles = [
        question_html(
            question,
            changes=differences(question, baseline),
            disagreements=disputed.get(question["id"], ()),
            seconds=seconds.get(question["id"]),
        )
        for question in record["questions"]
    ]
    left = len(not_asked(record, baseline))
    note = f"Questions of the baseline that were not asked in this run: {left}."
    return element(
        "section",
        element("h2", "Questions"),
        element("p", note, class_="note") if left else None,
        _filters(record, baseline is not None),
        *articles,
        id="questions",
    )


def _filters(record: Record, has_baseline: bool) -> Html:
    """Hidden until the script that makes them work shows them."""
    questions = record["questions"]
    outcomes = {q["outcome"]: OUTCOMES.get(q["outcome"], ("", q["outcome"]))[1] for q in questions}
    return element(
        "form",
        element(
            "label",
            "Search ",
            element("input", type="search", name_="text", placeholder="in all of a question"),
        ),
        _choice("kind", {q["kind"]: q["kind"] for q in questions}),
        _choice("outcome", {"not-right": "anything not right", **outcomes}),
        _choice("tag", {tag: tag for q in questions for tag in q["tags"]}),
        _tick("changed", "differs from baseline") if has_baseline else None,
        _tick("disagreement", "disagreement"),
        element(
            "span",
            element("button", "Clear", type="reset"),
            element("button", "Open all shown", type="button", id="open"),
            element("button", "Close all", type="button", id="close"),
        ),
        element("output", aria_live="polite"),
        id="filters",
        hidden=True,
    )


def _choice(name: str, values: Mapping[str, str]) -> Html | None:
    if not values:
        return None
    options = [element("option", "all", value="")]
    options += [element("option", words, value=value) for value, words in values.items()]
    return element("label", f"{name.title()} ", element("select", *options, name_=name))


def _tick(name: str, words: str) -> Html:
    return element("label", element("input", type="checkbox", name_=name), f" {words}")


def _footer(record: Record) -> Html:
    facts = {
        "citewise": record["citewise"],
        "question set": f"SHA-256 {record['set']['sha256']}",
        "judge": f"SHA-256 {record['judge']['sha256']}",
        **{f"model: {role}": ", ".join(names) for role, names in record["models"].items()},
        **{
            name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in record["settings"].items()
        },
    }
    pairs = (
        element("div", element("dt", name), element("dd", value)) for name, value in facts.items()
    )
    return element(
        "footer", element("h2", "What this was run with"), element("dl", join(pairs), class_="meta")
    )


def _resource(name: str) -> Html:
    return Html(resources.files("citewise").joinpath(f"report/{name}").read_text("utf-8"))


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
