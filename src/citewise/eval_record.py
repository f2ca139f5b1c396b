"""The run record: one evaluation as plain data, from which every report and the gate are made.

``schemas/run.schema.json`` describes it. Two runs that gave the same answers give the same record,
byte for byte, but for what stands under ``seconds``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from citewise import __version__
from citewise.errors import CitewiseError
from citewise.eval_metrics import COUNTS, METRICS
from citewise.eval_report import model_names, problems
from citewise.evaluation import Evaluation, Result, seconds_per_stage
from citewise.grading import Outcome
from citewise.types import Citation, Evidence, Sentence

__all__ = ["FORMAT", "disagreements", "question_data", "run_record"]

FORMAT = 2
_AROUND = 240
_EVIDENCE = 8
Texts = Callable[[str], str]


def run_record(
    evaluation: Evaluation,
    *,
    questions: Mapping[str, Any],
    judge: Mapping[str, Any],
    settings: Mapping[str, Any],
    texts: Texts,
    seconds: float,
) -> dict[str, Any]:
    """The whole evaluation as plain data.

    Args:
        evaluation: what was run.
        questions: the set: its file, digest, and how many of how many were asked.
        judge: what gave the verdicts: name, digest, and its agreement with people.
        settings: what could change the answers.
        texts: gives the text of a document by name; raises ``CitewiseError`` if there is none.
        seconds: how long the run took.
    """
    return {
        "format": FORMAT,
        "citewise": __version__,
        "set": dict(questions),
        "judge": dict(judge),
        "models": {role: sorted(names) for role, names in model_names(evaluation).items()},
        "settings": dict(settings),
        "overall": _aggregate(evaluation),
        "kinds": {kind: _aggregate(part) for kind, part in evaluation.by_kind().items()},
        "disagreements": disagreements(evaluation),
        "questions": [question_data(result, texts) for result in evaluation.results],
        "seconds": {
            "total": round(seconds, 2),
            "stages": {
                stage: {"median": round(median, 4), "p95": round(p95, 4), "n": n}
                for stage, (median, p95, n) in seconds_per_stage(evaluation).items()
            },
            "questions": {r.question.id: round(r.seconds, 3) for r in evaluation.results},
        },
    }


def disagreements(evaluation: Evaluation) -> list[dict[str, str]]:
    """Where the verdicts and the facts, which know nothing of each other, do not agree.

    A wrong answer of which every sentence is called supported, and a sentence held back though
    it states every fact that a right answer needs.
    """
    found = []
    for result in evaluation.results:
        grade, answer = result.grade, result.answer
        if grade is None or answer is None:
            continue
        wrong = grade.outcome in (Outcome.ANSWERED_WRONGLY, Outcome.NOT_REFUSED)
        if wrong and answer.sentences and not grade.unsupported:
            why = "every sentence is called supported, but " + (
                "; ".join(problems(result)) or "the question has no answer in the documents"
            )
            found.append(_disagreement(result, "supported", "wrong", why))
        elif grade.ungrounded and not grade.unsupported:
            why = "called supported, but " + "; ".join(problems(result))
            found.append(_disagreement(result, "supported", "ungrounded", why))
        elif grade.held_back:
            why = "held back, though it states every required fact: " + grade.held_back
            found.append(_disagreement(result, "rejected", "right", why))
    return found


def _disagreement(result: Result, judge: str, facts: str, why: str) -> dict[str, str]:
    return {"id": result.question.id, "judge": judge, "facts": facts, "why": why}


def question_data(result: Result, texts: Texts) -> dict[str, Any]:
    """One question with its answer, verdicts, citations in their places, scores and counts."""
    question, grade, answer = result.question, result.grade, result.answer
    return {
        "id": question.id,
        "kind": question.kind,
        "tags": list(question.tags),
        "question": question.question,
        "history": list(question.history),
        "expected": str(question.status),
        "facts": [list(group) for group in question.facts],
        "forbidden": list(question.forbidden),
        "outcome": str(grade.outcome) if grade else "unscored",
        "right": bool(grade and grade.outcome.right),
        "error": result.error,
        "problems": problems(result),
        "scores": {name: metric(grade) if grade else None for name, metric in METRICS.items()},
        "counts": {name: count(grade) if grade else 0 for name, count in COUNTS.items()},
        "status": str(answer.status) if answer else "",
        "text": answer.text if answer else "",
        "draft": answer.draft if answer else "",
        "sentences": [_sentence(s) for s in answer.sentences] if answer else [],
        "dropped": [_sentence(s) for s in answer.dropped] if answer else [],
        "citations": [_citation(c, texts) for c in answer.citations] if answer else [],
        "evidence": [_evidence(e) for e in answer.evidence[:_EVIDENCE]] if answer else [],
        "notices": list(answer.notices) if answer else [],
    }


def _aggregate(evaluation: Evaluation) -> dict[str, Any]:
    measures = {name: dataclasses.asdict(m) for name, m in evaluation.measures().items()}
    return {"counts": evaluation.counts(), "measures": measures}


def _sentence(sentence: Sentence) -> dict[str, Any]:
    verdict = sentence.verdict
    return {
        "text": sentence.text,
        "citations": list(sentence.citations),
        "label": str(verdict.label),
        "score": round(verdict.score, 4),
        "reason": verdict.reason,
    }


def _citation(citation: Citation, texts: Texts) -> dict[str, Any]:
    try:
        text = texts(citation.document)
    except CitewiseError:
        text = ""
    start, end = citation.start, citation.end
    return {
        **dataclasses.asdict(citation),
        "before": text[max(0, start - _AROUND) : max(0, start)],
        "after": text[end : end + _AROUND],
    }


def _evidence(item: Evidence) -> dict[str, Any]:
    return {
        "document": item.document,
        "start": item.start,
        "end": item.end,
        "text": item.text,
        "score": round(item.score, 4),
    }
