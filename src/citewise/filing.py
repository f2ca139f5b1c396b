"""When the vector file is written anew: not for every change, as it holds all passages.

Between two writings the database lists, in the table ``refiled``, which passages came and which
went since; searching takes both into account.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from citewise.database import faults_of, meta, set_meta
from citewise.derivedwords import file_words
from citewise.records import dimensions_of
from citewise.vectorfile import built
from citewise.vectors import vectors_path

__all__ = ["file_vectors"]

# Writing so many vectors takes about 0.1 s: always done. Beyond it, once the changes are a
# share of the whole, so that each passage is written a bounded number of times.
_SMALL = 20_000
_SHARE = 0.05


def file_vectors(
    connection: sqlite3.Connection, folder: Path, *, anew: bool = False, elsewhere: str = ""
) -> None:
    """Write the vectors of the generation in the manifest, if it is time to.

    Args:
        anew: write them whatever has changed.
        elsewhere: what the vectors are kept in, if not in a file; then only the words are written.

    Raises:
        IndexFault: no room, or not allowed.
    """
    manifest = meta(connection)
    dimensions = dimensions_of(connection)
    (changes,) = connection.execute("SELECT count(*) FROM refiled").fetchone()
    held = int(manifest["passage_count"])
    filed = manifest.get("vectors_kind") == elsewhere if elsewhere else manifest["vectors_sha256"]
    same = dimensions == int(manifest["dimensions"]) and filed
    if same and not anew and held > _SMALL and changes <= _SHARE * held:
        return
    generation, digest = int(manifest["generation"]), ""
    if elsewhere:
        set_meta(connection, vectors_kind=elsewhere, vectors_recall="")
    elif dimensions:
        made = built(connection, dimensions, held)
        with faults_of(folder, (OSError,)):
            digest = made.index.save(vectors_path(folder, generation))
        set_meta(connection, vectors_kind=made.kind, vectors_recall=f"{made.recall:.3f}")
    connection.execute("DELETE FROM refiled")
    set_meta(
        connection, dimensions=dimensions, vectors_generation=generation, vectors_sha256=digest
    )
    file_words(connection, folder)
