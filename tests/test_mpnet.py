"""The pair encoder against the transformers library, on a tiny MPNet with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from citewise import mpnet
from citewise.mpnet import PairEncoder

PAIRS = [
    ("a cat sat", "the cat sat on the mat and the dog ran"),
    ("who ran", "the dog"),
    ("the mat " * 40, "a dog sat " * 90),
    ("", "the cat"),
]
WORDS = [
    "<s>", "<pad>", "</s>", "<unk>",
    "a", "the", "cat", "dog", "mat", "sat", "ran", "on", "and", "who",
]  # fmt: skip
RANK = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of two layers, its tokenizer, and something learnt beside one of its layers."""
    import torch
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import MPNetConfig, MPNetModel

    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("mpnet")
    config = MPNetConfig(
        vocab_size=len(WORDS), hidden_size=24, num_hidden_layers=2, num_attention_heads=3,
        intermediate_size=40, max_position_embeddings=160,
    )  # fmt: skip
    MPNetModel(config, add_pooling_layer=False).save_pretrained(path)
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer.save(str(path / "tokenizer.json"))
    learnt = {"head.weight": torch.randn(4, 72), "head.bias": torch.randn(4)}
    for part, size in (("attention.attn.q", 24), ("output.dense", 40)):
        learnt[f"encoder.layer.1.{part}.down"] = torch.randn(RANK, size)
        learnt[f"encoder.layer.1.{part}.up"] = torch.randn(24, RANK)
    save_file({name: value.half() for name, value in learnt.items()}, path / "learnt.safetensors")
    return path


def by_the_library(folder: Path, one: str, other: str) -> np.ndarray:
    """The same logits by transformers, one pair at a time and with the learnt weights merged."""
    import torch
    from safetensors.torch import load_file
    from tokenizers import Tokenizer
    from transformers import MPNetModel

    model = MPNetModel.from_pretrained(folder, add_pooling_layer=False).eval()
    learnt = {
        name: value.float() for name, value in load_file(folder / "learnt.safetensors").items()
    }
    layer = model.encoder.layer[1]
    for part, weight in (
        ("attention.attn.q", layer.attention.attn.q.weight),
        ("output.dense", layer.output.dense.weight),
    ):
        name = f"encoder.layer.1.{part}"
        weight.data += 2.0 * learnt[f"{name}.up"] @ learnt[f"{name}.down"]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(max_length=144, strategy="longest_first")
    ids = torch.tensor([tokenizer.encode(one, other).ids])
    ends = int((ids[0] == 2).int().argmax()) + 1
    with torch.no_grad():
        hidden = model(ids, torch.ones_like(ids)).last_hidden_state[0]
    a, b = hidden[:ends].mean(0), hidden[ends:].mean(0)
    whole = torch.cat([a + b, (a - b).abs(), a * b])
    return (learnt["head.weight"] @ whole + learnt["head.bias"]).numpy()


@pytest.mark.parametrize(("bf16", "tolerance"), [(False, 1e-4), (True, 0.05)])
def test_logits_are_those_of_the_library_whatever_stands_beside_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch, bf16: bool, tolerance: float
) -> None:
    monkeypatch.setattr(mpnet, "_multiplies_bf16", lambda: bf16)
    together = PairEncoder(folder, folder / "learnt.safetensors")(PAIRS)
    for pair, logits in zip(PAIRS, together, strict=True):
        expected = by_the_library(folder, *pair)
        assert logits == pytest.approx(expected, abs=tolerance)
        assert bool(np.abs(logits - expected).max() > 1e-4) is bf16


def test_what_was_learnt_matters(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    learnt = load_file(folder / "learnt.safetensors")
    learnt["encoder.layer.1.output.dense.up"] *= 0
    save_file(learnt, tmp_path / "less.safetensors")
    with_all = PairEncoder(folder, folder / "learnt.safetensors")(PAIRS)
    with_less = PairEncoder(folder, tmp_path / "less.safetensors")(PAIRS)
    assert np.abs(with_all - with_less).max() > 0.01
