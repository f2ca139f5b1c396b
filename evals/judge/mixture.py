"""What the judge is trained on: labelled claims, answerability questions and minimal pairs.

``data/support`` holds the public sets; which of them, how much of each, and under which licences
is told in ``docs/verifier.md``. The seed questions, WiCE dev, AttributionBench dev and ClapNQ are
never read here.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alterations import alter, reworded
from roles import role_pairs

from citewise.quantities import names, quantities
from citewise.sentences import sentence_offsets
from citewise.tokens import content_terms, lexical_terms

__all__ = ["LABELS", "Pair", "load", "narrowed"]

LABELS = {"supported": 0, "contradicted": 1, "unsupported": 2}
UNANSWERED, ANSWERED = 0, 1

CLAIMS = {  # most rows of each label
    "ragtruth_faithjudge": 3000, "factcheckgpt": 900, "q2_wow": 300, "mnli": 2400, "snli": 800,
    "cad_nli": 1500, "breaking_nli": 700, "med": 800, "conjnli": 1400, "negnli": 600,
    "contractnli": 400, "hans_generated": 300, "fever_symmetric": 600, "fm2": 1100,
    "vitaminc_sample": 200, "wice_partial": 300, "tabfact": 1800, "infotabs": 1500,
    "fetaqa": 1400, "tatqa_claims": 300,
}  # fmt: skip
REPEATED = {"fever_symmetric": 2, "fm2": 2, "vitaminc_sample": 2, "wice_partial": 2}
QUESTIONS = {
    "squad2": 5200, "qnli": 3000, "xquad_en": 1600, "boolq": 600, "nq_open": 4500, "selqa": 1800,
    "tatqa": 800, "wikitablequestions": 1200, "fetaqa": 1200,
}  # fmt: skip
SYNTHETIC = 10000
JOINED = ("ragtruth_faithjudge", "fm2", "infotabs", "factcheckgpt")


@dataclass(frozen=True, slots=True)
class Pair:
    """A claim (or question), its evidence, the label and the name of the set it is from."""

    claim: str
    evidence: str
    label: int
    asks: bool
    source: str


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a gzipped JSONL file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def narrowed(claim: str, evidence: Sequence[str], most_words: int, jitter: Callable[[], float]):
    """The parts of the evidence that share most with the claim, in their order."""
    wanted = set(content_terms(claim))
    parts = [part for text in evidence for part in _parts(text)]
    head = [p for p in parts[:1] if re.match(r"(?:Table|Title|Page|Question): ", p)]
    rest = parts[len(head) :]
    held = [set(lexical_terms(part)) for part in rest]
    often = {term: 1 + sum(term in terms for terms in held) for term in wanted}
    likeness = [sum(1 / often[t] for t in wanted & terms) + jitter() for terms in held]
    chosen: list[int] = []
    words = sum(len(p.split()) for p in head)
    for place in sorted(range(len(rest)), key=lambda i: -likeness[i]):
        size = len(rest[place].split())
        if chosen and words + size > most_words:
            continue
        chosen.append(place)
        words += size
    return head + [rest[i] for i in sorted(chosen)]


def _parts(text: str) -> list[str]:
    found = []
    for line in text.split("\n"):
        whole = re.match(r"(?:Table|Title|Page|Question): ", line) or _is_row(line)
        found += [line] if whole else [line[a:b] for a, b in sentence_offsets(line)]
    return [part for part in found if part.strip()]


def _is_row(text: str) -> bool:
    cells = [cell.split(": ", 1) for cell in text.split("; ")]
    return len(cells) > 1 and all(len(cell) == 2 for cell in cells)


def _written(part: str, chance: random.Random) -> str:
    """A table row as the product writes it, now and then as it came."""
    if not _is_row(part) or chance.random() < 0.3:
        return part
    first, _, rest = part.partition("; ")
    return f"{first.split(': ', 1)[1]} — {rest}"


def _text(parts: Sequence[str], chance: random.Random) -> str:
    return " ".join(_written(part, chance) for part in parts)


def _claims(data: Path, split: str, share: float, chance: random.Random) -> Iterator[Pair]:
    for name, most in CLAIMS.items():
        chosen = [r for r in rows(data / "support" / f"{name}.jsonl.gz") if r["split"] == split]
        chance.shuffle(chosen)
        kept: list[dict[str, Any]] = []
        count = dict.fromkeys(LABELS, 0)
        for row in chosen:
            if count[row["label"]] < most * share:
                count[row["label"]] += 1
                kept.append(row)
        if split == "train":
            kept *= REPEATED.get(name, 1)
            if name == "ragtruth_faithjudge":
                kept += [r for r in kept if r["label"] != "supported"] * 2
        for row in kept:
            budget = chance.choice((35, 50, 70))
            parts = narrowed(row["claim"], row["evidence"], budget, lambda: 0.3 * chance.random())
            yield Pair(row["claim"], _text(parts, chance), LABELS[row["label"]], False, name)
        if split == "train" and name in JOINED:
            yield from _joined(kept, name, chance)


def _joined(kept: Sequence[dict[str, Any]], name: str, chance: random.Random) -> Iterator[Pair]:
    """Two claims about the same text as one sentence: both must hold."""
    by_text: dict[str, list[dict[str, Any]]] = {}
    for row in kept:
        by_text.setdefault(_shared(row), []).append(row)
    for group in by_text.values():
        chance.shuffle(group)
        for one, two in zip(group[::2], group[1::2], strict=False):
            if one["claim"] == two["claim"]:
                continue
            labels = {one["label"], two["label"]}
            worst = (
                "contradicted" if "contradicted" in labels
                else "unsupported" if "unsupported" in labels else "supported"
            )  # fmt: skip
            first = one["claim"].rstrip(" .")
            link = chance.choice((" and ", ", and ", "; ", ". "))
            claim = f"{first}{link}{two['claim']}"
            both = list(dict.fromkeys(one["evidence"] + two["evidence"]))
            parts = narrowed(claim, both, 80, lambda: 0.2 * chance.random())
            yield Pair(claim, _text(parts, chance), LABELS[worst], False, f"{name}+")


def _shared(row: dict[str, Any]) -> str:
    first = row["evidence"][0]
    return first if row["source"] in ("fm2", "infotabs") else "\n".join(row["evidence"])


def _synthetic(data: Path, split: str, most: int, chance: random.Random) -> Iterator[Pair]:
    """Sentences of Wikipedia passages: unchanged or reworded, with one thing altered, or absent."""
    passages = set()
    for name in ("squad2", "nq_open", "selqa", "xquad_en", "boolq"):
        for row in rows(data / "support" / f"{name}.answerability.jsonl.gz"):
            if row["split"] == split:
                passages.add(row["passage"])
    ordered = sorted(passages)
    chance.shuffle(ordered)
    made = 0
    for passage in ordered:
        if made >= most:
            return
        sentences = [passage[a:b] for a, b in sentence_offsets(passage)]
        good = [s for s in sentences if 45 < len(s) < 260 and s[0].isupper() and s[-1] == "."]
        if len(good) < 3:
            continue
        for sentence in chance.sample(good, min(3, len(good))):
            pair = _one(sentence, sentences, passage, chance)
            if pair:
                made += 1
                yield pair


def _one(
    sentence: str, sentences: Sequence[str], passage: str, chance: random.Random
) -> Pair | None:
    others = [s for s in sentences if s != sentence and 20 < len(s) < 220]
    around = chance.sample(others, min(len(others), chance.choice((0, 0, 1, 2, 3))))
    kind = chance.random()
    claim, label = sentence, "supported"
    if kind < 0.36:
        claim = reworded(sentence, chance) if chance.random() < 0.7 else sentence
    elif kind < 0.48:
        return _half(sentence, others, chance)
    elif kind < 0.86:
        altered = alter(reworded(sentence, chance), passage, chance)
        if altered is None:
            return None
        claim, label = altered.text, "contradicted"
    else:
        label = "unsupported"
        words = set(content_terms(sentence))
        if not around or len(words & set(lexical_terms(" ".join(around)))) > 0.6 * len(words):
            return None
    if label != "unsupported":
        around = [*around, sentence]
        other = chance.choice(others) if others else ""
        if other and chance.random() < 0.15:
            bare = sentence if label == "supported" else claim
            claim = f"{bare.rstrip('.')}, and {other[0].lower()}{other[1:]}"
            around = [*(s for s in around if s != other), other]
    order = {s: i for i, s in enumerate(sentences)}
    parts = sorted(around, key=lambda s: order.get(s, 0))
    return Pair(claim, " ".join(parts), LABELS[label], False, "synthetic")


def _half(sentence: str, others: Sequence[str], chance: random.Random) -> Pair | None:
    """Two sentences of a passage as one claim, of which the evidence states one or both."""
    if len(others) < 2:
        return None
    other, *around = chance.sample(others, min(len(others), chance.choice((2, 3, 4))))
    whole = chance.random() < 0.4
    if not whole and len(
        set(content_terms(other)) & set(lexical_terms(" ".join(around)))
    ) > 0.6 * len(set(content_terms(other))):
        return None
    first, second = chance.sample((sentence, other), 2)
    claim = f"{first.rstrip('.')}, and {second}"
    held = [sentence, *around, *([other] if whole else [])]
    chance.shuffle(held)
    label = "supported" if whole else "unsupported"
    return Pair(claim, " ".join(held), LABELS[label], False, "synthetic")


def _questions(data: Path, split: str, share: float, chance: random.Random) -> Iterator[Pair]:
    for name, most in QUESTIONS.items():
        path = data / "support" / f"{name}.answerability.jsonl.gz"
        chosen = [row for row in rows(path) if row["split"] == split]
        chance.shuffle(chosen)
        for row in chosen[: int(most * share)]:
            yield from _asked(row, chance)


def _asked(row: dict[str, Any], chance: random.Random) -> Iterator[Pair]:
    question, source = row["question"], row["source"] + "?"
    parts = _parts(row["passage"])
    most = chance.choice((30, 45, 60, 85))
    near = narrowed(question, parts, most, lambda: 0.5 * chance.random())
    if not row["answerable"]:
        yield Pair(question, _text(near, chance), UNANSWERED, True, source)
        return
    answers = [answer.lower() for answer in row["answers"] if answer.strip()]
    if row["source"] in ("qnli", "boolq"):
        yield Pair(question, _text(near, chance), ANSWERED, True, source)
        return
    holding = [p for p in parts if any(_holds(p, answer) for answer in answers)]
    if row["source"] == "fetaqa":  # its answers are sentences: the row that shares most with one
        said = set(lexical_terms(" ".join(answers)))
        holding = sorted(parts, key=lambda p: -len(said & set(lexical_terms(p))))[:1]
    if not holding or len(holding) > 2:
        return
    asked = set(content_terms(question))
    best = max(holding, key=lambda p: len(asked & set(lexical_terms(p))))
    others = [p for p in near if p not in holding]
    kept = [p for p in parts if p == best or p in others]
    yield Pair(question, _text(kept, chance), ANSWERED, True, source)
    other = _about_another(question, best, chance)
    if other and chance.random() < 0.35:
        yield Pair(other, _text(kept, chance), UNANSWERED, True, source)
    elif others and chance.random() < 0.5 and row["source"] not in ("tatqa", "fetaqa"):
        yield Pair(question, _text(others, chance), UNANSWERED, True, source)


def _holds(part: str, answer: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", part.lower()) is not None


_SEEN: list[str] = []


def _about_another(question: str, evidence: str, chance: random.Random) -> str:
    """The question about another name or year: a passage about this one does not answer it."""
    held = set(lexical_terms(evidence))
    found = [n.text for n in names(question) if any(term in held for term in n.terms)]
    found += [q.text for q in quantities(question) if q.text in evidence and len(q.text) == 4]
    if not found:
        return ""
    old = chance.choice(found)
    options = [n for n in _SEEN if n.isdigit() == old.isdigit() and n not in evidence]
    _SEEN.append(old)
    return question.replace(old, chance.choice(options)) if options else ""


def _roles(data: Path, split: str, most: int, chance: random.Random) -> Iterator[Pair]:
    """Who did what to whom; see ``roles``."""
    passages = sorted(
        {
            row["passage"]
            for name in ("squad2", "nq_open", "selqa")
            for row in rows(data / "support" / f"{name}.answerability.jsonl.gz")
            if row["split"] == split
        }
    )
    chance.shuffle(passages)
    parts = [[p[a:b] for a, b in sentence_offsets(p)] for p in passages[:400]]
    found = {
        name.text
        for passage in passages[:400]
        for name in names(passage)
        if len(name.text) > 3 and not name.of_people and not name.text.isdigit()
    }
    for claim, evidence, label in role_pairs(parts, sorted(found), most, split, chance):
        yield Pair(claim, evidence, LABELS[label], False, "roles")


def load(data: Path, split: str, seed: int, share: float = 1.0, roles: int = 0) -> list[Pair]:
    """All pairs of a split, shuffled; the same for the same seed, share and number of roles."""
    chance = random.Random(seed)
    _SEEN.clear()
    made = list(_claims(data, split, share, chance))
    made += _synthetic(data, split, int(SYNTHETIC * share), chance)
    made += _questions(data, split, share, chance)
    if roles:
        made += _roles(data, split, roles, chance)
    chance.shuffle(made)
    return made
