"""Every error this package raises on purpose.

CitewiseError
├── InputError       a question, setting or argument that cannot be used
├── CorpusError      the folder of documents, or one file in it
├── IndexFault       the built index: damaged, locked, not writable, disk full
├── ModelError       a model file: missing, not fetched, wrong hash
├── GeneratorError   the language model: unreachable, refused, timed out, broke off
└── EvaluationError  a question set or its results that cannot be graded

A message gives the value at fault, then what to do about it. Secrets never enter a message.
"""

from __future__ import annotations

__all__ = [
    "CitewiseError",
    "CorpusError",
    "EvaluationError",
    "GeneratorError",
    "IndexFault",
    "InputError",
    "ModelError",
]


class CitewiseError(Exception):
    """Base of all errors raised by citewise.

    Args:
        problem: what is wrong, with the value at fault.
        remedy: what the reader can do about it.
    """

    exit_code = 3

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(f"{problem} {remedy}".strip())
        self.problem = problem
        self.remedy = remedy


class InputError(CitewiseError):
    """A question, setting or argument that cannot be used."""

    exit_code = 2


class CorpusError(CitewiseError):
    """The corpus folder, or a file in it, cannot be read."""


class IndexFault(CitewiseError):  # noqa: N818 - the domain calls it a fault
    """The index cannot be built, opened or trusted."""


class ModelError(CitewiseError):
    """A model file is missing, incomplete or not the pinned one."""


class GeneratorError(CitewiseError):
    """The language model did not give a usable reply.

    The answer falls back to quoted passages; the message becomes one of its notices.
    """


class EvaluationError(CitewiseError):
    """A question set, or recorded answers, cannot be graded."""

    exit_code = 2
