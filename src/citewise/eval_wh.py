"""The patterns of sentences that a question can be made of, and what a question must not hold."""

from __future__ import annotations

import re

from citewise.eval_amounts import (
    ABOUT,
    COUNT,
    DATE,
    DAY,
    LIMIT,
    MONEY,
    NAME,
    NUMBER,
    TIME,
    WHOLE,
)
from citewise.eval_verbs import FORMS, PARTICIPLE

__all__ = [
    "ADVERBS",
    "BAD_START",
    "CODE",
    "COUNTED",
    "DONE",
    "HOW_LONG",
    "HOW_MANY",
    "HOW_MUCH",
    "NAME_OF_ROLE",
    "OWNERS",
    "PERCENT",
    "PERSON",
    "POINTS_BACK",
    "ROLE_OF_NAME",
    "SCORE",
    "UNSURE",
    "VAGUE",
    "WHAT_IS",
    "WHEN",
    "WHEN_DONE",
    "WHEN_FIRST",
    "WHERE",
    "WHO",
    "WHO_DID",
]


def _pattern(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.VERBOSE)


ADVERBS = (
    "also|already|currently|first|generally|later|normally|now|officially|only|still|then|today"
    "|typically|usually"
)
_ADVERB = rf"(?:(?:{ADVERBS})\ )?"
_BE = "(?P<be>is|are|was|were)"
_FINITE = "(?:is|are|was|were|has|have|had|can|must|will|do|does)"
_VERB = f"(?:{_FINITE}|{'|'.join(FORMS)})"
# The words up to a plural: "child protection officers".
_NOUNS = (
    r"(?:(?!(?:of|in|at|per|and|or|for|to|on|from|with|more|other|times)\b)[a-z-]+\ ){0,2}?"
    r"(?:(?!(?:as|is|was|has|does|this|its|times|others)\b)[a-z-]{2,}(?<![su])s|people|children|[KMGT]i?B|km|kg)\b"
)

WHEN_DONE = _pattern(
    rf"(?P<s>.+?)\ {_BE}\ {_ADVERB}(?P<pp>{PARTICIPLE})(?P<mid>(?:\ [\w’'-]+){{0,6}}?)"
    rf"\ (?:in|on)\ (?P<fact>{DATE})(?P<rest>.*)"
)
"""The bridge was built by Ada Brown in 1912."""
WHO_DID = _pattern(
    rf"(?P<s>.+?)\ {_BE}\ {_ADVERB}(?P<pp>{PARTICIPLE})\ by\ (?P<fact>{NAME})"
    r"(?P<rest>(?:\ (?:in|for|at)\ .*)?)"
)
"""The bridge was built by Ada Brown."""
WHERE = _pattern(
    rf"(?P<s>.+?)\ {_BE}\ (?P<pp>located|based|headquartered|situated|born|held)"
    rf"\ (?:in|at)\ (?P<fact>{NAME})(?P<rest>(?:\ (?:in|since)\ .*)?)"
)
"""The firm is based in Oslo."""
WHEN = _pattern(
    rf"(?P<mid>(?:(?!at\b)[\w’'-]+\ ){{0,8}}?)(?:in|on|at|by)\ (?P<fact>{DATE}|{DAY}|{TIME})"
)
"""Behind subject and verb: its doors in 1912."""
DONE = _pattern(rf"(?P<s>.+?)\ (?P<be>was|were)\ {_ADVERB}(?P<pp>{PARTICIPLE})(?P<rest>.*)")
"""The bridge was built by Ada Brown."""
WHEN_FIRST = _pattern(rf"(?:In|On)\ (?P<fact>{DATE}),?\ (?P<clause>.+)")
"""In 1912 the bridge opened its gates."""
HOW_MANY = _pattern(
    rf"(?:(?P<during>for)\ )?(?:(?P<limit>{LIMIT})\ )?{ABOUT}(?P<fact>{COUNT}){WHOLE}"
    rf"\ (?P<what>{_NOUNS})(?P<rest>.*)"
)
"""Behind subject and verb: about 400 child protection officers in 2009."""
HOW_MUCH = _pattern(rf"(?:(?P<limit>{LIMIT})\ )?{ABOUT}(?P<fact>{MONEY}){WHOLE}(?P<rest>.*)")
"""Behind subject and verb: $50 million from its founders."""
SCORE = _pattern(rf"{ABOUT}(?P<fact>{NUMBER}){WHOLE}(?P<rest>(?:\ (?:on|in|at)\ .*)?)")
"""Behind "scored": 78.5 on MMLU."""
HOW_LONG = _pattern(
    rf"(?P<s>.+?)\ {_BE}\ {ABOUT}(?P<fact>{COUNT}{WHOLE}(?:\ [a-z]+){{1,2}}?)"
    r"\ (?P<how>long|tall|high|wide|deep|old|thick)\b(?P<rest>.*)"
)
"""The bridge is 480 metres long."""
WHAT_IS = _pattern(
    rf"(?P<s>(?:The|An?)\ .+?|\S+['’]s\ .+?)\ (?P<be>is|was)\ {ABOUT}(?P<fact>{NUMBER}|{COUNT})"
    rf"{WHOLE}(?:\ [a-z]+)?(?:\ (?:per|a|an)\ [a-z]+)?(?P<rest>)"
)
"""The default port is 8080."""
ROLE_OF_NAME = _pattern(
    rf"(?P<fact>{NAME})\ (?P<be>is|was)\ (?P<what>the\ [\w’'\ -]{{3,50}}?\ (?:of|at|in|behind)\ .+)"
)
"""Ada Brown is the director of the museum."""
NAME_OF_ROLE = _pattern(rf"(?P<s>The\ .{{5,60}}?)\ (?P<be>is|was)\ (?P<fact>{NAME})(?P<rest>)")
"""The capital of Norway is Oslo."""
PERCENT = _pattern(rf"(?i:{ABOUT})(?P<fact>{NUMBER}(?<=[%t]))\ of\ (?P<rest>.*?\ {_VERB}\ .*)")
"""About 40 % of the visitors are children."""
COUNTED = _pattern(rf"(?i:{ABOUT}(?P<fact>{COUNT})){WHOLE}\ (?P<rest>{_NOUNS}\ {_VERB}\ .*)")
"""Twelve people work in the office."""
CODE = _pattern(r"(?:[-*+]\ +)?`([\w./-]{3,40})`\ ")
"""A technical name at the beginning: `run.py` holds the state of one question."""
WHO = _pattern(
    rf"(?P<fact>{NAME})\ (?P<verb>founded|wrote|designed|invented|discovered|built|painted"
    r"|composed|created|developed|introduced|proposed|published|acquired|released|launched)"
    r"\ (?P<rest>.+)"
)
"""Ada Brown designed the North Bridge."""

