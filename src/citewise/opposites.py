"""Words that contradict each other, units that do, and words that mean the same.

A plain list for English. It is for near copies of a sentence only, where a word took another's
place; nothing follows from a pair that is missing.
"""

from __future__ import annotations

import re

from citewise.quantities import quantities
from citewise.tokens import lexical_terms

__all__ = ["are_opposites", "mean_the_same"]

# Each line holds two sides; every word of one contradicts every word of the other.
_SIDES = """
increase rise rose risen grow grew grown gain climb expand surge up | decrease fall fell fallen decline drop shrink shrank reduce down plunge
gain | lose lost
more greater | less fewer
most | least fewest
high higher highest upper above over top | low lower lowest below under bottom beneath
large larger largest big bigger biggest huge | small smaller smallest tiny little
long longer longest | short shorter shortest
fast faster fastest quick rapid | slow slower slowest gradual
strong stronger strongest | weak weaker weakest
early earlier earliest | late later latest
before prior | after following
first | last second third
begin began begun start open launch commence | end finish close stop conclude
win won victory | lose lost defeat
success successful succeed | failure unsuccessful fail
accept approve agree allow permit support | reject refuse deny disagree forbid forbade forbidden ban prohibit oppose
include | exclude omit
add | remove subtract
buy bought purchase | sell sold
import | export
enter arrive | leave left depart exit
build built create construct | destroy demolish
north northern northward | south southern southward
east eastern eastward | west western westward
left | right
inside within internal inner indoor | outside external outer outdoor
male man men boy father son brother king husband actor he | female woman women girl mother daughter sister queen wife actress she
old older oldest ancient | new newer newest young younger youngest modern
public | private
major main primary | minor secondary negligible
maximum | minimum
always often frequent frequently common usually | never rarely seldom rare uncommon
all every entire whole full fully | none partial partly
many several | few
rich wealthy | poor
expensive costly | cheap inexpensive
hot warm | cold cool
day | night
summer | winter
spring | autumn
black dark | white light
positive | negative
legal lawful | illegal unlawful
possible able | impossible unable
true correct right accurate | false incorrect wrong inaccurate
best better | worst worse
majority | minority
domestic local national | foreign international
urban | rural
offensive attack | defensive defend
active | inactive passive
visible | invisible hidden
temporary | permanent
simple easy | complex difficult hard complicated
known famous | unknown obscure
enable enabled | disable disabled
connect join unite | separate split divide
push | pull
deep | shallow
wide broad | narrow
heavy | light
thick | thin
dry | wet
alive live birth born | dead die death died
friend ally | enemy
peace | war
single | multiple double
horizontal | vertical
odd | even
front forward | back backward behind rear
present | absent past
voluntary optional | mandatory compulsory required
direct | indirect
formal official | informal unofficial
solid | liquid gas
"""  # noqa: E501 - a line is a pair of sides
_UNITS = """
second minute hour day week month year decade century
millimeter centimeter meter kilometer inch foot feet yard mile millimetre centimetre metre
kilometre mm cm km mi
milligram gram kilogram ton tonne ounce pound kg
thousand million billion trillion hundred dozen
dollar euro pound yen yuan franc
january february march april may june july august september october november december
monday tuesday wednesday thursday friday saturday sunday
celsius fahrenheit kelvin
byte kilobyte megabyte gigabyte terabyte
percent degree
"""
_SAME = """
begin began begun start commence open; end finish conclude; about approximately around roughly nearly; also
additionally too; located situated; large big huge; make create produce build; found establish; get
receive obtain; buy purchase acquire; help assist aid; many numerous several; near close beside;
because since as; however but though although; film movie picture; across throughout; call name know
term; initially originally; mainly primarily mostly largely chiefly; usually normally generally
typically commonly; often frequently; various different diverse; over more than above; under less
fewer below; include contain comprise; show demonstrate reveal; use employ utilize; need require;
try attempt; keep retain maintain; whole entire; say state claim; reach achieve attain; happen
occur; quick fast rapid; use utilise; car automobile; fight battle; kid child children; kids children;
job position; famous renowned noted known; important significant; while whereas; until till; among
amongst amid; toward towards; almost nearly; whole full complete; allow permit let; lead head;
company firm; country nation; city town; percent %; yearly annual annually; die pass; choose select
pick; become turn; during in; in within; which that; who that
"""  # noqa: E501


def _stem(word: str) -> str:
    word = word.lower()
    # "days" and "day" would get different stems, since short words have none.
    word = word[:-1] if len(word) == 4 and word.endswith("s") else word
    return next(iter(lexical_terms(word)), word)


def _opposites() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in _SIDES.strip().splitlines():
        one, other = ([_stem(w) for w in side.split()] for side in line.split("|"))
        for word in one:
            found.setdefault(word, set()).update(other)
        for word in other:
            found.setdefault(word, set()).update(one)
    for group in re.split(r"\n(?=[a-z])", _UNITS.strip()):
        units = [_stem(word) for word in group.split()]
        for unit in units:
            found.setdefault(unit, set()).update(u for u in units if u != unit)
    return {word: frozenset(others - {word}) for word, others in found.items()}


_OPPOSITES = _opposites()
_GROUPS = tuple(frozenset(_stem(w) for w in group.split()) for group in _SAME.split(";"))


def are_opposites(one: str, other: str) -> bool:
    """Whether two words contradict each other where one took the other's place."""
    first, second = _stem(one), _stem(other)
    if second in _OPPOSITES.get(first, ()):
        return True
    negated = {f"{prefix}{first}" for prefix in ("un", "in", "im", "il", "ir", "dis", "non")}
    denied = {f"{prefix}{second}" for prefix in ("un", "in", "im", "il", "ir", "dis", "non")}
    return len(first) > 3 and len(second) > 3 and (second in negated or first in denied)


def mean_the_same(one: str, other: str) -> bool:
    """Whether two short phrases say the same: equal stems, equal numbers, or known synonyms."""
    first, second = lexical_terms(one), lexical_terms(other)
    if set(first) == set(second) or "".join(first) == "".join(second):
        return True
    ours, theirs = quantities(one), quantities(other)
    if ours and [(q.value, q.unit) for q in ours] == [(q.value, q.unit) for q in theirs]:
        return True
    return any(set(first) & group and set(second) & group for group in _GROUPS)
