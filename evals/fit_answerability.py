"""Fit the answerability model on public questions, never on the project's own.

    python evals/fit_answerability.py collect --data DIR --out signals.jsonl [--each 60]
    python evals/fit_answerability.py fit signals.jsonl

``collect`` pools the passages of the chosen questions into one corpus and asks every question
through the real retriever and the default language model (about 5 s a question on two cores; it
resumes where it stopped). ``fit`` prints the weights for ``citewise/answerability.py`` and, for
each data set, what a model fitted on the others makes of it.

DIR holds ``clapnq/{answerable,unanswerable}.jsonl`` (primeqa/clapnq, Apache-2.0) and
``support/{squad2,nq_open,tatqa,selqa}.answerability.jsonl.gz`` (SQuAD 2.0 and Natural Questions,
CC-BY-SA; TAT-QA, CC-BY-4.0; SelQA, Apache-2.0).
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

SETS = ("squad2", "nq_open", "tatqa", "selqa")
FEATURES = ("log_odds", "cosine", "coverage", "unknown")


def main() -> int:
    """Collect signals, or fit on collected ones."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True)
    collecting = commands.add_parser("collect")
    collecting.add_argument("--data", type=Path, required=True)
    collecting.add_argument("--out", type=Path, required=True)
    collecting.add_argument("--each", type=int, default=60, help="questions of each kind and set")
    collecting.set_defaults(run=lambda args: collect(args.data, args.out, args.each))
    fitting = commands.add_parser("fit")
    fitting.add_argument("signals", type=Path)
    fitting.set_defaults(run=lambda args: fit(args.signals))
    args = parser.parse_args()
    args.run(args)
    return 0


def questions(data: Path, each: int) -> list[dict[str, Any]]:
    """``each`` answerable and unanswerable questions of every set, with their passages."""
    chosen = []
    for name, rows in (("clapnq", _clapnq(data)), *((s, _pack(data, s)) for s in SETS)):
        pool = list(rows)
        random.Random(0).shuffle(pool)
        for answerable in (True, False):
            of_kind = [row for row in pool if row["answerable"] is answerable][:each]
            chosen += [{**row, "set": name} for row in of_kind]
    random.Random(1).shuffle(chosen)
    return chosen


def _clapnq(data: Path) -> Iterator[dict[str, Any]]:
    for kind in ("answerable", "unanswerable"):
        for line in (data / "clapnq" / f"{kind}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            passage = row["passages"][0]
            yield {
                "question": row["input"],
                "passage": f"{passage.get('title', '')}\n\n{passage['text']}",
                "answerable": kind == "answerable",
            }


def _pack(data: Path, name: str) -> Iterator[dict[str, Any]]:
    path = data / "support" / f"{name}.answerability.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["split"] == "train":
                yield {key: row[key] for key in ("question", "passage", "answerable")}


def collect(data: Path, out: Path, each: int) -> None:
    """Write one line of signals a question; questions already in ``out`` are passed over."""
    from citewise import Assistant
    from citewise.answerability import read_signals
    from citewise.prompting import gate_prompt, sources_for_prompt
    from citewise.retrieval import make_query

    chosen = questions(data, each)
    done = {json.loads(line)["question"] for line in _lines(out)}
    with tempfile.TemporaryDirectory() as folder:
        for number, passage in enumerate(dict.fromkeys(row["passage"] for row in chosen)):
            (Path(folder) / f"{number:05}.txt").write_text(passage, encoding="utf-8")
        with Assistant(folder, Path(folder) / ".index") as assistant, out.open("a") as file:
            # The parts of the pipeline before the decision, which no public method shows.
            index, retriever = assistant._opened()
            generator, notices = assistant._usable_generator()
            if generator is None:
                sys.exit(notices[0])
            for row in chosen:
                if row["question"] in done:
                    continue
                query = make_query(row["question"], (), index)
                evidence = retriever.search(query, 10)
                prompt = gate_prompt(row["question"], (), sources_for_prompt(evidence))
                log_odds = generator.yes_log_odds(prompt)
                signals = read_signals(query, evidence, index, log_odds)
                line = {
                    "set": row["set"],
                    "question": row["question"],
                    "answerable": row["answerable"],
                    "log_odds": log_odds,
                    "cosine": signals.cosine,
                    "coverage": signals.coverage,
                    "unknown": float(bool(signals.unknown_names)),
                }
                file.write(json.dumps(line) + "\n")
                file.flush()


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def fit(path: Path) -> None:
    """Print the weights, and each set's result when it was left out."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    rows = [row for row in map(json.loads, _lines(path)) if row["log_odds"] is not None]
    sets = np.array([row["set"] for row in rows])
    labels = np.array([row["answerable"] for row in rows])
    for features in (FEATURES, FEATURES[1:]):
        table = np.array([[row[name] for name in features] for row in rows])
        print(f"\n{', '.join(features)}: {len(rows)} questions")
        for name in sorted(set(sets)):
            out = sets == name
            model = LogisticRegression(C=10).fit(table[~out], labels[~out])
            scores = model.decision_function(table[out])
            keep = np.quantile(scores[labels[out]], 0.1)
            refused = float(np.mean(scores[~labels[out]] < keep))
            single = {
                feature: round(float(roc_auc_score(labels[out], table[out][:, column])), 3)
                for column, feature in enumerate(features)
            }
            auroc = roc_auc_score(labels[out], scores)
            print(f"  {name:8} left out: AUROC {auroc:.3f}, refused at 10 % {refused:.2f} {single}")
        model = LogisticRegression(C=10).fit(table, labels)
        weights = dict(zip(features, model.coef_[0].round(2), strict=True))
        print("  weights:", {"bias": round(float(model.intercept_[0]), 2), **weights})


if __name__ == "__main__":
    sys.exit(main())
