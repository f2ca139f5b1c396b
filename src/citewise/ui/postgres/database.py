"""Connections to the database that several chats share: pooled, their faults explained.

No message and no log line quotes the address's password: what libpq says of an address that it
cannot read is not passed on, and of one that it can, host and name alone are named.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from citewise.errors import IndexFault
from citewise.stores.postgres.address import Address, psycopg_library

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg_pool import ConnectionPool

__all__ = ["ChatDatabase", "Link"]

Link: TypeAlias = "Connection[tuple[Any, ...]]"
"""A connection inside one transaction, which ends with the block that gave it."""

_MOST_CONNECTIONS = 12
_PATIENCE = 3.0
"""Seconds to wait for a connection."""
_BETWEEN_TRIES = 0.1


class ChatDatabase:
    """A pool of connections to one database; safe to share between threads.

    Args:
        address: ``postgresql://...``, as libpq reads it.
        realm: the chats whose rows these connections are about; each query names it itself.

    Raises:
        InputError: the address is none, or psycopg is not installed.
        IndexFault: the database cannot be reached, or is of a newer format.
    """

    def __init__(self, address: str, realm: str = "") -> None:
        from citewise.ui.postgres.schema import create

        self.realm = realm
        found = Address.parse(address)
        self.shown = found.place
        # Not from the pool, which would try a wrong password again and again.
        with self._faults(), found.connect() as link:
            create(link, self.shown)
        self._pool = _pool(found)

    @contextmanager
    def transaction(self) -> Iterator[Link]:
        """A connection; what is done with it becomes visible at the end of the block, or not.

        Raises:
            IndexFault: the database cannot be reached, or refused something.
        """
        with self._faults(), self._connection() as link:
            yield link

    @contextmanager
    def claim(self, what: str, wait: float = 0.0) -> Iterator[bool]:
        """Hold the right to work on something, which no other process has meanwhile.

        It ends with the block, or with this process. False if it could not be had in time.

        Args:
            what: told apart by name, within the realm.
            wait: seconds to go on trying.

        Raises:
            IndexFault: the database cannot be reached.
        """
        number, end = _number(self.realm, what), time.monotonic() + wait
        while True:
            with self._faults(), self._connection() as link:
                got = link.execute("SELECT pg_try_advisory_lock(%s)", (number,)).fetchone()
                # Idle, but not in a transaction: that would keep the server from tidying up.
                link.commit()
                if got is not None and got[0]:
                    try:
                        yield True
                    finally:
                        link.execute("SELECT pg_advisory_unlock(%s)", (number,))
                    return
            if time.monotonic() >= end:
                break
            time.sleep(_BETWEEN_TRIES)
        yield False

    @contextmanager
    def _connection(self) -> Iterator[Link]:
        """One of the pool's that works, in a transaction.

        A server that was started anew is noticed before a question is lost by it. The pool's own
        check would rest for 1 s, then 2 s, ... after each connection that it finds dead.
        """
        end = time.monotonic() + _PATIENCE
        while True:
            link = self._pool.getconn(end - time.monotonic())
            try:
                self._pool.check_connection(link)
            except psycopg_library().OperationalError:
                self._pool.putconn(link)  # which replaces it
                continue
            except BaseException:
                self._pool.putconn(link)
                raise
            break
        try:
            with link:
                yield link
        finally:
            self._pool.putconn(link)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        library = psycopg_library()
        try:
            yield
        except (library.OperationalError, library.InterfaceError):
            # Without what libpq says: it may quote what it was given.
            raise IndexFault(
                f"The database {self.shown} cannot be reached, so that nothing can be kept.",
                "See that it runs, and that address, user and password are right.",
            ) from None
        except library.errors.InsufficientPrivilege:
            raise IndexFault(
                f"The database {self.shown} does not let this user keep what the chat keeps there.",
                'Grant the rights that docs/shared-state.md names under "Rights".',
            ) from None
        except library.Error as error:
            raise IndexFault(
                f"The database {self.shown} refused what the chat keeps "
                f"(SQLSTATE {error.sqlstate or 'none'}).",
                "See the database's log.",
            ) from None


def _pool(address: Address) -> ConnectionPool[Link]:
    from psycopg_pool import ConnectionPool

    return ConnectionPool(
        kwargs=address.parameters,
        min_size=1,
        max_size=_MOST_CONNECTIONS,
        timeout=_PATIENCE,
        configure=_configure,
        name="citewise-chat",
        open=True,
    )


def _configure(link: Link) -> None:
    """Let the server notice within a minute that this machine is gone, and end its claims."""
    for name, value in (("idle", 30), ("interval", 10), ("count", 3)):
        link.execute(f"SET tcp_keepalives_{name} = {value}")
    link.commit()


def _number(realm: str, what: str) -> int:
    """A lock's number, signed 64 bits."""
    digest = hashlib.sha256(f"citewise chat\0{realm}\0{what}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
