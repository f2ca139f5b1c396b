"""What a chat keeps of its visitors in a data folder, which one process has to itself."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from citewise.errors import IndexFault
from citewise.locking import writer_lock
from citewise.ui.cookies import instance_of
from citewise.ui.owner import Owner
from citewise.ui.records import Records
from citewise.ui.visitors import Visitors

if TYPE_CHECKING:
    from citewise.assistant import Assistant
    from citewise.ui.options import Options

__all__ = ["LocalState"]

_MOST_SERVERS = 20


class LocalState:
    """Meets ``ChatState``.

    Raises:
        IndexFault: the data folder cannot be used.
    """

    def __init__(self, options: Options, assistant: Assistant) -> None:
        self._held = ExitStack()
        self.folder = _locked_folder(options.data, self._held)
        self.instance = instance_of(self.folder)
        self.visitors = Visitors(
            self.folder / "visitors", assistant, options.limits, common=options.common
        )
        self.records = Records(self.folder / "answers.sqlite3", options.keep_days)

    def owner(self, password: str) -> Owner:
        """The gate to the owner's page; who was let in is forgotten at the end."""
        return Owner(password)

    def buckets(self, a_minute: int) -> None:
        """There is one process, which counts for itself."""

    def require_reachable(self) -> None:
        """Look into the file of answers.

        Raises:
            IndexFault: it cannot be read.
        """
        self.records.count("")

    def close(self) -> None:
        """Stop working in the background, and let another server have the folder."""
        self.visitors.close()
        self._held.close()


def _locked_folder(wanted: Path, held: ExitStack) -> Path:
    """The folder, or the next one beside it where another server is at work in it.

    Raises:
        IndexFault: it cannot be made or written, or too many servers are running.
    """
    for number in range(1, _MOST_SERVERS + 1):
        folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise IndexFault(
                f"The folder {folder} cannot be made ({error.strerror}).",
                "Choose another one with --data.",
            ) from error
        try:
            held.enter_context(writer_lock(folder / "server.lock"))
        except IndexFault as error:
            if "is being written by" not in str(error):
                raise
            continue
        return folder
    raise IndexFault(
        f"{_MOST_SERVERS} servers are using {wanted} and the folders beside it.",
        "Stop one, or choose another folder with --data.",
    )
