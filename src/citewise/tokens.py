"""Words as BM25 sees them: one function for documents and questions.

A compound is kept whole, without its joints, and also taken apart, so that ``DeepSeek-V2``,
``deepseek_v2`` and ``DeepSeek V2`` meet. Stemming is done here and not by FTS5's porter wrapper,
because the same terms are counted in Python (span scores, document frequencies) and must be equal.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Collection, Iterator

__all__ = ["content_terms", "is_function_word", "lexical_terms", "words_with"]

_LONGEST_TERM = 64

# Scripts written without spaces between words: Thai to Khmer, kana, Han, Hangul.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
)
# Marks dropped because people leave them out: Latin accents, Hebrew points, Arabic vowel signs.
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0640\u064b-\u065f\u0670]+")
# Indic vowel signs belong to the word though Python does not call them letters.
_LETTER = rf"(?:(?![{_UNSPACED}])[^\W\d_]|[\u0900-\u0963\u0970-\u0dff])"
_NUMBER = r"\d+(?:[.,]\d+)*"
_ATOM = rf"(?:{_NUMBER}|{_LETTER}+)+"
_TOKEN = re.compile(
    rf"(?P<unspaced>[{_UNSPACED}]+)"
    r"|(?P<language>(?<!\w)[A-Za-z](?:\+\+|#)(?!\w))"
    rf"|(?P<compound>{_ATOM}(?:[-_\u2010\u2011]+{_ATOM})*)"
)
_WRITTEN = re.compile(
    rf"[^\W{_UNSPACED}][^\s{_UNSPACED}]*[^\W{_UNSPACED}]|[^\W{_UNSPACED}]|[{_UNSPACED}]{{1,8}}"
)
_ATOMS = re.compile(_ATOM)
_NUMBERS = re.compile(_NUMBER)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
# Borders inside an atom: number, acronym ("GPU" in "GPUs" and "GPUCluster"), Capitalised, rest.
_PART = re.compile(
    r"\d+(?:\.\d+)*|[A-Z]{2,}(?=s(?![a-z]))|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\WA-Za-z\d]+"
)
_CONTRACTION = re.compile(r"(?<=\w)['\u2019\u02bc](?:s|t|re|ve|ll|d|m)\b", re.IGNORECASE)
_INITIALS = re.compile(r"\b(?:[A-Z]\.){2,}")
_PLAIN = re.compile(r"[a-z]{4,}")
_VOWEL = re.compile(r"[aeiouy]")

# Words that say how a question is put, not what it is about. Left out of questions only.
_FUNCTION_WORDS = """
a about after all also am an and any are as at be been before being between both but by can could
describe did do does doing don explain for from get give got had has have having he her here him
his how i if in into is it its itself just list me might more most much must my no nor not of off
on one only or other our out over own please say she should so some such tell than that the their
them then there these they this those through to too under until up very was we were what when
where which while who whom whose why will with would you your
"""


def lexical_terms(text: str) -> list[str]:
    """The terms of ``text`` in order, with repetitions; no term holds white space.

    Compatibility forms are unified, case and accents dropped. ``1,500`` is ``1500``, ``78.5``
    stays whole. Scripts without spaces give overlapping pairs of characters. English plurals,
    ``-ed``, ``-ing`` and a final ``e`` are cut, after steps 1 and 5a of Porter (1980).
    """
    return [term for token in _TOKEN.finditer(_fold(text)) for term in _terms_of(token)]


def content_terms(text: str) -> list[str]:
    """The distinct terms of a question that can tell passages apart, in order.

    Function words are left out, unless nothing else is there ("To be or not to be?").
    """
    terms = list(dict.fromkeys(lexical_terms(text)))
    return [term for term in terms if term not in _FUNCTION_TERMS] or terms


def words_with(text: str, terms: Collection[str], most: int = 4) -> list[str]:
    """The first words of ``text`` that hold one of these terms, as they are written there."""
    words = dict.fromkeys(_WRITTEN.findall(text))
    held = (word for word in words if any(term in terms for term in lexical_terms(word)))
    return list(itertools.islice(held, most))


def is_function_word(word: str) -> bool:
    """Whether it is one of the words that say how a question is put."""
    return all(term in _FUNCTION_TERMS for term in lexical_terms(word))


def _fold(text: str) -> str:
    # Marks go first: ordering a long run of them takes Unicode normalisation quadratic time.
    decomposed = unicodedata.normalize("NFKD", _MARKS.sub("", text))
    text = unicodedata.normalize("NFC", _MARKS.sub("", decomposed))
    return _CONTRACTION.sub("", _INITIALS.sub(_without_dots, text))


def _without_dots(initials: re.Match[str]) -> str:
    return initials.group().replace(".", "")


def _terms_of(token: re.Match[str]) -> Iterator[str]:
    text = token.group()
    if token["unspaced"]:
        yield from (text[i : i + 2] for i in range(max(1, len(text) - 1)))
    elif token["language"]:
        yield text.lower()
    else:
        forms = _compound_forms(_NUMBERS.sub(_plain_number, text))
        yield from dict.fromkeys(_stem(form.lower()[:_LONGEST_TERM]) for form in forms)


def _plain_number(number: re.Match[str]) -> str:
    if _THOUSANDS.fullmatch(number.group()):
        return number.group().replace(",", "")
    return number.group().replace(",", "-")


def _compound_forms(text: str) -> Iterator[str]:
    atoms = _ATOMS.findall(text)
    yield _joined(atoms)
    for atom in atoms:
        parts = _PART.findall(atom)
        pieces = [atom, *parts] if len(parts) > 1 else [atom]
        # A lone letter cut out of a word says nothing; a lone digit may be a version.
        yield from (piece for piece in pieces if len(piece) > 1 or piece.isdigit())


def _joined(atoms: list[str]) -> str:
    """The atoms run together, but for digits that would merge into another number."""
    whole = atoms[0]
    for before, atom in itertools.pairwise(atoms):
        whole += f"-{atom}" if before[-1].isdigit() and atom[0].isdigit() else atom
    return whole


def _stem(term: str) -> str:
    if not _PLAIN.fullmatch(term):
        return term
    term = _without_ending(_singular(term))
    if len(term) > 3 and term.endswith("e"):
        term = term[:-1]
    return term[:-1] + "i" if len(term) > 2 and term.endswith("y") else term


def _singular(term: str) -> str:
    if term.endswith("ies") and len(term) > 4:
        return term[:-3] + "y"
    if term.endswith(("sses", "shes", "ches", "xes", "zes")):
        return term[:-2]
    if term.endswith(("ss", "is")) or (term.endswith("us") and len(term) > 4):
        return term
    return term.removesuffix("s")


def _without_ending(term: str) -> str:
    for ending in ("ing", "ed"):
        stem = term.removesuffix(ending)
        if stem != term and len(stem) > 2 and _VOWEL.search(stem) and not stem.endswith("e"):
            doubled = stem[-1] == stem[-2] and stem[-1] not in "lsz"
            return stem[:-1] if doubled else stem
    return term


_FUNCTION_TERMS = frozenset(_stem(word) for word in _FUNCTION_WORDS.split())
