"""Train the entailment half of the judge: a low-rank delta over ``all-mpnet-base-v2``.

    python evals/judge/train.py --data DIR --encoder DIR --out DIR --cool 2600 --steps 3400

One encoder reads the claim and its evidence together (``<s> claim </s></s> evidence </s>``). Over
the mean vectors of both sits a head with four outputs: supported, contradicted, unsupported, and
whether the evidence answers a question. What is learnt are two thin matrices beside each linear
layer (LoRA, Hu et al. 2021) and the head; the encoder itself stays as published. A checkpoint is
written every 100 steps, and a run that was cut off goes on from it. The rate stays the same until
``--cool`` and falls in a line from there to ``--steps``, so that a run whose length was not known
when it began can be brought to its end. ``mixture.py`` says what is read; the scores printed on the
way are of documents held out from training. ``entailment.safetensors``, beside the checkpoint, is
what the package reads (``src/citewise/data``).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mixture import Pair, load
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from transformers import AutoModel, AutoTokenizer

RANK, SCALE, MOST_TOKENS, FROZEN = 32, 2.0, 144, 4
BATCH, RATE, SEED = 24, 2.5e-4, 17


class LowRank(nn.Module):
    """A frozen linear layer and what is learnt beside it."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.down = nn.Parameter(
            torch.randn(RANK, layer.in_features) / math.sqrt(layer.in_features)
        )
        self.up = nn.Parameter(torch.zeros(layer.out_features, RANK))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) + (x @ self.down.T) @ self.up.T * SCALE


class PairModel(nn.Module):
    """The encoder and a head over the mean vectors of claim and evidence."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        # One pass over the pairs cannot overfit, and drawing the masks is a fifth of the time.
        self.encoder = AutoModel.from_pretrained(
            folder, add_pooling_layer=False, hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )  # fmt: skip
        self.encoder.requires_grad_(False)
        for layer in self.encoder.encoder.layer[FROZEN:]:
            attention = layer.attention.attn
            for name in ("q", "k", "v", "o"):
                setattr(attention, name, LowRank(getattr(attention, name)))
            layer.intermediate.dense = LowRank(layer.intermediate.dense)
            layer.output.dense = LowRank(layer.output.dense)
        self.head = nn.Linear(3 * self.encoder.config.hidden_size, 4)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Logits, shape ``(pairs, 4)``."""
        hidden = self.encoder(batch["input_ids"], batch["attention_mask"]).last_hidden_state
        first, both = batch["claim"].unsqueeze(-1), batch["attention_mask"].unsqueeze(-1)
        claim = (hidden * first).sum(1) / first.sum(1)
        rest = both - first
        evidence = (hidden * rest).sum(1) / rest.sum(1)
        whole = torch.cat([claim + evidence, (claim - evidence).abs(), claim * evidence], dim=1)
        return self.head(whole.float())

    def learnt(self) -> dict[str, torch.Tensor]:
        return {k: v.detach().clone() for k, v in self.named_parameters() if v.requires_grad}


def encode(tokenizer: Any, pairs: Sequence[Pair]) -> dict[str, torch.Tensor]:
    """Token ids, attention mask, and which tokens are the claim's."""
    batch = tokenizer(
        [p.claim for p in pairs], [p.evidence for p in pairs], truncation="longest_first",
        max_length=MOST_TOKENS, padding=True, return_tensors="pt",
    )  # fmt: skip
    ids = batch["input_ids"]
    # The claim ends at the first separator.
    ends = (ids == tokenizer.sep_token_id).int().argmax(1, keepdim=True)
    places = torch.arange(ids.shape[1]).unsqueeze(0)
    return {
        "input_ids": ids,
        "attention_mask": batch["attention_mask"],
        "claim": (places <= ends).long(),
    }


def auroc(scores: Sequence[float], labels: Sequence[int]) -> float:
    """The chance that a positive scores above a negative."""
    values, truth = np.array(scores), np.array(labels)
    ranks = values.argsort().argsort() + 1
    positives = truth.sum()
    negatives = len(truth) - positives
    if not positives or not negatives:
        return float("nan")
    wins = ranks[truth == 1].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * negatives))


@torch.no_grad()
def evaluate(model: PairModel, tokenizer: Any, pairs: Sequence[Pair]) -> str:
    """AUROC on each set: supported against the rest, answered against not."""
    model.eval()
    ordered = sorted(pairs, key=lambda p: len(p.claim) + len(p.evidence))
    scores: list[float] = []
    for at in range(0, len(ordered), 32):
        part = ordered[at : at + 32]
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(encode(tokenizer, part))
        supported = logits[:, 0] - torch.logsumexp(logits[:, 1:3], 1)
        scores += [
            float(x if not p.asks else y)
            for p, x, y in zip(part, supported, logits[:, 3], strict=True)
        ]
    model.train()
    line = []
    for name in sorted({p.source for p in ordered}):
        which = [i for i, p in enumerate(ordered) if p.source == name]
        truth = [int(ordered[i].label == (1 if ordered[i].asks else 0)) for i in which]
        line.append(f"{name} {auroc([scores[i] for i in which], truth):.2f}")
    return " ".join(line)


