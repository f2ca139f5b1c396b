"""Telling when something in a folder may have changed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["changes"]

# Milliseconds: what follows within the first counts as one change, but nobody waits longer than
# the second while files keep coming.
_QUIET, _LONGEST = 500, 10_000
_TICK = 1_000
# Seconds after which to look even if the system told nothing, as it may on a network drive.
_LOOK_ANYWAY = 60.0


def changes(folder: Path, ignored: Path) -> Iterator[None]:
    """Yield once at the start, after every burst of changes, and now and then; until Ctrl-C.

    The watching has begun when the first comes, so that no change is missed after it.

    Args:
        ignored: a folder, perhaps inside, whose changes do not count.
    """
    from watchfiles import watch

    apart = ignored.resolve()

    def counts(_: object, path: str) -> bool:
        return not Path(path).is_relative_to(apart)

    looked: float | None = None
    for found in watch(
        folder.resolve(),
        watch_filter=counts,
        step=_QUIET,
        debounce=_LONGEST,
        rust_timeout=_TICK,
        yield_on_timeout=True,
        raise_interrupt=True,
    ):
        if found or looked is None or time.monotonic() - looked > _LOOK_ANYWAY:
            yield
            looked = time.monotonic()
