"""Synthetic corpora of real sentences, for benchmarks of any size.

A passage is five sentences of two articles of a question-answering data set, put together at
random, with three invented words of Zipfian frequency: the vocabulary grows with the corpus as
that of real text does. Nothing is said about answers; only frequencies and lengths are realistic.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from citewise.tokens import lexical_terms

DATA = Path("../shared/data/support")
SETS = ("nq_open", "squad2", "boolq", "pubmedqa")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def articles(data: Path, most: int) -> tuple[list[list[str]], list[str]]:
    """The sentences of each article, and one question about each."""
    found, questions, seen = [], [], set()
    for name in SETS:
        with gzip.open(data / f"{name}.answerability.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                text = str(record["passage"])
                sentences = [s for s in _SENTENCE.split(text) if 40 <= len(s) <= 300]
                if len(sentences) >= 3 and text[:100] not in seen:
                    seen.add(text[:100])
                    found.append(sentences[:8])
                    questions.append(str(record["question"]))
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(found))[:most]
    return [found[i] for i in chosen], [questions[i] for i in chosen]


def term_passages(count: int, sources: list[list[str]], seed: int = 0) -> Iterator[str]:
    """The terms of each passage, between spaces."""
    rng = np.random.default_rng(seed)
    terms = [[" ".join(lexical_terms(sentence)) for sentence in article] for article in sources]
    for _ in range(count):
        one, other = (terms[i] for i in rng.integers(len(terms), size=2))
        picked = [*rng.choice(one, 3), *rng.choice(other, 2)]
        invented = np.minimum(rng.zipf(1.15, 3), 5_000_000)
        yield " ".join([*picked, *(f"n{word}" for word in invented)])