PERSON = _pattern(
    r"\b(?:author|architect|boss|captain|chair(?:man|woman|person)?|chief\ executive|coach|composer"
    r"|commander|creator|designer|director|editor|engineer|founder|governor|head|inventor|king"
    r"|leader|manager|mayor|minister|owner|painter|president|principal|queen|secretary|treasurer"
    r"|CEO|CTO|CFO)(?=$|\ (?:of|at|in|behind)\b)"
)
"""A role that a person has; others are asked for with "what"."""
POINTS_BACK = _pattern(
    r"\b(?i:it|this|these|those|that|they|them|he|she|him|we|us|our|i|you|your|my|there|here|such"
    r"|who|which|what|where|when|both|former|latter|same|above|below|following|corresponding|respective|another|others?|ones?)\b(?<!US)"
)
"""Words that only the sentences before make clear, or that begin another clause."""
OWNERS = re.compile(r"\b(?:its|their|his|her)\b", re.IGNORECASE)
"""Clear only where the subject stands before them."""
VAGUE = _pattern(
    r"(?i:(?:the|an?)?\ ?(?:(?:new|old|next|whole|last|final|latest|corresponding|resulting)\ )*"
    r"(?:company|firm|model|team|authors?|paper|article|report|study|results?|table|move|plan"
    r"|strategy|system|method|approach|group|project|product|answer|text|page|number|list|set"
    r"|changes?|version|file|rest|aim|goal|questions?|idea|victory|basis|fort|factory|city|country"
    r"|town|region|area|state|building|war|event|site))"
)
"""What is another one in each document: "the company"."""
BAD_START = _pattern(
    r"(?i:if|when|while|in|on|at|for|with|by|from|as|but|and|or|so|yet|then|since|after|before|until"
    r"|although|because|once|first|second|third|finally|however|next|not|no|every|each|many|most"
    r"|some|any|few|all|only|even|to|how|why|see|note|let|use|under|during|against|between|initially"
    r"|originally|today|later|now|eventually)\b"
)
"""How a phrase begins that is no subject."""
UNSURE = _pattern(
    r"\b(?:not|no|never|none|neither|nor|without|may|might|could|would|should|possibl\w+|perhaps"
    r"|likely|expect\w*|project(?:s|ed)|estimat\w+|predict\w*|if|unless|except|whether)\b|n['’]t\b"
)
"""Denials and guesses: "may cost $5" is no price."""
