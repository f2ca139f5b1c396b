"""What was answered, and what people thought of it: one SQLite file beside the visitors' folders.

Each answer belongs to the visitor who asked and can be deleted by them; what is deleted is
overwritten. Nobody but that visitor gets to see it, except the owner of the server, if there is
one, and then without the words of documents that are the visitor's own.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citewise.database import faults_of
from citewise.types import Answer
from citewise.ui.clock import Clock, elapsed

__all__ = ["Kept", "Records"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    id TEXT PRIMARY KEY,
    visitor TEXT NOT NULL,
    asked REAL NOT NULL,
    private INTEGER NOT NULL,
    history TEXT NOT NULL,
    record TEXT NOT NULL,
    thumb INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS answers_by_visitor ON answers (visitor, asked);
CREATE INDEX IF NOT EXISTS answers_by_time ON answers (asked);
"""
_COLUMNS = "id, visitor, asked, private, history, record, thumb, reason"
_AT_ONCE = 100
_PAUSE = 3600.0
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was given, ``record`` as ``Answer.to_dict`` made it.

    ``private`` is True where it holds words of the visitor's own documents. ``thumb`` is 1, -1,
    or 0 for none. ``asked`` counts seconds since 1970.
    """

    id: str
    visitor: str
    asked: float
    private: bool
    history: tuple[str, ...]
    record: dict[str, Any]
    thumb: int
    reason: str


class Records:
    """Answers and thumbs; safe to share between threads.

    Args:
        path: the SQLite file.
        keep_days: what is older is deleted.
        clock: what time it is.
    """

    def __init__(self, path: Path, keep_days: float = 30.0, clock: Clock | None = None) -> None:
        self.path = path
        self.keep_days = keep_days
        self._lock = threading.RLock()
        self._clock = clock or Clock()
        self._swept: float | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        with faults_of(path.parent), closing(self._connected()) as connection:
            connection.executescript(_SCHEMA)

    def add(
        self,
        key: str,
        visitor: str,
        answer: Answer,
        *,
        history: Sequence[str] = (),
        private: bool = False,
    ) -> None:
        """Keep an answer under the id by which the page speaks of it."""
        record = json.dumps(answer.to_dict(), ensure_ascii=False)
        row = (key, visitor, self._clock.late(), private, json.dumps(list(history)), record)
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO answers (id, visitor, asked, private, history, record)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )
        self._sweep()

    def of_visitor(self, visitor: str, keys: Sequence[str] | None = None) -> list[Kept]:
        """A visitor's answers in the order of ``keys``, or all, oldest first."""
        only = f" AND id IN ({','.join('?' * len(keys))})" if keys is not None else ""
        with self._reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM answers WHERE visitor = ?{only} ORDER BY asked, rowid",
                (visitor, *(keys or ())),
            ).fetchall()
        kept = {row[0]: _kept(row) for row in rows}
        return list(kept.values()) if keys is None else [kept[k] for k in keys if k in kept]

    def count(self, visitor: str) -> int:
        """How many of a visitor's answers are kept."""
        with self._reading() as connection:
            (number,) = connection.execute(
                "SELECT count(*) FROM answers WHERE visitor = ?", (visitor,)
            ).fetchone()
        return int(number)

    def all(self) -> Iterator[Kept]:
        """Everybody's answers, newest first."""
        with self._reading() as connection:
            keys = connection.execute("SELECT rowid FROM answers ORDER BY asked DESC").fetchall()
        # A server hands a long answer out piece by piece, each perhaps in another thread.
        for start in range(0, len(keys), _AT_ONCE):
            yield from self._with_row_ids([key for (key,) in keys[start : start + _AT_ONCE]])

    def _with_row_ids(self, keys: Sequence[int]) -> list[Kept]:
        places = ",".join("?" * len(keys))
        with self._reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM answers WHERE rowid IN ({places}) ORDER BY asked DESC",
                keys,
            ).fetchall()
        return [_kept(row) for row in rows]

    def rate(self, visitor: str, key: str, thumb: int, reason: str) -> bool:
        """Keep what a visitor thinks of their answer; False if they have no such answer."""
        with self._writing() as connection:
            changed = connection.execute(
                "UPDATE answers SET thumb = ?, reason = ? WHERE id = ? AND visitor = ?",
                (thumb, reason, key, visitor),
            )
            return changed.rowcount == 1

    def delete(self, visitor: str, keys: Sequence[str] | None = None) -> int:
        """Delete a visitor's answers, all or those with these ids; return how many there were."""
        with self._writing() as connection:
            if keys is None:
                gone = connection.execute("DELETE FROM answers WHERE visitor = ?", (visitor,))
                return gone.rowcount
            gone = connection.executemany(
                "DELETE FROM answers WHERE visitor = ? AND id = ?", [(visitor, k) for k in keys]
            )
            return gone.rowcount

    def delete_all(self) -> int:
        """Delete everybody's answers; return how many there were."""
        with self._writing() as connection:
            return connection.execute("DELETE FROM answers").rowcount

    def sweep(self) -> int:
        """Delete what is older than ``keep_days``; return how many there were."""
        with self._writing() as connection:
            now, latest = self._clock.now(), self._clock.late()
            if now is None:
                return 0
            # The clock was set back since: else they would be kept until that time has come.
            connection.execute("UPDATE answers SET asked = ? WHERE asked > ?", (latest, latest + 1))
            before = now - self.keep_days * _DAY
            return connection.execute("DELETE FROM answers WHERE asked < ?", (before,)).rowcount

    def _sweep(self) -> None:
        if self._swept is None or elapsed() - self._swept > _PAUSE:
            self._swept = elapsed()
            self.sweep()

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=10.0, isolation_level=None)
        # Deleted rows are overwritten, and the journal of a change is emptied at its end.
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA journal_mode = TRUNCATE")
        return connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        faults = faults_of(self.path.parent, (sqlite3.Error,))
        with faults, closing(self._connected()) as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")


def _kept(row: Sequence[Any]) -> Kept:
    key, visitor, asked, private, history, record, thumb, reason = row
    earlier = tuple(json.loads(history))
    return Kept(key, visitor, asked, bool(private), earlier, json.loads(record), thumb, reason)
