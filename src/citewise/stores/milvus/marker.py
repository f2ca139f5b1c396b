"""The marker: which states of the index a Milvus collection holds all passages of.

Milvus and SQLite have no transaction in common. So each published state has a stamp of its own,
kept in the manifest, and a row of the collection, the marker, names the tokens of the states
whose passages are all there. More may be there: what is not in the database is never shown.

An update writes, in this order, and may be killed between any two:

====================  =============  ========================================================
step                  marker then    readers of the old state, of the new one
====================  =============  ========================================================
1. marker             ``old new``    use Milvus, there are none
2. rows that came     ``old new``    use Milvus, there are none
3. SQLite's commit    ``old new``    use Milvus (those who began before), use Milvus
4. marker             ``- new``      search the database, use Milvus
5. delete what went   ``- new``      search the database, use Milvus
6. marker             ``new``        search the database, use Milvus
====================  =============  ========================================================

A marker of one stamp is settled: there is nothing else in the collection. Any other was left by
an update that did not end, and whoever may write next compares all rows and mends.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import numpy as np

from citewise.stores.milvus.client import MilvusServer, Row

__all__ = ["MARKER", "NO_STATE", "STAMP", "new_stamp", "read_marker", "stamp_of", "write_marker"]

MARKER = 0
"""The id of the marker's row; passages are numbered from 1 on."""

STAMP = "milvus_state"
NO_STATE = "-"


def new_stamp(generation: str) -> str:
    """A stamp for a state; another each time, because a restored backup counts on anew."""
    return f"{generation}.{secrets.token_hex(8)}"


def stamp_of(manifest: Mapping[str, str]) -> str:
    """The stamp of the state in the manifest; "" if it was published without Milvus."""
    stamp = manifest.get(STAMP, "")
    return stamp if stamp.partition(".")[0] == manifest["generation"] else ""


def read_marker(server: MilvusServer, name: str) -> tuple[str, ...]:
    """The tokens in the marker; none if there is no collection or no marker in it.

    Raises:
        IndexFault: Milvus is not reachable, or fails.
    """
    return tuple(server.key_of(name, MARKER).split()) if server.exists(name) else ()


def write_marker(server: MilvusServer, name: str, dimensions: int, *tokens: str) -> None:
    """Put tokens into the marker.

    Raises:
        IndexFault: Milvus is not reachable, or fails.
    """
    vector = np.zeros(dimensions, np.float32)
    server.write(name, [Row(MARKER, 0, " ".join(tokens), vector)])
