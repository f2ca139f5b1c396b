"""Fit the forest that judges a claim by what can be counted about it and its evidence.

    python evals/judge/fit_features.py --data DIR [--out src/citewise/data/features.npz]

Trained on the train parts of ``SOURCES`` below (``DIR/support``; licences in docs/verifier.md).
WiCE dev and AttributionBench dev are never trained on: they are printed as tests, as are the dev
parts of the sources. One seed, one result.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from citewise.forest import Forest
from citewise.support_features import FEATURES, features, narrow

# Most claims of each label (supported, not supported), and what the whole source weighs.
SOURCES = {
    "ragtruth_faithjudge": (1500, 0.39), "factcheckgpt": (1200, 0.32), "q2_wow": (300, 0.11),
    "wice_partial": (300, 0.10), "vitaminc_sample": (150, 0.08), "fetaqa": (1200, 1.0),
}  # fmt: skip
TREES, LEAF, SEED = 200, 12, 7


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a gzipped JSONL file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def claims(data: Path, name: str, split: str, most: int) -> Iterator[tuple[str, list[str], int]]:
    """Claim, evidence and 1 if supported; at most so many of each, drawn with the seed."""
    chosen = [r for r in rows(data / "support" / f"{name}.jsonl.gz") if r["split"] == split]
    random.Random(SEED).shuffle(chosen)
    count = [0, 0]
    for row in chosen:
        supported = int(row["label"] == "supported")
        if count[supported] < most:
            count[supported] += 1
            yield row["claim"], row["evidence"], supported


def wice(data: Path) -> Iterator[tuple[str, list[str], int]]:
    """WiCE dev: supported against the rest."""
    for line in (data / "wice" / "claim_dev.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield row["claim"], row["evidence"], int(row["label"] == "supported")


def attribution(data: Path) -> Iterator[tuple[str, list[str], int]]:
    """AttributionBench dev."""
    path = data / "attributionbench" / "dev.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield row["claim"], row["references"], int(row["attribution_label"] == "attributable")


def matrix(found: Iterator[tuple[str, list[str], int]]) -> tuple[Any, Any]:
    """Features, shape ``(n, len(FEATURES))``, and labels."""
    kept = [(features(narrow(claim, evidence)), label) for claim, evidence, label in found]
    return np.array([k[0] for k in kept], np.float32), np.array([k[1] for k in kept])


def as_arrays(model: ExtraTreesClassifier) -> dict[str, Any]:
    """The trees of a fitted model as the arrays of ``Forest``."""
    names = ("feature", "threshold", "left", "right", "value")
    parts: dict[str, list[Any]] = {name: [] for name in names}
    roots, start = [], 0
    for tree in (estimator.tree_ for estimator in model.estimators_):
        leaf = tree.children_left < 0
        shares = tree.value[:, 0, 1] / tree.value[:, 0].sum(axis=1)
        parts["feature"].append(np.where(leaf, -1, tree.feature).astype(np.int16))
        parts["threshold"].append(tree.threshold.astype(np.float32))
        parts["left"].append(np.where(leaf, 0, tree.children_left + start).astype(np.int32))
        parts["right"].append(np.where(leaf, 0, tree.children_right + start).astype(np.int32))
        parts["value"].append(shares.astype(np.float32))
        roots.append(start)
        start += tree.node_count
    return {n: np.concatenate(p) for n, p in parts.items()} | {"roots": np.array(roots, np.int32)}


def report(name: str, forest: Forest, tested: tuple[Any, Any]) -> None:
    """AUROC, balanced accuracy and macro-F1 at .5."""
    scores, labels = forest(tested[0]), tested[1]
    guess = scores >= 0.5
    print(
        f"{name:<22} n {len(labels):5d}  AUROC {roc_auc_score(labels, scores):.3f}  "
        f"BA {balanced_accuracy_score(labels, guess):.3f}  "
        f"macro-F1 {f1_score(labels, guess, average='macro'):.3f}",
        flush=True,
    )


def main() -> int:
    """Fit, write, and print what it is worth."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("src/citewise/data/features.npz"))
    args = parser.parse_args()
    found, weights = [], []
    for name, (most, weight) in SOURCES.items():
        part = matrix(claims(args.data, name, "train", most))
        found.append(part)
        weights.append(np.full(len(part[1]), weight / len(part[1])))
        print(f"{name}: {len(part[1])} claims, {part[1].sum()} supported", file=sys.stderr)
    x, y = (np.concatenate([part[i] for part in found]) for i in (0, 1))
    weight = np.concatenate(weights)
    for label in (0, 1):
        weight[y == label] /= weight[y == label].sum()
    model = ExtraTreesClassifier(
        TREES, min_samples_leaf=LEAF, max_features=0.4, random_state=SEED, n_jobs=1
    )
    model.fit(x, y, sample_weight=weight * len(y))
    np.savez_compressed(args.out, **as_arrays(model))
    forest = Forest.load(args.out)
    assert np.allclose(forest(x[:500]), model.predict_proba(x[:500])[:, 1], atol=1e-4)
    report("WiCE dev", forest, matrix(wice(args.data)))
    report("AttributionBench dev", forest, matrix(attribution(args.data)))
    for name in SOURCES:
        tested = matrix(claims(args.data, name, "dev", 300))
        if len(set(tested[1])) > 1:
            report(f"{name} (dev part)", forest, tested)
    order = np.argsort(-model.feature_importances_)[:12]
    print("most used:", ", ".join(FEATURES[i] for i in order))
    return 0


if __name__ == "__main__":
    sys.exit(main())
