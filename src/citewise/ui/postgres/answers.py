"""Answers and thumbs in a database that several processes share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from citewise.types import Answer
from citewise.ui.clock import elapsed
from citewise.ui.postgres.database import ChatDatabase
from citewise.ui.records import Kept

__all__ = ["PostgresAnswers"]

_COLUMNS = "id, visitor, asked, private, history, record, thumb, reason"
_NOW = "extract(epoch FROM clock_timestamp())"
_AT_ONCE = 100
_PAUSE = 3600.0
_DAY = 86400.0
# As in ``clock.py``: a machine whose clock shows a time before 2026 has not been set yet.
_SET = "extract(epoch FROM clock_timestamp()) >= 1767225600"


class PostgresAnswers:
    """Meets ``AnswerStore``. Times are the database's, so that processes need not agree on one.

    Args:
        database: where they are kept.
        keep_days: what is older is deleted.
    """

    def __init__(self, database: ChatDatabase, keep_days: float = 30.0) -> None:
        self.keep_days = keep_days
        self._database = database
        self._realm = database.realm
        self._swept: float | None = None

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
        record, earlier = json.dumps(answer.to_dict()), json.dumps(list(history))
        with self._database.transaction() as link:
            link.execute(
                "INSERT INTO citewise_chat.answers"
                " (realm, id, visitor, asked, private, history, record)"
                f" VALUES (%s, %s, %s, {_NOW}, %s, %s, %s)",
                (self._realm, key, visitor, private, earlier, record),
            )
        self._sweep()

    def of_visitor(self, visitor: str, keys: Sequence[str] | None = None) -> list[Kept]:
        """A visitor's answers in the order of ``keys``, or all, oldest first."""
        known = None if keys is None else _possible(keys)
        with self._database.transaction() as link:
            rows = link.execute(
                f"SELECT {_COLUMNS} FROM citewise_chat.answers WHERE realm = %s AND visitor = %s"
                " AND (%s::text[] IS NULL OR id = ANY(%s)) ORDER BY asked, number",
                (self._realm, visitor, known, known),
            ).fetchall()
        kept = {row[0]: _kept(row) for row in rows}
        return list(kept.values()) if known is None else [kept[k] for k in known if k in kept]

    def count(self, visitor: str) -> int:
        """How many of a visitor's answers are kept."""
        with self._database.transaction() as link:
            found = link.execute(
                "SELECT count(*) FROM citewise_chat.answers WHERE realm = %s AND visitor = %s",
                (self._realm, visitor),
            ).fetchone()
        return int(found[0]) if found else 0

    def all(self) -> Iterator[Kept]:
        """Everybody's answers, newest first."""
        with self._database.transaction() as link:
            numbers = link.execute(
                "SELECT number FROM citewise_chat.answers WHERE realm = %s"
                " ORDER BY asked DESC, number DESC",
                (self._realm,),
            ).fetchall()
        # A server hands a long answer out piece by piece: no connection is held meanwhile.
        for start in range(0, len(numbers), _AT_ONCE):
            yield from self._numbered([number for (number,) in numbers[start : start + _AT_ONCE]])

    def _numbered(self, numbers: Sequence[int]) -> list[Kept]:
        with self._database.transaction() as link:
            rows = link.execute(
                f"SELECT {_COLUMNS} FROM citewise_chat.answers WHERE realm = %s"
                " AND number = ANY(%s) ORDER BY asked DESC, number DESC",
                (self._realm, list(numbers)),
            ).fetchall()
        return [_kept(row) for row in rows]

    def rate(self, visitor: str, key: str, thumb: int, reason: str) -> bool:
        """Keep what a visitor thinks of their answer; False if they have no such answer."""
        with self._database.transaction() as link:
            changed = link.execute(
                "UPDATE citewise_chat.answers SET thumb = %s, reason = %s"
                " WHERE realm = %s AND visitor = %s AND id = ANY(%s)",
                (thumb, json.dumps(reason), self._realm, visitor, _possible([key])),
            )
            return changed.rowcount == 1

    def delete(self, visitor: str, keys: Sequence[str] | None = None) -> int:
        """Delete a visitor's answers, all or those with these ids; return how many there were."""
        known = None if keys is None else _possible(keys)
        with self._database.transaction() as link:
            return link.execute(
                "DELETE FROM citewise_chat.answers WHERE realm = %s AND visitor = %s"
                " AND (%s::text[] IS NULL OR id = ANY(%s))",
                (self._realm, visitor, known, known),
            ).rowcount

    def delete_all(self) -> int:
        """Delete everybody's answers; return how many there were."""
        with self._database.transaction() as link:
            return link.execute(
                "DELETE FROM citewise_chat.answers WHERE realm = %s", (self._realm,)
            ).rowcount

    def sweep(self) -> int:
        """Delete what is older than ``keep_days``; return how many there were."""
        with self._database.transaction() as link:
            # The clock was set back since: else they would be kept until that time has come.
            link.execute(
                f"UPDATE citewise_chat.answers SET asked = {_NOW}"
                f" WHERE realm = %s AND {_SET} AND asked > {_NOW} + 1",
                (self._realm,),
            )
            return link.execute(
                "DELETE FROM citewise_chat.answers"
                f" WHERE realm = %s AND {_SET} AND asked < {_NOW} - %s",
                (self._realm, self.keep_days * _DAY),
            ).rowcount

    def _sweep(self) -> None:
        if self._swept is None or elapsed() - self._swept > _PAUSE:
            self._swept = elapsed()
            self.sweep()


def _possible(keys: Sequence[str]) -> list[str]:
    """Ids that could be: a request may ask for anything, PostgreSQL's text cannot hold it all."""
    return [key for key in keys if key.isascii() and key.isprintable()]


def _kept(row: Sequence[Any]) -> Kept:
    key, visitor, asked, private, history, record, thumb, reason = row
    earlier, said = tuple(json.loads(history)), json.loads(reason)
    return Kept(key, visitor, asked, private, earlier, json.loads(record), thumb, said)
