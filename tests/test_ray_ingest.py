"""Ingest on a Ray cluster of several nodes: the same index as alone, whatever is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from citewise import Assistant, CorpusError, InputError
from citewise.cli import main
from citewise.metering import Step
from citewise.runners import ahead, checked_runner
from citewise.runners.ahead import Ahead, Made
from citewise.runners.ray_pipeline import remote_blocks
from citewise.runners.ray_stages import Digests
from citewise.staging import _MOST
from doubles import HashEmbedder, document, split_lines
from ray_double import NotingEmbedder, cluster, contents, noted, patiently
from s3_double import s3_server

# Ray's own, in what it does with its settings.
pytestmark = pytest.mark.filterwarnings("ignore:`use_:DeprecationWarning")

LONG_AGO = 1_600_000_000


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    with s3_server("ray-library"), cluster(2) as made:
        yield made


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


def filled(folder: Path, documents: int) -> Path:
    """Text, Markdown, tables, an archive, and what cannot be read."""
    folder.mkdir()
    for i in range(documents):
        lines = (f"Harbour {i} has berth {j}. Ships of line {i * j} use it." for j in range(6))
        (folder / f"{i:03}.md").write_text("\n\n".join(["# Harbours", *lines]), "utf-8")
    (folder / "depths.csv").write_text("port,depth\nGhent,12 m\nBruges,9 m\n", "utf-8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    (folder / "photo.png").write_bytes(b"\x89PNG")
    with zipfile.ZipFile(folder / "mail.zip", "w") as packed:
        packed.writestr("a.txt", "Bread needs yeast.\n\nSalt comes last.")
        packed.writestr("b/c.md", "# Ships\n\nShips carry bread.")
    for path in folder.iterdir():
        os.utime(path, (LONG_AGO, LONG_AGO))
    return folder


def updated(
    corpus: Any, index: Path, embedder: Any, runner: str = "ray", progress: Any = None
) -> Any:
    with Assistant(corpus, index, runner=runner, llm="none", embedder=embedder, quiet=True) as one:
        return one.update(progress)


def alone(corpus: Any, index: Path) -> dict[str, Any]:
    """What the local runner makes of it."""
    updated(corpus, index, HashEmbedder(), "local")
    return contents(index)


def test_the_index_is_that_of_the_local_runner_and_nothing_is_made_twice(
    nodes: Any, tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, steps = filled(tmp_path / "docs", 40), []
    done = updated(corpus, tmp_path / "ray", NotingEmbedder(notes), progress=steps.append)
    found = contents(tmp_path / "ray")
    assert found == alone(corpus, tmp_path / "local")
    assert (done.added, [s.name for s in done.changes.skipped]) == (43, ["broken.pdf", "photo.png"])
    assert [d[2] for d in found["documents"]][-3:] == [
        "depths.csv",
        "mail.zip/a.txt",
        "mail.zip/b/c.md",
    ]
    last = [step for step in steps if step.phase == "embedding"][-1]
    assert (last.done, last.texts) == (last.total, done.embedded)
    assert not list(notes.glob(f"{os.getpid()}.jsonl")), "something was embedded by the driver"
    assert set(noted(notes)) == {row[5] for row in found["spans"]} | {
        f"{row[5]}\n{row[7]}" if row[5] else row[7] for row in found["passages"]
    }

    # Unchanged: nobody asks for a cluster. Touched: read by nobody either.
    monkeypatch.setattr("citewise.runners.ray_source.connected", None)
    os.utime(corpus / "001.md", (LONG_AGO + 9, LONG_AGO + 9))
    assert updated(corpus, tmp_path / "ray", NotingEmbedder(notes)).reason == ""
    assert noted(notes) == []


def test_of_a_changed_document_only_new_texts_are_embedded(
    nodes: Any, tmp_path: Path, notes: Path
) -> None:
    corpus = filled(tmp_path / "docs", 3)
    updated(corpus, tmp_path / "ray", NotingEmbedder(notes))
    noted(notes)
    old = (corpus / "001.md").read_text("utf-8")
    (corpus / "001.md").write_text(old + "\nA new quay was built.\n", "utf-8")
    done = updated(corpus, tmp_path / "ray", NotingEmbedder(notes))
    assert done.changes.changed == ("001.md",)
    texts = noted(notes)
    assert len(texts) == len(set(texts)) == done.embedded
    assert "A new quay was built." in texts
    assert not any("Harbour 1 has berth 1" in text for text in texts if "quay" not in text)
    alone(corpus, tmp_path / "local")
    assert _same_but_ids(tmp_path)


def _same_but_ids(tmp_path: Path) -> bool:
    """Ids depend on what was stored when; all else must not."""
    first, second = (contents(tmp_path / name) for name in ("ray", "local"))
    for one in (first, second):
        names = {row[0]: row[2] for row in one["documents"]}
        one["documents"] = sorted(row[1:] for row in one["documents"])
        one["passages"] = sorted((names[row[1]], *row[2:]) for row in one["passages"])
        one["spans"] = sorted(row[1:] for row in one["spans"])
    return first == second


def test_a_node_that_is_killed_in_the_middle_changes_nothing(
    nodes: Any, tmp_path: Path, notes: Path
) -> None:
    corpus = filled(tmp_path / "docs", 150)
    own = {"node_ip_address": "127.0.0.1", "num_cpus": 2, "object_store_memory": 100 << 20}
    victim = patiently(lambda: nodes.add_node(**own))
    raylet = victim.all_processes["raylet"][0].process.pid
    killed: list[str] = []

    def kill(step: Step) -> None:
        embedding = [path.stem for path in notes.glob("*.jsonl") if _parent(path.stem) == raylet]
        late = step.name > "120"
        if step.phase == "embedding" and not killed and (embedding or late):
            killed.extend(embedding or ["none that embedded"])
            nodes.remove_node(victim, allow_graceful=False)

    done = updated(corpus, tmp_path / "ray", NotingEmbedder(notes, 0.002), progress=kill)
    print("killed with its node:", killed)
    assert killed, "nothing was killed"
    assert done.added == 153
    assert contents(tmp_path / "ray") == alone(corpus, tmp_path / "local")


def _parent(pid: str) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_a_worker_that_crashes_is_replaced(nodes: Any, tmp_path: Path, notes: Path) -> None:
    corpus = filled(tmp_path / "docs", 5)
    embedder = NotingEmbedder(notes, deadly="Harbour 2 has berth 3.")
    updated(corpus, tmp_path / "ray", embedder)
    assert (notes / "died").exists()
    assert contents(tmp_path / "ray") == alone(corpus, tmp_path / "local")


_DRIVER = """
import sys
from pathlib import Path
from citewise import Assistant
from ray_double import NotingEmbedder
corpus, index, notes = map(Path, sys.argv[1:])
embedder = NotingEmbedder(notes)
with Assistant(corpus, index, runner="ray", llm="none", embedder=embedder, quiet=True) as one:
    one.update(lambda step: print(step.phase, step.texts, step.name, flush=True))
