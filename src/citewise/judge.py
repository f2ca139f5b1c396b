"""The verdict on a claim that stands alone: rules for what is plainly wrong, a forest for the rest.

The rules name the number, name or word at fault. Whether the rest of a claim is stated is a matter
of degree, which a forest learnt from people's labels judges better than any rule, and an entailment
model beside it better still. How well is told in ``docs/verifier.md``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np

from citewise.entailment import Entailment, Leaning
from citewise.forest import Forest
from citewise.near_copy import change_in
from citewise.support import attribute
from citewise.support_features import FEATURES, Narrowed, features, narrow
from citewise.tokens import words_with
from citewise.types import Evidence, Label, Verdict

__all__ = ["READ_WORDS", "judged", "log_odds", "stacked_score", "support_score"]

_ENOUGH = 0.5
# With the entailment model: where its labels agree best with people's on AttributionBench dev.
_ENOUGH_TOGETHER = 0.45
# What the rules find supported needs less: they looked at numbers, names and words one by one.
_ENOUGH_WITH_RULES = 0.35
_SOME = 0.35
_MISSING = [FEATURES.index("numbers_missing"), FEATURES.index("names_missing")]
READ_WORDS = 70
"""Words of evidence that the entailment model reads."""
# How it and the forest are weighed together: learnt by evals/judge/fit_stack.py.
_STACK = {"bias": 0.12, "forest": 0.79, "supported": 0.40}
# The model is surer of itself than it is right on texts unlike those it was trained on.
_MOST_SURE = 3.0
# The odds of a contradiction (natural logarithm) from which it is told as one.
_SURELY_CONTRADICTED = 1.5
_CERTAIN = 1e-4
# A denial anywhere in a long source says little about one claim; in a near copy it decides.
_DENIALS = ("it denies", "it leaves out a denial")
# Said of somebody else, and more than the source says: hardly a matter of degree.
_OTHERWISE = ("the source says it of", "the source does not say", "the source gives a range")


def judged(
    claim: str, evidence: Sequence[Evidence], entailment: Entailment | None = None
) -> Verdict:
    """The verdict on one sentence; with an entailment model, by that too.

    ``score`` is the probability of support where nothing speaks against it; at least .5 exactly
    where the label is ``supported``.
    """
    ruled = attribute(claim, evidence).verdict
    narrowed = narrow(claim, [item.rendered or item.text for item in evidence])
    if not narrowed.sentences or not narrowed.rarity:
        return ruled
    found = features(narrowed)
    score = support_score(found)
    leaning, enough = None, _ENOUGH
    if entailment is not None:
        read = narrowed.text(READ_WORDS)
        leaning = entailment.leanings([(claim, read)])[0]
        score, enough = stacked_score(score, leaning), _ENOUGH_TOGETHER
    copied = change_in(claim, [narrowed.sentences[place] for place in narrowed.best])
    if copied and copied.sure:
        reason = ruled.reason if ruled.label is Label.CONTRADICTED else copied.reason
        return replace(ruled, label=Label.CONTRADICTED, score=_low(score), reason=reason)
    if ruled.label is Label.CONTRADICTED and not ruled.reason.startswith(_DENIALS):
        return replace(ruled, score=_low(score))
    lacks = any(found[place] > 0 for place in _MISSING)
    if not ruled.supported and (lacks or ruled.reason.startswith(_OTHERWISE)):
        label = Label.PARTLY_SUPPORTED if score >= enough else Label.UNSUPPORTED
        return replace(ruled, label=label, score=min(score, 0.45))
    if score >= (_ENOUGH_WITH_RULES if ruled.supported else enough):
        return replace(
            ruled, label=Label.SUPPORTED, score=max(score, _ENOUGH), reason="the source states it"
        )
    if leaning and leaning.contradicted >= _SURELY_CONTRADICTED:
        reason = f"the source says otherwise: “{narrowed.sentences[narrowed.best[0]]}”"
        return replace(ruled, label=Label.CONTRADICTED, score=_low(score), reason=reason)
    label = Label.PARTLY_SUPPORTED if score >= _SOME else Label.UNSUPPORTED
    return replace(ruled, label=label, score=score, reason=_why(narrowed, ruled))


def support_score(found: Sequence[float]) -> float:
    """The forest's probability that a claim with these features is supported."""
    return float(_forest()(np.array([found], np.float32))[0])


def stacked_score(forest: float, leaning: Leaning) -> float:
    """The probability of support by the forest's and the entailment model's together."""
    model = max(-_MOST_SURE, min(_MOST_SURE, leaning.supported))
    logit = _STACK["bias"] + _STACK["forest"] * log_odds(forest) + _STACK["supported"] * model
    return 1 / (1 + math.exp(-logit))


def log_odds(probability: float) -> float:
    """Natural-log odds, finite for 0 and 1 too."""
    bounded = min(1 - _CERTAIN, max(_CERTAIN, probability))
    return math.log(bounded / (1 - bounded))


def _low(score: float) -> float:
    return round(0.1 * score, 4)


def _why(narrowed: Narrowed, ruled: Verdict) -> str:
    held = frozenset[str]().union(*(narrowed.terms[place] for place in narrowed.best))
    lacking = sorted(set(narrowed.rarity) - held, key=lambda t: -narrowed.rarity[t])[:4]
    if lacking:
        words = words_with(narrowed.claim, lacking) or lacking
        return f"the source does not mention: {', '.join(words)}"
    if not ruled.supported:
        return ruled.reason
    return "its words stand in the source, but hardly say this together"


@lru_cache(maxsize=1)
def _forest() -> Forest:
    with as_file(files("citewise") / "data" / "features.npz") as path:
        return Forest.load(path)
