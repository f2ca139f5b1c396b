"""The two stages as one Ray Data pipeline, from groups of files to parts with their vectors."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from citewise.documents import SourceFile
from citewise.runners.ray_stages import EmbedTexts, Job, Part, read_files

__all__ = ["Made", "blocks", "grouped", "parts_of", "remote_blocks"]

_FILES, _BYTES = 64, 8 << 20  # Of one group: read by one task.
_MOST_BLOCKS = 10_000
_BLOCK = 2 << 20  # Bytes of a block between two stages, about.
_IN_FLIGHT = 512 << 20  # Bytes of all blocks of the pipeline, wherever they are.
# A processor holds one of each; so even a cluster of a single one can run both stages. They differ,
# or Ray would make one stage of them, which reads while the model waits.
_READING, _EMBEDDING = 0.25, 0.75

Made = tuple[int, Part, list[str], bytes]
"""The number of a file, a part of it, its texts that were embedded, and their vectors."""


def grouped(files: Sequence[tuple[int, SourceFile]]) -> list[bytes]:
    """Numbered files in groups that one task each reads, pickled."""
    groups: list[list[tuple[int, SourceFile]]] = [[]]
    size = 0
    for number, file in files:
        if groups[-1] and (len(groups[-1]) >= _FILES or size + file.size > _BYTES):
            groups.append([])
            size = 0
        groups[-1].append((number, file))
        size += file.size
    return [pickle.dumps(group) for group in groups if group]


def blocks(groups: Sequence[bytes], job: Job) -> Iterator[Any]:
    """Arrow tables with ``file``, ``part``, ``texts`` and ``vectors``, in the order of the groups.

    They come as they are asked for: the stages pause when as much as ``_IN_FLIGHT`` waits.
    """
    import ray
    from ray.data import ActorPoolStrategy

    processors = max(1, int(ray.cluster_resources().get("CPU", 1)))
    with _context():
        read = ray.data.from_items(
            [{"group": group} for group in groups],
            override_num_blocks=min(len(groups), _MOST_BLOCKS),
        ).map_batches(
            read_files,
            fn_kwargs={"job": job},
            batch_size=None,
            batch_format="pyarrow",
            num_cpus=_READING,
        )
        embedded = read.map_batches(
            EmbedTexts,
            fn_constructor_args=(job,),
            batch_size=None,
            batch_format="pyarrow",
            num_cpus=_EMBEDDING,
            compute=ActorPoolStrategy(min_size=1, max_size=processors),
        )
        found = embedded.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1)
        yield from found


@contextmanager
def _context() -> Iterator[None]:
    """Ray Data's settings of this process for this pipeline, put back afterwards."""
    from ray.data import DataContext, ExecutionResources

    context = DataContext.get_current()
    options = context.execution_options
    before = (
        context.target_max_block_size,
        context.enable_progress_bars,
        options.preserve_order,
        options.resource_limits,
    )
    context.target_max_block_size = _BLOCK
    context.enable_progress_bars = False
    options.preserve_order = True
    options.resource_limits = ExecutionResources(object_store_memory=_IN_FLIGHT)
    try:
        yield
    finally:
        context.target_max_block_size, context.enable_progress_bars = before[:2]
        options.preserve_order, options.resource_limits = before[2:]


class _Pulled:
    """Runs the pipeline inside the cluster, for a driver that is only a client of it."""

    def __init__(self, groups: Sequence[bytes], job: Job) -> None:
        self._blocks = blocks(groups, job)

    def next(self) -> Any:
        """The next table; None after the last."""
        return next(self._blocks, None)


def remote_blocks(groups: Sequence[bytes], job: Job) -> Iterator[Any]:
    """As ``blocks``: Ray Data cannot be run over Ray's client, so that an actor runs it."""
    import ray

    actor = ray.remote(num_cpus=0)(_Pulled).remote(groups, job)
    try:
        coming = actor.next.remote()
        while (table := ray.get(coming)) is not None:
            coming = actor.next.remote()
            yield table
    finally:
        ray.kill(actor)


def parts_of(tables: Iterator[Any]) -> Iterator[Made]:
    """The rows of the tables."""
    for table in tables:
        columns = (table.column(name) for name in ("file", "part", "texts", "vectors"))
        for file, part, texts, vectors in zip(*columns, strict=True):
            yield (
                file.as_py(),
                pickle.loads(part.as_py()),  # noqa: S301 - our own workers'
                pickle.loads(texts.as_py()),  # noqa: S301
                vectors.as_py(),
            )
