"""A small run record with every outcome, and texts that try to break out of each report."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

ATTACK = (
    "</script></style></code></details><img src=x onerror='alert(1)'> \u202egnp.exe\u202c "
    "\x1b[31mred\x1b[0m nul\x00 \ud800 \ufffe @octocat #12 a.b@example.org "
    "![x](http://evil.example/x.png) [y](javascript:alert(1)) | cell ``` `` ~~~ \\| &lt;b&gt; "
    "]]> --> {{7*7}} $$x$$ www.evil.example\r\n## heading\n| a | b |\n<!-- comment"
)
SCHEMA = json.loads(
    resources.files("citewise").joinpath("schemas/run.schema.json").read_text("utf-8")
)
_MEASURES = (
    *("right", "correct", "answered_correctly", "quoted_correctly", "answered_wrongly"),
    *("refused_wrongly", "refused_rightly", "citation_precision", "citation_recall"),
    *("faithfulness", "retrieval_recall@8", "mrr"),
)
_COUNTS = (
    *("citations", "inexact_citations", "shown_sentences", "unsupported_sentences"),
    "ungrounded_sentences",
)


@dataclass(frozen=True)
class Check:
    """As the gate gives them."""

    demand: str
    name: str
    kind: str
    reached: float | None
    limit: float | None
    n: int
    passed: bool
    message: str


@dataclass(frozen=True)
class Result:
    """A gate's decision."""

    passed: bool
    checks: tuple[Check, ...]


FAILED_GATE = Result(
    False,
    (
        Check("minimum", "correct", "", 0.5, 0.9, 4, False, f"correct is 0.5, below 0.9 {ATTACK}"),
        Check("maximum", "ungrounded_sentences", "cell", 0, 2, 2, True, "0 ungrounded, at most 2"),
    ),
)
PASSED_GATE = Result(True, FAILED_GATE.checks[1:])


def sentence(text: str, label: str = "supported", score: float = 0.93) -> dict[str, Any]:
    reason = {"supported": "the source states it"}.get(label, "the source gives another number")
    return {"text": text, "citations": [1], "label": label, "score": score, "reason": reason}


def citation(quote: str, document: str = "prices.txt") -> dict[str, Any]:
    return {
        "number": 1,
        "document": document,
        "start": 310,
        "end": 310 + len(quote),
        "quote": quote,
        "before": "Prices in 2024. ",
        "after": " Later it rose.",
        "heading": "Prices",
        "page": 3,
    }


def question(name: str, kind: str, outcome: str, **changed: Any) -> dict[str, Any]:
    """One question of the record; scores and counts follow from the rest."""
    data = {
        "id": name,
        "kind": kind,
        "tags": [],
        "question": f"What about {name}?",
        "history": [],
        "expected": "not_found" if outcome in ("refused_rightly", "not_refused") else "answered",
        "facts": [["$0.14", "14 cents"]],
        "forbidden": [],
        "outcome": outcome,
        "right": outcome in ("answered_correctly", "quoted_correctly", "refused_rightly"),
        "error": "",
        "problems": [],
        "status": "answered",
        "text": "It costs $0.14. [1]",
        "draft": "It costs $0.14.",
        "sentences": [sentence("It costs $0.14.")],
        "dropped": [],
        "citations": [citation("The price is $0.14 per million tokens.")],
        "evidence": [
            {"document": "prices.txt", "start": 5, "end": 20, "text": "A near row.", "score": 0.031}
        ],
        "notices": [],
        **changed,
    }
    return {"scores": _scores(data), "counts": _counts(data), **data}


def _scores(data: Mapping[str, Any]) -> dict[str, float | None]:
    if data["outcome"] == "unscored":
        return dict.fromkeys(_MEASURES)
    answerable = data["expected"] == "answered"
    scores: dict[str, float | None] = {
        name: float(data["outcome"] == name) if answerable is (name != "refused_rightly") else None
        for name in _MEASURES
    }
    cited = float(bool(data["citations"]))
    shown = data["status"] != "not_found"
    scores["right"] = float(data["right"])
    scores["correct"] = float(data["right"]) if answerable else None
    for name in ("citation_precision", "citation_recall", "faithfulness"):
        scores[name] = cited if shown and answerable else None
    for name in ("retrieval_recall@8", "mrr"):
        scores[name] = 0.5 if answerable else None
    return scores


def _counts(data: Mapping[str, Any]) -> dict[str, int]:
    unsupported = sum(s["label"] != "supported" for s in data["sentences"])
    values = (len(data["citations"]), 0, len(data["sentences"]), unsupported, 0)
    return dict(zip(_COUNTS, values, strict=True))


