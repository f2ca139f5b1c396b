"""The tables of what chats share, made once however many processes start together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from citewise.errors import IndexFault

if TYPE_CHECKING:
    from citewise.ui.postgres.database import Link

__all__ = ["FORMAT", "create"]

FORMAT: Final = 1
"""Raised with every change of a table; an older citewise refuses a newer database."""
_LOCK: Final = 0x6369_7465_7769_7365
"""Held while tables are made: the letters of "citewise"."""

# Texts that people or models wrote are kept as JSON in ASCII, because PostgreSQL's text can hold
# neither the character NUL nor half a surrogate pair. Every table begins with the realm: chats of
# different documents may share a database and must not see one another's rows. Counting questions
# is not logged: it is over after a minute. The schema is not that of the documents, which is made
# anew where their format changes.
_TABLES = """
CREATE TABLE citewise_chat.chats (
    realm text PRIMARY KEY,
    instance text NOT NULL,
    wrong integer NOT NULL DEFAULT 0,
    wait_until timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE TABLE citewise_chat.answers (
    number bigint GENERATED ALWAYS AS IDENTITY,
    realm text NOT NULL,
    id text NOT NULL,
    visitor text NOT NULL,
    asked double precision NOT NULL,
    private boolean NOT NULL,
    history text NOT NULL,
    record text NOT NULL,
    thumb smallint NOT NULL DEFAULT 0,
    reason text NOT NULL DEFAULT '""',
    PRIMARY KEY (realm, id)
);
CREATE INDEX answers_by_visitor ON citewise_chat.answers (realm, visitor, asked);
CREATE INDEX answers_by_time ON citewise_chat.answers (realm, asked);
CREATE UNIQUE INDEX answers_by_number ON citewise_chat.answers (number);
CREATE TABLE citewise_chat.logins (
    realm text NOT NULL,
    digest text NOT NULL,
    ends timestamptz NOT NULL,
    PRIMARY KEY (realm, digest)
);
CREATE UNLOGGED TABLE citewise_chat.rates (
    client text PRIMARY KEY,
    remaining double precision NOT NULL,
    granted boolean NOT NULL,
    seen timestamptz NOT NULL
);
CREATE TABLE citewise_chat.visitors (
    realm text NOT NULL,
    visitor text NOT NULL,
    used timestamptz NOT NULL,
    worked timestamptz NOT NULL DEFAULT '-infinity',
    selection text NOT NULL,
    PRIMARY KEY (realm, visitor)
);
CREATE TABLE citewise_chat.files (
    number bigint GENERATED ALWAYS AS IDENTITY,
    realm text NOT NULL,
    visitor text NOT NULL,
    id text NOT NULL,
    sha256 text NOT NULL,
    size bigint NOT NULL,
    busy boolean NOT NULL,
    stopping boolean NOT NULL DEFAULT false,
    note text NOT NULL,
    PRIMARY KEY (realm, visitor, id),
    UNIQUE (realm, visitor, sha256),
    FOREIGN KEY (realm, visitor) REFERENCES citewise_chat.visitors ON DELETE CASCADE
);
CREATE INDEX files_busy ON citewise_chat.files (realm, visitor) WHERE busy;
CREATE TABLE citewise_chat.pieces (
    realm text NOT NULL,
    visitor text NOT NULL,
    file text NOT NULL,
    place integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (realm, visitor, file, place),
    FOREIGN KEY (realm, visitor, file) REFERENCES citewise_chat.files ON DELETE CASCADE
);
CREATE TABLE citewise_chat.format (format integer NOT NULL)
"""


def create(link: Link, shown: str) -> None:
    """Make the tables unless they are there; of processes that start together, one does.

    Args:
        link: in a transaction of its own.
        shown: the database, for a message.

    Raises:
        IndexFault: a newer citewise made them.
    """
    link.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    found = link.execute("SELECT to_regclass('citewise_chat.format') IS NOT NULL").fetchone()
    if found is None or not found[0]:
        link.execute("CREATE SCHEMA citewise_chat")
        for statement in _TABLES.split(";\n"):
            link.execute(statement.encode())
        link.execute("INSERT INTO citewise_chat.format VALUES (%s)", (FORMAT,))
        return
    row = link.execute("SELECT max(format) FROM citewise_chat.format").fetchone()
    if row is None or row[0] != FORMAT:
        raise IndexFault(
            f"What chats keep in the database {shown} has format {row[0] if row else 'none'}; "
            f"this citewise knows format {FORMAT}.",
            "Use the citewise that made it, or another database.",
        )
