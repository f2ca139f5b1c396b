"""Break the product on purpose, one way at a time, and see that the gate notices.

    python evals/planted_defects.py --gate evals/gate.toml --baseline evals/baseline.json

First the untouched product has to pass, as often as ``--untouched`` says. Then each defect is
planted in turn; the gate must fail, and one of the checks named with the defect must be among
those that failed. Replies of the model are kept, so that only prompts that a defect changes are
asked anew. Exit code 0 if every defect was caught, 1 if one was not.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from citewise import answering, drafting
from citewise.errors import CitewiseError, GeneratorError
from citewise.eval_baseline import load_baseline
from citewise.eval_command import measured
from citewise.eval_gate import check_gate, load_gate
from citewise.eval_options import add_arguments
from citewise.eval_settings import EvalAssistant, opened_assistant
from citewise.quantities import names
from citewise.retrieval import Retriever
from citewise.support import Attribution, attribute
from citewise.types import Answer, Evidence, Label, Status, Verdict


@dataclass(frozen=True)
class Defect:
    """A way to break the product, and the checks of which one has to fail."""

    name: str
    what: str
    plant: Any
    caught_by: tuple[str, ...]


@contextmanager
def swapped(target: Any, name: str, new: Any) -> Iterator[None]:
    """Another attribute for a while."""
    old = getattr(target, name)
    setattr(target, name, new)
    try:
        yield
    finally:
        setattr(target, name, old)


def in_answers(change: Callable[[Answer, EvalAssistant, random.Random], Answer]) -> Any:
    """A defect of the finished answer."""

    def plant(_: EvalAssistant) -> Any:
        original, chance = EvalAssistant.ask, random.Random(1)

        def ask(self: EvalAssistant, question: str, history: Sequence[str] = ()) -> Answer:
            return change(original(self, question, history), self, chance)

        return swapped(EvalAssistant, "ask", ask)

    return plant


def in_evidence(change: Callable[[tuple[Evidence, ...], random.Random], Any]) -> Any:
    """A defect of what is retrieved."""

    def plant(_: EvalAssistant) -> Any:
        original, chance = Retriever.gather, random.Random(1)

        def gather(self: Retriever, *wanted: Any) -> tuple[Evidence, ...]:
            return tuple(change(original(self, *wanted), chance))

        return swapped(Retriever, "gather", gather)

    return plant


def in_text(change: Callable[[str, Answer, random.Random], str]) -> Any:
    """A defect of the words of each sentence that is shown."""

    def changed(answer: Answer, _: EvalAssistant, chance: random.Random) -> Answer:
        if answer.status is Status.NOT_FOUND:
            return answer
        sentences = tuple(replace(s, text=change(s.text, answer, chance)) for s in answer.sentences)
        text = " ".join(s.text + "".join(f" [{n}]" for n in s.citations) for s in sentences)
        return replace(answer, sentences=sentences, text=text)

    return in_answers(changed)


def in_citations(change: Callable[[Any, EvalAssistant, random.Random], Any]) -> Any:
    """A defect of every citation."""

    def changed(answer: Answer, assistant: EvalAssistant, chance: random.Random) -> Answer:
        citations = tuple(change(c, assistant, chance) for c in answer.citations)
        return replace(answer, citations=citations)

    return in_answers(changed)


def random_passages(assistant: EvalAssistant) -> Any:
    """Any spans of the index instead of the best ones."""
    everything = assistant.assistant.search("the of and", top_k=100)
    most = min(10, len(everything))
    return in_evidence(lambda _, chance: chance.sample(everything, most))(assistant)


def no_column_names(found: tuple[Evidence, ...], _: random.Random) -> list[Evidence]:
    return [replace(e, rendered=e.text) if e.kind == "row" else e for e in found]


def other_span(citation: Any, assistant: EvalAssistant, chance: random.Random) -> Any:
    """Exact words from anywhere in the document."""
    text = assistant.document(citation.document).text
    start = chance.randrange(0, max(1, len(text) - 80))
    return replace(citation, start=start, end=start + 80, quote=text[start : start + 80])


def other_citations(answer: Answer, assistant: EvalAssistant, chance: random.Random) -> Answer:
    """The citations of one question's answer under the words of another's."""
    kept = _LAST.get("citations", ())
    _LAST["citations"] = answer.citations
    numbered = tuple(replace(c, number=n) for n, c in enumerate(kept, 1))
    most = len(numbered)
    if not answer.citations or not most:
        return answer
    sentences = tuple(replace(s, citations=(min(1, most),)) for s in answer.sentences)
    text = re.sub(r"\[\d+\]", "[1]", answer.text)
    return replace(answer, citations=numbered, sentences=sentences, text=text)


_LAST: dict[str, Any] = {}


def always(label: Label) -> Any:
    """A support check that says the same of every sentence."""

    def check(sentence: str, evidence: Sequence[Evidence], **more: Any) -> Attribution:
        found = attribute(sentence, evidence, **more)
        verdict = Verdict(label, float(label is Label.SUPPORTED), "planted", sentence)
        return Attribution(verdict, found.evidence or tuple(evidence[:1]))

    return lambda _: swapped(drafting, "attribute", check)


def never_refuses(assistant: EvalAssistant) -> Any:
    """Neither the gate nor the confirmation holds anything back, and passages are always quoted."""
    stack = ExitStack()
    original = answering.estimate

    def estimate(signals: Any) -> Any:
        return replace(original(signals), probability=1.0)

    stack.enter_context(swapped(answering, "estimate", estimate))
    stack.enter_context(swapped(answering, "is_refusal", lambda _: False))
    stack.enter_context(swapped(drafting, "stands", lambda *_: 1.0))
    stack.enter_context(swapped(drafting, "misses", lambda *_: ""))
    return stack


def always_refuses(answer: Answer, _: EvalAssistant, __: random.Random) -> Answer:
    return replace(
        answer, status=Status.NOT_FOUND, text="Not in your documents.", sentences=(), citations=()
    )


def no_history(_: EvalAssistant) -> Any:
    original = EvalAssistant.ask

    def ask(self: EvalAssistant, question: str, history: Sequence[str] = ()) -> Answer:
        return original(self, question, ())

    return swapped(EvalAssistant, "ask", ask)


def numbers_altered(text: str, _: Answer, chance: random.Random) -> str:
    return re.sub(r"\d", lambda m: str((int(m[0]) + chance.randint(1, 8)) % 10), text)


def names_altered(text: str, answer: Answer, _: random.Random) -> str:
    """Each name by one that stands in the evidence but not in the sentence."""
    mine = [n.text for n in names(text)]
    others = [n.text for e in answer.evidence for n in names(e.text) if n.text not in text]
    for old, new in zip(mine, others, strict=False):
        text = text.replace(old, new)
    return text


def with_another_sentence(answer: Answer, _: EvalAssistant, chance: random.Random) -> Answer:
    """A true sentence from elsewhere in the evidence, under the citation of the first."""
    prose = [e for e in answer.evidence if e.kind == "sentence" and e.text not in answer.text]
    if not answer.sentences or not prose or not answer.citations:
        return answer
    added = replace(answer.sentences[0], text=chance.choice(prose[-5:]).text)
    marks = "".join(f" [{n}]" for n in added.citations)
    return replace(
        answer,
        sentences=(*answer.sentences, added),
        text=f"{answer.text} {added.text}{marks}",
    )


def without_citations(answer: Answer, _: EvalAssistant, __: random.Random) -> Answer:
    sentences = tuple(replace(s, citations=()) for s in answer.sentences)
    text = re.sub(r" ?\[\d+\]", "", answer.text)
    return replace(answer, citations=(), sentences=sentences, text=text)


def first_evidence(answer: Answer, _: EvalAssistant, __: random.Random) -> Answer:
    """The last of the evidence cited for everything."""
    if not answer.citations:
        return answer
    item = answer.evidence[-1]
    one = replace(
        answer.citations[0], document=item.document, start=item.start, end=item.end, quote=item.text
    )
    sentences = tuple(replace(s, citations=(one.number,)) for s in answer.sentences)
    text = re.sub(r"\[\d+\]", f"[{one.number}]", answer.text)
    return replace(answer, citations=(one,), sentences=sentences, text=text)


def wrong_markers(answer: Answer, _: EvalAssistant, __: random.Random) -> Answer:
    return replace(answer, text=re.sub(r"\[\d+\]", "[9]", answer.text))


def flaky(answer: Answer, _: EvalAssistant, chance: random.Random) -> Answer:
    if chance.random() < 0.1:
        raise GeneratorError("The model's server went away.", "Start it.")
    return answer


def other_language(_: EvalAssistant) -> Any:
    """A model that answers everything in German, in words that say nothing."""
    original = drafting.split_draft

    def split(draft: str) -> list[str]:
        return ["Dazu steht in den Unterlagen mehreres, je nach Lesart."] if original(draft) else []

    return swapped(drafting, "split_draft", split)


def stale_index(assistant: EvalAssistant) -> Any:
    """The documents as they were when they were half as long."""
    original = EvalAssistant.document

    def document(self: EvalAssistant, name: str) -> Any:
        found = original(self, name)
        return replace(found, text=found.text[: len(found.text) // 2])

    return swapped(EvalAssistant, "document", document)


def half_sentences(text: str, _: Answer, __: random.Random) -> str:
    words = text.split()
    return " ".join(words[: max(1, len(words) // 2)])


def collapsed(citation: Any, _: EvalAssistant, __: random.Random) -> Any:
    return replace(citation, quote=re.sub(r"\W+", " ", citation.quote).lower())


def elsewhere(citation: Any, _: EvalAssistant, __: random.Random) -> Any:
    return replace(citation, document="notes/other.txt")


CORRECT = ("correct", "answered_correctly", "right", "answered_wrongly", "refused_wrongly")
EXACT = ("exact", "inexact_citations")
CITED = ("citation_precision", "citation_recall", "holds_gold", "alce_recall", "alce_precision")
FOUND = ("retrieval_recall@1", "retrieval_recall@3", "retrieval_recall@8", "mrr")
DEFECTS = [
    Defect("random-passages", "retrieval returns any passages", random_passages, FOUND),
    Defect("one-passage", "the evidence is cut to its first span",
           in_evidence(lambda found, _: found[:1]), ("retrieval_recall@3", "retrieval_recall@8")),
    Defect("best-passage-lost", "the best span never arrives",
           in_evidence(lambda found, _: found[1:]), FOUND),
    Defect("no-column-names", "table rows lose the names of their columns",
           in_evidence(no_column_names), (*CORRECT, "ungrounded_sentences")),
    Defect("no-tables", "tables are never read", lambda _: swapped(
        answering, "read_table", lambda *_, **__: []), CORRECT),
    Defect("shifted-offsets", "citations start one character late",
           in_citations(lambda c, _, __: replace(c, start=c.start + 1)), EXACT),
    Defect("normalised-quotes", "quotes lose case and punctuation", in_citations(collapsed), EXACT),
    Defect("wrong-document", "citations name another document", in_citations(elsewhere), EXACT),
    Defect("random-spans", "citations point anywhere in the document",
           in_citations(other_span), CITED),
    Defect("shuffled-citations", "each answer has another's citations",
           in_answers(other_citations), CITED),
    Defect("no-citations", "citations are left out", in_answers(without_citations), CITED),
    Defect("last-evidence", "everything cites the last span", in_answers(first_evidence), CITED),
    Defect("wrong-markers", "markers have no citation", in_answers(wrong_markers), EXACT),
    Defect("check-says-yes", "the support check accepts everything", always(Label.SUPPORTED),
           ("ungrounded_sentences", "alce_recall", "faithfulness", *CORRECT, "refused_rightly")),
    Defect("check-says-no", "the support check accepts nothing", always(Label.UNSUPPORTED),
           CORRECT),
    Defect("altered-numbers", "digits in answers are changed", in_text(numbers_altered),
           ("ungrounded_sentences", "alce_recall", "faithfulness", *CORRECT)),
    Defect("altered-names", "names in answers are exchanged", in_text(names_altered),
           ("ungrounded_sentences", "alce_recall", "faithfulness", *CORRECT)),
    Defect("added-sentence", "a sentence from elsewhere under the first's citation",
           in_answers(with_another_sentence),
           ("ungrounded_sentences", "alce_recall", "citation_precision")),
    Defect("half-answers", "the second half of each sentence is lost", in_text(half_sentences),
           CORRECT),
    Defect("never-refuses", "nothing is ever refused", never_refuses, ("refused_rightly", "right")),
    Defect("always-refuses", "everything is refused", in_answers(always_refuses), CORRECT),
    Defect("no-history", "earlier questions are ignored", no_history,
           (*CORRECT, *FOUND)),
    Defect("stale-index", "the stored documents are not those of the question set", stale_index,
           ("unscored", *EXACT)),
    Defect("other-language", "the model answers in another language", other_language, CORRECT),
    Defect("flaky", "one question in ten ends in an error", in_answers(flaky), ("unscored",)),
]  # fmt: skip


def main() -> int:
    """Run the untouched product, then every defect; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--untouched", type=int, default=10, metavar="N", help="runs without (10)")
    parser.add_argument("--defect", action="append", metavar="NAME", help="only this; repeatable")
    add_arguments(parser)
    parser.set_defaults(show="none")
    args = parser.parse_args()
    chosen = [d for d in DEFECTS if not args.defect or d.name in args.defect]
    gate, baseline = load_gate(args.gate), load_baseline(args.baseline)
    caught = 0
    with opened_assistant(args) as assistant:
        listed = [document.name for document in assistant.documents()]

        def failed() -> list[str]:
            _LAST.clear()
            record = measured(args, assistant, listed)[1]
            return [check.name for check in check_gate(record, gate, baseline).failed]

        for run in range(args.untouched):
            if fallen := failed():
                print(f"The untouched product failed in run {run + 1}: {', '.join(fallen)}")
                return 1
        print(f"untouched: passed {args.untouched} of {args.untouched}")
        for defect in chosen:
            began = time.perf_counter()
            with defect.plant(assistant):
                try:
                    fallen = failed()
                except CitewiseError as error:
                    fallen = [f"stopped: {error}"]
            hit = [name for name in fallen if name in defect.caught_by]
            if "unscored" in fallen and "unscored" not in defect.caught_by:
                hit = []  # It raises errors instead of doing what it is named after.
            caught += bool(hit)
            seconds = time.perf_counter() - began
            others = len(fallen) - len(hit)
            print(
                f"{'caught' if hit else 'MISSED':<7} {defect.name:<20} {seconds:6.1f} s  "
                f"by {', '.join(hit) or 'nothing'}"
                + (f" (and {others} more)" if others and hit else "")
                + (f" (failed instead: {', '.join(fallen[:4])})" if fallen and not hit else ""),
                flush=True,
            )
    print(f"caught {caught} of {len(chosen)}")
    return int(caught < len(chosen))


if __name__ == "__main__":
    sys.exit(main())
