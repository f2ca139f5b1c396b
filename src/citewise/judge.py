"""The verdict on a claim that stands alone: rules for what is plainly wrong, a forest for the rest.

The rules name the number, name or word at fault. Whether the rest of a claim is stated is a matter
of degree, which a forest learnt from people's labels judges better than any rule, and an entailment
model beside it better still. How well is told in ``docs/verifier.md``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np

from citewise.clauses import clauses_of
from citewise.entailment import Entailment
from citewise.forest import Forest
from citewise.near_copy import change_in
from citewise.support import attribute
from citewise.support_features import FEATURES, Narrowed, features, narrow
from citewise.tokens import words_with
from citewise.types import Evidence, Label, Verdict

__all__ = [
    "READ_WORDS",
    "Reading",
    "judged",
    "log_odds",
    "read_with",
    "stacked_score",
    "support_score",
]

_ENOUGH = 0.5
# With the entailment model: where its labels agree best with people's on AttributionBench dev.
_ENOUGH_TOGETHER = 0.45
# What the rules find supported needs less: they looked at numbers, names and words one by one.
_ENOUGH_WITH_RULES = 0.35
_SOME = 0.35
# The score of what a rule objects to, at the most; below every ``enough`` that is told as .5.
_MOST_OBJECTED = 0.45
_CONTRADICTED_SHARE = 0.4
_NUMBERS_MISSING = FEATURES.index("numbers_missing")
_NAMES_MISSING = FEATURES.index("names_missing")
READ_WORDS = 70
"""Words of evidence that the entailment model reads with a claim."""
_CLAUSE_WORDS = 50
# How it and the forest are weighed together: learnt by evals/judge/fit_stack.py.
_STACK = {"bias": 0.10, "forest": 0.76, "supported": 0.38}
# The model is surer of itself than it is right on texts unlike those it was trained on.
_MOST_SURE = 3.0
# From these odds of support (natural logarithm) on, it may know better than a rule about names.
_SURELY_SUPPORTED = 2.0
# The odds of a contradiction from which it is told as one.
_SURELY_CONTRADICTED = 1.5
# A clause this much less supported than the whole is told as what is missing.
_MUCH_LESS = 1.5
_CERTAIN = 1e-4
# A denial anywhere in a long source says little about one claim; in a near copy it decides.
_DENIALS = ("it denies", "it leaves out a denial")
# Said of somebody else, and more than the source says: hardly a matter of degree.
_OTHERWISE = ("the source says it of", "the source does not say", "the source gives a range")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the entailment model says of a claim, in natural-log odds.

    ``whole``: that its evidence supports it; ``contradicted``: that it contradicts it; ``least``:
    that it supports ``clause``, the worst of its clauses, or the whole where it is one.
    """

    whole: float
    contradicted: float
    least: float
    clause: str = ""

    @property
    def supported(self) -> float:
        """Both together, each held within bounds."""
        return (_held(self.whole) + _held(self.least)) / 2


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
    reading, enough, enough_with_rules = None, _ENOUGH, _ENOUGH_WITH_RULES
    if entailment is not None:
        reading = read_with(entailment, narrowed)
        score, enough = stacked_score(score, reading), _ENOUGH_TOGETHER
        enough_with_rules = enough
    copied = change_in(claim, [narrowed.sentences[place] for place in narrowed.best])
    if copied and copied.sure:
        reason = ruled.reason if ruled.label is Label.CONTRADICTED else copied.reason
        return replace(ruled, label=Label.CONTRADICTED, score=_low(score), reason=reason)
    if ruled.label is Label.CONTRADICTED and not ruled.reason.startswith(_DENIALS):
        return replace(ruled, score=_low(score))
    if not ruled.supported and _objects(ruled, found, reading):
        label = Label.PARTLY_SUPPORTED if score >= enough else Label.UNSUPPORTED
        return replace(ruled, label=label, score=min(score, _MOST_OBJECTED))
    if score >= (enough_with_rules if ruled.supported else enough):
        return replace(
            ruled, label=Label.SUPPORTED, score=max(score, _ENOUGH), reason="the source states it"
        )
    if reading and reading.contradicted >= _SURELY_CONTRADICTED:
        reason = f"the source says otherwise: “{narrowed.sentences[narrowed.best[0]]}”"
        return replace(ruled, label=Label.CONTRADICTED, score=_low(score), reason=reason)
    label = Label.PARTLY_SUPPORTED if score >= _SOME else Label.UNSUPPORTED
    return replace(ruled, label=label, score=score, reason=_why(narrowed, ruled, reading))


def _objects(ruled: Verdict, found: Sequence[float], reading: Reading | None) -> bool:
    """Whether what a rule misses decides, whatever the score.

    A number always does. A name may stand in the source in other words, as a pronoun or a
    translation, which the entailment model can see where it is sure.
    """
    if found[_NUMBERS_MISSING] > 0:
        return True
    if reading is not None and reading.whole >= _SURELY_SUPPORTED:
        return False
    return found[_NAMES_MISSING] > 0 or ruled.reason.startswith(_OTHERWISE)


def read_with(entailment: Entailment, narrowed: Narrowed) -> Reading:
    """Let the entailment model read a claim, and each of its clauses, with what shares most."""
    whole = narrowed.text(READ_WORDS)
    clauses = clauses_of(narrowed.claim)
    pairs = [(narrowed.claim, whole)]
    if len(clauses) > 1:
        pairs += [(clause, narrowed.about(clause).text(_CLAUSE_WORDS)) for clause in clauses]
    first, *rest = entailment.leanings(pairs)
    if not rest:
        return Reading(first.supported, first.contradicted, first.supported)
    least, clause = min(zip((r.supported for r in rest), clauses, strict=True))
    return Reading(first.supported, first.contradicted, least, clause)


def support_score(found: Sequence[float]) -> float:
    """The forest's probability that a claim with these features is supported."""
    return float(_forest()(np.array([found], np.float32))[0])


def stacked_score(forest: float, reading: Reading) -> float:
    """The probability of support by the forest's and the entailment model's together."""
    logit = _STACK["bias"] + _STACK["forest"] * log_odds(forest)
    return 1 / (1 + math.exp(-logit - _STACK["supported"] * reading.supported))


def log_odds(probability: float) -> float:
    """Natural-log odds, finite for 0 and 1 too."""
    bounded = min(1 - _CERTAIN, max(_CERTAIN, probability))
    return math.log(bounded / (1 - bounded))


def _held(odds: float) -> float:
    return max(-_MOST_SURE, min(_MOST_SURE, odds))


def _low(score: float) -> float:
    """The score of a contradiction: below all that is called supported, and in the same order.

    That a rule speaks against a claim makes it less likely, and not impossible.
    """
    return round(_CONTRADICTED_SHARE * min(score, _MOST_OBJECTED), 4)


def _why(narrowed: Narrowed, ruled: Verdict, reading: Reading | None) -> str:
    if reading and reading.clause and reading.least < min(0.0, reading.whole - _MUCH_LESS):
        return f"the source hardly says: “{reading.clause}”"
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
