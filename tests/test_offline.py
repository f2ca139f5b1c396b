"""With the models there, a whole question is answered and nothing leaves this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import no_network

SEEDS = Path(__file__).parents[1] / "seeds"

ASK = """
import sys
from citewise import Assistant
with Assistant(sys.argv[1], sys.argv[2], quiet=True) as assistant:
    answer = assistant.ask("What MMLU score did DeepSeek-V2 get?")
    document = assistant.document(answer.citations[0].document)
    assert all(document.text[c.start : c.end] == c.quote for c in answer.citations)
print(answer.to_json())
"""


def run(code: str, folder: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run Python in a process that may not leave this machine; also what it tried."""
    log = folder / "attempts.txt"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "CITEWISE_JUDGE": "full", no_network.LOG: str(log)},
        capture_output=True,
        text=True,
    )
    return done, log.read_text(encoding="utf-8") if log.exists() else ""


def test_the_guard_sees_what_leaves(tmp_path: Path) -> None:
    for host in ("192.0.2.1", "2001:db8::1", "somewhere.example"):
        code = f"import socket; socket.create_connection(({host!r}, 9), 1)"
        done, tried = run(code, tmp_path)
        assert done.returncode != 0
        assert f"socket.getaddrinfo {host!r} by -c" in tried
    code = "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('192.0.2.7', 9))"
    assert "socket.sendto '192.0.2.7'" in run(code, tmp_path)[1]


def test_this_process_is_guarded_too() -> None:
    with pytest.raises(OSError, match="is not known"):
        socket.create_connection(("nowhere.invalid", 9), 1)


@pytest.mark.model
def test_a_whole_question_stays_on_this_machine(tmp_path: Path) -> None:
    done, tried = run(ASK, tmp_path, str(SEEDS), str(tmp_path / "index"))
    assert done.returncode == 0, done.stderr
    assert tried == ""
    answer = json.loads(done.stdout)
    assert answer["status"] == "answered"
    assert "78.5" in answer["text"]
    assert answer["models"]["llm"] != "none"
