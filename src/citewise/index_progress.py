"""An update of the index, shown on stderr: bars on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from citewise.metering import Phase, Step

__all__ = ["IndexProgress"]

_TITLES: dict[Phase, str] = {
    "comparing": "Comparing files",
    "embedding": "Embedding",
    "publishing": "Writing the index",
    "checking": "Checking",
}
# Seconds: what takes less is not worth a bar, and how often a log gets a line.
_PATIENCE = 0.5
_LOG_EVERY = 30.0


class IndexProgress:
    """Meets ``Progress``; use as a context manager, so that the last bar is taken away.

    Args:
        shown: False keeps quiet.
    """

    def __init__(self, *, shown: bool = True) -> None:
        self._shown = shown
        self._terminal = sys.stderr.isatty()
        self._bar: Any = None
        self._phase: Phase | None = None
        self._began = self._said = 0.0

    def __enter__(self) -> IndexProgress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def __call__(self, step: Step) -> None:
        """Show how far the update is."""
        if not self._shown:
            return
        now = time.monotonic()
        if step.phase != self._phase:
            self._close()
            self._phase, self._began, self._said = step.phase, now, now
        if self._terminal:
            self._draw(step, now)
        elif now - self._said >= _LOG_EVERY and step.total:
            self._said = now
            print(self._line(step, now - self._began), file=sys.stderr, flush=True)

    def _draw(self, step: Step, now: float) -> None:
        if self._bar is None:
            # Writing the index goes through no files, but may take long: said before it starts.
            if step.phase != "publishing" and now - self._began < _PATIENCE:
                return
            self._bar = _bar(step)
        if step.total:
            self._bar.update(step.done - self._bar.n)
        if step.texts and step.phase == "embedding":
            rate = step.texts / max(now - self._began, 1e-9)
            self._bar.set_postfix_str(f"{rate:,.0f} texts/s", refresh=False)

    def _line(self, step: Step, spent: float) -> str:
        share = step.done / step.total
        rate = f", {step.texts / spent:,.0f} texts/s" if step.texts else ""
        left = f", about {_time(spent / share - spent)} left" if share else ""
        return f"{_TITLES[step.phase]}: {share:.0%}{rate}{left}"

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _bar(step: Step) -> Any:
    from tqdm import tqdm

    title = _TITLES[step.phase]
    if not step.total:
        return tqdm(desc=title, bar_format="{desc} …", leave=False, file=sys.stderr)
    return tqdm(
        desc=title,
        total=step.total,
        unit="B",
        unit_scale=True,
        leave=False,
        file=sys.stderr,
        dynamic_ncols=True,
    )


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
