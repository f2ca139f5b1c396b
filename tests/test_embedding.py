import json
import shutil
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

from citewise.bert import BertEncoder
from citewise.embedding import SentenceTransformerEmbedder
from citewise.errors import ModelError

TEXTS = [
    "What MMLU score did DeepSeek-V2 get?",
    "",
    "a",
    "A sentence about hiring engineers for data centres. " * 3,
    "这次公司发布主要讲了什么？",
    "too long " * 400,
    "a",
]


@pytest.fixture(scope="module")
def folder() -> Path:
    from citewise.fetching import ensure
    from citewise.registry import DEFAULT_EMBEDDER, get

    return ensure(get(DEFAULT_EMBEDDER))


@pytest.fixture(scope="module")
def embedder(folder: Path) -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(folder, "minilm", batch_size=2)


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(ModelError, match=r"'minilm' is not in .*nowhere: model.safetensors"):
        SentenceTransformerEmbedder(tmp_path / "nowhere", "minilm")


def test_the_name_changes_with_the_weights(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"one")
    one = SentenceTransformerEmbedder(tmp_path, "minilm").name
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert one == "minilm@7692c3ad3540"
    assert SentenceTransformerEmbedder(tmp_path, "minilm").name == "minilm@3fc4ccfe7458"
    given = SentenceTransformerEmbedder(tmp_path, "minilm", sha256="abcdef0123456789")
    assert given.name == "minilm@abcdef012345"


def write_folder(folder: Path, weights: bytes) -> None:
    """The files of a small BERT sentence encoder, with the given weights."""
    config = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "pad_token_id": 0,
    }
    modules = [{"type": f"any.{kind}"} for kind in ("Transformer", "Pooling", "Normalize")]
    files = {
        "config.json": config,
        "modules.json": modules,
        "1_Pooling/config.json": {"pooling_mode_mean_tokens": True},
        "sentence_bert_config.json": {"max_seq_length": 8},
        "tokenizer.json": {},
    }
    (folder / "1_Pooling").mkdir()
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    (folder / "model.safetensors").write_bytes(weights)


def test_damaged_weights_are_told_when_first_used(tmp_path):
    write_folder(tmp_path, b"not a model")
    embedder = SentenceTransformerEmbedder(tmp_path, "minilm")
    with pytest.raises(ModelError, match=r"cannot be loaded \(.*citewise models"):
        embedder.embed_query("hello")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", {"model_type": "xlm-roberta", "hidden_act": "gelu"}),
        ("config.json", {"model_type": "bert", "hidden_act": "relu"}),
        ("modules.json", [{"type": "any.Transformer"}, {"type": "any.Pooling"}]),
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True}),
        (
            "1_Pooling/config.json",
            {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True},
        ),
    ],
)
def test_only_models_of_exactly_its_kind_take_the_short_way(tmp_path, file, content):
    write_folder(tmp_path, b"")
    assert BertEncoder.fits(tmp_path)
    (tmp_path / file).write_text(json.dumps(content))
    assert not BertEncoder.fits(tmp_path)


@pytest.mark.model
def test_vectors_are_unit_and_come_in_the_order_of_the_texts(embedder):
    seen = []
    vectors = embedder.embed_passages(
        TEXTS, progress=lambda done, total: seen.append((done, total))
    )
    assert vectors.dtype == np.float32
    assert vectors.shape == (7, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    for text, vector in zip(TEXTS, vectors, strict=True):
        np.testing.assert_allclose(embedder.embed_query(text), vector, atol=1e-5)
    assert seen == [(2, 7), (4, 7), (6, 7), (7, 7)]
    assert embedder.embed_passages([]).shape == (0, 384)


@pytest.mark.model
def test_meaning_is_near(embedder):
    question = embedder.embed_query("How many people will the company employ?")
    near, far = embedder.embed_passages(["The firm doubles its workforce.", "Bread needs yeast."])
    assert question @ near > question @ far + 0.2


@pytest.mark.model
def test_the_short_way_gives_the_vectors_of_the_library(folder, tmp_path):
    other = tmp_path / "model"
    shutil.copytree(folder, other)
    config = (other / "config.json").read_text()
    # The same function by a name that only the library knows: it takes the long way.
    (other / "config.json").write_text(config.replace('"gelu"', '"gelu_python"'))
    assert BertEncoder.fits(folder)
    assert not BertEncoder.fits(other)
    short = SentenceTransformerEmbedder(folder, "short").embed_passages(TEXTS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Other people's deprecations.
        long = SentenceTransformerEmbedder(other, "long").embed_passages(TEXTS)
    np.testing.assert_allclose(short, long, atol=2e-6)


@pytest.mark.model
def test_torch_keeps_its_number_of_threads(embedder):
    import torch

    before = torch.get_num_threads()
    embedder.embed_query("hello")
    embedder.embed_passages(["hello"])
    assert torch.get_num_threads() == before


@pytest.mark.model
def test_threads_share_it(embedder):
    expected = embedder.embed_query(TEXTS[0])
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(embedder.embed_query(TEXTS[0])))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    for vector in found:
        np.testing.assert_allclose(vector, expected, atol=1e-6)


def test_importing_it_brings_no_torch():
    code = "import sys, citewise.embedding as e, citewise.index; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"torch", "transformers", "sentence_transformers", "faiss", "tokenizers"}
