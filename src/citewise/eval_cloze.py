"""Turns a sentence with a number or a name into a question for it, by rule.

Few patterns, each of which reads well: what fits none of them gives no question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from citewise import eval_wh as wh
from citewise.eval_verbs import FORMS, PARTICIPLES
from citewise.eval_words import plain

__all__ = ["Cloze", "cloze"]

_MARK = "\x00"
_CUT = re.compile(
    r"(?<!\d),\s|,\s(?!\d)|[;(—]|\s[–-]\s|:\s|\s(?:but|because|so|whereas|while|although|since)\s"
)
# "has 12 floors and opens at nine": the second verb is another question.
_ANOTHER_VERB = re.compile(rf"\sand\s(?:{'|'.join(FORMS)}|is|are|was|were)\b")
_NO_REST = re.compile(r"[^\w$]|(?:and|or)\s")
_DANGLES = re.compile(r"\b(?:and|or|of|the|an?|in|on|at|to|for|with|from|as|than|over)\?$")
_LIST_GOES_ON = re.compile(r",\s(?:and\s|or\s)?[A-Z\d]|\s?(?:and|or)\s")
# "When was a town founded?" asks for any town.
_ANY = re.compile(rf"When (?:did|was|were) {_MARK}An?\s")
_UNFIT = re.compile(r"[|<>{}\[\]\"“”=*\\]|://|\.\.\.|…|[a-z)][.!?]\s|(?<=\S)/(?=\S*\()")


@dataclass(frozen=True, slots=True)
class Cloze:
    """A question, and the number or name that answers it."""

    question: str
    fact: str


def cloze(sentence: str, common: Collection[str]) -> Cloze | None:
    """A question for the sentence, or None if no pattern fits.

    Args:
        sentence: one sentence; Markdown in it is taken off.
        common: words that are no names although they may begin a sentence, see ``common_words``.
    """
    text = plain(sentence)
    if not text.endswith((".", "!")) or wh.UNSURE.search(text):
        return None
    code = wh.CODE.match(" ".join(sentence.split()))
    clause = _CUT.split(text.rstrip(".! "), maxsplit=1)[0].strip()
    behind = text[len(clause) :]
    for rule in (_code_rule(code[1]), *_RULES) if code else _RULES:
        for made in rule(clause):
            cut_short = clause.endswith(made.fact) and _LIST_GOES_ON.match(behind)
            if _reads_well(made) and _is_answer(made.fact, common) and not cut_short:
                return Cloze(_settled(made.question, common), made.fact)
    return None


def _settled(question: str, common: Collection[str]) -> str:
    """The question with the first word of a subject small where it is no name."""

    def first_small(match: re.Match[str]) -> str:
        word = match[1]
        no_name = word in ("The", "A", "An") or word.lower() in common
        return word[0].lower() + word[1:] if no_name else word

    return re.sub(rf"{_MARK}([\w-]+)", first_small, question)


def _reads_well(made: Cloze) -> bool:
    question = made.question.replace(_MARK, "")
    return (
        4 <= len(question.split()) <= 22
        and not _UNFIT.search(question)
        and not _DANGLES.search(question)
        and not _ANY.match(made.question)
        and not re.search(r"\b(?:there|here)\b", question)
        and question.count("(") == question.count(")")
    )


def _is_answer(fact: str, common: Collection[str]) -> bool:
    """Whether a fact that is a name is one, and not the first word of a sentence."""
    if not fact[0].isupper():
        return True
    words = [word for word in fact.split() if word.lower() not in ("the", "of", "a", "an")]
    return (
        not wh.POINTS_BACK.match(fact)
        and not wh.BAD_START.match(fact)
        and not wh.VAGUE.fullmatch(fact)
        and any(word[0].isupper() and word.lower() not in common for word in words)
    )


def _subject(text: str) -> str:
    """The subject, its first word marked, if it can stand in a question by itself; else empty."""
    text = re.sub(rf"\s(?:{wh.ADVERBS})$", "", text)
    stands = (
        0 < len(text.split()) <= 8
        and (text[0].isupper() or text[0].isdigit())
        and not wh.BAD_START.match(text)
        and not wh.VAGUE.fullmatch(text)
        and not wh.POINTS_BACK.search(text)
        and not wh.OWNERS.search(text)
        and not re.search(r"\s(?:is|are|was|were|be|been|being|has|have|had|will|must|can)\b", text)
    )
    return _MARK + text if stands else ""


def _rest(text: str) -> str | None:
    """What follows the answer, as far as it can stand in the question; None if it cannot."""
    text = _ANOTHER_VERB.split(text, maxsplit=1)[0].strip(" ,")
    if len(text.split()) > 10 or wh.POINTS_BACK.search(text) or _NO_REST.match(text):
        return None
    return f" {text}" if text else ""


def _code_rule(code: str) -> Callable[[str], Iterator[Cloze]]:
    """For "`run.py` holds the state": what is said of a thing with a technical name."""

    def rule(clause: str) -> Iterator[Cloze]:
        verb, _, object_ = clause.removeprefix(code).strip().partition(" ")
        form = FORMS.get(verb)
        rest = _rest(object_)
        if form and form.asks == "does" and rest and len(rest.split()) > 1:
            yield Cloze(f"What {verb}{rest}?", code)

    return rule


def _with_be(pattern: re.Pattern[str], question: str) -> Callable[[str], Iterator[Cloze]]:
    """For "S was done ...": the question word, then the rest of the sentence turned round."""

    def rule(clause: str) -> Iterator[Cloze]:
        match = pattern.fullmatch(clause)
        if (
            match
            and (subject := _subject(match["s"]))
            and (rest := _rest(match["rest"])) is not None
        ):
            parts = match.groupdict("")
            yield Cloze(question.format_map({**parts, "s": subject, "rest": rest}), parts["fact"])

    return rule


@dataclass(frozen=True, slots=True)
class _Parts:
    """A clause at its verb: "did the bridge open" of "The bridge opened", and what follows."""

    asks: str
    base: str
    after: str


def _verb(clause: str) -> _Parts | None:
    for match in re.finditer(r"(?<!\S)[a-z]+(?!\S)", clause):
        form = FORMS.get(match[0])
        if form is None:
            continue
        subject = _subject(clause[: match.start()].strip())
        is_base = form.base == match[0]
        if not subject or (is_base and not _is_plural(subject)):
            return None
        after = re.sub(rf"^(?:{wh.ADVERBS})\s", "", clause[match.end() :].strip())
        done, _, object_ = after.partition(" ")
        if form.base == "have" and done in PARTICIPLES:
            return _Parts(f"{match[0]} {subject} {done}", done, object_)
        return _Parts(f"{form.asks} {subject} {form.base}", form.base, after)
    return None


def _is_plural(subject: str) -> bool:
    head = re.split(r"\s(?:of|in|for|with|at|on|from|to)\s", subject)[0]
    return " and " in head or re.search(r"(?:(?<![suiy'’])s|people|children)$", head) is not None


def _with_verb(clause: str) -> Iterator[Cloze]:
    parts = _verb(clause)
    if parts is None:
        return
    asks, after = parts.asks, parts.after
    match = wh.HOW_MANY.fullmatch(after)
    if match and (rest := _rest(match["rest"])) is not None:
        # "works of art" stay together.
        of, rest = (rest, "") if rest.startswith(" of ") else ("", rest)
        yield Cloze(
            f"{_limited('how many', match)} {match['what']}{of} {asks}{rest}?", match["fact"]
        )
    match = wh.HOW_MUCH.fullmatch(after)
    if match and (rest := _rest(match["rest"])) is not None and not rest.startswith(" of "):
        yield Cloze(f"{_limited('how much', match)} {asks}{rest}?", match["fact"])
    match = wh.SCORE.fullmatch(after)
    if match and parts.base == "score" and (rest := _rest(match["rest"])) is not None:
        yield Cloze(f"What {asks}{rest}?", match["fact"])
    match = wh.WHEN.fullmatch(_ANOTHER_VERB.split(after, maxsplit=1)[0])
    if match and parts.base != "have" and not wh.POINTS_BACK.search(match["mid"]):
        # A single event needs its year; what happens again and again has none.
        if asks.startswith("did ") and not re.search(r"\d{4}", match["fact"]):
            return
        yield Cloze(f"When {asks} {match['mid']}".rstrip() + "?", match["fact"])


def _limited(asks: str, match: re.Match[str]) -> str:
    prefix = match.groupdict("").get("during", "") or match["limit"] or ""
    return f"{prefix} {asks}".strip().capitalize()


def _when_first(clause: str) -> Iterator[Cloze]:
    first = wh.WHEN_FIRST.fullmatch(clause)
    if first is None:
        return
    clause = first["clause"][0].upper() + first["clause"][1:]
    done = wh.DONE.fullmatch(clause)
    if done and (subject := _subject(done["s"])) and (rest := _rest(done["rest"])) is not None:
        yield Cloze(f"When {done['be']} {subject} {done['pp']}{rest}?", first["fact"])
    parts = _verb(clause)
    if parts and parts.asks.startswith("did ") and parts.base != "have":
        rest = _rest(parts.after)
        if rest is not None:
            yield Cloze(f"When {parts.asks}{rest}?", first["fact"])


def _role(clause: str) -> Iterator[Cloze]:
    match = wh.ROLE_OF_NAME.fullmatch(clause)
    if match and (rest := _rest(match["what"])) and not wh.OWNERS.search(rest):
        asks = "Who" if wh.PERSON.search(rest) else "What"
        yield Cloze(f"{asks} {match['be']}{rest}?", match["fact"])
    match = wh.NAME_OF_ROLE.fullmatch(clause)
    if match and (subject := _subject(match["s"])):
        asks = "Who" if wh.PERSON.search(subject) else "What"
        yield Cloze(f"{asks} {match['be']} {subject}?", match["fact"])


def _counted(clause: str) -> Iterator[Cloze]:
    for pattern, asks in ((wh.PERCENT, "What percentage of"), (wh.COUNTED, "How many")):
        match = pattern.fullmatch(clause)
        if match and (rest := _rest(match["rest"])):
            yield Cloze(f"{asks}{rest}?", match["fact"])


def _who(clause: str) -> Iterator[Cloze]:
    match = wh.WHO.fullmatch(clause)
    rest = _rest(match["rest"]) if match else None
    if match and rest and re.search(r"\s[A-Z\d]", rest) and not wh.OWNERS.search(rest):
        yield Cloze(f"Who {match['verb']}{rest}?", match["fact"])


_RULES: tuple[Callable[[str], Iterator[Cloze]], ...] = (
    _with_be(wh.WHEN_DONE, "When {be} {s} {pp}{mid}?"),
    _with_be(wh.WHO_DID, "Who {be} {s} {pp} by{rest}?"),
    _with_be(wh.WHERE, "Where {be} {s} {pp}{rest}?"),
    _with_be(wh.HOW_LONG, "How {how} {be} {s}{rest}?"),
    _with_be(wh.WHAT_IS, "What {be} {s}?"),
    _role,
    _counted,
    _with_verb,
    _when_first,
    _who,
)
