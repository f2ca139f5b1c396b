"""Kills at random moments, and every kind of failing write: real processes on real files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
KILLS = 200

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")


def survive(*arguments, **environment):
    paths = os.pathsep.join(path for path in [str(HERE), *sys.path] if path)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "survival", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout)


@posix
def test_no_passage_is_lost_or_doubled_in_200_kills(tmp_path):
    found = survive("kills", tmp_path, KILLS)
    assert set(found["states"]) == {"old", "new"}
    assert sum(found["states"].values()) == KILLS
    assert found["last"] == "new"
    # The kills fell before, into and after the preparing.
    assert 0 < found["amid preparing"] < KILLS


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    """The library that lets writes fail."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs a C compiler on Linux")
    library = tmp_path_factory.mktemp("shim") / "write_faults.so"
    source = HERE / "write_faults.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


@posix
def test_any_write_may_fail(tmp_path, shim):
    """Every seventh change of a file here; see docs/index.md for more of them."""
    found = survive("faults", tmp_path, 7, LD_PRELOAD=str(shim))
    assert found["changes"] > 100
    told = {"old, told", "new, done", "new, told"}
    for kind, outcomes in found["outcomes"].items():
        killed = {"old, killed", "new, killed"} if "killed" in kind else set()
        assert set(outcomes) <= told | killed, kind
        assert any(outcome.startswith("old") for outcome in outcomes), kind
        assert sum(outcomes.values()) >= found["changes"] // 7
