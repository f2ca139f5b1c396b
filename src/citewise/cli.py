"""The command line: results on stdout, everything else on stderr.

Exit codes: 0 done; 1 done, with a negative finding (a claim that is not supported, a threshold
missed); 2 wrong usage or input; 3 documents, index or model unusable; 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from citewise import __version__
from citewise.errors import CitewiseError
from citewise.leaving import run_as_process
from citewise.masking import masked
from citewise.rendering import visible
from citewise.settings import current, found, using
from citewise.settings_options import add_config, add_options, announce, given

__all__ = ["command", "main"]

_EPILOG = """examples:
  citewise ask "What MMLU score did DeepSeek-V2 get?"
  citewise ask --corpus path/to/files --explain "Who signed the contract?"
  citewise ask --corpus path/to/files --folder contracts --type pdf --since 2026-01 "Who signed?"
  citewise check "V2 scored 78.5." notes.txt
  citewise chat
  citewise config                           what is set, and where
  citewise --config team.toml chat          with the settings of a file; see docs/settings.md

exit codes: 0 done, 1 negative finding, 2 wrong usage or input, 3 documents, index or model unusable
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    args = _parser().parse_args(_with_two_words(sys.argv[1:] if argv is None else argv))
    run: Callable[[argparse.Namespace], int] = args.run
    try:
        with using(args.config):
            announce(found())
            return run(args)
    except CitewiseError as error:
        print(visible(f"citewise: {error}"), file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("citewise: interrupted", file=sys.stderr)
        return 130


_EVAL = {"init": "draft a question set for a corpus", "verifier": "measure the support check"}


def _with_two_words(argv: Sequence[str]) -> list[str]:
    """``eval init`` as one command of its own: ``eval`` alone takes the name of a question set."""
    given = list(argv)
    if len(given) > 1 and given[0] == "eval" and given[1] in _EVAL:
        return [f"eval {given[1]}", *given[2:]]
    return given


class _Parser(argparse.ArgumentParser):
    """Also that of every command: what was mistyped may hold a password."""

    def error(self, message: str) -> NoReturn:
        super().error(masked(message))


def _parser() -> argparse.ArgumentParser:
    from citewise import (
        check_command,
        config_command,
        eval_command,
        index_command,
        models_command,
    )

    parser: argparse.ArgumentParser = _Parser(
        prog="citewise",
        description="Ask your documents; every sentence of the answer is checked and cited.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"citewise {__version__}")
    add_config(parser, default=None)
    commands = parser.add_subparsers(metavar="command", required=True)
    _add_ask(commands)
    index_command.add_parser(commands)
    check_command.add_parser(commands)
    _add_chat(commands)
    models_command.add_parser(commands)
    config_command.add_parser(commands)
    eval_command.add_parser(commands)
    _add_eval_commands(commands)
    for command in commands.choices.values():
        add_config(command)
    return parser


def _add_eval_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from citewise import eval_init, verifier_command

    drafting = commands.add_parser("eval init", description=_EVAL["init"].capitalize() + ".")
    eval_init.add_init_arguments(drafting)
    drafting.set_defaults(run=eval_init.run_init)
    verifier = commands.add_parser(
        "eval verifier", description=_EVAL["verifier"].capitalize() + "."
    )
    verifier_command.add_arguments(verifier)
    verifier.set_defaults(run=verifier_command.run)


_ASKING = ("corpus", "index", "store", "collections", "llm", "mode", "judge", "threshold")


def _add_ask(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from citewise import filter_options

    ask = commands.add_parser("ask", help="answer one question", description="Answer a question.")
    ask.add_argument("question")
    ask.add_argument(
        "--history", action="append", default=[], metavar="QUESTION", help="an earlier question"
    )
    ask.add_argument("--json", action="store_true", help="the whole answer as JSON")
    ask.add_argument("--explain", action="store_true", help="also why the answer is as it is")
    ask.add_argument(
        "--timings",
        action="store_true",
        help="also the seconds of each stage, and the tokens of the prompt",
    )
    ask.add_argument("--top-k", type=int, metavar="N", help="how much evidence to return (10)")
    add_options(ask, *_ASKING)
    filter_options.add_arguments(ask)
    ask.set_defaults(run=_ask)


def _add_chat(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from citewise import chat_options

    chat = commands.add_parser("chat", help="open the chat in a browser", description="The chat.")
    chat_options.add_arguments(chat)
    chat.set_defaults(run=_chat)


def _ask(args: argparse.Namespace) -> int:
    from citewise.assistant import Assistant
    from citewise.filter_options import where_of
    from citewise.rendering import answer_terminal, explanation_lines, timing_lines

    with Assistant(**given(args, _ASKING)) as assistant:
        where = where_of(args)
        answer = assistant.ask(args.question, args.history, top_k=args.top_k, where=where)
    print(answer.to_json(indent=2) if args.json else answer_terminal(answer))
    if args.explain:
        print(explanation_lines(answer), file=sys.stderr if args.json else sys.stdout)
    if args.timings:
        print(timing_lines(answer), file=sys.stderr)
    return 0


def _chat(args: argparse.Namespace) -> int:
    from citewise.assistant import Assistant
    from citewise.chat_options import ANSWERING, CHAT, options_of
    from citewise.ui.server import serve

    chosen = current(given(args, CHAT))
    assistant = Assistant(**given(args, ANSWERING))
    visitors, notice = options_of(chosen, assistant.corpus)
    if notice:
        print(notice, file=sys.stderr)
    serve(
        assistant,
        host=chosen.chat.host,
        port=chosen.chat.port,
        open_browser=chosen.chat.browser,
        visitors=visitors,
        collections_header=chosen.chat.collections_header,
    )
    return 0


def command() -> NoReturn:
    """``main`` as a process of its own."""
    run_as_process(main)


if __name__ == "__main__":
    command()