def record(*questions: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A run record over these questions; by default over one of each outcome."""
    asked = list(questions or QUESTIONS)
    kinds = dict.fromkeys(q["kind"] for q in asked)
    return {
        "format": 2,
        "citewise": "0.1.0",
        "set": {"file": "evals/set.jsonl", "sha256": "a" * 64, "questions": 248, "asked": 7},
        "judge": {
            "name": "citewise rules",
            "sha256": "b" * 64,
            "agreement": {"WiCE dev": {"auroc": 0.8, "balanced_accuracy": 0.7, "n": 349}},
        },
        "models": {"embedder": ["all-MiniLM-L6-v2"], "llm": ["small"]},
        "settings": {"top_k": 8, "mode": "strict"},
        "overall": _aggregate(asked),
        "kinds": {kind: _aggregate([q for q in asked if q["kind"] == kind]) for kind in kinds},
        "disagreements": [
            {"id": q["id"], "judge": "supported", "facts": "wrong", "why": "missing: $0.14"}
            for q in asked
            if q["outcome"] == "answered_wrongly"
        ],
        "questions": asked,
        "seconds": {
            "total": 41.5,
            "stages": {"draft": {"median": 1.9, "p95": 4.0, "n": 6}},
            "questions": {q["id"]: 7.125 for q in asked},
        },
        **changed,
    }


def _aggregate(questions: list[dict[str, Any]]) -> dict[str, Any]:
    counts = {name: sum(q["counts"][name] for q in questions) for name in _COUNTS}
    counts |= {
        "questions": len(questions),
        "unscored": sum(q["outcome"] == "unscored" for q in questions),
        "with_notices": sum(bool(q["notices"]) for q in questions),
    }
    return {"counts": counts, "measures": {name: _measure(name, questions) for name in _MEASURES}}


def _measure(name: str, questions: list[dict[str, Any]]) -> dict[str, Any]:
    values = [q["scores"][name] for q in questions if q["scores"][name] is not None]
    if not values:
        return {"value": None, "n": 0, "low": None, "high": None}
    mean = sum(values) / len(values)
    return {"value": mean, "n": len(values), "low": mean / 2, "high": (1 + mean) / 2}


def baseline(of: dict[str, Any]) -> dict[str, Any]:
    """What a baseline made of this record would be: without nulls and zeros per question."""
    overall = of["overall"]
    return {
        "overall": {
            "measures": {name: m["value"] for name, m in overall["measures"].items()},
            "counts": dict(overall["counts"]),
        },
        "questions": {
            q["id"]: {
                "outcome": q["outcome"],
                "scores": {name: v for name, v in q["scores"].items() if v is not None},
                "counts": {name: n for name, n in q["counts"].items() if n},
            }
            for q in of["questions"]
        },
    }


def better_baseline(of: dict[str, Any]) -> dict[str, Any]:
    """A baseline in which v3-price was right, and another question stood in place of broken."""
    before = baseline(of)
    old = before["questions"]["v3-price"]
    before["questions"]["v3-price"] = {
        "outcome": "answered_correctly",
        "scores": {**old["scores"], "right": 1.0, "citation_precision": 0.5},
        "counts": {**old["counts"], "citations": 3},
    }
    before["questions"]["gone"] = before["questions"].pop("broken")
    before["overall"]["measures"]["correct"] = 0.7
    return before


_NOTHING: dict[str, Any] = {"sentences": [], "citations": [], "draft": ""}
QUESTIONS = (
    question("v2-price", "cell", "answered_correctly", tags=["prices", "tables"]),
    question("v2-quoted", "cell", "quoted_correctly", status="quoted"),
    question(
        "v3-price",
        "cell",
        "answered_wrongly",
        tags=["prices"],
        question=f"What does V3 cost? {ATTACK}",
        history=["What does V2 cost?", ATTACK],
        facts=[["$0.27", ATTACK], ["per million"]],
        forbidden=[ATTACK],
        problems=["missing: $0.27", ATTACK],
        text=f"It costs $0.14. [1] And [7]. {ATTACK}",
        draft=f"Draft. {ATTACK}",
        sentences=[sentence("It costs $0.14."), sentence(ATTACK, "contradicted", 0.02)],
        dropped=[sentence(f"Dropped. {ATTACK}", "unsupported", 0.1)],
        citations=[citation(ATTACK, f"evil {ATTACK}.txt")],
        evidence=[{"document": ATTACK, "start": 0, "end": 9, "text": ATTACK, "score": 0.5}],
        notices=[ATTACK],
    ),
    question("refused", "prose", "refused_wrongly", status="not_found", text="", **_NOTHING),
    question(
        "no-such",
        "unanswerable",
        "refused_rightly",
        status="not_found",
        text="",
        **_NOTHING,
        facts=[],
    ),
    question("invented", "unanswerable", "not_refused", facts=[], problems=["not refused"]),
    question(
        "broken", "prose", "unscored", status="", text="", error=f"It raised. {ATTACK}", **_NOTHING
    ),
)


def conforms(value: Any, schema: dict[str, Any] = SCHEMA) -> bool:
    """JSON Schema 2020-12, as far as the record's schema uses it; other keywords are refused."""
    return all(
        _keyword(name, argument, value, schema)
        for name, argument in schema.items()
        if name not in ("$schema", "$defs", "title", "description")
    )


def _keyword(name: str, argument: Any, value: Any, schema: dict[str, Any]) -> bool:
    fields = value if isinstance(value, dict) else {}
    items = value if isinstance(value, list) else []
    number = value if isinstance(value, (int, float)) else None
    checks: dict[str, Callable[[], bool]] = {
        "$ref": lambda: conforms(value, SCHEMA["$defs"][argument.rpartition("/")[2]]),
        "additionalProperties": lambda: all(
            argument is not False and conforms(fields[key], argument)
            for key in fields.keys() - schema.get("properties", {}).keys()
        ),
        "const": lambda: value == argument,
        "enum": lambda: value in argument,
        "items": lambda: all(conforms(item, argument) for item in items),
        "maximum": lambda: number is None or number <= argument,
        "minimum": lambda: number is None or number >= argument,
        "pattern": lambda: re.search(argument, value) is not None,
        "properties": lambda: all(
            conforms(fields[k], s) for k, s in argument.items() if k in fields
        ),
        "required": lambda: fields.keys() >= set(argument),
        "type": lambda: any(
            _is_a(value, kind) for kind in ([argument] if isinstance(argument, str) else argument)
        ),
    }
    return checks[name]()


def _is_a(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    types = {"object": dict, "array": list, "string": str, "integer": int, "null": type(None)}
    return isinstance(value, types.get(kind, (int, float)))
