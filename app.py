"""Launch the chat: ``python app.py`` is ``citewise chat``, options included."""

from __future__ import annotations

import sys

from citewise.cli import main

if __name__ == "__main__":
    sys.exit(main(["chat", *sys.argv[1:]]))
