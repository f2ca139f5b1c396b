"""Which collections a PostgreSQL store holds."""

from __future__ import annotations

from citewise.schema import LIVE
from citewise.stores.postgres.address import Address
from citewise.stores.postgres.database import Database

__all__ = ["held_collections"]


def held_collections(address: str) -> list[str]:
    """The names of those with documents, sorted; "" are the documents that are in none.

    Raises:
        InputError: it is no such address, or psycopg is not installed.
        IndexFault: not reachable, not usable, or of a newer format.
    """
    database = Database(Address.parse(address), "")
    try:
        with database.reading() as reading:
            rows = reading.connection.execute(
                "SELECT name FROM citewise.collections WHERE EXISTS (SELECT FROM citewise.documents"
                " WHERE collection = citewise.collections.id AND state = %s) ORDER BY name",
                (LIVE,),
            ).fetchall()
    finally:
        database.close()
    return [str(name) for (name,) in rows]
