"""Make ``minimal_pairs.jsonl``: sentences with one thing changed, and sentences that stay true.

    python evals/make_minimal_pairs.py --data DIR --out evals/minimal_pairs.jsonl

The sentences come from the article in ``seeds/`` and from the passages of ClapNQ's dev part
(``DIR/clapnq``; primeqa/clapnq, Apache-2.0), which are Wikipedia text under CC-BY-SA, and so are
the rows made of it. No judge is trained on either. Each row holds a claim, five to ten sentences
around its own, and a label: ``contradicted`` where ``judge/alterations.py`` changed something,
``supported`` for a verbatim or a reworded sentence. A sentence may stand in both halves.

Every changed and every reworded claim was read once, by one reader. ``DROPPED`` lists those whose
label would be wrong, or that no longer make sense, by the reason; what is left is the set. What is
drawn hangs on ``citewise.quantities`` and on ``alterations.py``: where they change, other claims
come up, which have to be read before they are committed. Names and numbers are found by the same
code as in the built-in rules, so those rules do better on these two kinds than on other texts.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "judge"))

from alterations import Altered, alter, reworded

from citewise.splitting import split
from citewise.types import Document

SEED = 20260602
# The rarer kinds choose their sentences first.
MOST = {
    "unit": 120, "date": 95, "number": 95, "role": 130, "direction": 130, "negation": 90,
    "name": 130,
}  # fmt: skip
UNCHANGED = {"reworded": 190, "verbatim": 160}
LEAST_EVIDENCE, MOST_EVIDENCE = 5, 10

# Rows that were read and left out, by the reason.
DROPPED = {
    "still true, or not clearly false": """
    date-beb1a6 direction-0c30d8 direction-4488be direction-4fd45a direction-774c1c
    direction-a0d04b direction-add5c7 direction-c1461a direction-d78b53 direction-e832b8
    name-08b48b name-4ad851 name-687f05 name-9ff924 name-a09a17 name-a88320 name-d7fff9
    name-d8b4d9 name-e4403f negation-87fe11 number-0c3bd3 number-141b8d number-61195a
    number-64822f number-75bfcd number-fde3f1 role-144a2a role-809912 role-95d36b role-bcbae8
    """,
    "no sentence, or no sense": """
    date-48d77f date-6ca077 direction-313070 direction-411e30 direction-4ec9a8
    direction-6e86d7 direction-7a305d direction-7def78 direction-811f44 direction-a499df
    direction-add5cf direction-d24248 direction-d85ed8 direction-ee60b6 direction-fcb692
    name-04a90b name-05a7fe name-06a1c1 name-06bea3 name-0b2d83 name-151148 name-165b3a
    name-182fdf name-1cfa9a name-2ff042 name-308c13 name-375855 name-39f6de name-46f6b2
    name-50ad71 name-5340d5 name-53cd23 name-5dd32e name-5f9590 name-6c8073 name-71aabb
    name-731019 name-825ed4 name-85eeee name-865d7e name-8de7cc name-9438aa name-9f1afc
    name-a4aed8 name-abf164 name-b25b46 name-b9120e name-b9c1f8 name-be39da name-c2e23d
    name-c5f14d name-cb2a7e name-e04126 name-e64f97 name-e6a332 number-108b31 number-30804b
    number-32ce34 number-3a4ee8 number-af8bb1 number-d313d9 number-eb2cfa number-ecce63
    role-015099 role-0254de role-03b6ad role-0764e5 role-0932b6 role-0cbdab role-232b91
    role-2e5743 role-404b3f role-41ce4f role-4dc6e0 role-5f148c role-60cbea role-692a9c
    role-6c89cf role-701ed6 role-7dd9fa role-99b67b role-a2e9b3 role-ab7638 role-b49c06
    role-b51cb3 role-b8f3ab role-c28302 role-df894e role-f05fba role-f5f636
    """,
    "reworded into something else": """
    reworded-1bd484 reworded-3d0b87 reworded-5c9b1a reworded-5fde96 reworded-5ffb72
    reworded-9b6bec reworded-9c913a reworded-aecbf3 reworded-c4000e reworded-f4acb3
    """,
}

_ODD = re.compile(r"[\u200b⁄_|<>{}\\^=~]|\.\.|&\w+;| ' |''|``|\[|\]|http")
# What ``_direction`` would turn into nonsense, or into something that is as true.
_MISLED = re.compile(
    r"\bmore (?!than\b)|\bmost (?!of\b|common\b|important\b|popular\b)|\bleft\b|\bright\b"
    r"|\bold(?:er)?\b"
    r"|\bat (?:first|last|least|most)\b|\bopen\b|\bclosed\b|\bday\b|\bnamed (?:after|before)\b"
    r"|\bwon't\b|\b(?:began|started|ended) to\b|\bstopped from\b|\bas possible\b|\bcommon\b"
    r"|\bhigher[ -](?:ups|power|education)\b|\brose\b|\bfell (?:in|for|to)\b"
)
# Where ``reworded`` took the wrong sense of a word.
_CLUMSY = re.compile(
    r"\b(?:since of|called as|known as as|called [a-z]+s\b|contain\b|\w+ \))"
    r"|\b(?:more|less) than (?![\d$])"
    r"|\([^)]*\([^)]*$|^[^(]*\)"
)


@dataclass(frozen=True)
class Place:
    """A sentence with its document."""

    document: str
    sentences: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        return self.sentences[self.at]

    @property
    def passage(self) -> str:
        return " ".join(self.sentences)


def written(tokens: str) -> str:
    """ClapNQ's spaced tokens as people write them."""
    text = re.sub(r"``\s*(.*?)\s*''", r'"\1"', tokens)
    text = re.sub(r" (n't|'s|'re|'ve|'ll|'d|'m)\b", r"\1", text)
    text = re.sub(r"(?<=\d) -- (?=\d)", "–", text)
    text = re.sub(r" -- ", " – ", text)
    text = re.sub(r"(?<=\w) - (?=\w)", "-", text)
    text = re.sub(r" ([,.;:?!)%])", r"\1", text)
    text = re.sub(r"([($£€]) (?=\S)", r"\1", text)
    return re.sub(r"\s+", " ", text).strip()


