"""Whether a passage answers a question, told from signals: ClapNQ with its passage given.

    python evals/given_rows.py --data DIR --each 75 [--out given.jsonl] [--no-llm]

DIR holds ClapNQ (see evals/clapnq.py). Each question is asked of its own passage alone, among all
that lie in one index, so that the passage is given and the rarity of words is not of one passage.
Signals: the language model's log-odds of Yes before drafting, the best cosine, the share of the
question's terms in the evidence, and the entailment model's log-odds that the best sentence, and
the best ones together, answer the question. Printed: the area under the curve of each, and of
logistic regressions over some, cross-validated in ten folds, with the share of unanswerable
questions refused where a tenth of the answerable ones is. Nothing is fitted on what it is told of,
but for the weights that ``citewise/answerability.py`` uses, which are printed last.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from clapnq import questions
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

from citewise import Assistant, Filter
from citewise.answerability import answer_odds, read_signals
from citewise.entailment import shared_entailment
from citewise.generators import make_generator
from citewise.modelcache import cache_folder
from citewise.prompting import gate_prompt, sources_for_prompt
from citewise.replycache import CachedGenerator
from citewise.retrieval import make_query

SEED, FOLDS, TOP_K = 7, 10, 10
ALONE = ("log_odds", "cosine", "coverage", "best", "together")
USED = (("best", "together"), ("log_odds", "best", "together"))
SUMS = (
    ("cosine", "coverage"), ("cosine", "log_odds"), ("cosine", "coverage", "log_odds"),
    ("cosine", "coverage", "best", "together"), ALONE, *USED,
)  # fmt: skip


def signals(assistant: Assistant, model: CachedGenerator | None, row: dict[str, Any]) -> Any:
    """The signals of one question and its passage."""
    text = row["input"][:1].upper() + row["input"][1:].rstrip("?") + "?"
    index, retriever = assistant._opened()
    query = make_query(text, (), index)
    evidence = retriever.gather(query, TOP_K, Filter(documents=(row["file"],)))
    sources = sources_for_prompt(evidence)
    log_odds = model.yes_log_odds(gate_prompt(text, (), sources)) if model else None
    found = read_signals(query, evidence, index, log_odds)
    reading = answer_odds(text, evidence, sources, shared_entailment())
    return {
        "answerable": row["kind"] == "answerable",
        "log_odds": found.log_odds,
        "cosine": found.cosine,
        "coverage": found.coverage,
        "best": max(reading.each),
        "together": reading.together,
    }


def refused(scores: Any, labels: Any) -> float:
    """The share of unanswerable ones below the score under which a tenth of the others lies."""
    return float((scores[~labels] < np.quantile(scores[labels], 0.1)).mean())


def told(name: str, scores: Any, labels: Any) -> None:
    """One line: the area and the share refused, with a bootstrap interval for the area."""
    draws = np.random.default_rng(SEED).integers(0, len(labels), (1000, len(labels)))
    areas = [roc_auc_score(labels[d], scores[d]) for d in draws if 0 < labels[d].sum() < len(d)]
    low, high = np.quantile(areas, (0.025, 0.975))
    area = roc_auc_score(labels, scores)
    print(f"{name:<46} {area:.3f} [{low:.2f}-{high:.2f}]  {refused(scores, labels):.1%}")


def crossed(rows: Any, labels: Any) -> Any:
    """For each row, the log-odds by a regression that was learnt on the other folds."""
    scores = np.zeros(len(labels))
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(rows, labels):
        scale = StandardScaler().fit(rows[train])
        model = LogisticRegression().fit(scale.transform(rows[train]), labels[train])
        scores[test] = model.decision_function(scale.transform(rows[test]))
    return scores


def report(found: Sequence[dict[str, Any]]) -> None:
    """Each signal, and sums of some."""
    labels = np.array([row["answerable"] for row in found])
    here = [name for name in ALONE if found[0][name] is not None]
    print(
        f"{len(labels)} questions, {labels.sum()} answerable: area under the curve, refused at 10 %"
    )
    columns = {name: np.array([row[name] for row in found], float) for name in here}
    for name, column in columns.items():
        told(name, column, labels)
    for chosen in dict.fromkeys(tuple(n for n in names if n in here) for names in SUMS):
        rows = np.array([columns[name] for name in chosen]).T
        told(" + ".join(chosen), crossed(rows, labels), labels)
        if chosen in USED:
            learnt = LogisticRegression().fit(rows, labels)
            weights = dict(zip(chosen, learnt.coef_[0].round(2).tolist(), strict=True))
            print("    weights:", {"bias": round(float(learnt.intercept_[0]), 2), **weights})
            sure = np.quantile(learnt.predict_proba(rows)[~labels, 1], 0.95)
            print(f"    1 in 20 of the unanswerable has a probability over {sure:.2f}")


def main() -> int:
    """Collect the signals and print what they tell."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--each", type=int, default=75, help="questions of each kind (75)")
    parser.add_argument("--no-llm", action="store_true", help="without the language model's")
    parser.add_argument("--out", type=Path, default=Path("given.jsonl"))
    args = parser.parse_args()
    folder = cache_folder() / "clapnq"
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    rows = questions(args.data, folder / "corpus", args.each)
    made = None if args.no_llm else make_generator("local")
    model = CachedGenerator(made, cache_folder() / "replies") if made else None
    found = []
    with (
        Assistant(folder / "corpus", folder / "index", llm="none") as assistant,
        args.out.open("w", encoding="utf-8") as out,
    ):
        for number, row in enumerate(rows, 1):
            found.append(signals(assistant, model, row))
            out.write(json.dumps(found[-1]) + "\n")
            out.flush()
            print(f"{number}/{len(rows)}", end="\r", file=sys.stderr, flush=True)
    if model is not None:
        model.close()
    report(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
