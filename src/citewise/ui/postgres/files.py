"""Visitors' files in a database that several processes share: bytes, notes, selections."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from citewise.errors import InputError
from citewise.ui.limits import Limits
from citewise.ui.postgres.database import ChatDatabase, Link
from citewise.ui.selection import Selection
from citewise.ui.shelf import Upload, suffix_of, upload_of
from citewise.ui.taking_in import free_name

__all__ = ["Files", "Kept", "Wish"]

_PIECE = 1 << 20

Wish: TypeAlias = Literal["go", "stop", "gone"]
"""What a visitor wants of a file that is being read: nothing, that it stops, or it was removed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a visitor keeps; the files oldest first."""

    selection: Selection
    uploads: tuple[Upload, ...]


class Files:
    """The files of all visitors of one realm; safe to share between threads.

    Args:
        database: where they are kept.
        limits: what may be brought along.
    """

    def __init__(self, database: ChatDatabase, limits: Limits) -> None:
        self._database = database
        self._realm = database.realm
        self._limits = limits

    def of(self, visitor: str) -> Kept:
        """What a visitor keeps just now."""
        with self._database.transaction() as link:
            return self._of(link, visitor)

    def add(self, visitor: str, upload: Upload, path: Path) -> Upload:
        """Keep a file whose bytes are at ``path``; its name may get a number.

        Raises:
            TooLargeError: all of the visitor's files together would be too large.
            InputError: there are too many files, or it is there already.
        """
        with self._database.transaction() as link:
            # Locks the visitor's row: of two files that come at once, the second sees the first.
            self._touch(link, visitor, Selection())
            others = self._of(link, visitor).uploads
            same = next((u for u in others if u.sha256 == upload.sha256), None)
            if same is not None:
                raise InputError(f"This file is already here, as {same.name!r}.")
            kept = sum(other.size for other in others)
            self._limits.room(upload.name, upload.size, len(others), kept)
            taken = {other.name for other in others}
            upload = replace(upload, name=free_name(upload.name, taken))
            if self._waiting(link) >= self._limits.waiting:
                problem = "Too many files are waiting to be read. Try again in a while."
                upload = replace(upload, state="failed", problem=problem)
            link.execute(
                "INSERT INTO citewise_chat.files (realm, visitor, id, sha256, size, busy, note)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (self._realm, visitor, upload.id, upload.sha256, upload.size, *_noted(upload)),
            )
            self._write(link, visitor, upload.id, path)
        return upload

    @contextmanager
    def on_disk(self, visitor: str, upload: Upload) -> Iterator[Path]:
        """A file with the upload's bytes, for as long as the block lasts."""
        with tempfile.TemporaryDirectory(prefix="citewise-") as folder:
            path = Path(folder) / f"content{suffix_of(upload.name)}"
            with path.open("wb") as file:
                place = 0
                while (piece := self._piece(visitor, upload.id, place)) is not None:
                    file.write(piece)
                    place += 1
            yield path

    def report(self, visitor: str, upload: Upload) -> Wish:
        """Write down how far a file is; return what its visitor wants meanwhile."""
        with self._database.transaction() as link:
            found = link.execute(
                "UPDATE citewise_chat.files SET busy = %s, note = %s"
                " WHERE realm = %s AND visitor = %s AND id = %s RETURNING stopping",
                (*_noted(upload), self._realm, visitor, upload.id),
            ).fetchone()
        if found is None:
            return "gone"
        return "stop" if found[0] else "go"

    def finish(
        self, visitor: str, upload: Upload, select: Callable[[Selection], Selection] | None = None
    ) -> None:
        """Write down what became of a file, and change the selection, at once."""
        with self._database.transaction() as link:
            link.execute(
                "UPDATE citewise_chat.files SET busy = %s, note = %s, stopping = false"
                " WHERE realm = %s AND visitor = %s AND id = %s",
                (*_noted(upload), self._realm, visitor, upload.id),
            )
            if select is not None:
                self._select(link, visitor, select)

    def change(self, visitor: str, key: str, change: Callable[[Upload], Upload]) -> Upload:
        """Change a note, whoever else does so meanwhile.

        Raises:
            KeyError: there is no such file.
        """
        with self._database.transaction() as link:
            row = link.execute(
                "SELECT note FROM citewise_chat.files"
                " WHERE realm = %s AND visitor = %s AND id = %s FOR UPDATE",
                (self._realm, visitor, key),
            ).fetchone()
            if row is None:
                raise KeyError(key)
            before = upload_of(row[0])
            after = change(before)
            if after != before:
                link.execute(
                    # Who reads it just now must still hear of a wish to stop.
                    "UPDATE citewise_chat.files SET busy = %s, note = %s,"
                    " stopping = stopping AND NOT %s"
                    " WHERE realm = %s AND visitor = %s AND id = %s",
                    (*_noted(after), after.busy, self._realm, visitor, key),
                )
        return after

    def stop(self, visitor: str, key: str | None = None) -> None:
        """Ask whoever reads a file, or any of them, to stop."""
        with self._database.transaction() as link:
            link.execute(
                "UPDATE citewise_chat.files SET stopping = true WHERE realm = %s AND visitor = %s"
                " AND busy AND id = coalesce(%s, id)",
                (self._realm, visitor, key),
            )

    def remove(self, visitor: str, key: str, select: Callable[[Selection], Selection]) -> None:
        """Delete a file, and change the selection."""
        with self._database.transaction() as link:
            link.execute(
                "DELETE FROM citewise_chat.files WHERE realm = %s AND visitor = %s AND id = %s",
                (self._realm, visitor, key),
            )
            self._select(link, visitor, select)

    def select(self, visitor: str, selection: Selection) -> None:
        """Keep a selection."""
        with self._database.transaction() as link:
            self._touch(link, visitor, selection)
            self._select(link, visitor, lambda _: selection)

    def touch(self, visitor: str) -> None:
        """Remember that a visitor who keeps something is there."""
        with self._database.transaction() as link:
            link.execute(
                "UPDATE citewise_chat.visitors SET used = clock_timestamp()"
                " WHERE realm = %s AND visitor = %s",
                (self._realm, visitor),
            )

    def erase(self, visitor: str) -> None:
        """Delete everything of a visitor."""
        with self._database.transaction() as link:
            link.execute(
                "DELETE FROM citewise_chat.visitors WHERE realm = %s AND visitor = %s",
                (self._realm, visitor),
            )

    def unfinished(self) -> list[str]:
        """Visitors whose files wait or are being read; first who was served longest ago."""
        with self._database.transaction() as link:
            rows = link.execute(
                "SELECT visitor FROM citewise_chat.visitors AS v WHERE realm = %s AND EXISTS"
                " (SELECT 1 FROM citewise_chat.files AS f WHERE f.realm = v.realm"
                " AND f.visitor = v.visitor AND f.busy) ORDER BY worked, visitor",
                (self._realm,),
            ).fetchall()
        return [visitor for (visitor,) in rows]

    def served(self, visitor: str) -> None:
        """Let other visitors come first the next time."""
        with self._database.transaction() as link:
            link.execute(
                "UPDATE citewise_chat.visitors SET worked = clock_timestamp()"
                " WHERE realm = %s AND visitor = %s",
                (self._realm, visitor),
            )

    def idle(self, seconds: float) -> list[str]:
        """Visitors who were not seen for so long."""
        with self._database.transaction() as link:
            # As in ``clock.py``: a clock that shows a time before 2026 has not been set yet.
            link.execute(
                "UPDATE citewise_chat.visitors SET used = clock_timestamp() WHERE realm = %s"
                " AND used > clock_timestamp() + interval '1 second'"
                " AND clock_timestamp() >= '2026-01-01'",
                (self._realm,),
            )
            rows = link.execute(
                "SELECT visitor FROM citewise_chat.visitors WHERE realm = %s"
                " AND used < clock_timestamp() - make_interval(secs => %s)"
                " AND clock_timestamp() >= '2026-01-01'",
                (self._realm, seconds),
            ).fetchall()
        return [visitor for (visitor,) in rows]

    def bytes_of_all(self) -> int:
        """The bytes of all visitors' files."""
        with self._database.transaction() as link:
            found = link.execute(
                "SELECT coalesce(sum(size), 0) FROM citewise_chat.files WHERE realm = %s",
                (self._realm,),
            ).fetchone()
        return int(found[0]) if found else 0

    def _of(self, link: Link, visitor: str) -> Kept:
        row = link.execute(
            "SELECT selection FROM citewise_chat.visitors WHERE realm = %s AND visitor = %s",
            (self._realm, visitor),
        ).fetchone()
        if row is None:
            return Kept(Selection(), ())
        notes = link.execute(
            "SELECT note FROM citewise_chat.files WHERE realm = %s AND visitor = %s"
            " ORDER BY number",
            (self._realm, visitor),
        ).fetchall()
        uploads = tuple(upload_of(note) for (note,) in notes)
        return Kept(Selection.of(json.loads(row[0])), uploads)

    def _touch(self, link: Link, visitor: str, selection: Selection) -> None:
        link.execute(
            "INSERT INTO citewise_chat.visitors (realm, visitor, used, selection)"
            " VALUES (%s, %s, clock_timestamp(), %s)"
            " ON CONFLICT (realm, visitor) DO UPDATE SET used = excluded.used",
            (self._realm, visitor, json.dumps(selection.to_dict())),
        )

    def _select(self, link: Link, visitor: str, change: Callable[[Selection], Selection]) -> None:
        row = link.execute(
            "SELECT selection FROM citewise_chat.visitors"
            " WHERE realm = %s AND visitor = %s FOR UPDATE",
            (self._realm, visitor),
        ).fetchone()
        if row is not None:
            chosen = json.dumps(change(Selection.of(json.loads(row[0]))).to_dict())
            link.execute(
                "UPDATE citewise_chat.visitors SET selection = %s"
                " WHERE realm = %s AND visitor = %s",
                (chosen, self._realm, visitor),
            )

    def _waiting(self, link: Link) -> int:
        found = link.execute(
            "SELECT count(*) FROM citewise_chat.files WHERE realm = %s AND busy", (self._realm,)
        ).fetchone()
        return int(found[0]) if found else 0

    def _write(self, link: Link, visitor: str, key: str, path: Path) -> None:
        with path.open("rb") as file:
            place = 0
            while piece := file.read(_PIECE):
                link.execute(
                    "INSERT INTO citewise_chat.pieces VALUES (%s, %s, %s, %s, %b)",
                    (self._realm, visitor, key, place, piece),
                )
                place += 1

    def _piece(self, visitor: str, key: str, place: int) -> bytes | None:
        with self._database.transaction() as link:
            row = link.execute(
                "SELECT content FROM citewise_chat.pieces"
                " WHERE realm = %s AND visitor = %s AND file = %s AND place = %s",
                (self._realm, visitor, key, place),
                binary=True,
            ).fetchone()
        return bytes(row[0]) if row is not None else None


def _noted(upload: Upload) -> tuple[bool, str]:
    return upload.busy, json.dumps(asdict(upload))
