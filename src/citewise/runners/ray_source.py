"""A source whose files are read, split and embedded by a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from citewise.collecting import CollectionSource
from citewise.documents import Listing, Reading, SourceFile
from citewise.errors import CitewiseError, CorpusError, IndexFault
from citewise.remote_address import Corpus
from citewise.remote_source import RemoteSource
from citewise.runners.ahead import Ahead, Made
from citewise.runners.embedder_recipe import recipe_of
from citewise.runners.ray_cluster import connected
from citewise.runners.ray_pipeline import blocks, grouped, parts_of, remote_blocks
from citewise.runners.ray_stages import Digests, Job, Part, document_digest
from citewise.settings import current
from citewise.sources import FolderSource, Source
from citewise.staging import Split
from citewise.storing import keys_of
from citewise.types import Document

__all__ = ["RaySource"]

# How often in a row the pipeline is begun again where it broke off without a file more.
_TRIES = 3
# Vectors of replaced documents that workers are told not to make again: 8 bytes each.
_MOST_STORED = 4_000_000


class RaySource:
    """Meets ``PreparingSource``: lists as ``source`` does, and lets a cluster do the rest.

    Args:
        runner: ``ray`` or ``ray://HOST:PORT``.
        source: a folder, or what lies behind an address, that every node can read.
        ahead: gets the passages and vectors of each document before ``read`` yields it.
        stored: gives a stored document by its name.
    """

    def __init__(
        self,
        runner: str,
        source: Source,
        split: Split,
        ahead: Ahead,
        stored: Callable[[str], Document],
    ) -> None:
        self.lasting = source.lasting
        self._runner = runner
        self._source = source
        self._split = split
        self._ahead = ahead
        self._stored = stored
        self._prepared = Digests()
        self._known = Digests()

    def listing(self) -> Listing:
        """As the source's."""
        return self._source.listing()

    def digest(self, file: SourceFile) -> str:
        """As the source's."""
        return self._source.digest(file)

    def refuse_empty(self, skipped: Sequence[object]) -> None:
        """As the source's."""
        self._source.refuse_empty(skipped)  # type: ignore[arg-type]

    def pass_over(self, prepared: Collection[tuple[str, str]], replaced: Sequence[str]) -> None:
        """See ``PreparingSource``."""
        self._prepared = Digests(document_digest(*one) for one in prepared)
        keys: set[bytes] = set()
        for name in replaced:
            for passage in self._split(self._stored(name)):
                keys.update(keys_of(passage, self._ahead.name))
            if len(keys) > _MOST_STORED:
                break
        self._known = Digests(keys)

    def read(self, files: Iterable[SourceFile]) -> Iterator[tuple[SourceFile, Reading]]:
        """The documents in each of these files; no cluster is asked for where there are none.

        Raises:
            CorpusError, ModelError: a node cannot see the files, or not have the model.
            IndexFault: the cluster failed, again and again.
            InputError: see ``connected``; or a node has another version of this package.
        """
        wanted = list(files)
        if not wanted:
            return
        job = Job(
            _corpus(self._source),
            _prefix(self._source),
            current().reading,
            self._split,
            self._ahead.name,
            recipe_of(self._ahead.embedder),
            self._prepared,
            self._known,
        )
        with connected(self._runner) as ray:
            begin = remote_blocks if ray.util.client.ray.is_connected() else blocks
            yield from self._read(wanted, job, begin)

    def _read(
        self, files: Sequence[SourceFile], job: Job, begin: Callable[..., Iterator[object]]
    ) -> Iterator[tuple[SourceFile, Reading]]:
        done, tries = 0, 0
        while done < len(files):
            waiting = list(enumerate(files))[done:]
            parts = parts_of(begin(grouped(waiting), job))
            began = done
            try:
                for made, reading in _assembled(parts, done):
                    self._ahead.expect(made)
                    yield files[done], reading
                    done += 1
            except CitewiseError:
                raise
            except Exception as error:
                # The node on which an actor ran the pipeline may be gone: what is left is begun
                # anew. What a document made a worker do comes again, and is then told.
                tries = tries + 1 if done == began else 1
                cause = _cause(error)
                if tries >= _TRIES or cause:
                    raise (cause or _failure(error)) from None
            finally:
                parts.close()  # type: ignore[attr-defined]


def _prefix(source: Source) -> str:
    return source.naming.prefix if isinstance(source, CollectionSource) else ""


def _corpus(source: Source) -> Corpus:
    if isinstance(source, CollectionSource):
        return _corpus(source.source)
    if isinstance(source, FolderSource):
        return source.root.resolve()
    if isinstance(source, RemoteSource):
        return source.address
    raise CorpusError(
        "Documents that are at hand cannot be read by Ray.", "Give a folder, or an address."
    )


def _assembled(
    parts: Iterator[tuple[int, Part, list[str], bytes]], first: int
) -> Iterator[tuple[list[Made], Reading]]:
    """What each file gave, file by file."""
    expected = first
    documents: list[Document] = []
    made: list[Made] = []
    split = True
    for number, part, texts, vectors in parts:
        if number != expected:
            raise IndexFault(
                f"Ray gave the files out of order ({number} for {expected}).", "Try again."
            )
        if part.document is not None:
            documents.append(part.document)
            split = part.passages is not None
            if split:
                made.append(Made(part.document))
        if part.passages is not None:
            made[-1].add(part.passages, texts, vectors)
        if part.last:
            yield made, Reading(tuple(documents), part.skipped, part.unreached)
            expected, documents, made = expected + 1, [], []


def _cause(error: BaseException | None) -> CitewiseError | None:
    """The error of this package that a worker raised, if that is what Ray tells of."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, CitewiseError):
            # Ray's copy is of a class made for it, with Ray's traceback for a message.
            cause = getattr(one, "cause", None)
            return cause if isinstance(cause, CitewiseError) else one
        waiting += [one.__cause__, one.__context__, getattr(one, "cause", None)]
    return None


def _failure(error: Exception) -> IndexFault:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = f"{type(error).__name__}: {lines[-1][:300]}" if lines else type(error).__name__
    return IndexFault(
        f"The Ray cluster could not prepare the documents ({told}).",
        "What was prepared until now is kept; try again, or use --runner local.",
    )
