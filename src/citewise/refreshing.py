"""One update from end to end: compare, prepare beside what readers see, publish, tidy up."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from citewise.errors import IndexFault
from citewise.metering import Meter, Progress
from citewise.planning import Known, Plan, make_plan
from citewise.protocols import Embedder
from citewise.sources import Source
from citewise.staging import Split, Staging
from citewise.updating import UpdateSummary, carry_out, summarise
from citewise.writing import Store, Writer

__all__ = ["Refreshing"]


@dataclass
class Refreshing:
    """Brings the index in ``store`` in line with ``source``; see ``Index.refresh``."""

    store: Store
    embedder: Embedder
    source: Source
    split: Split
    remove_missing: bool
    thorough: bool
    progress: Progress | None
    digests: dict[tuple[str, int, int], str] = field(default_factory=dict)

    def run(self, *, dry_run: bool) -> UpdateSummary:
        """Do it, or only find out what would be done."""
        meter = Meter(self.progress)
        before, plan = self._look(meter)
        if dry_run or plan.idle or (self.store.read_only and plan.harmless):
            work = carry_out(plan, self.source, before, None, meter)
            if not dry_run:
                self.store.tidy(leftovers=self.remove_missing)
            return summarise(work, plan.reason, before.passages)
        if self.store.read_only:
            raise IndexFault(
                f"The documents differ from the index in {self.store.place}, which cannot be "
                "written.",
                "Make it writable, or choose another place for the index.",
            )
        with self.store.writing() as writer:
            # Another process may have been faster: look again, now that none can.
            before, plan = self._look(meter)
            return self._written(writer, before, plan, meter)

    def _look(self, meter: Meter) -> tuple[Known, Plan]:
        before = self.store.known()
        plan = make_plan(
            before,
            self.source,
            self.embedder.name,
            remove_missing=self.remove_missing,
            thorough=self.thorough,
            digests=self.digests,
            meter=meter,
        )
        return before, plan

    def _written(self, writer: Writer, before: Known, plan: Plan, meter: Meter) -> UpdateSummary:
        staging = Staging(writer, self.embedder, self.split, meter)
        try:
            work = carry_out(plan, self.source, before, staging, meter)
            work.outcome.sweep = self.remove_missing or not self.source.lasting
            meter.begin("publishing", 0)
            passages = writer.publish(work.outcome, self.embedder.name)
        except BaseException:
            if not self.source.lasting:
                with contextlib.suppress(IndexFault):
                    writer.discard()
            raise
        return summarise(work, plan.reason, passages)
