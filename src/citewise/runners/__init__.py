"""Who reads, splits and embeds the documents of an update: this process, or a Ray cluster.

Only one process writes, whoever does the rest, so that the store's own guarantees hold. Ray is
imported only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from citewise.errors import InputError
from citewise.protocols import Embedder

if TYPE_CHECKING:
    from citewise.index import Index
    from citewise.sources import Source
    from citewise.staging import Split

__all__ = ["checked_runner", "embedder_for", "ingest"]


def checked_runner(runner: str) -> str:
    """The same, if it is one.

    Raises:
        InputError: it is neither ``local``, ``ray``, nor ``ray://HOST:PORT``.
    """
    host, _, port = runner.removeprefix("ray://").rpartition(":")
    if runner in ("local", "ray") or (runner.startswith("ray://") and host and port.isdecimal()):
        return runner
    raise InputError(
        f"The runner {runner!r} is unknown.", "Use local, ray, or ray://HOST:PORT (often 10001)."
    )


def embedder_for(runner: str, embedder: Embedder) -> Embedder:
    """What an index that ``ingest`` fills is opened with."""
    if checked_runner(runner) == "local":
        return embedder
    from citewise.runners.ahead import Ahead

    return Ahead(embedder)


@contextmanager
def ingest(
    runner: str, source: Source, split: Split, index: Index
) -> Iterator[tuple[Source, Split]]:
    """The source and the splitter to refresh ``index`` with, while the block lasts.

    Args:
        index: opened with what ``embedder_for`` gave.

    Raises:
        InputError: Ray is not installed, or there is no such runner.
    """
    if checked_runner(runner) == "local":
        yield source, split
        return
    from citewise.runners.ahead import Ahead
    from citewise.runners.ray_source import RaySource

    ahead = index.embedder
    assert isinstance(ahead, Ahead)  # noqa: S101 - see above
    with ahead.splitting(split):
        yield RaySource(runner, source, split, ahead, index.document), ahead.split
