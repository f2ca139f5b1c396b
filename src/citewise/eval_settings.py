"""What an evaluation runs with: an assistant whose model's replies are kept, or two to compare."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citewise.errors import InputError
from citewise.eval_options import ANSWERING
from citewise.settings import current, using
from citewise.settings_file import read_values
from citewise.settings_options import given
from citewise.settings_table import GROUPS

if TYPE_CHECKING:
    from citewise.assistant import Assistant
    from citewise.types import Answer, Document

__all__ = ["EvalAssistant", "compare_settings", "opened_assistant"]


@dataclass(frozen=True, slots=True)
class EvalAssistant:
    """An assistant that always returns the same amount of evidence; an ``Answerer``."""

    assistant: Assistant
    top_k: int

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        """See ``Assistant.ask``."""
        return self.assistant.ask(question, history, top_k=self.top_k)

    def document(self, name: str) -> Document:
        """See ``Assistant.document``."""
        return self.assistant.document(name)

    def documents(self) -> list[Any]:
        """See ``Assistant.documents``."""
        return self.assistant.documents()


@contextmanager
def opened_assistant(args: argparse.Namespace) -> Iterator[EvalAssistant]:
    """The assistant that the options describe; closed at the end, with its model.

    A model that cannot be used is an error here: an evaluation that quietly ran without one
    would measure something else.

    Raises:
        CitewiseError: the corpus, the index or the model cannot be used.
    """
    from citewise.assistant import Assistant
    from citewise.generators import make_generator
    from citewise.modelcache import cache_folder
    from citewise.replycache import CachedGenerator

    chosen = current(given(args, ANSWERING))
    # Recorded answers ask nothing, so that no model is needed.
    generator = make_generator("none" if args.answers else chosen.llm)
    cached = None
    if generator is not None and not args.no_cache:
        cached = CachedGenerator(generator, args.cache or cache_folder() / "replies")
    try:
        with Assistant(
            chosen.corpus,
            chosen.index,
            store=chosen.store or None,
            collections=chosen.collections or None,
            llm=cached or generator or "none",
            mode=chosen.mode,
            judge=chosen.judge,
            threshold=chosen.threshold,
        ) as assistant:
            yield EvalAssistant(assistant, chosen.top_k)
        if cached is not None:
            print(
                f"Replies of the model: {cached.found} kept ones used, {cached.asked} asked for "
                f"({cached.path}).",
                file=sys.stderr,
            )
    finally:
        close = getattr(generator, "close", None)
        if close is not None:
            close()


def compare_settings(args: argparse.Namespace) -> int:
    """Run the set under each of two settings and print what differs; returns the exit code.

    Raises:
        CitewiseError: a settings file, the set, the corpus or a model cannot be used.
    """
    from citewise.eval_command import measured
    from citewise.eval_compare import compare_runs, describe_comparison

    records = []
    for path in args.compare:
        values = _values(path)
        outranked = [name for name in ANSWERING if name in values]
        changed = argparse.Namespace(**{**vars(args), **dict.fromkeys(outranked)})
        print(f"Running with {path} ...", file=sys.stderr)
        with using(values=values, source=str(path)), opened_assistant(changed) as assistant:
            names = [document.name for document in assistant.documents()]
            records.append(measured(changed, assistant, names)[1])
    titles = tuple(path.stem for path in args.compare)
    print(describe_comparison(compare_runs(records[0], records[1], titles)))
    return 2 if any(r["overall"]["counts"]["unscored"] for r in records) else 0


def _values(path: Path) -> dict[str, Any]:
    """The settings of a file, its paths being seen from the current folder, as options are."""
    values = read_values(path, Path())
    if idle := [one.name for one in GROUPS["The chat"] if one.name in values]:
        raise InputError(
            f"{path} sets {idle[0]!r}, which changes nothing in an eval.", "Remove it."
        )
    return values
