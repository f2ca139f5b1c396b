"""What chats keep of their visitors in a PostgreSQL database that several processes share.

Needs the extra ``postgres``. ``docs/shared-state.md`` says what is kept where, and what a process
that is killed loses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from citewise.ui.cookies import new_instance
from citewise.ui.postgres.answers import PostgresAnswers
from citewise.ui.postgres.database import ChatDatabase
from citewise.ui.postgres.gate import PostgresBuckets, PostgresOwner
from citewise.ui.postgres.visitors import PostgresVisitors

if TYPE_CHECKING:
    from citewise.assistant import Assistant
    from citewise.ui.options import Options

__all__ = ["PostgresState"]


class PostgresState:
    """Meets ``ChatState``.

    Args:
        options: with the database's address, and the realm.
        assistant: answers from the documents that everybody may ask; visitors' own documents
            become collections of the same store.
        workers: how many files this process reads at once.

    Raises:
        InputError: the address is none, or psycopg is not installed.
        IndexFault: the database cannot be reached, or is of a newer format.
    """

    def __init__(self, options: Options, assistant: Assistant, workers: int = 2) -> None:
        self._database = ChatDatabase(options.state, options.realm)
        try:
            self.instance = _instance(self._database)
        except BaseException:
            self._database.close()
            raise
        self.records = PostgresAnswers(self._database, options.keep_days)
        self.visitors = PostgresVisitors(
            self._database, assistant, options.limits, common=options.common, workers=workers
        )

    def owner(self, password: str) -> PostgresOwner:
        """The gate to the owner's page."""
        return PostgresOwner(password, self._database)

    def buckets(self, a_minute: int) -> PostgresBuckets:
        """What counts clients' questions, for all processes."""
        return PostgresBuckets(a_minute, self._database, self.instance)

    def require_reachable(self) -> None:
        """Ask the database something.

        Raises:
            IndexFault: it does not answer.
        """
        with self._database.transaction() as link:
            link.execute("SELECT instance FROM citewise_chat.chats LIMIT 1")

    def close(self) -> None:
        """Stop working in the background; nothing that was brought is lost."""
        self.visitors.close()
        self._database.close()


def _instance(database: ChatDatabase) -> str:
    """What names these chats in their cookies; the first process makes it."""
    with database.transaction() as link:
        link.execute(
            "INSERT INTO citewise_chat.chats (realm, instance) VALUES (%s, %s)"
            " ON CONFLICT DO NOTHING",
            (database.realm, new_instance()),
        )
        row = link.execute(
            "SELECT instance FROM citewise_chat.chats WHERE realm = %s", (database.realm,)
        ).fetchone()
    assert row is not None  # noqa: S101 - it was just put there
    return str(row[0])