def places(data: Path, seeds: Path) -> Iterator[Place]:
    """Every sentence that is fit to be a claim."""
    documents: dict[str, tuple[str, ...]] = {}
    for path in sorted(seeds.glob("*.txt")):
        passages = split(Document(path.name, path.read_text(encoding="utf-8"), ""))
        prose = [p for p in passages if p.kind == "prose"]
        documents[path.name] = tuple(s.rendered for p in prose for s in p.spans)
    for name in ("answerable", "unanswerable"):
        for line in (data / "clapnq" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            passage = row["passages"][0]
            sentences = tuple(written(sentence) for sentence in passage["sentences"])
            documents.setdefault(f"clapnq/{row['id']} {passage['title']}", sentences)
    seen: set[str] = set()
    for document, sentences in documents.items():
        for at, sentence in enumerate(sentences):
            if _fit(sentence) and len(sentences) >= LEAST_EVIDENCE and sentence not in seen:
                seen.add(sentence)
                yield Place(document, sentences, at)


def _fit(text: str) -> bool:
    even = text.count("(") == text.count(")") and text.count('"') % 2 == 0
    plain = 45 < len(text) < 340 and text[0].isupper() and text[-1] == "." and even
    return plain and not _ODD.search(text) and len(text.split()) > 7


def changed(found: Sequence[Place]) -> Iterator[dict[str, object]]:
    """Rows with one thing changed; no sentence is used for two kinds."""
    used: set[Place] = set()
    for kind, most in MOST.items():
        rows: list[dict[str, object]] = []
        for place in found:
            if place not in used and len(rows) < most:
                made = variants(place, kind)
                rows += [row(place, text, kind, "contradicted") for text in made]
                used |= {place} if made else set()
        yield from rows


def variants(place: Place, kind: str) -> list[str]:
    """The sentence changed in one way; in up to two for the rarest kind."""
    if kind == "direction" and _MISLED.search(place.text):
        return []
    chance = random.Random(f"{SEED} {kind} {place.text}")
    made: list[str] = []
    for _ in range(1 if kind in ("direction", "negation") else 6):
        altered = alter(place.text, place.passage, chance, [kind])
        if altered and altered.text not in made and _sensible(altered, place):
            made.append(altered.text)
    return made[: 2 if kind == "unit" else 1]


def _sensible(altered: Altered, place: Place) -> bool:
    """False for what reads as no sentence, or as one that is as true."""
    text, kind = place.text, altered.kind
    old, new = re.escape(altered.old), re.escape(altered.new)
    if kind == "negation":
        return True
    if kind == "role":  # half of a name ("New Delaware") makes no claim
        side_by_side = re.search(rf"(?:{old}|{new})[ -](?:and|or)\b", text)
        return _alone(old, text) and _alone(new, text) and not side_by_side
    if kind == "name" and not (_alone(old, text) and _alone(new, place.passage)):
        return False
    if kind == "direction" and re.search(rf"-{old}\b|\b{old}-", text):
        return False
    if kind == "unit" and "percentage" in altered.new:
        return False
    # "The north and the north" contradicts nothing.
    return not re.search(rf"(?<!\w){new}(?!\w)", text)


def _alone(name: str, text: str) -> bool:
    """Whether the name never stands beside another capital letter."""
    part = rf"(?<![.!?] )(?:[A-Z][\w.'-]*|\b[Tt]he) \"?{name}\b|\b{name}[ -]\"?[A-Z(]"
    return not re.search(part, text)


def unchanged(found: Sequence[Place]) -> Iterator[dict[str, object]]:
    """Rows that stay true: in other words, or word for word."""
    made: collections.Counter[str] = collections.Counter()
    for place in found:
        kind = "reworded" if made["reworded"] < UNCHANGED["reworded"] else "verbatim"
        if made[kind] == UNCHANGED[kind]:
            return
        chance = random.Random(f"{SEED} {place.text}")
        text = reworded(place.text, chance) if kind == "reworded" else place.text
        if kind == "verbatim" or (text != place.text and not _CLUMSY.search(text)):
            made[kind] += 1
            yield row(place, text, kind, "supported")


def row(place: Place, claim: str, kind: str, label: str) -> dict[str, object]:
    """One line of the file."""
    chance = random.Random(f"{SEED} {claim}")
    size = min(len(place.sentences), chance.randint(LEAST_EVIDENCE, MOST_EVIDENCE))
    first = max(0, min(place.at - chance.randrange(size), len(place.sentences) - size))
    digest = hashlib.sha256(f"{place.document}\n{place.text}\n{claim}".encode()).hexdigest()
    return {
        "id": f"{kind}-{digest[:6]}",
        "claim": claim,
        "evidence": list(place.sentences[first : first + size]),
        "label": label,
        "kind": kind,
        "document": place.document,
    }


def main() -> None:
    """Write the file and say what is in it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seeds", type=Path, default=Path("seeds"))
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    args = parser.parse_args()
    found = list(places(args.data, args.seeds))
    random.Random(SEED).shuffle(found)
    rows = [*changed(found), *unchanged(found)]
    ids = [r["id"] for r in rows]
    dropped = set(" ".join(DROPPED.values()).split())
    assert len(set(ids)) == len(ids), "two rows have the same id"
    assert not (stale := dropped - set(ids)), f"dropped, but never made: {sorted(stale)}"
    kept = [r for r in rows if r["id"] not in dropped]
    lines = [json.dumps(r, ensure_ascii=False) for r in kept]
    args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(dict(collections.Counter(r["kind"] for r in kept)))


if __name__ == "__main__":
    main()
