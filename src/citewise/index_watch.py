"""Telling when something in a folder may have changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

__all__ = ["changes"]

# Milliseconds: changes that follow one another within this count as one; nobody waits longer
# than the second for an update while files keep coming.
_QUIET, _LONGEST = 500, 10_000


def changes(folder: Path) -> Iterator[None]:
    """Yield after every burst of changes below ``folder``, until Ctrl-C.

    The system is asked to tell; ``WATCHFILES_FORCE_POLLING=1`` looks itself, as network drives
    need.
    """
    from watchfiles import watch

    for _ in watch(
        folder,
        watch_filter=None,
        step=_QUIET,
        debounce=_LONGEST,
        yield_on_timeout=False,
        raise_interrupt=True,
    ):
        yield
