"""Questions that a corpus cannot answer, made of ones that it can."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import cycle

from citewise.eval_verbs import FORMS

__all__ = ["Swap", "name_in", "swaps", "words_of"]

# Coined, so that no document is likely to hold them; whether one does is looked up all the same.
_NAMES = (
    "Quillmark", "Veltrano", "Ostrabel", "Norvick", "Tamsworth", "Kelbridge", "Marlopa",
    "Jessamund", "Brindova", "Calderhay", "Luxmere", "Pendrath",
)  # fmt: skip
_ATTRIBUTES = (
    "postal address", "annual budget", "telephone number", "warranty period", "insurance premium",
    "customer rating", "maintenance cost", "registration number", "parking fee", "customs duty",
    "licence fee", "resale value", "recycling rate", "birthplace",
)  # fmt: skip
_WORD = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"['’]s$")
_FOUND = re.compile(r"[A-Z][\w.’'-]*(?: (?:of |the |for |and )?[A-Z\d][\w.’'-]*)*")
_LEADS_ON = re.compile(r" (?!(?:in|of|on|at|by|for|to|from|with|and|as)\b)[a-z]")


@dataclass(frozen=True, slots=True)
class Swap:
    """A question, and what in it no document holds."""

    question: str
    unknown: str


def words_of(texts: Iterable[str]) -> frozenset[str]:
    """All words and numbers of some texts, in small letters."""
    return frozenset(word.lower() for text in texts for word in _WORD.findall(text))


def name_in(question: str, common: Collection[str]) -> str:
    """The longest name in a question, without the word that begins it; empty if there is none."""
    behind = question.partition(" ")[2]
    found = (_POSSESSIVE.sub("", match[0].rstrip(".,?")) for match in _FOUND.finditer(behind))
    return max((n for n in found if n.split()[0].lower() not in common), key=len, default="")


def swaps(asked: Iterable[tuple[str, str]], held: AbstractSet[str]) -> Iterator[Swap]:
    """By turns a name, then an attribute put in that is not among the words held.

    Args:
        asked: questions, each with a name that it holds.
        held: all words of the corpus, in small letters.
    """
    unknown_names = (n for n in _NAMES if n.lower() not in held)
    unknown_attributes = (a for a in _ATTRIBUTES if held.isdisjoint(a.split()))
    for (question, name), by_name in zip(asked, cycle((True, False)), strict=False):
        if by_name and (unknown := next(unknown_names, "")):
            yield Swap(_put_in(question, name, unknown), unknown)
        elif unknown := next(unknown_attributes, ""):
            the = "the " if f" the {name}" in question else ""
            yield Swap(f"What is the {unknown} of {the}{name}?", unknown)


def _put_in(question: str, name: str, unknown: str) -> str:
    """The question about the unknown; "in the Oslo office" keeps its article, others lose it."""
    before, _, behind = question.partition(name)
    keeps = _LEADS_ON.match(behind) and behind.split()[0].strip("?") not in FORMS
    return (before if keeps else re.sub(r"\bthe $", "", before)) + unknown + behind
