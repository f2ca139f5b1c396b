"""What was changed in a claim that is nearly a copy of a sentence in its source.

Where a claim follows a sentence word for word, a word that stands in another's place is no
paraphrase by chance: it is the change that makes the claim false, unless it means the same.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from citewise.opposites import are_opposites, mean_the_same
from citewise.quantities import names
from citewise.tokens import lexical_terms

__all__ = ["Change", "change_in", "likeness"]

_LIKE = 0.72
_LONGEST_CHANGE = 3
_WORD = re.compile(r"[^\W_]+(?:[.,'’-][^\W_]+)*|[$€£¥%]")
_NEGATIONS = frozenset(("not", "no", "never", "without", "neither", "nor", "cannot"))
# Small words may change with the grammar around them.
_SMALL = frozenset(
    """
    a an the of to in on at by for with from as and or is are was were be been being has have had do
    does did it its he she they his her their this that these those which who also
    """.split()  # noqa: SIM905 - one word a line would bury the code below
)


@dataclass(frozen=True, slots=True)
class Change:
    """What the source says and what the claim says in its place; ``sure`` if it is the contrary."""

    source: str
    claim: str
    reason: str
    sure: bool


def likeness(claim: str, sentence: str) -> float:
    """The share of the claim's words that stand in the sentence in the same order."""
    ours, theirs = _folded(claim), _folded(sentence)
    if not ours:
        return 0.0
    blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(ours)


def change_in(claim: str, sentences: Sequence[str]) -> Change | None:
    """The change in a near copy of one of the sentences; None if it is none, or means the same.

    Only the sentence that is most alike is looked at.
    """
    scored = [(likeness(claim, sentence), -place) for place, sentence in enumerate(sentences)]
    if not scored:
        return None
    best, place = max(scored)
    if best < _LIKE or best == 1.0:
        return None if best < _LIKE else _left_out(claim, sentences[-place])
    return _compared(claim, sentences[-place])


def _compared(claim: str, sentence: str) -> Change | None:
    ours, theirs = _words(claim), _words(sentence)
    folded = [word.lower() for word in ours], [word.lower() for word in theirs]
    matcher = SequenceMatcher(None, folded[0], folded[1], autojunk=False)
    replaced: list[tuple[str, str]] = []
    taken, put = [], []
    for kind, a, b, c, d in matcher.get_opcodes():
        said, there = " ".join(ours[a:b]), " ".join(theirs[c:d])
        if kind == "replace" and b - a <= _LONGEST_CHANGE and d - c <= _LONGEST_CHANGE + 2:
            replaced.append((there, said))
        taken += [there] if kind == "insert" else []
        put += [said] if kind == "delete" else []
        denied = _denies(folded[0][a:b]) != _denies(folded[1][c:d])
        if kind != "equal" and denied and not _other_denial(folded, (a, b), (c, d)):
            reason = (
                "it denies what the source says"
                if _denies(folded[0][a:b])
                else ("it leaves out a denial in the source")
            )
            return Change(there, said, reason, True)
    return _swapped(replaced) or _moved(taken, put) or _replaced(replaced, sentence)


def _denies(words: Sequence[str]) -> bool:
    return any(word in _NEGATIONS or word.endswith(("n't", "n’t")) for word in words)


def _other_denial(
    folded: tuple[list[str], list[str]], ours: tuple[int, int], theirs: tuple[int, int]
) -> bool:
    """Whether the other side denies elsewhere: then the denial was moved and not lost."""
    if _denies(folded[0][slice(*ours)]):
        return (
            _denies(folded[1])
            and not _denies(folded[1][slice(*theirs)])
            and not (_count(folded[0]) > _count(folded[1]))
        )
    return _count(folded[0]) >= _count(folded[1])


def _count(words: Sequence[str]) -> int:
    return sum(_denies([word]) for word in words)


def _left_out(claim: str, sentence: str) -> Change | None:
    """A claim whose words all stand in the sentence may leave out its denial."""
    ours, theirs = _folded(claim), _folded(sentence)
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    for before, after in itertools.pairwise(blocks):
        gap = theirs[before.b + before.size : after.b]
        if len(gap) <= _LONGEST_CHANGE and _denies(gap):
            return Change(" ".join(gap), "", "it leaves out a denial in the source", True)
    return None


def _swapped(replaced: Sequence[tuple[str, str]]) -> Change | None:
    """Two places that exchanged their words."""
    for i, (there, said) in enumerate(replaced):
        for other_there, other_said in replaced[i + 1 :]:
            if _bare(there) == _bare(other_said) and _bare(said) == _bare(other_there):
                reason = f"{there!r} and {other_there!r} are exchanged in it"
                return Change(there, said, reason, True)
    return None


def _moved(taken: Sequence[str], put: Sequence[str]) -> Change | None:
    """A name that stands on the other side of its verb: who did it became to whom."""
    for there in taken:
        words = [word for word in there.split() if word.lower() not in _SMALL]
        named = [word for word in words if word[0].isupper()]
        if not named or len(named) == len(words):
            continue
        for said in put:
            if sorted(_bare(there).split()) == sorted(_bare(said).split()) and there != said:
                reason = f"{' '.join(named)!r} is on the other side of its verb in it"
                return Change(there, said, reason, True)
    return None


def _replaced(replaced: Sequence[tuple[str, str]], sentence: str) -> Change | None:
    held = frozenset(lexical_terms(sentence))
    for there, said in replaced:
        ours = [w for w in said.split() if w.lower() not in _SMALL]
        theirs = [w for w in there.split() if w.lower() not in _SMALL]
        if not ours or not theirs or mean_the_same(there, said):
            continue
        reason = f"the source says {there}, not {said}"
        if any(are_opposites(one, other) for one in ours for other in theirs):
            return Change(there, said, reason, True)
        # "Chinese" for "China's" is the same name.
        named = names(f"- {said}")
        if named and all(name.stands_in(sentence, held) for name in named):
            continue
        if not frozenset(lexical_terms(said)) <= held:
            return Change(there, said, reason, _tells(ours) and _tells(theirs))
    return None


def _tells(words: Sequence[str]) -> bool:
    """Whether a word is a number or a name, for which no other can stand."""
    return any(word[0].isupper() or any(c.isdigit() for c in word) for word in words)


def _bare(text: str) -> str:
    words = (re.sub(r"['’]s?$", "", word) for word in text.lower().split())
    return " ".join(word for word in words if word not in _SMALL)


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _folded(text: str) -> list[str]:
    return [word.lower() for word in _words(text)]
