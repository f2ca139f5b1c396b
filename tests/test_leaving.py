"""A command's process ends with its exit code, whatever its threads are doing."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import atexit, logging, sys, threading, time
from citewise.leaving import run_as_process

def main():
    atexit.register(lambda: print("put away"))
    logging.basicConfig(format="%(message)s")
    logging.warning("told")
    {before}
    print("done")
    {last}

run_as_process(main)
"""
BUSY = "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"


def run(before: str, last: str) -> tuple[int, str, str]:
    program = PROGRAM.format(before=before, last=last)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("before", ["pass", BUSY])
@pytest.mark.parametrize("code", [0, 1, 130])
def test_the_exit_code_is_that_of_the_command(before: str, code: int) -> None:
    """What was registered for the end is done, and what was printed arrives."""
    assert run(before, f"return {code}") == (code, "done\nput away\n", "told\n")


def test_threads_that_are_no_daemons_are_waited_for() -> None:
    slow = "threading.Thread(target=lambda: (time.sleep(0.3), print('waited'))).start()"
    assert run(f"{BUSY}; {slow}", "return 0") == (0, "done\nwaited\nput away\n", "told\n")


def test_what_a_command_raises_is_shown() -> None:
    code, _, errors = run(BUSY, "raise KeyError('lost')")
    assert code == 1
    assert "KeyError: 'lost'" in errors
    assert run(BUSY, "sys.exit(7)")[0] == 7


def test_a_busy_thread_is_not_stopped_first() -> None:
    """One that Python stops at its own end would run its ``finally``, or abort in a library."""
    held = (
        "import torch; threading.Thread(target=lambda: [torch.nn.functional.linear("
        "torch.ones(64, 512), torch.ones(512, 512)) for _ in iter(int, 1)], daemon=True).start();"
        " time.sleep(0.2)"
    )
    assert run(held, "return 0") == (0, "done\nput away\n", "told\n")
