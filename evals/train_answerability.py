"""Train the classifier that tells whether a passage answers a question.

    python evals/train_answerability.py --data DIR --encoder DIR --out DIR [--hours 1.5]

A low-rank delta (LoRA, Hu et al. 2021) on the upper layers of ``all-mpnet-base-v2`` and a linear
head, trained on pairs of a question and one to four sentences or table rows. DIR of ``--data``
holds ``support/*.answerability.jsonl.gz``: SQuAD 2.0, QNLI, XQuAD, BoolQ, Natural Questions
(CC-BY-SA), SelQA (Apache-2.0), TAT-QA (CC-BY-4.0), WikiTableQuestions and FeTaQA (CC-BY-SA-4.0).
The project's own questions are never seen. A checkpoint is written every 100 steps, with the
scores on held-out documents, and a run that was cut off goes on from it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from transformers import AutoModel, AutoTokenizer

from citewise.quantities import names, quantities
from citewise.sentences import sentence_offsets
from citewise.tokens import content_terms, lexical_terms

SETS = {  # name: most rows of its training part, each of which gives one or two pairs
    "squad2": 6000, "qnli": 5000, "xquad_en": 1600, "boolq": 1500, "nq_open": 6000,
    "selqa": 2800, "tatqa": 1500, "wikitablequestions": 2500, "fetaqa": 2500,
}  # fmt: skip
RANK, ALPHA, FROZEN_LAYERS, MOST_TOKENS = 16, 32, 4, 144
BATCH, RATE, SEED = 24, 4e-4, 17


class LowRank(nn.Module):
    """A frozen linear layer and what is learnt beside it."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.down = nn.Parameter(torch.randn(RANK, layer.in_features) / math.sqrt(RANK * 4))
        self.up = nn.Parameter(torch.zeros(layer.out_features, RANK))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) + (x @ self.down.T) @ self.up.T * (ALPHA / RANK)


