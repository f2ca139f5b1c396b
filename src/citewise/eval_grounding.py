"""Numbers and names in an answer that its own citations don't hold, found without any verifier.

A list to read, not a verdict: a computed difference or an expanded abbreviation lands here too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from citewise.eval_facts import Token, normalised, same_number, tokens, without_markers
from citewise.types import Answer, Citation, Sentence

__all__ = ["Ungrounded", "ungrounded"]

# A capital after one of these, or at the very start, is grammar and not a name.
_SENTENCE_START = re.compile(r"""(?:^|[.!?:;|]|\n)[\s"'“”‘’«»(*\-•|]*$""")


@dataclass(frozen=True, slots=True)
class Ungrounded:
    """A shown sentence and those of its numbers and names that its citations don't hold."""

    sentence: str
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """What a sentence may take its numbers from, and what it may take its names from."""

    numbers: tuple[Token, ...]
    words: frozenset[str]
    names: frozenset[str]
    is_row: bool


def ungrounded(answer: Answer, texts: Mapping[str, str]) -> tuple[Ungrounded, ...]:
    """The shown sentences with a number, date or capitalised name that their citations lack.

    Numbers must stand in the quotes or, for a table row, in its header or heading. Names may also
    come from the heading and the document's first line (what "the company" refers to) and, for a
    table row, from the question. The first word of a sentence counts as a name only if the
    question or the evidence capitalises it elsewhere.

    Args:
        answer: the answer as shown.
        texts: the text of each cited document, by name.
    """
    names = _capitalised([answer.question, *(item.text for item in answer.evidence)])
    found = []
    for sentence in answer.sentences:
        source = _source(sentence, answer, texts, names)
        text = normalised(without_markers(sentence.text))
        if missing := _missing(text, source):
            found.append(Ungrounded(text, missing))
    return tuple(found)


def _missing(text: str, source: _Source) -> tuple[str, ...]:
    written = tokens(text)
    lacking = [
        token.raw
        for token in written
        if (token.values and not _holds_number(source, token))
        or (_is_name(token, written, text, source.names) and _stem(token.word) not in source.words)
    ]
    return tuple(dict.fromkeys(lacking))


def _holds_number(source: _Source, token: Token) -> bool:
    # The unit of a table cell often stands in its header alone.
    return any(
        token.values & number.values if source.is_row else same_number(token, number)
        for number in source.numbers
    )


def _is_name(token: Token, written: tuple[Token, ...], text: str, known: frozenset[str]) -> bool:
    if not token.word or token.raw == "I" or token.raw == token.raw.lower():
        return False
    if token.raw[1:] != token.raw[1:].lower() or any(c.isdigit() for c in token.raw):
        return True
    starts = token is written[0] or _SENTENCE_START.search(text[: token.start])
    return not starts or token.word in known


def _capitalised(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(
        token.word
        for text in map(normalised, texts)
        for index, token in enumerate(tokens(text))
        if index and token.word and token.raw[0].isupper()
        if not _SENTENCE_START.search(text[: token.start])
    )


def _source(
    sentence: Sentence, answer: Answer, texts: Mapping[str, str], names: frozenset[str]
) -> _Source:
    cited = [c for c in answer.citations if c.number in sentence.citations]
    headers = [header for c in cited if (header := _table_header(c, texts.get(c.document, "")))]
    numbers = [c.quote for c in cited] + headers
    headings = [c.heading for c in cited]
    words = headings + [texts.get(c.document, "").lstrip().partition("\n")[0] for c in cited]
    if headers:
        numbers += headings
        words.append(answer.question)
    held = _tokens_of(numbers)
    return _Source(
        numbers=tuple(token for token in held if token.values),
        words=frozenset(_stem(token.word) for token in (*held, *_tokens_of(words))),
        names=names,
        is_row=bool(headers),
    )


def _tokens_of(texts: Iterable[str]) -> list[Token]:
    return [token for text in texts for token in tokens(text)]


def _table_header(citation: Citation, text: str) -> str:
    """The first line of the pipe table that the citation stands in, or an empty string."""
    line_start = text.rfind("\n", 0, citation.start) + 1
    if not text.startswith("|", line_start):
        return ""
    while line_start > 0:
        above = text.rfind("\n", 0, line_start - 1) + 1
        if not text.startswith("|", above):
            break
        line_start = above
    return text[line_start:].partition("\n")[0]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word
