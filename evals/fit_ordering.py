"""Fit the order of what was found (``citewise/ordering.py``) on questions that people marked.

    python evals/fit_ordering.py --data DIR [--work FOLDER]

The answerable questions of SQuAD 2.0 and XQuAD (CC-BY-SA-4.0; the sentence that holds the answer)
and SelQA (Apache-2.0; the sentences that people marked), train parts only, in
``DIR/support/*.answerability.jsonl.gz``. The passages of each set become one corpus, which is
searched as the product searches; of what is found, the marked sentences are to stand first.
Prints, for each set, recall among the first 1, 3 and 8 and the mean reciprocal rank before and
after, with weights learnt on the *other* sets; the same for ClapNQ (``DIR/clapnq``) and the
project's own questions, of which nothing is learnt; and last the weights.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from citewise import Assistant
from citewise.ordering import DEPTH, FEATURES, Found, features
from citewise.questions import load_questions
from citewise.retrieval import make_query

SETS = {"squad2": 350, "xquad_en": 200, "selqa": 350}
SEED = 3
# How much all that is not marked weighs beside what is, in one question.
REST = 3.0
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: the features of what was found, and which of it was marked.

    ``any_found`` tells whether anything marked was found at all.
    """

    table: Any
    marked: Any
    any_found: bool