def batches(pairs: Sequence[Pair]) -> list[Sequence[Pair]]:
    """Batches of like length, in random order, so that little of a batch is padding."""
    found: list[Sequence[Pair]] = []
    pool = BATCH * 50
    for at in range(0, len(pairs), pool):
        part = sorted(pairs[at : at + pool], key=lambda p: len(p.claim) + len(p.evidence))
        groups = [part[i : i + BATCH] for i in range(0, len(part), BATCH)]
        random.Random(SEED + at).shuffle(groups)
        found += groups
    return found


def loss_of(logits: torch.Tensor, pairs: Sequence[Pair]) -> torch.Tensor:
    """Cross entropy over three labels for claims, over two for questions."""
    labels = torch.tensor([p.label for p in pairs])
    asks = torch.tensor([p.asks for p in pairs])
    total = logits.new_zeros(())
    if (~asks).any():
        total = total + cross_entropy(logits[~asks, :3], labels[~asks], reduction="sum")
    if asks.any():
        total = total + binary_cross_entropy_with_logits(
            logits[asks, 3], labels[asks].float(), reduction="sum"
        )
    return total / len(pairs)


def main() -> None:
    """Train for a number of steps."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, required=True, help="folder of all-mpnet-base-v2")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3400)
    parser.add_argument(
        "--cool", type=int, help="the step from which the rate falls; default: it never does"
    )
    parser.add_argument("--start", type=Path, help="weights of an earlier run to start from")
    parser.add_argument(
        "--first", type=int, default=0, help="with --start: the step that the earlier run came to"
    )
    parser.add_argument(
        "--after", type=int, metavar="PAIRS",
        help="leave out the first so many pairs, which an earlier run has read, and begin with the "
        "next; default: go on at --first in the same order",
    )  # fmt: skip
    parser.add_argument(
        "--without", type=lambda text: frozenset(text.split(",")), default=frozenset(),
        metavar="SET,SET", help="sets of which nothing more is read; questions are named SET?",
    )  # fmt: skip
    parser.add_argument(
        "--roles", type=int, default=0, metavar="PAIRS", help="made pairs of who did what to whom"
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(args.encoder)
    model = PairModel(args.encoder).train()
    if args.start:
        model.load_state_dict(load_file(args.start), strict=False)
    kept_pairs = _kept(args.out / "train.json", args.data, "train", args.seed, 1.0, args.roles)
    unread = kept_pairs[args.after or 0 :]
    training = batches([p for p in unread if p.source not in args.without])
    before = 0 if args.after is None else args.first
    held_out = _kept(args.out / "dev.json", args.data, "dev", args.seed, 0.015, args.roles // 100)
    print(f"{sum(map(len, training))} pairs, {len(held_out)} held out", flush=True)
    learnt = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=RATE, weight_decay=0.01)
    cool = min(args.steps, args.cool) if args.cool else args.steps

    def share(step: int) -> float:
        left = (args.steps - step) / max(1, args.steps - cool)
        return min(1.0, (step + 1 - args.first) / 100, max(0.02, left))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: share(step + args.first))
    saved, state = args.out / "learnt.safetensors", args.out / "optimizer.pt"
    first = args.first
    if saved.exists() and state.exists():
        model.load_state_dict(load_file(saved), strict=False)
        kept = torch.load(state, weights_only=True)
        optimizer.load_state_dict(kept["optimizer"])
        schedule.load_state_dict(kept["schedule"])
        first = kept["step"]
    began, seen, losses = time.time(), 0, []
    for step in range(first, args.steps):
        part = training[(step - before) % len(training)]
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(encode(tokenizer, part))
        loss = loss_of(logits, part)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learnt, 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        seen += len(part)
        if (step + 1) % 20 == 0:
            rate, mean = seen / (time.time() - began), sum(losses[-20:]) / len(losses[-20:])
            print(f"step {step + 1} loss {mean:.3f} {rate:.1f} pairs/s", flush=True)
        if (step + 1) % 100 == 0 or step + 1 == args.steps:
            _save(saved, state, model, optimizer, schedule, step + 1)
        if (step + 1) % 600 == 0 or step + 1 == args.steps:
            print(f"step {step + 1} AUROC: {evaluate(model, tokenizer, held_out)}", flush=True)


def _kept(path: Path, data: Path, split: str, seed: int, share: float, roles: int) -> list[Pair]:
    """The pairs of a split, built once for a run."""
    if not path.exists():
        made = load(data, split, seed, share, roles)
        path.write_text(json.dumps([dataclasses.astuple(p) for p in made]), encoding="utf-8")
    return [Pair(*row) for row in json.loads(path.read_text(encoding="utf-8"))]


def _save(
    saved: Path, state: Path, model: PairModel, optimizer: Any, schedule: Any, step: int
) -> None:
    save_file(model.learnt(), saved)
    save_file(
        {k.replace("encoder.encoder.", "encoder."): v.half() for k, v in model.learnt().items()},
        saved.with_name("entailment.safetensors"),
    )
    kept = {"optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(), "step": step}
    torch.save(kept, state)


if __name__ == "__main__":
    main()
