"""Bringing the index up to date: what differs is prepared, then published, or nothing is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from citewise.documents import Reading, SkippedFile, SourceFile
from citewise.errors import CorpusError
from citewise.metering import Meter
from citewise.planning import Known, Plan, StoredDocument
from citewise.publishing import Outcome
from citewise.sources import PreparingSource, Source
from citewise.staging import Staging
from citewise.types import Document

__all__ = ["Changes", "UpdateSummary", "Work", "carry_out", "summarise"]


@dataclass(frozen=True, slots=True)
class Changes:
    """The names behind the numbers of an ``UpdateSummary``."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()
    skipped: tuple[SkippedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class UpdateSummary:
    """What an update did, in numbers of documents; ``passages`` counts those now in the index.

    ``reason`` is "first build", "documents changed", "embedding model changed", "format changed",
    "repaired", or "" if there was nothing to do. ``embedded`` counts the texts embedded for it.
    """

    added: int
    changed: int
    removed: int
    unchanged: int
    passages: int
    reason: str
    moved: int = 0
    embedded: int = field(default=0, compare=False)
    changes: Changes = field(default=Changes(), compare=False)


@dataclass
class Work:
    """What an update found out, document by document, and what is to be published of it."""

    outcome: Outcome = field(default_factory=Outcome)
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    moved: list[tuple[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    unchanged: int = 0
    embedded: int = 0

    @property
    def changes(self) -> Changes:
        """The names, in order."""
        return Changes(
            tuple(sorted(self.added)),
            tuple(sorted(self.changed)),
            tuple(sorted(self.moved)),
            tuple(sorted(self.removed)),
            tuple(sorted(self.skipped, key=lambda file: (file.name, file.reason))),
        )


def carry_out(
    plan: Plan, source: Source, before: Known, staging: Staging | None, meter: Meter
) -> Work:
    """Read what has to be read, prepare what differs, and collect what is to be published.

    Args:
        before: what the index knows.
        staging: None only to find out what would be done.
        meter: told of every file.

    Raises:
        CorpusError: no document is left, or one cannot be stored.
    """
    carrying = _Carrying(plan, source, before, staging, meter)
    carrying.settle()
    carrying.move()
    meter.begin("embedding", sum(file.size for file in plan.read))
    carrying.read_all()
    if not carrying.names:
        source.refuse_empty(carrying.work.skipped)
    return carrying.finished()


class _Carrying:
    def __init__(
        self, plan: Plan, source: Source, before: Known, staging: Staging | None, meter: Meter
    ) -> None:
        self.plan = plan
        self.source = source
        self.filed = before.files
        self.staging = staging
        self.meter = meter
        self.work = Work(skipped=list(plan.skipped))
        self.names = {document.name for document in before.documents}
        self.stored: defaultdict[str, list[StoredDocument]] = defaultdict(list)
        for document in before.documents:
            self.stored[document.file].append(document)

    def settle(self) -> None:
        """Forget files that are gone; note new times; repeat why files were left out before."""
        for name in self.plan.removed:
            self.work.outcome.filed[name] = None
            self.remove(self.stored[name])
        for file in self.plan.touched:
            self.work.outcome.filed[file.name] = self.plan.filed[file.name]
        for file in (*self.plan.same, *self.plan.touched):
            self.work.unchanged += len(self.stored[file.name])
            if file.name in self.filed:
                self.work.skipped += self.filed[file.name].skipped

    def move(self) -> None:
        """Give the documents of a file that moved their new names."""
        for old, file in self.plan.moved:
            skipped = tuple(
                replace(known, name=_moved(known.name, old, file.name))
                for known in self.filed[old].skipped
            )
            self.work.skipped += skipped
            self.work.outcome.filed[old] = None
            self.work.outcome.filed[file.name] = replace(
                self.plan.filed[file.name], skipped=skipped
            )
            for document in self.stored[old]:
                name = _moved(document.name, old, file.name)
                inside = file.name if name != file.name else ""
                self.work.outcome.renamed.append((document.id, name, inside))
                self.work.moved.append((document.name, name))
                self.names.discard(document.name)
                self.names.add(name)

    def read_all(self) -> None:
        """Prepare the documents of all files to be read."""
        if self.staging and isinstance(self.source, PreparingSource):
            self.source.pass_over(self.staging.prepared, self.replaced())
        for file, found in self.source.read(self.plan.read):
            self.meter.advance(0, file.name)
            if found.unreached:
                self.leave(file, found)
            else:
                self.keep(file, self.take(file, found))
        if self.staging:
            self.staging.flush()

    def replaced(self) -> list[str]:
        """The stored documents, by name, of the files to be read."""
        if self.plan.everything:
            return []
        return [d.name for file in self.plan.read for d in self.stored[file.name]]

    def leave(self, file: SourceFile, found: Reading) -> None:
        """A file cannot be looked at just now: it is tried again at the next update."""
        stored = self.stored[file.name]
        self.meter.advance(file.size)
        if self.plan.everything:
            self.work.outcome.filed[file.name] = None
            self.remove(stored)
            self.work.skipped += found.skipped
            return
        stays = "; what was read earlier stays" if stored else ""
        self.work.skipped += [SkippedFile(s.name, s.reason + stays) for s in found.skipped]
        self.work.unchanged += len(stored)

    def take(self, file: SourceFile, found: Reading) -> tuple[SkippedFile, ...]:
        """Prepare what is new in a file; return what was left out, and why."""
        stored = {document.name: document for document in self.stored[file.name]}
        skipped = list(found.skipped)
        for document in found.documents:
            known = stored.pop(document.name, None)
            reason = self.prepare(document, known, file.size / len(found.documents))
            if reason:
                skipped.append(SkippedFile(document.name, reason))
                self.remove([known] if known else [])
        if not found.documents:
            self.meter.advance(file.size)
        self.remove(stored.values())
        self.work.skipped += skipped
        return tuple(skipped)

    def prepare(self, document: Document, known: StoredDocument | None, size: float) -> str:
        """Take in a document if it is new or differs; return why that cannot be, or ""."""
        if known is None and document.name in self.names:
            return "another document has the same name"
        if known and known.sha256 == document.sha256 and not self.plan.everything:
            self.work.unchanged += 1
            self.meter.advance(size)
            return ""
        try:
            if self.staging:
                self.staging.add(document, size)
            else:
                self.meter.advance(size)
        except CorpusError as error:
            if not self.source.lasting:
                raise
            return error.problem.rstrip(".")
        self.note(document.name, [known] if known else [])
        return ""

    def note(self, name: str, replaced: list[StoredDocument]) -> None:
        """A document is new, or takes the place of others of its name."""
        (self.work.changed if replaced else self.work.added).append(name)
        self.work.outcome.deleted += [document.id for document in replaced]
        self.names.add(name)

    def keep(self, file: SourceFile, skipped: tuple[SkippedFile, ...]) -> None:
        self.work.outcome.filed[file.name] = replace(self.plan.filed[file.name], skipped=skipped)

    def remove(self, documents: Iterable[StoredDocument]) -> None:
        for document in documents:
            self.work.removed.append(document.name)
            self.work.outcome.deleted.append(document.id)
            self.names.discard(document.name)

    def finished(self) -> Work:
        if self.staging:
            self.work.outcome.published = list(self.staging.staged.values())
        self.work.embedded = self.meter.texts
        return self.work


def _moved(name: str, old: str, new: str) -> str:
    """The name of a document, or of a member of it, after its file went from old to new."""
    return new + name[len(old) :] if name.startswith(old) else name


def summarise(work: Work, reason: str, passages: int) -> UpdateSummary:
    """The work in numbers; ``passages`` are those live after it."""
    added, changed = len(work.added), len(work.changed)
    moved, removed = len(work.moved), len(work.removed)
    if reason == "documents changed" and not (added or changed or moved or removed):
        reason = ""
    counts = added, changed, removed, work.unchanged, passages
    return UpdateSummary(*counts, reason, moved, work.embedded, work.changes)
