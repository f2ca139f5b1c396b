"""Quotes held against the stored documents, so that nothing is cited that is not there.

Passages are found in the index, seconds before an answer cites them. Meanwhile the document may
have been replaced, and a store kept by others can be altered behind the index's back. So every
quote is cut from the stored document once more before it is shown; one that differs is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from citewise.errors import CorpusError, IndexFault
from citewise.types import Evidence, Label, Sentence

if TYPE_CHECKING:
    from citewise.index import Index
    from citewise.run import Run

__all__ = ["Quotes", "withhold_changed"]

_CHANGED = "the words it cites are no longer in the stored document"


class Quotes:
    """Compares spans with the stored documents; each document is read once.

    Its methods raise IndexFault where the store itself cannot be reached.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._texts: dict[str, str | None] = {}
        self._fallen: set[tuple[str, int, int]] = set()

    @property
    def dropped(self) -> int:
        """How many spans did not stand."""
        return len(self._fallen)

    def stand(self, item: Evidence) -> bool:
        """Whether the stored document has these words in this place."""
        if item.document not in self._texts:
            self._texts[item.document] = self._text(item.document)
        text = self._texts[item.document]
        stands = bool(item.text) and text is not None and text[item.start : item.end] == item.text
        if not stands:
            self._fallen.add(_place(item))
        return stands

    def unfallen(self, evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
        """The evidence without what was looked at and did not stand."""
        return tuple(item for item in evidence if _place(item) not in self._fallen)

    def standing(self, evidence: Iterable[Evidence], most: int) -> list[Evidence]:
        """The first spans that stand; no more are looked at than needed."""
        found: list[Evidence] = []
        for item in evidence:
            if len(found) == most:
                break
            if self.stand(item):
                found.append(item)
        return found

    def _text(self, name: str) -> str | None:
        try:
            return self._index.document(name).text
        except CorpusError:  # it is gone
            return None
        except IndexFault:
            if not self._index.identity():
                raise  # the store is away, which says nothing about the document
            return None  # the store itself found it altered


def withhold_changed(run: Run) -> None:
    """Treat the sentences that cite what does not stand as what they are: not supported."""
    kept = []
    for found in run.kept:
        cited = found.evidence
        if not found.verdict.supported or len(run.quotes.standing(cited, len(cited))) == len(cited):
            kept.append(found)
            continue
        verdict = replace(found.verdict, label=Label.UNSUPPORTED, score=0.0, reason=_CHANGED)
        if run.settings.mode == "flag":
            kept.append(replace(found, verdict=verdict, evidence=()))
        else:
            run.dropped.append(Sentence(verdict.claim, (), verdict))
    run.kept[:] = kept


def _place(item: Evidence) -> tuple[str, int, int]:
    return item.document, item.start, item.end
