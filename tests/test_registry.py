"""The registry: every entry is pinned, whole and consistent."""

from __future__ import annotations

import re

import pytest

from citewise import registry
from citewise.errors import InputError
from citewise.modelspec import ModelSpec, PinnedFile, WheelParts
from citewise.registry import (
    DEFAULT_EMBEDDER,
    DEFAULT_ENCODER,
    DEFAULT_LLM,
    DEFAULT_MODELS,
    FALLBACK_LLM,
    MODELS,
    get,
)

SPECS = pytest.mark.parametrize("spec", MODELS.values(), ids=MODELS)


def test_the_models_and_what_they_are_for() -> None:
    assert {name: (spec.role, spec.licence) for name, spec in MODELS.items()} == {
        "qwen2.5-coder-1.5b-instruct": ("llm", "Apache-2.0"),
        "qwen2.5-coder-0.5b-instruct": ("llm", "Apache-2.0"),
        "all-minilm-l6-v2": ("embedder", "Apache-2.0"),
        "all-mpnet-base-v2": ("embedder", "Apache-2.0"),
    }
    assert DEFAULT_MODELS == (DEFAULT_LLM, DEFAULT_EMBEDDER, DEFAULT_ENCODER)
    assert (DEFAULT_LLM, FALLBACK_LLM) == (
        "qwen2.5-coder-1.5b-instruct",
        "qwen2.5-coder-0.5b-instruct",
    )


def test_the_published_sizes_and_hashes() -> None:
    weights = {name: max(spec.files, key=lambda file: file.size) for name, spec in MODELS.items()}
    assert {name: (file.size, file.sha256[:16]) for name, file in weights.items()} == {
        "qwen2.5-coder-1.5b-instruct": (1_117_320_768, "cc324af070c2ecbf"),
        "qwen2.5-coder-0.5b-instruct": (491_400_064, "1d9614638d18024d"),
        "all-minilm-l6-v2": (90_868_376, "53aa51172d142c89"),
        "all-mpnet-base-v2": (437_971_872, "78c0197b6159d926"),
    }
    assert get("all-minilm-l6-v2").size == sum(file.size for file in get("all-minilm-l6-v2").files)


@SPECS
def test_every_pin_is_a_whole_hash(spec: ModelSpec) -> None:
    pins = [(file.sha256, file.size) for file in spec.files]
    if isinstance(spec.wheels, WheelParts):
        pins += [(part.sha256, part.size) for part in spec.wheels.parts]
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) and size > 0 for sha256, size in pins)
    assert re.fullmatch("[0-9a-f]{40}", spec.hub.revision)


@SPECS
def test_the_parts_add_up_to_what_they_make(spec: ModelSpec) -> None:
    if not isinstance(spec.wheels, WheelParts):
        assert spec.wheels.prefix.endswith("/")
        return
    made: PinnedFile = spec.wheels.archive or spec.files[0]
    assert sum(part.size for part in spec.wheels.parts) == made.size
    assert len({part.project for part in spec.wheels.parts}) == len(spec.wheels.parts)
    assert len({part.sha256 for part in spec.wheels.parts}) == len(spec.wheels.parts)


@SPECS
def test_paths_stay_inside_the_model_s_folder(spec: ModelSpec) -> None:
    for file in spec.files:
        assert not file.path.startswith("/") and ".." not in file.path and "\\" not in file.path
        assert not file.path.endswith((".bin", ".pkl", ".pt", ".py"))
    assert spec.entry in {"", *(file.path for file in spec.files)}


def test_an_embedder_has_all_that_loading_needs() -> None:
    for name in ("all-minilm-l6-v2", "all-mpnet-base-v2"):
        assert {file.path for file in get(name).files} == {
            "1_Pooling/config.json",
            "config.json",
            "config_sentence_transformers.json",
            "model.safetensors",
            "modules.json",
            "sentence_bert_config.json",
            "special_tokens_map.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "vocab.txt",
        }


def test_names_are_found_in_any_case_and_unknown_ones_told() -> None:
    assert get(" All-MiniLM-L6-v2 ") is MODELS["all-minilm-l6-v2"]
    with pytest.raises(InputError, match=r"No model is called 'gpt-9'.*all-mpnet-base-v2"):
        get("gpt-9")


def test_exports_are_sorted_and_real() -> None:
    assert all(hasattr(registry, name) for name in registry.__all__)
    assert len(set(registry.__all__)) == len(registry.__all__)
