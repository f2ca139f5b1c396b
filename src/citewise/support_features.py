"""What can be counted about a claim and its evidence without a model, as numbers for a judge.

The claim is compared with the few sentences that share most with it, alone and together, and with
the whole evidence (Kamoi et al. 2023, "WiCE", found that narrowing the evidence helps a judge).
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from citewise.quantities import holds, loose_values, names, quantities
from citewise.sentences import sentence_offsets
from citewise.tokens import content_terms, lexical_terms
from citewise.wording import compares, denial_mismatch, overstates, swapped_sides

__all__ = ["FEATURES", "Narrowed", "features", "narrow"]

_BEST = 6
_MOST_SENTENCES = 600
_CLAUSE = re.compile(
    r"[,;:]\s+|\s+(?:and|but|which|who|where|while|because|although|after|before|when|with|as)\s+"
)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A claim with the evidence that matters to it.

    ``best`` are places in ``sentences`` of those that share most with the claim, best first.
    ``rarity`` says how much a term tells: terms that many sentences hold tell little.
    """

    claim: str
    sentences: tuple[str, ...]
    terms: tuple[frozenset[str], ...]
    best: tuple[int, ...]
    rarity: dict[str, float]

    def text(self, most_words: int) -> str:
        """The best sentences that fit, in their order; at least one."""
        chosen: list[int] = []
        words = 0
        for place in self.best:
            size = len(self.sentences[place].split())
            if chosen and words + size > most_words:
                continue
            chosen.append(place)
            words += size
        return " ".join(self.sentences[place] for place in sorted(chosen))

    def about(self, claim: str) -> Narrowed:
        """The same evidence narrowed for another claim, without splitting it anew."""
        wanted = frozenset(content_terms(claim))
        count = len(self.sentences)
        rarity = {
            term: math.log(1 + (count + 1) / (0.5 + sum(term in held for held in self.terms)))
            for term in wanted
        }
        best = _best(wanted, self.terms, rarity, len(self.best))
        return Narrowed(claim, self.sentences, self.terms, best, rarity)


def narrow(claim: str, evidence: Sequence[str], best: int = _BEST) -> Narrowed:
    """Split the evidence into sentences and rows and find those that share most with the claim.

    A sentence that adds terms the better ones lack goes before one that repeats them.
    """
    sentences = tuple(
        part
        for text in evidence
        for line in text.split("\n")
        for part in ([line] if _is_row(line) else [line[a:b] for a, b in sentence_offsets(line)])
        if part.strip()
    )[:_MOST_SENTENCES]
    terms = tuple(frozenset(lexical_terms(sentence)) for sentence in sentences)
    return Narrowed("", sentences, terms, tuple(range(min(best, len(sentences)))), {}).about(claim)


def _best(
    wanted: frozenset[str],
    terms: Sequence[frozenset[str]],
    rarity: dict[str, float],
    most: int,
) -> tuple[int, ...]:
    left = set(range(len(terms)))
    missing = set(wanted)
    chosen: list[int] = []
    while left and len(chosen) < most:
        place = max(
            left,
            key=lambda i: (
                sum(rarity[t] for t in wanted & terms[i])
                + sum(rarity[t] for t in missing & terms[i]),
                -i,
            ),
        )
        chosen.append(place)
        left.remove(place)
        missing -= terms[place]
    return tuple(chosen)


def _is_row(line: str) -> bool:
    named = " — " in line and ": " in line
    return named or (line.count("; ") > 1 and line.count(": ") > 1)


FEATURES = (
    "best_recall", "second_recall", "two_recall", "six_recall", "whole_recall", "window_recall",
    "best_bigrams", "six_bigrams", "whole_bigrams", "best_run", "six_fourgrams",
    "numbers_best", "numbers_six", "numbers_whole", "numbers_missing", "has_numbers",
    "names_best", "names_six", "names_whole", "names_missing", "has_names",
    "rarest_missing", "missing_best", "missing_whole", "clause_least", "clause_mean",
    "denial_best", "denial_six", "overstates", "compares", "swapped",
    "claim_length", "evidence_length", "sentences", "precision_best",
)  # fmt: skip
"""The names of the features, in the order of ``features``."""


def features(narrowed: Narrowed) -> list[float]:
    """The features of one claim, each finite; see ``FEATURES``.

    Recalls are shares of the claim's content terms, weighted by rarity; ``best`` is the sentence
    that shares most, ``six`` the best six together, ``whole`` all of the evidence.
    """
    if not narrowed.sentences:
        return [0.0] * len(FEATURES)
    found = {**_overlap(narrowed), **_facts(narrowed), **_clauses(narrowed), **_wording(narrowed)}
    return [found[name] for name in FEATURES]


