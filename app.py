"""Launch the chat: ``python app.py [--corpus FOLDER] [--index FOLDER] [--host] [--port]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the chat until Ctrl-C; the exit code is 0, or that of the error that is printed."""
    options = _parser().parse_args(arguments)
    from citewise import Assistant, CitewiseError
    from citewise.chat_options import options_of
    from citewise.ui import serve

    places = {"corpus": options.corpus, "index": options.index}
    given = {name: place for name, place in places.items() if place is not None}
    try:
        assistant = Assistant(**given)
        visitors, notice = options_of(options, assistant.corpus)
        if notice:
            print(notice, file=sys.stderr)
        serve(
            assistant,
            host=options.host,
            port=options.port,
            open_browser=not options.no_browser,
            visitors=visitors,
        )
    except CitewiseError as error:
        print(f"citewise: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    from citewise.chat_options import add_arguments

    parser = argparse.ArgumentParser(description="Chat with your own documents.")
    parser.add_argument("--corpus", metavar="FOLDER", help="the documents (default: seeds/)")
    parser.add_argument("--index", metavar="FOLDER", help="where the index is kept")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=7860, help="first port to try")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    add_arguments(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
