"""Verbs whose forms are known, so that "it opened in 1912" can become "when did it open?".

A closed list on purpose: taking a verb's ending off by rule makes "releas" of "releases" as often
as it makes a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["FORMS", "PARTICIPLE", "PARTICIPLES", "VERBS", "Form"]

_REGULAR = """
abolish acquire add adopt aim allow announce appear appoint arrive award balance charge close
collect complete connect contain convert cover create deliver demolish design destroy develop
discover donate double earn elect employ enable end establish expand expire extend feature finish
form gain generate handle hire host house improve include increase install introduce invent invest
join last launch list measure merge move name occupy offer operate own paint pour process produce
propose publish raise reach receive record reduce release remain rename report require restore
retire return save score seat secure separate serve share ship sign span start store supply support
surpass test train use visit weigh work
""".split()  # noqa: SIM905 - one word a line would bury the code below
_IRREGULAR = {
    "begin": ("begins", "began", "begun"),
    "build": ("builds", "built", "built"),
    "buy": ("buys", "bought", "bought"),
    "carry": ("carries", "carried", "carried"),
    "cost": ("costs", "cost", "cost"),
    "die": ("dies", "died", "died"),
    "found": ("founds", "founded", "founded"),
    "get": ("gets", "got", "got"),
    "give": ("gives", "gave", "given"),
    "grow": ("grows", "grew", "grown"),
    "have": ("has", "had", "had"),
    "hold": ("holds", "held", "held"),
    "keep": ("keeps", "kept", "kept"),
    "leave": ("leaves", "left", "left"),
    "lose": ("loses", "lost", "lost"),
    "meet": ("meets", "met", "met"),
    "open": ("opens", "opened", "opened"),
    "pay": ("pays", "paid", "paid"),
    "plan": ("plans", "planned", "planned"),
    "run": ("runs", "ran", "run"),
    "sell": ("sells", "sold", "sold"),
    "spend": ("spends", "spent", "spent"),
    "stop": ("stops", "stopped", "stopped"),
    "take": ("takes", "took", "taken"),
    "win": ("wins", "won", "won"),
    "write": ("writes", "wrote", "written"),
}

Auxiliary: TypeAlias = Literal["do", "does", "did"]


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a verb: its base, and the word that asks for it."""

    base: str
    asks: Auxiliary


def _regular(base: str) -> tuple[str, str, str]:
    third = base + ("es" if base.endswith(("s", "sh", "ch", "x")) else "s")
    past = base + ("d" if base.endswith("e") else "ed")
    return third, past, past


VERBS = {base: _regular(base) for base in _REGULAR} | _IRREGULAR
"""By base: the form after "it", the past, and the participle."""

FORMS = {base: Form(base, "do") for base in VERBS}
"""What a word is a form of. "Cost" and the like count as the present, which needs a plural."""
for _base, (_third, _past, _) in VERBS.items():
    FORMS.setdefault(_third, Form(_base, "does"))
    FORMS.setdefault(_past, Form(_base, "did"))

PARTICIPLES = frozenset(forms[2] for forms in VERBS.values()) | {"born", "made", "set"}
"""The words behind "was" and "has"."""
PARTICIPLE = "|".join(sorted(PARTICIPLES))
"""The same as a regular expression, without a group."""