def _overlap(n: Narrowed) -> dict[str, float]:
    wanted = frozenset(n.rarity)
    whole = frozenset[str]().union(*n.terms)
    best, six = n.terms[n.best[0]], _union(n, _BEST)
    second = n.terms[n.best[1]] if len(n.best) > 1 else frozenset[str]()
    words = _words(n.claim)
    pairs = list(itertools.pairwise(words))
    first_text = n.sentences[n.best[0]]
    six_texts = [n.sentences[place] for place in n.best[:_BEST]]
    missing = wanted - six
    return {
        "best_recall": _recall(n, wanted, best),
        "second_recall": _recall(n, wanted, second),
        "two_recall": _recall(n, wanted, best | second),
        "six_recall": _recall(n, wanted, six),
        "whole_recall": _recall(n, wanted, whole),
        "window_recall": max(
            _recall(n, wanted, frozenset[str]().union(*n.terms[i : i + 3]))
            for i in range(max(1, len(n.terms) - 2))
        ),
        "best_bigrams": _share(pairs, _pairs([first_text])),
        "six_bigrams": _share(pairs, _pairs(six_texts)),
        "whole_bigrams": _share(pairs, _pairs(n.sentences)),
        "best_run": max((_run(words, _words(text)) for text in six_texts), default=0)
        / max(1, len(words)),
        "six_fourgrams": _share(_grams(n.claim), set(_grams(" ".join(six_texts)))),
        "rarest_missing": max((n.rarity[term] for term in missing), default=0.0),
        "missing_best": float(len(wanted - best)),
        "missing_whole": float(len(wanted - whole)),
        "claim_length": float(len(words)),
        "evidence_length": math.log1p(sum(len(text) for text in n.sentences)),
        "sentences": math.log1p(len(n.sentences)),
        "precision_best": len(wanted & best) / max(1, len(best)),
    }


def _facts(n: Narrowed) -> dict[str, float]:
    texts = {
        "best": n.sentences[n.best[0]],
        "six": "\n".join(n.sentences[place] for place in n.best[:_BEST]),
        "whole": "\n".join(n.sentences),
    }
    numbers = [q for q in quantities(n.claim) if any(c.isdigit() for c in q.text)]
    known = frozenset(name.text for name in names(texts["six"]))
    named = names(n.claim, known)
    found = {}
    for place, text in texts.items():
        there, loose = quantities(text), loose_values(text)
        terms = frozenset(lexical_terms(text))
        held = [holds(there, q) or q.value in loose for q in numbers]
        stands = [name.stands_in(text, terms) for name in named]
        found[f"numbers_{place}"] = sum(held) / len(held) if held else 1.0
        found[f"names_{place}"] = sum(stands) / len(stands) if stands else 1.0
        if place == "whole":
            found["numbers_missing"] = float(len(held) - sum(held))
            found["names_missing"] = float(len(stands) - sum(stands))
    found["has_numbers"], found["has_names"] = float(len(numbers)), float(len(named))
    return found


def _clauses(n: Narrowed) -> dict[str, float]:
    """How well each clause is covered by a sentence of its own: the worst part decides."""
    shares = []
    for clause in _CLAUSE.split(n.claim):
        wanted = frozenset(content_terms(clause)) & frozenset(n.rarity)
        if len(wanted) > 1:
            shares.append(max(_recall(n, wanted, n.terms[i]) for i in n.best[:_BEST]))
    if not shares:
        shares = [_recall(n, frozenset(n.rarity), n.terms[n.best[0]])]
    return {"clause_least": min(shares), "clause_mean": sum(shares) / len(shares)}


def _wording(n: Narrowed) -> dict[str, float]:
    first = n.sentences[n.best[0]]
    six = [n.sentences[place] for place in n.best[:_BEST]]
    joined = "\n".join(six)
    return {
        "denial_best": float(bool(denial_mismatch(n.claim, first))),
        "denial_six": float(bool(denial_mismatch(n.claim, joined))),
        "overstates": float(bool(overstates(n.claim, joined))),
        "compares": float(bool(compares(n.claim, joined))),
        "swapped": float(bool(swapped_sides(n.claim, six))),
    }


def _union(n: Narrowed, most: int) -> frozenset[str]:
    return frozenset[str]().union(*(n.terms[place] for place in n.best[:most]))


def _recall(n: Narrowed, wanted: frozenset[str], held: frozenset[str]) -> float:
    total = sum(n.rarity[term] for term in wanted)
    return sum(n.rarity[term] for term in wanted & held) / total if total else 0.0


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _pairs(texts: Sequence[str]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for text in texts:
        words = _words(text)
        found.update(itertools.pairwise(words))
    return found


def _grams(text: str) -> list[str]:
    squeezed = re.sub(r"\W+", " ", text.lower())
    return [squeezed[i : i + 4] for i in range(len(squeezed) - 3)]


def _share(wanted: Sequence[object], held: set[object] | set[str] | set[tuple[str, str]]) -> float:
    return sum(item in held for item in wanted) / len(wanted) if wanted else 0.0


def _run(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest run of words in common."""
    best = 0
    row = [0] * (len(other) + 1)
    for word in one:
        new = [0] * (len(other) + 1)
        for j, there in enumerate(other, 1):
            if word == there:
                new[j] = row[j - 1] + 1
                best = max(best, new[j])
        row = new
    return best
