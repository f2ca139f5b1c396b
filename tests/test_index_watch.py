"""``citewise index --watch`` as a process of its own: it follows a folder until Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = """
import signal, sys
from citewise.assistant import Assistant
from citewise.cli import main
from doubles import HashEmbedder
# A process started in the background ignores Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
Assistant._made_embedder = lambda self: HashEmbedder()
sys.exit(main(["index", *sys.argv[1:], "--watch"]))
"""


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_it_follows_a_folder_until_ctrl_c(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.txt").write_text("Bread needs yeast.", encoding="utf-8")
    paths = os.pathsep.join(path for path in [str(Path(__file__).parent), *sys.path] if path)
    watching = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", COMMAND, corpus, "--index", tmp_path / "index"],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert watching.stdout is not None
        assert watching.stderr is not None
        assert lines(watching, 2) == [
            "Index updated (first build): 1 document added, 1 passage. 1 text was embedded.",
            "  added:    a.txt",
        ]
        assert watching.stderr.readline() == f"Watching {corpus}; Ctrl-C ends it.\n"
        (corpus / "b.txt").write_text("Salt comes last.", encoding="utf-8")
        assert lines(watching, 2)[1] == "  added:    b.txt"
        (corpus / "a.txt").unlink()
        assert lines(watching, 2)[1] == "  removed:  a.txt"
        (corpus / "b.txt").rename(corpus / "c.txt")
        assert lines(watching, 2)[1] == "  moved:    b.txt → c.txt"
    finally:
        watching.send_signal(signal.SIGINT)
        _, errors = watching.communicate(timeout=30)
    assert watching.returncode == 130
    assert errors == "citewise: interrupted\n"


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]
