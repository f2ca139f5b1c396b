"""Of claims that the rules pass, how many true and false ones the entailment model holds back.

    python evals/judge/passed_claims.py --data DIR [--each 600]

What stands in an answer has passed the rules of ``citewise/support.py``; with an entailment model
it has to pass ``citewise/drafting.py`` too. Its bounds are tried here on public claims that people
judged: the dev parts of three sets the judge was trained on, WiCE dev, and the beginning of
AttributionBench dev. One seed, one result.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from fit_features import attribution, claims, wice

from citewise.checking import _spans
from citewise.entailment import shared_entailment
from citewise.judge import read_with, stacked_score, support_score
from citewise.support import attribute
from citewise.support_features import features, narrow

SOURCES = {"ragtruth_faithjudge": 600, "factcheckgpt": 250, "q2_wow": 150}
ATTRIBUTED = 500


@dataclass(frozen=True, slots=True)
class Passed:
    """A claim that the rules pass: what people say of it, and what the full judge does.

    ``by_cited``: natural-log odds that the spans the rules chose support it, ``by_near`` that the
    words of the evidence which share most with it do; ``score``: of the full judge, over all.
    """

    true: bool
    by_cited: float
    by_near: float
    score: float


RULES: dict[str, Callable[[Passed], bool]] = {
    "score < .5": lambda p: p.score < 0.5,
    "cited < -1.5, near < 2": lambda p: p.by_cited < -1.5 and p.by_near < 2.0,
    "either (in use)": lambda p: p.score < 0.5 or (p.by_cited < -1.5 and p.by_near < 2.0),
    "cited < 0, near < 2": lambda p: p.by_cited < 0.0 and p.by_near < 2.0,
    "cited < 0": lambda p: p.by_cited < 0.0,
}


def passed(found: Iterable[tuple[str, list[str], int]]) -> list[Passed]:
    """Those of the claims that the rules pass."""
    model, kept = shared_entailment(), []
    for claim, texts, label in found:
        spans = [span for number, text in enumerate(texts) for span in _spans(text, number)]
        ruled = attribute(claim, spans)
        narrowed = narrow(claim, [span.rendered or span.text for span in spans])
        if not ruled.verdict.supported or not ruled.evidence or not narrowed.rarity:
            continue
        cited = " ".join(span.rendered or span.text for span in ruled.evidence)
        (by_cited,) = model.leanings([(claim, cited)])
        reading = read_with(model, narrowed)
        score = stacked_score(support_score(features(narrowed)), reading)
        kept.append(Passed(bool(label), by_cited.supported, reading.whole, score))
    return kept


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--each", type=int, default=600, help="most claims of a label and set (600)"
    )
    args = parser.parse_args()
    found = {
        name: passed(claims(args.data, name, "dev", min(most, args.each)))
        for name, most in SOURCES.items()
    }
    found["WiCE dev"] = passed(wice(args.data))
    found["AttributionBench dev"] = passed(islice(attribution(args.data), ATTRIBUTED))
    for name, rows in found.items():
        false = sum(not row.true for row in rows)
        print(f"{name}: {len(rows)} pass the rules, {false} of them false")
        for rule, holds_back in RULES.items():
            shares = [
                np.mean([holds_back(row) for row in rows if row.true is wanted])
                for wanted in (True, False)
            ]
            print(
                f"  {rule:<24} holds back {shares[0]:.0%} of the true, {shares[1]:.0%} of the false"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
