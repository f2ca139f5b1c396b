"""Weigh the forest and the entailment model together: four numbers of ``citewise/judge.py``.

    python evals/judge/fit_stack.py --data DIR [--each 250]

A logistic regression over the log-odds of both, learnt on the dev parts of the public sets, whose
documents neither was trained on, each set and label weighing the same. WiCE dev and
AttributionBench dev are printed as tests and never learnt from. One seed, one result.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from fit_features import attribution, claims, wice
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from citewise.entailment import shared_entailment
from citewise.judge import READ_WORDS, log_odds, support_score
from citewise.support_features import features, narrow

SOURCES = (
    "ragtruth_faithjudge", "factcheckgpt", "q2_wow", "vitaminc_sample", "fetaqa", "fm2",
    "infotabs", "contractnli", "fever_symmetric", "mnli", "conjnli", "tatqa_claims",
)  # fmt: skip


def scored(found: Iterator[tuple[str, list[str], int]]) -> tuple[Any, Any]:
    """Log-odds of the forest and of the model, shape ``(n, 2)``, and labels."""
    forest, pairs, labels = [], [], []
    for claim, evidence, label in found:
        narrowed = narrow(claim, evidence)
        forest.append(log_odds(support_score(features(narrowed))))
        pairs.append((claim, narrowed.text(READ_WORDS)))
        labels.append(label)
    model = [leaning.supported for leaning in shared_entailment().leanings(pairs)]
    return np.array([forest, model]).T, np.array(labels)


def report(name: str, scores: Any, labels: Any) -> None:
    """AUROC, and balanced accuracy and macro-F1 at even odds."""
    guess = scores >= 0
    print(
        f"{name:<34} n {len(labels):5d}  AUROC {roc_auc_score(labels, scores):.3f}  "
        f"BA {balanced_accuracy_score(labels, guess):.3f}  "
        f"macro-F1 {f1_score(labels, guess, average='macro'):.3f}",
        flush=True,
    )


def main() -> int:
    """Fit and print the weights, and what they are worth."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--each", type=int, default=250, help="claims of each label of a set (250)")
    args = parser.parse_args()
    found, labels, weights = [], [], []
    for name in SOURCES:
        x, y = scored(claims(args.data, name, "dev", args.each))
        weight = np.where(y == 1, 0.5 / max(1, y.sum()), 0.5 / max(1, (1 - y).sum()))
        found.append(x)
        labels.append(y)
        weights.append(weight * np.sqrt(len(y)))
        if len(set(y)) > 1:
            report(f"{name}, forest", x[:, 0], y)
            report(f"{name}, model", x[:, 1], y)
    x, y, weight = np.vstack(found), np.concatenate(labels), np.concatenate(weights)
    model = LogisticRegression(C=100).fit(x, y, weight / weight.mean())
    learnt = dict(zip(("forest", "supported"), model.coef_[0].round(3).tolist(), strict=True))
    print("weights:", {"bias": round(float(model.intercept_[0]), 3), **learnt})
    tests = (("WiCE dev", wice(args.data)), ("AttributionBench dev", attribution(args.data)))
    for name, rows in tests:
        x, y = scored(rows)
        for part, scores in (
            ("forest", x[:, 0]), ("model", x[:, 1]), ("stack", model.decision_function(x)),
        ):  # fmt: skip
            report(f"{name}, {part}", scores, y)
    return 0


if __name__ == "__main__":
    sys.exit(main())
