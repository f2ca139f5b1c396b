"""One question of the HTML report: what was asked, said, judged, cited and found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from citewise.eval_differences import blemished
from citewise.eval_markup import Content, Html, element, join
from citewise.eval_reading import (
    LABELS,
    OUTCOMES,
    Record,
    measure_name,
    percent,
    problems_of,
    reveal,
)

__all__ = ["question_html"]

_MARKER = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_AROUND = 240  # the record holds up to this many characters on each side of a quote


def question_html(
    question: Record, *, changes: Sequence[str], disagreements: Sequence[str], seconds: float | None
) -> Html:
    """The question as a closed ``details``; its attributes are what the filters look at.

    Args:
        question: one of the record's.
        changes: what differs from the baseline.
        disagreements: where the judge and the facts say different things.
        seconds: how long it took.
    """
    body = join(
        [
            _meta(question, seconds),
            _lines("Asked before", question["history"]),
            _lines("Problems", problems_of(question), "problems"),
            _lines("The judge and the facts disagree", disagreements),
            _lines("Differs from the baseline", changes),
            _lines("A right answer states", map(_alternatives, question["facts"])),
            _lines("It must not state", question["forbidden"]),
            _answer(question),
            _sentences("Sentences and their verdicts", question["sentences"], question),
            _sentences("Held back by the check", question["dropped"], question),
            _citations(question),
            _lines("Notices", question["notices"]),
            _more(question),
        ]
    )
    flags = {
        "changed": bool(changes),
        "disagreement": bool(disagreements),
        "blemish": blemished(question),
    }
    opened = element("details", _summary(question, flags), element("div", body, class_="body"))
    return element(
        "article",
        opened,
        id=f"q-{question['id']}",
        class_="question",
        data_kind=question["kind"],
        data_outcome=question["outcome"],
        data_right=bool(question["right"]),
        data_tags=json.dumps(question["tags"]),
        data_changed=flags["changed"],
        data_disagreement=flags["disagreement"],
    )


def _summary(question: Record, flags: dict[str, bool]) -> Html:
    mark, words = OUTCOMES.get(question["outcome"], ("?", question["outcome"]))
    tone = "good" if question["right"] else "bad"
    return element(
        "summary",
        element("span", f"{mark} {words}", class_=f"badge {tone}"),
        element("h3", element("bdi", question["question"])),
        element("span", question["id"], class_="id"),
        *(element("span", flag, class_="flag") for flag, is_set in flags.items() if is_set),
    )


def _meta(question: Record, seconds: float | None) -> Html:
    facts = {
        "kind": question["kind"],
        "tags": ", ".join(question["tags"]),
        "expected": question["expected"].replace("_", " "),
        "status": question["status"].replace("_", " "),
        "seconds": "" if seconds is None else f"{seconds:.2f}",
    }
    pairs = (
        element("div", element("dt", name), element("dd", value))
        for name, value in facts.items()
        if value
    )
    return element("dl", join(pairs), class_="meta")


def _lines(title: str, lines: Iterable[Content], name: str = "") -> Html | None:
    items = [element("li", line, dir="auto") for line in lines if line]
    if not items:
        return None
    return _part(title, element("ul", *items, class_=name or None))


def _alternatives(group: Sequence[str]) -> Html:
    return join((element("bdi", fact) for fact in group), Html(" <em>or</em> "))


def _answer(question: Record) -> Html | None:
    if not question["text"]:
        return None
    return _part("Answer", element("p", _linked(question), class_="answer", dir="auto"))


def _linked(question: Record) -> Html:
    """The answer's text; a marker becomes links to the citations that there are."""
    text = reveal(question["text"])
    parts: list[Content] = []
    done = 0
    for match in _MARKER.finditer(text):
        numbers = [int(number) for number in match[1].split(",")]
        parts += [text[done : match.start()], _markers(numbers, question)]
        done = match.end()
    return join([*parts, text[done:]])


def _markers(numbers: Sequence[int], question: Record) -> Html:
    known = {citation["number"] for citation in question["citations"]}
    return join(
        element("a", f"[{number}]", href=f"#{_anchor(question, number)}", class_="cite")
        if number in known
        else element("span", f"[{number}: no citation]", class_="bad")
        for number in numbers
    )


def _anchor(question: Record, number: int) -> str:
    return f"q-{question['id']}-c{number}"


def _sentences(title: str, sentences: Sequence[Record], question: Record) -> Html | None:
    if not sentences:
        return None
    items = (element("li", _sentence(sentence, question)) for sentence in sentences)
    return _part(title, element("ol", join(items), class_="sentences"))


def _sentence(sentence: Record, question: Record) -> Html:
    mark, words = LABELS.get(sentence["label"], ("?", sentence["label"]))
    tone = {"✓": "good", "⚠": "warn"}.get(mark, "bad")
    reason = f": {sentence['reason']}" if sentence["reason"] else ""
    return join(
        [
            element(
                "p",
                element("bdi", sentence["text"]),
                " ",
                _markers(sentence["citations"], question),
            ),
            element(
                "p",
                element("span", f"{mark} {words}", class_=f"badge {tone}"),
                f" score {sentence['score']:.2f}{reason}",
                class_="reason",
            ),
        ]
    )


def _citations(question: Record) -> Html | None:
    if not question["citations"]:
        return None
    return _part("Citations", *(_citation(question, item) for item in question["citations"]))


def _citation(question: Record, item: Record) -> Html:
    page = f"page {item['page']}" if item["page"] is not None else ""
    place = " · ".join(filter(None, (item["document"], item["heading"], page)))
    cut = "…" if item["start"] > len(item["before"]) else ""
    return element(
        "figure",
        element(
            "figcaption",
            element("strong", f"[{item['number']}] "),
            element("bdi", place),
            f" · characters {item['start']} to {item['end']}",
        ),
        element(
            "blockquote",
            cut + item["before"],
            element("mark", item["quote"]),
            item["after"] + ("…" if len(item["after"]) >= _AROUND else ""),
            dir="auto",
        ),
        id=_anchor(question, item["number"]),
        tabindex="-1",
    )


def _more(question: Record) -> Html:
    found = (_evidence(item) for item in question["evidence"])
    scores = (
        element("li", f"{measure_name(name)}: {percent(value)}")
        for name, value in question["scores"].items()
        if value is not None
    )
    counts = (
        element("li", f"{measure_name(name)}: {count}")
        for name, count in question["counts"].items()
        if count
    )
    return join(
        [
            _fold("Evidence, best first", element("ol", join(found))),
            _fold("Draft, before the check", element("p", question["draft"], class_="answer"))
            if question["draft"]
            else None,
            _fold("Scores and counts", element("ul", join(scores), join(counts))),
        ]
    )


def _evidence(item: Record) -> Html:
    place = f"{item['document']} · characters {item['start']} to {item['end']}"
    return element(
        "li",
        element("bdi", item["text"], class_="found"),
        element("p", f"{place} · score {item['score']:.4f}", class_="reason"),
    )


def _part(title: str, *children: Content) -> Html:
    return element("section", element("h4", title), *children)


def _fold(title: str, body: Html) -> Html:
    return element("details", element("summary", title), body, class_="more")
