"""Fit what decides whether a draft that passed the support check is shown as the answer.

    python evals/clapnq.py --data DIR --out clapnq.jsonl
    python evals/fit_answerability.py clapnq.jsonl [--cache evals/replies]

Two sources of drafts that passed: ClapNQ's questions, where an answer to an unanswerable question
is wrong by definition, and the project's questions tagged ``gate``, where it is wrong unless it
states every required fact. The latter are asked again from the model's kept replies. Printed:
weights for ``citewise/answerability.py``, and how well weights learnt on either source do on the
other.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from citewise import Assistant
from citewise.evaluation import evaluate
from citewise.generators import make_generator
from citewise.questions import load_questions
from citewise.replycache import CachedGenerator
from citewise.types import Status

FEATURES = ("confirmed", "log_odds", "cosine", "coverage")
QUESTIONS = Path(__file__).parent / "questions.jsonl"


def from_clapnq(path: Path) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """The signals of each draft that passed the check, and whether there was an answer at all."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield row["explanation"], row["kind"] == "answerable"


def from_gate(cache: Path) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """The same of the project's own questions; nothing is withheld, so that all are graded."""
    model = make_generator("local")
    assert model is not None
    chosen = [q for q in load_questions(QUESTIONS) if "gate" in q.tags]
    with Assistant(llm=CachedGenerator(model, cache), threshold=0.0) as assistant:
        names = [document.name for document in assistant.documents()]
        for result in evaluate(chosen, assistant, names).results:
            if result.answer is not None and result.grade is not None:
                wanted = result.question.status is not Status.NOT_FOUND
                yield result.answer.explanation, wanted and result.grade.outcome.right


def table(rows: Iterator[tuple[Mapping[str, Any], bool]]) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of the drafts that reached the question whether they are an answer."""
    kept = [(found, right) for found, right in rows if found.get("confirmed") is not None]
    features = np.array([[found[name] for name in FEATURES] for found, _ in kept], float)
    return features, np.array([right for _, right in kept], bool)


def evened(labels: np.ndarray) -> np.ndarray:
    """Weights under which right and wrong drafts count the same; they add up to the rows."""
    share = np.where(labels, labels.mean(), 1 - labels.mean())
    return np.asarray(0.5 / share)


def main() -> int:
    """Fit, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clapnq", type=Path, help="what evals/clapnq.py wrote")
    parser.add_argument("--cache", type=Path, default=Path(__file__).parent / "replies")
    args = parser.parse_args()
    sets = {"ClapNQ": table(from_clapnq(args.clapnq)), "gate": table(from_gate(args.cache))}
    for name, (features, labels) in sets.items():
        single = [round(float(roc_auc_score(labels, column)), 3) for column in features.T]
        print(f"{name}: {len(labels)} drafts, {labels.sum()} right")
        print(f"  area under the curve alone: {dict(zip(FEATURES, single, strict=True))}")
        for other, (test, truth) in sets.items():
            if other != name:
                model = LogisticRegression().fit(features, labels, evened(labels))
                area = roc_auc_score(truth, model.decision_function(test))
                print(f"  learnt here, on {other}: {area:.3f}")
    features = np.vstack([features for features, _ in sets.values()])
    labels = np.concatenate([labels for _, labels in sets.values()])
    weights = np.concatenate([evened(labels) for _, labels in sets.values()])
    model = LogisticRegression().fit(features, labels, weights)
    learnt = dict(zip(FEATURES, model.coef_[0].round(2).tolist(), strict=True))
    print("weights:", {"bias": round(float(model.intercept_[0]), 2), **learnt})
    prior = np.log(labels.mean() / (1 - labels.mean()))
    print(f"  {labels.mean():.0%} of these drafts are right: add {prior:.2f} to the bias")
    for name, (rows, truth) in sets.items():
        scores = model.decision_function(rows)
        right, wrong = (scores >= 0)[truth].mean(), (scores >= 0)[~truth].mean()
        area = roc_auc_score(truth, scores)
        print(f"{name}, learnt from both: area {area:.3f}")
        print(f"  shown at 0.5: {right:.0%} of right drafts, {wrong:.0%} of wrong ones")
    return 0


if __name__ == "__main__":
    sys.exit(main())
