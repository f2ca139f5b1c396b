"""Progress of long transfers, on stderr: a bar on a terminal, two lines in a log."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

from citewise.rendering import visible

if TYPE_CHECKING:
    from tqdm import tqdm  # type: ignore[import-untyped, unused-ignore]

__all__ = ["ByteProgress", "readable"]


class ByteProgress:
    """Shows how many bytes of a total are there; use as a context manager.

    Args:
        title: what is going on, such as "Fetching all-minilm-l6-v2".
        total: bytes in all.
        shown: False keeps quiet.
    """

    def __init__(self, title: str, total: int, *, shown: bool = True) -> None:
        self._title = title
        self._total = total
        self._shown = shown
        self._started = False
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> ByteProgress:
        if self._shown and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(
                desc=self._title, total=self._total, unit="B", unit_scale=True, file=sys.stderr
            )
        else:
            self.say(f"{self._title} ({readable(self._total)})")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            if error is None:
                self.to(self._total)
            self._bar.close()

    def to(self, done: int) -> None:
        """``done`` bytes of the total are there."""
        if self._bar is None:
            return
        if not self._started:  # Bytes of an earlier run must not count into the rate.
            self._started = True
            self._bar.initial = done
        if done > self._bar.n:
            self._bar.update(done - self._bar.n)
        elif done < self._bar.n:
            self._bar.n = done
            self._bar.refresh()

    def note(self, line: str) -> None:
        """A line above the bar; a log does without it."""
        if self._bar is not None:
            self._bar.write(visible(line), file=sys.stderr)

    def say(self, line: str) -> None:
        """A line for terminals and logs alike."""
        if not self._shown:
            return
        if self._bar is not None:
            self.note(line)
        else:
            print(visible(line), file=sys.stderr, flush=True)


def readable(size: int) -> str:
    """A number of bytes for people, such as ``1.12 GB``."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} B"
