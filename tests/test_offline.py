"""With the models there, a whole question is answered and nothing leaves this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SEEDS = Path(__file__).parents[1] / "seeds"

# Installed before anything is imported, in this process and (by sitecustomize) in its children.
GUARD = """
import ipaddress, sys

def _guard(event, arguments):
    if event not in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
        return
    address = arguments[0] if event == "socket.getaddrinfo" else arguments[-1]
    host = address[0] if isinstance(address, tuple) else address
    if isinstance(host, bytes):
        host = host.decode()
    if host in (None, "", "localhost") or str(host).startswith("/"):
        return
    try:
        if ipaddress.ip_address(host).is_loopback:
            return
    except ValueError:
        pass
    sys.stderr.write(f"LEFT LOOPBACK: {event} {host!r}\\n")
    raise OSError(f"no network: {host!r}")

sys.addaudithook(_guard)
"""

ASK = """
import sys
from citewise import Assistant
with Assistant(sys.argv[1], sys.argv[2], quiet=True) as assistant:
    answer = assistant.ask("What MMLU score did DeepSeek-V2 get?")
    document = assistant.document(answer.citations[0].document)
    assert all(document.text[c.start : c.end] == c.quote for c in answer.citations)
print(answer.to_json())
"""


def run(code: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True
    )


def test_the_guard_sees_what_leaves(tmp_path: Path) -> None:
    done = run("import socket; socket.create_connection(('192.0.2.1', 9), 1)", tmp_path)
    assert done.returncode != 0
    assert "LEFT LOOPBACK: socket.getaddrinfo '192.0.2.1'" in done.stderr


@pytest.mark.model
def test_a_whole_question_stays_on_this_machine(tmp_path: Path) -> None:
    from citewise.fetching import ensure
    from citewise.registry import DEFAULT_EMBEDDER, DEFAULT_LLM, get

    for model in (DEFAULT_EMBEDDER, DEFAULT_LLM):
        ensure(model if not isinstance(model, str) else get(model))
    done = run(ASK, tmp_path, str(SEEDS), str(tmp_path / "index"))
    assert done.returncode == 0, done.stderr
    assert "LEFT LOOPBACK" not in done.stderr
    answer = json.loads(done.stdout)
    assert answer["status"] == "answered"
    assert "78.5" in answer["text"]
    assert answer["models"]["llm"] != "none"
