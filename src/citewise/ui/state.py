"""What a chat keeps of its visitors, as the routes see it, wherever it is kept.

Two kinds meet these protocols: a data folder, which one process has to itself
(``local_state.py``), and a PostgreSQL database, which any number of processes share, so that any
of them answers any request (``postgres/``). ``docs/shared-state.md`` says what is where.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from citewise.types import Answer, Filter

if TYPE_CHECKING:
    from citewise.assistant import Assistant
    from citewise.ui.limits import Limits
    from citewise.ui.options import Options
    from citewise.ui.records import Kept
    from citewise.ui.selection import Selection
    from citewise.ui.shelf import Upload

__all__ = [
    "AnswerStore",
    "Buckets",
    "ChatState",
    "OwnerGate",
    "VisitorState",
    "VisitorStates",
    "open_state",
    "shared_address",
]


class AnswerStore(Protocol):
    """Answers and thumbs; see ``records.Records`` for what each method promises."""

    @property
    def keep_days(self) -> float:
        """What is older is deleted."""
        ...

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
        ...

    def of_visitor(self, visitor: str, keys: Sequence[str] | None = None) -> list[Kept]:
        """A visitor's answers in the order of ``keys``, or all, oldest first."""
        ...

    def count(self, visitor: str) -> int:
        """How many of a visitor's answers are kept."""
        ...

    def all(self) -> Iterator[Kept]:
        """Everybody's answers, newest first."""
        ...

    def rate(self, visitor: str, key: str, thumb: int, reason: str) -> bool:
        """Keep what a visitor thinks of their answer; False if they have no such answer."""
        ...

    def delete(self, visitor: str, keys: Sequence[str] | None = None) -> int:
        """Delete a visitor's answers, all or those with these ids; return how many there were."""
        ...

    def delete_all(self) -> int:
        """Delete everybody's answers; return how many there were."""
        ...

    def sweep(self) -> int:
        """Delete what is older than ``keep_days``; return how many there were."""
        ...


class OwnerGate(Protocol):
    """Lets in whoever knows the owner's password; see ``owner.Owner``."""

    def wait(self) -> float:
        """Seconds until another try is looked at."""
        ...

    def log_in(self, password: str) -> str | None:
        """A token for the cookie if the password is right; a try too early counts for nothing."""
        ...

    def knows(self, token: str) -> bool:
        """Whether a cookie's token was given out and is still good."""
        ...

    def log_out(self, token: str) -> None:
        """Forget a token."""
        ...


class Buckets(Protocol):
    """How many questions each client may still ask; see ``rates.Bucket``."""

    def take(self, client: str) -> float:
        """Take one of a client's; return 0, or the seconds until there is one again."""
        ...


class VisitorState(Protocol):
    """One visitor's documents and selection; see ``visitor.Visitor`` for what each promises."""

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """The files, oldest first, each with how far it is."""
        ...

    @property
    def selection(self) -> Selection:
        """What the next question searches."""
        ...

    def select(self, selection: Selection, shared: Assistant | None = None) -> None:
        """Choose what the next questions search; ``shared`` as for ``assistant``."""
        ...

    def where(self) -> Filter | None:
        """The restriction to the documents that are ticked."""
        ...

    def assistant(self, *, everything: bool = False, shared: Assistant | None = None) -> Assistant:
        """Answers from what is selected, or from all that this visitor may see.

        Args:
            everything: whatever is selected.
            shared: has what this visitor may see of the documents that are not their own, where
                not everybody sees the same.
        """
        ...

    def own_names(self) -> frozenset[str]:
        """The names of the visitor's own documents that can be searched."""
        ...

    async def add(
        self, name: str, chunks: AsyncIterator[bytes], size: int | None, owner: str = ""
    ) -> Upload:
        """Take in a file; it is read and embedded in the background."""
        ...

    def upload(self, key: str) -> Upload:
        """The file with this id, or a KeyError."""
        ...

    def cancel(self, key: str) -> Upload:
        """Stop working on a file; it stays, and can be read again."""
        ...

    def reread(self, key: str) -> Upload:
        """Read a file again from the beginning."""
        ...

    def remove(self, key: str) -> None:
        """Delete a file, and all that was made from it."""
        ...

    def erase(self) -> None:
        """Delete everything this visitor keeps."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Limits, and what is used of them."""
        ...


class VisitorStates(Protocol):
    """All visitors; see ``visitors.Visitors``."""

    @property
    def limits(self) -> Limits:
        """What may be brought along."""
        ...

    @property
    def common(self) -> bool:
        """Whether all visitors share what any of them brings."""
        ...

    def get(self, token: str) -> VisitorState:
        """The visitor with that cookie."""
        ...

    def prepared(self) -> bool:
        """Whether the documents for everybody can be searched; if not, it is being seen to."""
        ...

    def require_room(self, size: int) -> None:
        """Refuse what would fill the store.

        Raises:
            TooLargeError: all visitors together keep too much.
        """
        ...

    def sweep(self) -> int:
        """Delete what nobody has used for ``Limits.idle_seconds``; return how many were deleted."""
        ...

    def start_sweeping(self) -> None:
        """Sweep now and then in the background, until closed."""
        ...

    def close(self) -> None:
        """Stop working; what is unfinished is gone on with later, or by another process."""
        ...


class ChatState(Protocol):
    """All of it."""

    @property
    def instance(self) -> str:
        """What tells this chat from any other, in its cookie: 12 letters and digits."""
        ...

    @property
    def records(self) -> AnswerStore:
        """Answers and thumbs."""
        ...

    @property
    def visitors(self) -> VisitorStates:
        """Visitors, and what they brought."""
        ...

    def owner(self, password: str) -> OwnerGate:
        """The gate to the owner's page."""
        ...

    def buckets(self, a_minute: int) -> Buckets | None:
        """What counts clients' questions; None where each process counts for itself."""
        ...

    def require_reachable(self) -> None:
        """Nothing where the state can be read.

        Raises:
            IndexFault: it cannot.
        """
        ...

    def close(self) -> None:
        """Stop working in the background; nothing that was brought is lost."""
        ...


def shared_address(store: str) -> str:
    """The address of a store if it can also keep what chats share; else ""."""
    return store if store.partition("://")[0] in ("postgresql", "postgres") else ""


def open_state(options: Options, assistant: Assistant) -> ChatState:
    """The state in the database that the options name, or that holds the documents; else a folder.

    Raises:
        IndexFault: it cannot be opened.
        InputError: the address is none, or what it needs is not installed.
    """
    address = options.state or shared_address(assistant.store.address)
    if address:
        from citewise.ui.options import realm_of
        from citewise.ui.postgres import PostgresState

        # An assistant made for some collections by a program, not by the settings.
        realm = options.realm or realm_of(",".join(getattr(assistant, "collections", ())))
        return PostgresState(replace(options, state=address, realm=realm), assistant)
    from citewise.ui.local_state import LocalState

    return LocalState(options, assistant)