"""


def test_a_driver_that_was_killed_goes_on_where_it_was(
    nodes: Any, tmp_path: Path, notes: Path
) -> None:
    corpus, index = filled(tmp_path / "docs", 80), tmp_path / "ray"
    command = [sys.executable, "-c", _DRIVER, str(corpus), str(index), str(notes)]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    for line in driver.stdout:  # until a batch is stored and another one begun
        phase, texts, name = line.split(" ", 2)
        if phase == "embedding" and int(texts) > 300 and name.strip() >= "040":
            break
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    driver.stdout.close()
    stored = Counter(row[1] for row in contents(index)["documents"])
    assert stored, "nothing had been stored"
    prepared = {row[2] for row in contents(index)["documents"]}
    time.sleep(1)  # workers of a dead driver end by themselves
    noted(notes)
    done = updated(corpus, index, NotingEmbedder(notes))
    assert done.added == 83
    again = "\n".join(noted(notes))
    kept = {name for name in prepared if f"Harbour {int(name[:3])} has berth 1." not in again}
    assert len(kept) >= len(prepared) - 1, "what was stored was embedded again"
    assert contents(index)["documents"] == alone(corpus, tmp_path / "local")["documents"]
    assert _same_but_ids(tmp_path)


def test_the_command_prints_its_result_alone(
    nodes: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = filled(tmp_path / "docs", 3)
    monkeypatch.setattr("citewise.assistant.Assistant._made_embedder", lambda _: HashEmbedder())
    command = ["index", str(corpus), "--index", str(tmp_path / "ray"), "--runner", "ray", "--json"]
    assert main(command) == 0
    out, error = capfd.readouterr()
    assert json.loads(out)["update"]["added"] == 6
    assert error == ""
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert main([*command[:3], str(tmp_path / "other"), *command[4:]]) == 2
    assert "No Ray cluster answers at 127.0.0.1:1" in capfd.readouterr().err


def test_an_actor_runs_the_pipeline_for_a_client_and_fetches_what_lies_in_s3(
    nodes: Any, tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citewise.runners.ray_source.blocks", remote_blocks)
    corpus = filled(tmp_path / "docs", 3)
    fsspec.filesystem("s3").put(f"{corpus}/", "ray-library/docs/", recursive=True)
    address = "s3://ray-library/docs"
    done = updated(address, tmp_path / "ray", NotingEmbedder(notes))
    assert (done.added, [s.name for s in done.changes.skipped]) == (6, ["broken.pdf", "photo.png"])
    assert contents(tmp_path / "ray") == alone(address, tmp_path / "local")
    assert not list(notes.glob(f"{os.getpid()}.jsonl")), "something was embedded by the driver"


def test_a_node_that_does_not_see_the_folder_is_no_reason_to_forget_documents(
    nodes: Any, tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = filled(tmp_path / "docs", 3)
    updated(corpus, tmp_path / "ray", NotingEmbedder(notes))
    before = contents(tmp_path / "ray")
    (corpus / "001.md").write_text("Changed.", "utf-8")
    elsewhere = tmp_path / "not-mounted-there"
    monkeypatch.setattr("citewise.runners.ray_source._corpus", lambda _: elsewhere)
    with pytest.raises(CorpusError, match="a node of the Ray cluster, does not see"):
        updated(corpus, tmp_path / "ray", NotingEmbedder(notes))
    assert contents(tmp_path / "ray") == before


def test_what_cannot_be_used_is_told_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for runner in ("spark", "ray://", "ray://host", "ray://:1", "Ray"):
        with pytest.raises(InputError, match="is unknown"):
            checked_runner(runner)
    corpus = filled(tmp_path / "docs", 1)
    with pytest.raises(InputError, match=r"No Ray cluster answers at ray://127\.0\.0\.1:1: "):
        updated(corpus, tmp_path / "ray", HashEmbedder(), "ray://127.0.0.1:1")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match="Ray is not installed") as caught:
        updated(corpus, tmp_path / "ray", HashEmbedder())
    assert 'pip install "citewise[ray]"' in caught.value.remedy


def test_vectors_are_held_until_the_store_has_them_and_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert ahead.MOST_WAITING >= _MOST
    monkeypatch.setattr(ahead, "MOST_WAITING", 20)
    monkeypatch.setattr(ahead, "_MOST_IN_MEMORY", 64 * 4)
    inner, held = HashEmbedder(), []
    looked_up = Ahead(inner)
    with looked_up.splitting(split_lines):
        for i in range(50):
            one = document(f"{i}.txt", f"First {i}.\n\nSecond {i}.\n\nThe same.")
            passages, made = split_lines(one), Made(one)
            for passage in passages:  # one part each, so that some lie in a file
                texts = [passage.text]
                made.add([passage], texts, HashEmbedder().embed_passages(texts).tobytes())
            looked_up.expect([made])
            assert looked_up.split(one) == passages
            held.append(len(looked_up._holding))
        assert max(held) <= 2 * 5 + 1
        texts = ["First 49.", "Second 46.", "The same."]
        assert (looked_up.embed_passages(texts) == HashEmbedder().embed_passages(texts)).all()
        assert (inner.embedded, looked_up.missing) == ([], 0)
        texts = ["First 49.", "First 0."]
        assert (looked_up.embed_passages(texts) == HashEmbedder().embed_passages(texts)).all()
        assert (inner.embedded, looked_up.missing) == (["First 0."], 1)
        # A document of which nothing was made is split and embedded here.
        other = document("other.txt", "Other.")
        assert looked_up.split(other) == split_lines(other)
    assert looked_up._holding == {}


def test_digests_hold_what_was_put_in() -> None:
    digests = [bytes([i]) * 16 for i in range(1, 100)]
    some = Digests(digests[::2])
    assert [digest in some for digest in digests] == [i % 2 == 0 for i in range(99)]
    assert (len(some), b"x" * 16 in Digests()) == (50, False)
