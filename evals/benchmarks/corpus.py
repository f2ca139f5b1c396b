"""Synthetic corpora of real sentences, for benchmarks of any size.

A passage is up to five sentences of two articles of question-answering data sets, put together at
random, with invented words of Zipfian frequency: the vocabulary grows with the corpus as that of
real text does, and few spans are alike. Embedding millions of texts would take days, so a sentence
has the mean of its words' vectors in the default embedding model, and a passage the mean of its
sentences', each a little changed at random. Nothing is said about answers: frequencies, lengths and
the way in which vectors of like texts lie together are realistic.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from citewise.fetching import ensure
from citewise.registry import get
from citewise.spacedterms import spaced_terms

DATA = Path("../shared/data/support")
SETS = ("nq_open", "squad2", "boolq", "pubmedqa")
MODEL = "all-minilm-l6-v2"
PER_FILE = 50
ARTICLES = 8_000

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_WHOLE = re.compile(r"[A-Z].*[.!?]", re.DOTALL)
_INVENTED = re.compile(r", n\d+(?=[.!?]$)")
_LONGEST = 640
# Of a unit vector: what one other word in a sentence changes of it.
_CHANGE = 0.3
_SHARED = 8

Vectors = NDArray[np.float32]


def articles(data: Path, most: int) -> tuple[list[list[str]], list[str]]:
    """The sentences of each article, and one question about each."""
    found, questions, seen = [], [], set()
    for name in SETS:
        with gzip.open(data / f"{name}.answerability.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                text = str(record["passage"])
                parts = (" ".join(part.split()) for part in _SENTENCE.split(text))
                sentences = [s for s in parts if 40 <= len(s) <= 300 and _WHOLE.fullmatch(s)]
                if len(sentences) >= 3 and text[:100] not in seen:
                    seen.add(text[:100])
                    found.append(sentences[:8])
                    questions.append(str(record["question"]))
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(found))[:most]
    return [found[i] for i in chosen], [questions[i] for i in chosen]


def passages(
    count: int, sources: list[list[str]], seed: int = 0, most: int = 5
) -> Iterator[list[str]]:
    """The sentences of each passage, ``most`` at the most, an invented word in each."""
    chosen = random.Random(seed)
    words = np.minimum(np.random.default_rng(seed).zipf(1.15, (count, 5)), 5_000_000)
    for invented in words:
        picked = chosen.sample(chosen.choice(sources), 3) + chosen.sample(chosen.choice(sources), 2)
        room, kept = _LONGEST, []
        for sentence, word in zip(picked[:most], invented.tolist(), strict=False):
            changed = f"{sentence[:-1]}, n{word}{sentence[-1]}"
            room -= len(changed) + 1
            if room >= 0:
                kept.append(changed)
        yield kept


def term_passages(count: int, sources: list[list[str]], seed: int = 0) -> Iterator[str]:
    """The terms of each passage, between spaces."""
    for sentences in passages(count, sources, seed):
        yield spaced_terms(" ".join(sentences))


def write_corpus(folder: Path, count: int, sources: list[list[str]], most: int = 5) -> None:
    """Files of 50 sections each, every section one passage; the same in every run."""
    made = passages(count, sources, most=most)
    for number in range(-(-count // PER_FILE)):
        sections = [
            f"## Section {number}.{i}\n\n{' '.join(next(made))}\n"
            for i in range(min(PER_FILE, count - number * PER_FILE))
        ]
        path = folder / f"{number // 100:03}" / f"{number:05}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(sections), encoding="utf-8")
        os.utime(path, (1_600_000_000, 1_600_000_000))


@dataclass(frozen=True)
class Pool:
    """Real sentences and questions with their vectors."""

    sentences: dict[str, int]
    vectors: Vectors
    questions: list[str]
    question_vectors: Vectors


def pool(sources: list[list[str]], asked: Sequence[str]) -> Pool:
    """The sentences of ``sources`` and these questions, with vectors that cost next to nothing."""
    sentences = list(dict.fromkeys(sentence for article in sources for sentence in article))
    together = _word_means([*sentences, *asked])
    places = {sentence: place for place, sentence in enumerate(sentences)}
    return Pool(places, together[: len(sentences)], list(asked), together[len(sentences) :])


def _word_means(texts: Sequence[str]) -> Vectors:
    """The mean of the word vectors that the model begins with, rare words weighing more.

    Without what all texts share, after Arora et al. (2017), "A simple but tough-to-beat baseline
    for sentence embeddings", and Mu and Viswanath (2018), "All-but-the-top".
    """
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    model = ensure(get(MODEL))
    words = load_file(model / "model.safetensors")["embeddings.word_embeddings.weight"]
    encoded = Tokenizer.from_file(str(model / "tokenizer.json")).encode_batch(
        list(texts), add_special_tokens=False
    )
    counts = np.bincount(np.concatenate([text.ids for text in encoded]), minlength=len(words))
    weighed = words * (1e-3 / (1e-3 + counts / counts.sum()))[:, None]
    means = np.stack([weighed[text.ids].mean(axis=0) for text in encoded]).astype(np.float32)
    means -= means.mean(axis=0)
    _, _, directions = np.linalg.svd(means[::8], full_matrices=False)
    means -= means @ directions[:_SHARED].T @ directions[:_SHARED]
    unit: Vectors = means / np.linalg.norm(means, axis=1, keepdims=True)
    return unit


class PoolVectors:
    """Meets ``Embedder`` with the vectors of a pool, and of its questions."""

    def __init__(self, name: str, known: Pool) -> None:
        self.name = name
        self._known = known
        self._asked = {question: i for i, question in enumerate(known.questions)}
        noise = np.random.default_rng(1).standard_normal((4096, known.vectors.shape[1]), np.float32)
        self._noise = _CHANGE * noise / np.linalg.norm(noise, axis=1, keepdims=True)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """The mean of the vectors of the sentences in each text, each a little changed."""
        return np.stack([self._of(text) for text in texts])

    def embed_query(self, text: str) -> Vectors:
        """The vector of one of the pool's questions."""
        at = self._asked.get(text)
        vector: Vectors = self._of(text) if at is None else self._known.question_vectors[at]
        return vector

    def _of(self, text: str) -> Vectors:
        text = text.rpartition("\n")[2]
        parts = _SENTENCE.split(text)
        places = [self._known.sentences.get(_INVENTED.sub("", part)) for part in parts]
        held = [self._known.vectors[place] for place in places if place is not None]
        vector = np.mean(held, axis=0) if held else np.zeros(self._noise.shape[1], np.float32)
        # What is not of the pool, such as a heading, is noise alone.
        changed = (
            vector / (np.linalg.norm(vector) or 1.0) + self._noise[zlib.crc32(text.encode()) % 4096]
        )
        unit: Vectors = (changed / np.linalg.norm(changed)).astype(np.float32)
        return unit
