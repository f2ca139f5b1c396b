"""Who did what to whom: pairs of sentences that say the same of two, or the same turned round.

Made from relations that have a direction, each told in several ways: active, passive, by another
verb, by the verb for the other side ("sold to", "bought from"). The two are names of public
passages, or common nouns; what stands around the sentence are sentences of such passages.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

__all__ = ["HELD_OUT", "RELATIONS", "role_pairs"]

# Each relation as ways to tell that A stands in it to B.
RELATIONS: dict[str, tuple[str, ...]] = {
    "buy": (
        "{a} acquired {b}", "{a} bought {b}", "{a} purchased {b}", "{a} took over {b}",
        "{b} was acquired by {a}", "{b} was bought by {a}", "{b} was taken over by {a}",
        "{b} was sold to {a}", "{a}'s acquisition of {b} was completed", "{b} became part of {a}",
    ),
    "sue": (
        "{a} sued {b}", "{b} was sued by {a}", "{a} took {b} to court",
        "{a} filed a lawsuit against {b}", "{b} was taken to court by {a}",
    ),
    "beat": (
        "{a} defeated {b}", "{a} beat {b}", "{b} was defeated by {a}", "{b} lost to {a}",
        "{b} was beaten by {a}", "{a} won against {b}",
    ),
    "hire": (
        "{a} hired {b}", "{a} employed {b}", "{b} was hired by {a}", "{b} worked for {a}",
        "{b} was employed by {a}", "{a} recruited {b}",
    ),
    "fund": (
        "{a} funded {b}", "{a} financed {b}", "{a} invested in {b}", "{b} was funded by {a}",
        "{b} received an investment from {a}", "{b} got its money from {a}",
        "{a} put money into {b}", "{b} was financed by {a}",
    ),
    "teach": (
        "{a} taught {b}", "{b} was taught by {a}", "{b} learned from {a}",
        "{b} was a student of {a}", "{a} was the teacher of {b}",
    ),
    "replace": (
        "{a} replaced {b}", "{b} was replaced by {a}", "{a} succeeded {b}",
        "{b} was succeeded by {a}", "{a} took the place of {b}",
    ),
    "criticise": (
        "{a} criticized {b}", "{b} was criticized by {a}", "{a} found fault with {b}",
        "{b} was faulted by {a}",
    ),
    "praise": ("{a} praised {b}", "{b} was praised by {a}", "{b} won the praise of {a}"),
    "supply": (
        "{a} supplied {b}", "{b} was supplied by {a}", "{a} delivered goods to {b}",
        "{b} received goods from {a}", "{a} was a supplier of {b}", "{b} was a customer of {a}",
    ),
    "lead": (
        "{a} led {b}", "{b} was led by {a}", "{a} headed {b}", "{a} was the head of {b}",
        "{b} was headed by {a}",
    ),
    "own": (
        "{a} owns {b}", "{b} is owned by {a}", "{b} belongs to {a}",
        "{b} is a subsidiary of {a}", "{a} is the owner of {b}", "{a} is the parent of {b}",
    ),
    "influence": (
        "{a} influenced {b}", "{b} was influenced by {a}", "{a} inspired {b}",
        "{b} was inspired by {a}", "{b} took inspiration from {a}",
    ),
    "lend": (
        "{a} lent money to {b}", "{b} borrowed money from {a}", "{a} gave a loan to {b}",
        "{b} received a loan from {a}", "{b} was in debt to {a}",
    ),
    "accuse": ("{a} accused {b}", "{b} was accused by {a}", "{a} put the blame on {b}"),
    "rescue": (
        "{a} rescued {b}", "{b} was rescued by {a}", "{a} saved {b}", "{b} was saved by {a}",
    ),
    "follow": (
        "{a} followed {b}", "{b} was followed by {a}", "{a} came after {b}", "{b} preceded {a}",
        "{b} came before {a}", "{a} was preceded by {b}",
    ),
    "pay": ("{a} paid {b}", "{b} was paid by {a}", "{b} received a payment from {a}"),
    "attack": ("{a} attacked {b}", "{b} was attacked by {a}", "{b} came under attack from {a}"),
    "help": ("{a} helped {b}", "{b} was helped by {a}", "{b} received help from {a}"),
    "sell": (
        "{a} sold the house to {b}", "{b} bought the house from {a}",
        "{a} sold its shares to {b}", "{b} bought its shares from {a}",
    ),
    "report": ("{a} reports to {b}", "{b} manages {a}", "{a} is managed by {b}"),
    "older": ("{a} is older than {b}", "{b} is younger than {a}", "{a} was there before {b}"),
    "larger": ("{a} is larger than {b}", "{b} is smaller than {a}", "{a} exceeds {b} in size"),
    "dearer": ("{a} costs more than {b}", "{b} is cheaper than {a}", "{b} costs less than {a}"),
    "north": ("{a} lies north of {b}", "{b} lies south of {a}", "{b} is to the south of {a}"),
    "cause": ("{a} caused {b}", "{b} was caused by {a}", "{b} resulted from {a}", "{a} led to {b}"),
    "invite": ("{a} invited {b}", "{b} was invited by {a}", "{b} was the guest of {a}"),
    "create": ("{a} created {b}", "{b} was created by {a}", "{b} is the work of {a}"),
    "outlive": ("{a} outlived {b}", "{b} died before {a}", "{b} was outlived by {a}"),
    "contain": ("{a} contains {b}", "{b} is contained in {a}", "{b} is part of {a}"),
    "outsell": ("{a} outsold {b}", "{b} was outsold by {a}", "{a} sold more copies than {b}"),
}  # fmt: skip
HELD_OUT = ("sue", "teach", "lend", "rescue")
"""Relations of the dev part alone."""
_NOUNS = (
    "the firm", "a rival", "the bank", "the mayor", "the club", "the northern team", "the museum",
    "its partner", "the older brother", "the court", "the ministry", "a small start-up",
    "the publisher", "the union", "the committee", "the school", "the general", "the farmers",
    "the university", "the insurer", "the city", "the king", "the bishop", "a neighbour",
)  # fmt: skip
_HEADS = ("", "", "", "In 2014, ", "Last spring, ", "That year, ", "In the end, ", "In May, ")
_TAILS = ("", "", "", " in 2014", " after long talks", " for the second time", " in the end")


def role_pairs(
    passages: Sequence[Sequence[str]], named: Sequence[str], most: int, split: str,
    chance: random.Random,
) -> Iterator[tuple[str, str, str]]:  # fmt: skip
    """Claims, their evidence and labels: half of the claims turn the relation round.

    Args:
        passages: sentences of passages, put around the one that decides.
        named: names that take part.
        most: how many.
        split: "dev" for relations that "train" never shows.
        chance: decides.
    """
    kinds = [kind for kind in RELATIONS if (kind in HELD_OUT) == (split == "dev")]
    for _ in range(most):
        ways = RELATIONS[chance.choice(kinds)]
        a, b = _two(named, chance)
        turned = chance.random() < 0.5
        said, told = chance.choice(ways), chance.choice(ways)
        if chance.random() < 0.25:
            told = said
        if "house" in said + told and "shares" in said + told:
            told = said
        evidence = _sentence(said.format(a=a, b=b), chance, bare=False)
        first, second = (b, a) if turned else (a, b)
        claim = _sentence(told.format(a=first, b=second), chance, bare=True)
        around = list(chance.choice(passages))
        around = chance.sample(around, min(len(around), chance.choice((0, 0, 1, 2))))
        parts = [*around, evidence]
        chance.shuffle(parts)
        yield claim, " ".join(parts), "contradicted" if turned else "supported"


def _two(named: Sequence[str], chance: random.Random) -> tuple[str, str]:
    if chance.random() < 0.35:
        one, other = chance.sample(_NOUNS, 2)
    elif chance.random() < 0.25:
        one, other = chance.choice(named), chance.choice(_NOUNS)
    else:
        one, other = chance.sample(list(named), 2)
    return (one, other) if chance.random() < 0.5 else (other, one)


def _sentence(text: str, chance: random.Random, *, bare: bool) -> str:
    head = "" if bare and chance.random() < 0.7 else chance.choice(_HEADS)
    tail = "" if bare or head else chance.choice(_TAILS)
    whole = f"{head}{text}{tail}."
    return whole[0].upper() + whole[1:]
