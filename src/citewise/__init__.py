"""Ask your documents; every sentence of the answer points at the exact words that prove it.

    >>> from citewise import ask
    >>> answer = ask("What MMLU score did DeepSeek-V2 get?")  # doctest: +SKIP
    >>> print(answer.text)  # doctest: +SKIP

Importing this package is instant: models and libraries load when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from citewise.errors import (
    CitewiseError,
    CorpusError,
    EvaluationError,
    GeneratorError,
    IndexFault,
    InputError,
    ModelError,
)
from citewise.types import (
    Answer,
    AnswerEvent,
    Citation,
    Document,
    Evidence,
    EvidenceEvent,
    Filter,
    Label,
    Sentence,
    SentenceEvent,
    Status,
    TextEvent,
    Verdict,
)

if TYPE_CHECKING:
    from citewise.assistant import Assistant, aask, ask, check, stream

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "AnswerEvent",
    "Assistant",
    "Citation",
    "CitewiseError",
    "CorpusError",
    "Document",
    "EvaluationError",
    "Evidence",
    "EvidenceEvent",
    "Filter",
    "GeneratorError",
    "IndexFault",
    "InputError",
    "Label",
    "ModelError",
    "Sentence",
    "SentenceEvent",
    "Status",
    "TextEvent",
    "Verdict",
    "aask",
    "ask",
    "check",
    "stream",
]

_LAZY = frozenset({"Assistant", "aask", "ask", "check", "stream"})


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from citewise import assistant

        return getattr(assistant, name)
    raise AttributeError(f"module 'citewise' has no attribute {name!r}")
