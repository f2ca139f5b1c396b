"""Launch the chat: ``python app.py`` is ``citewise chat``, options included."""

from __future__ import annotations

import sys

from citewise.cli import main
from citewise.leaving import run_as_process

if __name__ == "__main__":
    run_as_process(lambda: main(["chat", *sys.argv[1:]]))