class Classifier(nn.Module):
    """The encoder, mean pooling over the pair, and a head with one logit."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(folder, add_pooling_layer=False)
        self.encoder.requires_grad_(False)
        for number, layer in enumerate(self.encoder.encoder.layer):
            if number >= FROZEN_LAYERS:
                attention = layer.attention.attn
                for name in ("q", "k", "v", "o"):
                    setattr(attention, name, LowRank(getattr(attention, name)))
                layer.intermediate.dense = LowRank(layer.intermediate.dense)
                layer.output.dense = LowRank(layer.output.dense)
        self.head = nn.Linear(self.encoder.config.hidden_size, 1)

    def forward(self, batch: Any) -> torch.Tensor:
        hidden = self.encoder(batch["input_ids"], batch["attention_mask"]).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * mask).sum(1) / mask.sum(1)
        return self.head(pooled.float()).squeeze(-1)

    def learnt(self) -> dict[str, torch.Tensor]:
        return {k: v.detach().clone() for k, v in self.named_parameters() if v.requires_grad}


def rows(data: Path, name: str) -> Iterator[dict[str, Any]]:
    """The rows of one question set, those of a document together."""
    with gzip.open(data / "support" / f"{name}.answerability.jsonl.gz", "rt", "utf-8") as lines:
        yield from map(json.loads, lines)


def units(passage: str) -> list[str]:
    """Its sentences and its table rows, written as the product writes them."""
    found = []
    for line in passage.split("\n"):
        cells = [part.split(": ", 1) for part in line.split("; ")]
        if len(cells) > 1 and all(len(cell) == 2 for cell in cells):
            rest = "; ".join(f"{name}: {value}" for name, value in cells[1:])
            found.append(f"{cells[0][1]} — {rest}")
        else:
            found += [line[start:end] for start, end in sentence_offsets(line)]
    return [unit for unit in found if unit.strip()]


def pairs(row: dict[str, Any], chance: random.Random) -> Iterator[tuple[str, str, int]]:
    """One or two pairs of a row: what answers, and what looks like it and does not."""
    question = row["question"]
    asked = set(content_terms(question))
    parts = units(row["passage"])
    likeness = {part: len(asked & set(lexical_terms(part))) + chance.random() for part in parts}
    near = sorted(parts, key=lambda part: -likeness[part])
    count = chance.choice((1, 1, 2, 3, 4))
    if not row["answerable"]:
        yield question, _joined(near[:count], chance), 0
        return
    answers = [answer.lower() for answer in row["answers"] if answer.strip()]
    if row["source"] in ("qnli", "boolq"):
        yield question, _joined(near[: max(count, 3)], chance), 1
        return
    holding = [part for part in parts if any(_holds(part, answer) for answer in answers)]
    if row["source"] == "fetaqa":  # its answers are sentences: the row that shares most with one
        said = set(lexical_terms(" ".join(answers))) - {""}
        holding = sorted(parts, key=lambda part: -len(said & set(lexical_terms(part))))[:1]
    if not holding or len(holding) > 2:
        return
    best = max(holding, key=lambda part: likeness[part])
    others = [part for part in near if part not in holding]
    yield question, _joined([best, *others[: count - 1]], chance), 1
    other = _other_subject(question, best, chance)
    if other and chance.random() < 0.35:
        yield other, _joined([best, *others[: count - 1]], chance), 0
    elif others and row["source"] not in ("tatqa", "fetaqa"):
        yield question, _joined(others[:count], chance), 0


def _holds(part: str, answer: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", part.lower()) is not None


def _joined(parts: Sequence[str], chance: random.Random) -> str:
    return "\n".join(chance.sample(list(parts), len(parts)))


_SEEN: list[str] = []


def _other_subject(question: str, evidence: str, chance: random.Random) -> str:
    """The question about another name or year: a passage about this one does not answer it."""
    held = set(lexical_terms(evidence))
    found = [n.text for n in names(question) if any(term in held for term in n.terms)]
    found += [q.text for q in quantities(question) if q.text in evidence and len(q.text) == 4]
    if not found:
        return ""
    old = chance.choice(found)
    digits = old.isdigit()
    candidates = [name for name in _SEEN if name.isdigit() == digits and name not in evidence]
    _SEEN.append(old)
    return question.replace(old, chance.choice(candidates)) if candidates else ""


def build(data: Path, split: str, most: float = 1.0) -> list[tuple[str, str, int, str]]:
    """All pairs of a split, shuffled, with the name of their set."""
    chance = random.Random(SEED)
    made = []
    for name, limit in SETS.items():
        chosen = [row for row in rows(data, name) if row["split"] == split]
        chance.shuffle(chosen)
        for row in chosen[: int(limit * most)]:
            made += [(*pair, name) for pair in pairs(row, chance)]
    chance.shuffle(made)
    return made


def encode(tokenizer: Any, part: Sequence[tuple[str, str, int, str]]) -> tuple[Any, torch.Tensor]:
    """The token ids of a batch and its labels."""
    batch = tokenizer(
        [p[0] for p in part], [p[1] for p in part], truncation="only_second",
        max_length=MOST_TOKENS, padding=True, return_tensors="pt",
    )  # fmt: skip
    return batch, torch.tensor([float(p[2]) for p in part])


def auroc(scores: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> float:
    """The chance that a positive scores above a negative."""
    order = scores.argsort().argsort() + 1
    positives = labels.sum()
    negatives = len(labels) - positives
    if not positives or not negatives:
        return float("nan")
    rank_sum = order[labels == 1].sum() - positives * (positives + 1) / 2
    return float(rank_sum / (positives * negatives))


@torch.no_grad()
def evaluate(model: Classifier, tokenizer: Any, part: Sequence[Any]) -> str:
    """AUROC on each set."""
    model.eval()
    ordered = sorted(part, key=lambda p: len(p[0]) + len(p[1]))
    scores: list[float] = []
    for at in range(0, len(ordered), 32):
        with torch.autocast("cpu", torch.bfloat16):
            scores += model(encode(tokenizer, ordered[at : at + 32])[0]).tolist()
    model.train()
    line = []
    for name in (*SETS, "all"):
        which = [i for i, p in enumerate(ordered) if name in (p[3], "all")]
        values, labels = (
            np.array([x[i] for i in which]) for x in (scores, [p[2] for p in ordered])
        )
        line.append(f"{name} {auroc(values, labels):.3f}")
    return ", ".join(line)


def main() -> None:
    """Train until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, required=True, help="folder of all-mpnet-base-v2")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1600)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(args.encoder)
    model = Classifier(args.encoder).train()
    training = build(args.data, "train")
    held_out = build(args.data, "dev", 0.02)
    print(f"{len(training)} pairs to train on, {len(held_out)} held out", flush=True)
    learnt = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min(1.0, (s + 1) / 60) * max(0.02, 1 - s / args.steps)
    )
    batches = _batches(training)
    first = 0
    saved, state = args.out / "learnt.safetensors", args.out / "optimizer.pt"
    if saved.exists() and state.exists():
        model.load_state_dict(load_file(saved), strict=False)
        kept = torch.load(state, weights_only=True)
        optimizer.load_state_dict(kept["optimizer"])
        schedule.load_state_dict(kept["schedule"])
        first = kept["step"]
    began, losses, seen = time.time(), [], 0
    for step in range(first, args.steps):
        part = batches[step % len(batches)]
        batch, labels = encode(tokenizer, part)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(batch)
        loss = binary_cross_entropy_with_logits(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learnt, 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        seen += len(part)
        if (step + 1) % 20 == 0:
            rate = seen / (time.time() - began)
            mean = sum(losses[-20:]) / len(losses[-20:])
            print(f"step {step + 1} loss {mean:.3f} {rate:.1f} pairs/s", flush=True)
        if (step + 1) % 100 == 0 or step + 1 == args.steps:
            save_file(model.learnt(), saved)
            torch.save(
                {
                    "optimizer": optimizer.state_dict(),
                    "schedule": schedule.state_dict(),
                    "step": step + 1,
                },
                state,
            )
        if (step + 1) % 200 == 0 or step + 1 == args.steps:
            print(f"step {step + 1} AUROC: {evaluate(model, tokenizer, held_out)}", flush=True)


def _batches(training: Sequence[Any]) -> list[Sequence[Any]]:
    """Batches of like length, in random order, so that little of a batch is padding."""
    found: list[Sequence[Any]] = []
    pool = BATCH * 40
    for at in range(0, len(training), pool):
        part = sorted(training[at : at + pool], key=lambda p: len(p[0]) + len(p[1]))
        groups = [part[i : i + BATCH] for i in range(0, len(part), BATCH)]
        random.Random(SEED + at).shuffle(groups)
        found += groups
    return found


if __name__ == "__main__":
    main()
