"""What the model wrote, cut into sentences, with what is no statement told apart."""

from __future__ import annotations

import re

from citewise.prompting import clean_draft
from citewise.sentences import sentence_offsets

__all__ = ["is_refusal", "is_statement", "shorter", "split_draft", "split_lead"]

_REFUSAL = re.compile(
    r"\b(?:sources?|documents?|texts?|passages?|information|context)\b[^.]{0,60}"
    r"\b(?:do(?:es)?|did|is|are|was|were)?\s*(?:not|n[’']t|no)\b[^.]{0,40}"
    r"\b(?:state|mention|specif|provide|contain|include|say|give|answer|available|disclos|found|"
    r"address|discuss|detail|indicate)"
    r"|\bnot (?:specified|stated|mentioned|provided|given|available|disclosed|found|included)\b"
    r"|\b(?:cannot|can[’']t|could not|unable to) (?:be )?(?:answer|determine|find|provide)"
    r"|\bno (?:information|mention|answer|data|details?)\b"
    r"|\bI (?:do not|don[’']t) (?:know|have)\b|\b(?:I[’']m|I am) sorry\b",
    re.IGNORECASE,
)
# "Sources 3 and 7 would do it": the model's numbers of its sources are nothing to a reader.
_ABOUT_SOURCES = re.compile(r"^(?:the )?(?:sources?|documents?) \d", re.IGNORECASE)
_FILLER = re.compile(
    r"^(?:yes|no|sure|certainly|of course|okay|ok|thank you|hello|hi)?[\s,.!:]*"
    r"(?:here (?:is|are) (?:the|what|an?)\b[^.]*|i hope this helps[^.]*|let me know[^.]*)?[.!:]*$",
    re.IGNORECASE,
)
# Where a sentence can end earlier: before what it adds to its main clause.
_ADDED_CLAUSE = re.compile(
    r",?\s+(?:which|who|where|while|whereas|thereby|thus)\s"
    r"|,\s+(?:and|but|so|as|with|making|leading|including|indicating|suggesting|due|because|even|"
    r"\w+ing)\s|\s+(?:due to|because of|as well as)\s|;\s"
)
_FEWEST_WORDS = 4
_LEAD = re.compile(r"^(?P<lead>yes|no)\b\s*[,.:;–-]*\s*(?=\S)", re.IGNORECASE)
_ACCORDING = re.compile(r"^according to [^,]{2,60},\s*", re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")


def split_draft(draft: str) -> list[str]:
    """The sentences of a draft, one per line or sentence, without markers and bullets."""
    found = []
    for line in draft.split("\n"):
        text = clean_draft(_BULLET.sub("", line)).strip()
        found += [text[start:end] for start, end in sentence_offsets(text)]
    return found


def is_refusal(sentence: str) -> bool:
    """Whether the model says that the sources hold no answer."""
    return _REFUSAL.search(sentence) is not None


def is_statement(sentence: str) -> bool:
    """Whether there is anything to check: greetings and "Here is what I found:" state nothing."""
    return (
        _FILLER.fullmatch(sentence) is None
        and _ABOUT_SOURCES.match(sentence) is None
        and any(map(str.isalnum, sentence))
    )


def shorter(sentence: str) -> list[str]:
    """The sentence without "According to ...", then without its last clause, its last two, ...

    Small models append an inference of their own to a fact; the fact may stand alone.
    """
    bare = _ACCORDING.sub("", sentence)
    whole = [bare[:1].upper() + bare[1:]] if bare != sentence else []
    cuts = [match.start() for match in _ADDED_CLAUSE.finditer(bare)]
    heads = [bare[:cut].rstrip(" ,;") for cut in reversed(cuts)]
    return whole + [
        f"{head[:1].upper()}{head[1:]}." for head in heads if len(head.split()) >= _FEWEST_WORDS
    ]


def split_lead(sentence: str) -> tuple[str, str]:
    """ "Yes, it does." as "Yes" and "It does."; "" where a sentence has no such lead."""
    match = _LEAD.match(sentence)
    if match is None:
        return "", sentence
    rest = sentence[match.end() :]
    return match["lead"].capitalize(), rest[:1].upper() + rest[1:]