def main() -> int:
    """Search, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, help="keep corpora and indexes here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = args.work or Path(temporary)
        sets = {name: list(found) for name, found in marked_sets(args.data, work)}
        tests = {"clapnq": list(clapnq(args.data, work)), "own questions": list(own(work))}
    for name, asked in (*sets.items(), *tests.items()):
        weights = fit([q for other, rows in sets.items() if other != name for q in rows])
        print(f"{name:<14} found by ranks  {measures(asked, lambda t: -np.arange(len(t)))}")
        print(f"{'':<14} put in order    {measures(asked, ordered_by(weights))}")
    weights = fit([q for rows in sets.values() for q in rows])
    named = zip(("bias", *FEATURES), (weights[-1], *weights[:-1]), strict=True)
    print(json.dumps({name: round(float(value), 3) for name, value in named}, indent=4))
    return 0


def marked_sets(data: Path, work: Path) -> Iterator[tuple[str, Iterator[Asked]]]:
    """The sets that are learnt from."""
    drawing = random.Random(SEED)
    for name, most in SETS.items():
        with gzip.open(data / "support" / f"{name}.answerability.jsonl.gz", "rt") as lines:
            rows = [row for row in map(json.loads, lines) if row["answerable"]]
        rows = [row for row in rows if row["split"] == "train"]
        drawing.shuffle(rows)
        rows = rows[:most]
        texts = list(dict.fromkeys(row["passage"] for row in rows))
        documents = {text: f"{number:05}.md" for number, text in enumerate(texts)}

        def is_marked(
            row: dict[str, Any], found: Found, *, name: str = name, d: Any = documents
        ) -> bool:
            item = found.evidence
            if item.document != d[row["passage"]] or item.kind == "heading":
                return False
            return holds_answer(name, row["answers"], item.text)

        corpus = {name: text for text, name in documents.items()}
        yield name, search(work / name, corpus, rows, is_marked)


def holds_answer(name: str, answers: Sequence[str], text: str) -> bool:
    """Whether a sentence is the marked one, or holds the marked words."""
    here, wanted = plain(text), [plain(answer) for answer in answers]
    if name == "selqa":
        return any(here and (here in answer or answer in here) for answer in wanted)
    return any(f" {answer} " in f" {here} " for answer in wanted if answer)


def clapnq(data: Path, work: Path) -> Iterator[Asked]:
    """ClapNQ's answerable questions over the passages of all."""
    rows = []
    for kind in ("answerable", "unanswerable"):
        lines = (data / "clapnq" / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()
        rows += [json.loads(line) for line in lines]
    corpus = {}
    for row in rows:
        passage = row["passages"][0]
        row["file"] = f"{row['id']}.txt"
        row["question"] = row["input"][:1].upper() + row["input"][1:].rstrip("?") + "?"
        chosen = row["output"][0].get("selected_sentences") or []
        row["chosen"] = [plain(sentence) for sentence in chosen]
        corpus[row["file"]] = f"{passage['title']}\n\n{passage['text']}\n"

    def is_marked(row: dict[str, Any], found: Found) -> bool:
        here = plain(found.evidence.text)
        at_home = found.evidence.document == row["file"]
        return at_home and any(here in sentence or sentence in here for sentence in row["chosen"])

    return search(work / "clapnq", corpus, [row for row in rows if row["chosen"]], is_marked)


def own(work: Path) -> Iterator[Asked]:
    """The project's own answerable questions."""
    seeds = HERE.parent / "seeds"
    corpus = {path.name: path.read_text(encoding="utf-8") for path in seeds.glob("*.txt")}
    rows = []
    for question in load_questions(HERE / "questions.jsonl"):
        if question.status == "answered":
            quotes = [quote for group in question.evidence for quote in group]
            row = {"question": question.question, "history": question.history, "quotes": quotes}
            rows.append(row)

    def is_marked(row: dict[str, Any], found: Found) -> bool:
        item = found.evidence
        text = corpus[item.document]
        places = [m.start() for q in row["quotes"] for m in re.finditer(re.escape(q), text)]
        ends = [m.end() for q in row["quotes"] for m in re.finditer(re.escape(q), text)]
        return any(s < item.end and item.start < e for s, e in zip(places, ends, strict=True))

    return search(work / "own", corpus, rows, is_marked)


def search(
    folder: Path,
    corpus: dict[str, str],
    rows: Sequence[dict[str, Any]],
    is_marked: Callable[[dict[str, Any], Found], bool],
) -> Iterator[Asked]:
    """Each question, searched over one corpus."""
    documents = folder / "corpus"
    documents.mkdir(parents=True, exist_ok=True)
    for name, text in corpus.items():
        (documents / name).write_text(text, encoding="utf-8")
    with Assistant(documents, folder / "index", llm="none") as assistant:
        # What is found before it is put in order, which no public method shows.
        index, retriever = assistant._opened()
        for number, row in enumerate(rows, 1):
            query = make_query(row["question"], row.get("history", ()), index)
            found = retriever.found(query)
            marks = [is_marked(row, item) for item in found]
            head = found[:DEPTH]
            if head:
                table = features(query.text, query.lexical, head, index.idf)
                yield Asked(table, np.array(marks[:DEPTH]), any(marks))
            print(f"{folder.name} {number}/{len(rows)}", end="\r", file=sys.stderr)


def plain(text: str) -> str:
    """Words alone, in lower case."""
    return re.sub(r"\W+", " ", text.lower()).strip()


def fit(asked: Sequence[Asked]) -> Any:
    """The weights, the bias last; each question weighs the same."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    used = [q for q in asked if 0 < q.marked.sum() < len(q.marked)]
    table, marked = (
        np.concatenate([getattr(q, part) for q in used]) for part in ("table", "marked")
    )
    weight = np.concatenate(
        [np.where(q.marked, 1 / q.marked.sum(), REST / (~q.marked).sum()) for q in used]
    )
    scaler = StandardScaler().fit(table)
    model = LogisticRegression(C=0.3, max_iter=2000)
    model.fit(scaler.transform(table), marked, sample_weight=weight / weight.mean())
    slopes = model.coef_[0] / np.where(scaler.scale_ > 0, scaler.scale_, 1.0)
    return np.append(slopes, model.intercept_[0] - slopes @ scaler.mean_)


def ordered_by(weights: Any) -> Callable[[Any], Any]:
    """The scores under these weights."""
    return lambda table: table @ weights[:-1] + weights[-1]


def measures(asked: Sequence[Asked], score: Callable[[Any], Any]) -> str:
    """Recall and mean reciprocal rank over the questions of which anything marked was found."""
    ranks = []
    for question in asked:
        if question.any_found:
            order = np.argsort(-score(question.table), kind="stable")
            places = np.flatnonzero(question.marked[order])
            ranks.append(float(places[0] + 1) if len(places) else np.inf)
    found = np.array(ranks)
    shares = "  ".join(f"@{k} {np.mean(found <= k):.3f}" for k in (1, 3, 8))
    return f"{shares}  MRR {np.mean(1 / found):.3f}  ({len(found)} questions)"


if __name__ == "__main__":
    sys.exit(main())
