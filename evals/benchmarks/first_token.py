"""How long until the first word, and how much the model has to read for it, beside LlamaIndex.

    python evals/benchmarks/first_token.py --questions 10

The article in ``seeds/``, the same questions, embedder and language model for all; each tool asks a
server of its own, in one run, after one question to warm up. Counted are the tokens of the prompt
that the answer is written from, and the seconds from asking to its first piece; for this project
they hold its request whether the sources answer at all, made before. LlamaIndex's engines are at
their defaults. The limit is the same model given this project's prompts with nothing around it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from measuring import told

from citewise import Assistant
from citewise.embedding import SentenceTransformerEmbedder
from citewise.fetching import ensure
from citewise.llama_server import LlamaServer
from citewise.protocols import Prompt
from citewise.questions import load_questions
from citewise.registry import DEFAULT_EMBEDDER, DEFAULT_LLM, get
from citewise.types import EvidenceEvent, TextEvent

ROOT = Path(__file__).parents[2]
Row = dict[str, Any]


class Recorder:
    """A generator that keeps the prompts it is asked to write from."""

    def __init__(self, server: LlamaServer) -> None:
        self.server, self.name, self.prompts = server, server.name, list[Prompt]()

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        self.prompts.append(prompt)
        return self.server.stream(prompt, max_tokens=max_tokens)

    def yes_log_odds(self, prompt: Prompt) -> float | None:
        return self.server.yes_log_odds(prompt)


def first_piece(server: LlamaServer, prompt: Prompt) -> tuple[float, int | None]:
    """Seconds to the first piece, and the tokens of the prompt."""
    began = time.perf_counter()
    pieces = server.stream(prompt, max_tokens=1)
    next(pieces)
    seconds = time.perf_counter() - began
    try:
        while True:
            next(pieces)
    except StopIteration as end:
        return seconds, end.value


def own(questions: Sequence[str], server: LlamaServer, folder: Path) -> tuple[list[Row], Recorder]:
    """This project: evidence, the gate, and the first piece of the draft."""
    recorder, rows = Recorder(server), []
    with Assistant(ROOT / "seeds", folder, llm=recorder) as assistant:
        for question in questions:
            before, began, row = len(recorder.prompts), time.perf_counter(), Row()
            events = assistant.stream(question)
            for event in events:
                if isinstance(event, EvidenceEvent):
                    row["evidence"] = time.perf_counter() - began
                if isinstance(event, TextEvent):
                    row["seconds"] = time.perf_counter() - began
                    break
            events.close()
            rows.append(row if len(recorder.prompts) > before else {})
    return rows, recorder


def llama_index(server: LlamaServer, kind: str) -> Callable[[str], Row]:
    """An engine of LlamaIndex at its defaults, whose language model is asked for one token."""
    from llama_index.core import Document, VectorStoreIndex
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata
    from llama_index.core.query_engine import CitationQueryEngine

    model = SentenceTransformerEmbedder(ensure(get(DEFAULT_EMBEDDER)), DEFAULT_EMBEDDER)
    asked = Row()

    class Embedding(BaseEmbedding):
        def _get_query_embedding(self, query: str) -> list[float]:
            return model.embed_query(query).tolist()

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

        def _get_text_embedding(self, text: str) -> list[float]:
            return model.embed_passages([text])[0].tolist()

    class Model(CustomLLM):
        @property
        def metadata(self) -> LLMMetadata:
            return LLMMetadata(context_window=4096, num_output=160)

        def complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponse:
            _, asked["tokens"] = first_piece(server, Prompt("", prompt))
            asked["first"] = time.perf_counter()
            return CompletionResponse(text="")

        def stream_complete(self, prompt: str, formatted: bool = False, **_: Any) -> Any:
            yield self.complete(prompt)

    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "seeds").glob("*.txt"))]
    index = VectorStoreIndex.from_documents(
        [Document(text=t) for t in texts], embed_model=Embedding()
    )
    engine: Any = (
        CitationQueryEngine.from_args(index, llm=Model())
        if kind == "citation"
        else index.as_query_engine(llm=Model())
    )

    def ask(question: str) -> Row:
        began = time.perf_counter()
        engine.query(question)
        return {"seconds": asked["first"] - began, "tokens": asked["tokens"]}

    return ask


def summary(tool: str, rows: Sequence[Row], out: Path | None) -> None:
    """Print one tool's medians."""
    drafted = [row for row in rows[1:] if row.get("seconds")]  # the first one warmed up
    found = {
        f"{name}_p50": round(median(row[name] for row in drafted), 3)
        for name in ("tokens", "seconds", "evidence")
        if drafted and all(row.get(name) is not None for row in drafted)
    }
    told({"what": "first_token", "tool": tool, "questions": len(drafted), **found}, out)


def main() -> None:
    """Ask all tools the same questions."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--questions", type=int, default=10)
    parser.add_argument("--out", type=Path, help="JSON lines, to which the results are added")
    args = parser.parse_args()
    rows = load_questions(ROOT / "evals" / "questions.jsonl")
    plain = [q.question for q in rows if q.kind == "prose" and not q.history]
    questions = plain[: args.questions + 1]
    path = ensure(get(DEFAULT_LLM))
    with LlamaServer(path) as server, tempfile.TemporaryDirectory() as folder:
        server.start()
        found, recorder = own(questions, server, Path(folder))
    with LlamaServer(path) as server:
        server.start()
        bare = [first_piece(server, prompt) for prompt in recorder.prompts]
    places = [place for place, row in enumerate(found) if row]
    for place, (_, tokens) in zip(places, bare, strict=True):
        found[place]["tokens"] = tokens
    summary("citewise", found, args.out)
    summary("bare llama.cpp", [{"seconds": s, "tokens": t} for s, t in bare], args.out)
    for name, kind in (("LlamaIndex CitationQueryEngine", "citation"), ("LlamaIndex", "plain")):
        with LlamaServer(path) as server:
            server.start()
            ask = llama_index(server, kind)
            summary(name, [ask(question) for question in questions], args.out)


if __name__ == "__main__":
    main()
