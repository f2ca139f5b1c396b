"""The server's log: times, no questions, and nothing in it that a document could have written.

An exception's message may quote a document. Its line ends could forge entries, and its escape
sequences could act on the terminal in which the log is read.
"""

from __future__ import annotations

import logging
import re

from citewise.rendering import visible

__all__ = ["InertFormatter", "start_log"]

_BEARER = re.compile(r"(?i)\b(bearer\s+|(?:api[_-]?)?key[\"']?\s*[=:]\s*[\"']?)[^\s\"',;]{6,}")


class InertFormatter(logging.Formatter):
    """One entry a line, the lines of a traceback set off; control characters and keys replaced."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The entry; each further line of it begins with a bar, so that none looks like another."""
        lines = _BEARER.sub(r"\1***", super().format(record)).splitlines()
        return "\n  | ".join(visible(line) for line in lines)


def start_log() -> None:
    """Write what goes wrong in the server to standard error; harmless if called twice.

    What a pool of connections says of each try to reach the database is left out: it quotes
    addresses, and citewise says once for each request what came of it.
    """
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    for name in ("citewise", "uvicorn.error"):
        log = logging.getLogger(name)
        if any(isinstance(handler.formatter, InertFormatter) for handler in log.handlers):
            continue
        handler = logging.StreamHandler()
        handler.setFormatter(InertFormatter())
        log.addHandler(handler)
        log.propagate = False
