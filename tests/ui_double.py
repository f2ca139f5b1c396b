"""A small assistant that answers about the seed document by script, and about a hostile one."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from citewise.errors import CorpusError, InputError
from citewise.types import (
    Answer,
    AnswerEvent,
    Citation,
    Document,
    Event,
    Evidence,
    EvidenceEvent,
    Label,
    Sentence,
    SentenceEvent,
    Status,
    TextEvent,
    Verdict,
)

SEED = "deepseek-abandons-lightweight-ai.txt"
HOSTILE = "hostile \u202etxt.exe.txt"

ROW = "| DeepSeek-V2 | 21B / 236B | ~5e24 | 78.5 | $0.14 |"
VALUE = "A fresh funding round has catapulted DeepSeek's valuation past $500 billion"
HEADCOUNT = "a plan to double its headcount across all departments"

ATTACK = (
    "<img src=x onerror='window.PWNED=1'> ![x](http://evil.example/a.png?q=1) "
    "[x](javascript:window.PWNED=2) $$\\href{javascript:1}{x}$$ &lt;b&gt; **bold** `code` "
    "[[1]](#cite-0-4-000000000000-AAAA) <form action='http://evil.example'><input></form> "
    "http://evil.example/ www.evil.example <script>window.PWNED=3</script> ${window.PWNED=4} "
    "{{7*7}} </pre></mark> :::note | a | b |"
)

Part = tuple[str, str, Label, str]


def document(name: str, text: str) -> Document:
    return Document(name, text, hashlib.sha256(text.encode()).hexdigest())


class Double:
    """The methods of an ``Assistant`` that the chat uses; what it answers depends on a keyword."""

    def __init__(self, pause: float = 0.0) -> None:
        seed = Path(__file__).parents[1] / "seeds" / SEED
        texts = {SEED: seed.read_text(encoding="utf-8"), HOSTILE: f"Prologue 😀.\n{ATTACK}\nEnd.\n"}
        self.stored = {name: document(name, text) for name, text in texts.items()}
        self.pause = pause
        self.asked: list[tuple[str, list[str]]] = []
        self.cancelled = 0
        self.warmed = False

    def warm(self) -> None:
        self.warmed = True

    def documents(self) -> list[Document]:
        return list(self.stored.values())

    def document(self, name: str) -> Document:
        if name not in self.stored:
            raise CorpusError(f"There is no document {name!r}.")
        return self.stored[name]

    def evidence(self, name: str, quote: str, heading: str = "Technical Deep Dive") -> Evidence:
        start = self.stored[name].text.index(quote)
        return Evidence(name, start, start + len(quote), quote, 0.5, 1, 1, heading)

    def citation(self, number: int, name: str, quote: str, heading: str = "") -> Citation:
        start = self.stored[name].text.index(quote)
        return Citation(number, name, start, start + len(quote), quote, heading)

    def stream(self, question: str, history: Sequence[str] = ()) -> Iterator[Event]:
        self.asked.append((question, list(history)))
        if not question.strip():
            raise InputError("The question is empty.", "Ask something.")
        try:
            if "crash" in question:
                raise RuntimeError("secret detail")
            yield from self._answer(question)
        except GeneratorExit:
            self.cancelled += 1
            raise

    def _answer(self, question: str) -> Iterator[Event]:
        if "hostile" in question:
            yield from self._hostile(question)
        elif "moon" in question:
            yield from self._not_found(question)
        elif "quote" in question:
            yield from self._quoted(question)
        else:
            yield from self._answered(question)

    def _answered(self, question: str) -> Iterator[Event]:
        row = self.citation(1, SEED, ROW, "Technical Deep Dive")
        value = self.citation(2, SEED, VALUE)
        plan = self.evidence(SEED, HEADCOUNT, "")
        found = (self.evidence(SEED, ROW), self.evidence(SEED, VALUE, ""), plan)
        yield EvidenceEvent(found)
        good = Verdict(Label.SUPPORTED, 0.97, "")
        first = Sentence("DeepSeek-V2 scored 78.5 on MMLU.", (1,), good)
        second = Sentence("The company is valued at more than $500 billion.", (2,), good)
        bad = Verdict(Label.UNSUPPORTED, 0.1, "92 is in none of the passages")
        third = Sentence("Its next model reached 92.", (), bad)
        draft = " ".join(s.text for s in (first, second, third))
        for word in draft.split(" "):
            time.sleep(self.pause)
            yield TextEvent(word + " ")
        for sentence, shown in ((first, True), (second, True), (third, "flag" in question)):
            yield SentenceEvent(sentence, shown)
        flag = "flag" in question
        yield AnswerEvent(
            Answer(
                question,
                Status.ANSWERED,
                "",
                sentences=(first, second, third) if flag else (first, second),
                citations=(row, value),
                evidence=found,
                draft=draft,
                dropped=() if flag else (third,),
                notices=("No reranker is installed.",) if flag else (),
            )
        )

    def _quoted(self, question: str) -> Iterator[Event]:
        found = (self.evidence(SEED, ROW),)
        yield EvidenceEvent(found)
        notice = "The language model did not answer, so passages are quoted."
        cited = (self.citation(1, SEED, ROW, "Technical Deep Dive"),)
        yield AnswerEvent(Answer(question, Status.QUOTED, ROW, (), cited, found, notices=(notice,)))

    def _not_found(self, question: str) -> Iterator[Event]:
        found = (self.evidence(SEED, VALUE, ""), self.evidence(SEED, HEADCOUNT, ""))
        yield EvidenceEvent(found)
        yield AnswerEvent(Answer(question, Status.NOT_FOUND, "", evidence=found))

    def _hostile(self, question: str) -> Iterator[Event]:
        found = (self.evidence(HOSTILE, ATTACK, "# <b>heading</b>"),)
        yield EvidenceEvent(found)
        yield TextEvent(ATTACK)
        verdict = Verdict(Label.PARTLY_SUPPORTED, 0.5, ATTACK)
        cited = (self.citation(1, HOSTILE, ATTACK, "# <b>heading</b>"),)
        shown = Sentence(ATTACK, (1,), verdict)
        yield SentenceEvent(shown, True)
        yield AnswerEvent(
            Answer(
                question,
                Status.ANSWERED,
                ATTACK,
                (shown,),
                cited,
                found,
                dropped=(Sentence(ATTACK, (), verdict),),
                notices=(ATTACK,),
            )
        )
