"""Weigh the forest and the entailment model together: the numbers of ``citewise/judge.py``.

    python evals/judge/fit_stack.py --data DIR [--each 250]

Scored are the dev parts of those public sets that are most like what is checked here, claims about
passages, whose documents neither was trained on, and WiCE dev. For each share that the model's
log-odds could have beside the forest's, the area under the curve of each set is
printed; ``SHARE`` was chosen from that table. How steep the sum is and where it is even is then a
logistic regression without WiCE, each set and label weighing the same. One seed, one result.
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
from citewise.judge import log_odds, read_with, support_score
from citewise.support_features import features, narrow

SOURCES = ("ragtruth_faithjudge", "factcheckgpt", "q2_wow", "vitaminc_sample", "fetaqa")
SHARES = (0.0, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5)
SHARE = 0.5


def scored(found: Iterator[tuple[str, list[str], int]]) -> tuple[Any, Any]:
    """Log-odds of the forest and of the model, shape ``(n, 2)``, and labels."""
    rows, labels = [], []
    for claim, evidence, label in found:
        narrowed = narrow(claim, evidence)
        forest = log_odds(support_score(features(narrowed)))
        rows.append((forest, read_with(shared_entailment(), narrowed).supported))
        labels.append(label)
    return np.array(rows), np.array(labels)


def report(name: str, scores: Any, labels: Any) -> None:
    """AUROC, and balanced accuracy and macro-F1 at even odds."""
    guess = scores >= 0
    print(
        f"{name:<34} n {len(labels):5d}  AUROC {roc_auc_score(labels, scores):.3f}  "
        f"BA {balanced_accuracy_score(labels, guess):.3f}  "
        f"macro-F1 {f1_score(labels, guess, average='macro'):.3f}",
        flush=True,
    )


def summed(found: Any, share: float) -> Any:
    """Both log-odds as one, shape ``(n,)``."""
    return found[:, 0] + share * found[:, 1]


def main() -> int:
    """Print the table of shares, the weights, and what they are worth."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--each", type=int, default=250, help="claims of each label of a set (250)")
    args = parser.parse_args()
    sets = {name: scored(claims(args.data, name, "dev", args.each)) for name in SOURCES}
    tests = {"WiCE dev": scored(wice(args.data))}
    for share in SHARES:
        areas = [f"{name} {roc_auc_score(y, summed(x, share)):.3f}" for name, (x, y) in
                 {**sets, **tests}.items()]  # fmt: skip
        print(f"share {share}: {', '.join(areas)}", flush=True)
    values = np.concatenate([summed(x, SHARE) for x, _ in sets.values()])[:, None]
    labels = np.concatenate([y for _, y in sets.values()])
    weights = np.concatenate(
        [np.where(y == 1, 1 / y.sum(), 1 / (1 - y).sum()) for _, y in sets.values()]
    )
    model = LogisticRegression(C=100).fit(values, labels, weights / weights.mean())
    scale, bias = float(model.coef_[0, 0]), float(model.intercept_[0])
    print(f"bias {bias:.2f}, forest {scale:.2f}, supported {scale * SHARE:.2f}")
    tests["AttributionBench dev"] = scored(attribution(args.data))
    for name, (x, y) in {**sets, **tests}.items():
        report(f"{name}, forest", x[:, 0], y)
        report(f"{name}, model", x[:, 1], y)
        report(f"{name}, together", scale * summed(x, SHARE) + bias, y)
    return 0


if __name__ == "__main__":
    sys.exit(main())
