"""One update from end to end: compare, prepare beside what readers see, publish, tidy up."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

from citewise.database import Database, meta
from citewise.derived import KeptVectors
from citewise.errors import IndexFault
from citewise.locking import writer_lock
from citewise.metering import Meter, Progress
from citewise.opening import LOCK
from citewise.planning import Known, Plan, known, make_plan
from citewise.protocols import Embedder
from citewise.publishing import leftovers, publish, sweep
from citewise.sources import Source
from citewise.staging import Split, Staging
from citewise.updating import UpdateSummary, carry_out, summarise
from citewise.vectors import remove_other_generations, vectors_path

__all__ = ["Refreshing"]

# Seconds. A reader that replaces a missing vector file holds the lock for a moment.
_PATIENCE = 1.0


@dataclass
class Refreshing:
    """Brings the index in ``database`` in line with ``source``; see ``Index.refresh``."""

    database: Database
    vectors: KeptVectors
    embedder: Embedder
    source: Source
    split: Split
    remove_missing: bool
    thorough: bool
    progress: Progress | None
    digests: dict[tuple[str, int, int], str] = field(default_factory=dict)

    def run(self, pending: str, *, dry_run: bool) -> UpdateSummary:
        """Do it, or only find out what would be done.

        Args:
            pending: why the index was emptied when it was opened, or "".
        """
        meter = Meter(self.progress)
        before, plan = self._look(pending, meter)
        if dry_run or plan.idle or (self.database.read_only and plan.harmless):
            work = carry_out(plan, self.source, before, None, meter)
            if not dry_run:
                self._tidy()
            return summarise(work, plan.reason, before.passages)
        if self.database.read_only:
            raise IndexFault(
                f"The documents differ from the index in {self._folder}, which cannot be written.",
                "Make the folder writable, or choose another index folder.",
            )
        with writer_lock(self._folder / LOCK, wait=_PATIENCE):
            # Another process may have been faster: look again, now that none can.
            before, plan = self._look(pending, meter)
            return self._written(before, plan, meter)

    @property
    def _folder(self) -> Path:
        return self.database.path.parent

    def _look(self, pending: str, meter: Meter) -> tuple[Known, Plan]:
        # Not for longer than this: an open transaction keeps SQLite's log from being folded in.
        with self.database.reading() as connection:
            before = known(connection)
        plan = make_plan(
            before,
            self.source,
            self.embedder.name,
            remove_missing=self.remove_missing,
            thorough=self.thorough,
            pending=pending,
            digests=self.digests,
            meter=meter,
        )
        return before, plan

    def _written(self, before: Known, plan: Plan, meter: Meter) -> UpdateSummary:
        staging = Staging(self.database, self.embedder, self.split, meter)
        try:
            work = carry_out(plan, self.source, before, staging, meter)
            work.outcome.sweep = self.remove_missing or not self.source.lasting
            meter.begin("publishing", 0)
            with self.database.writing() as connection:
                publish(connection, work.outcome, self.embedder.name, self.vectors)
                manifest = meta(connection)
        except BaseException:
            if not self.source.lasting:
                with contextlib.suppress(IndexFault), self.database.writing() as connection:
                    sweep(connection)
            raise
        self.vectors.settle()
        remove_other_generations(self._folder, int(manifest["vectors_generation"]))
        return summarise(work, plan.reason, int(manifest["passage_count"]))

    def _tidy(self) -> None:
        """Remove what a crash left behind, unless somebody is writing just now."""
        if self.database.read_only:
            return
        with self.database.reading() as connection:
            generation = int(meta(connection)["vectors_generation"])
            prepared = leftovers(connection) if self.remove_missing else []
        current = vectors_path(self._folder, generation)
        files = any(path != current for path in self._folder.glob("vectors-*.faiss*"))
        if not files and not prepared:
            return
        with contextlib.suppress(IndexFault), writer_lock(self._folder / LOCK):
            if prepared:
                with self.database.writing() as connection:
                    sweep(connection)
            remove_other_generations(self._folder, generation)
