"""The table of everything that can be set: one typed object, and each setting by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from citewise.bounds import Bounds
from citewise.limits import ReadLimits
from citewise.remote_address import RemoteAddress
from citewise.serve_settings import ServeSettings
from citewise.setting import (
    ANYTHING,
    HIGHER,
    LOOPBACK,
    LOWER,
    MODEL,
    OFF,
    ON,
    STRICTEST,
    WITHIN,
    Setting,
    setting,
)

__all__ = ["GROUPS", "SETTINGS", "ChatSettings", "Settings", "settings_of", "values_of"]


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """What ``citewise chat`` serves, to whom, and what it keeps."""

    host: str = setting(
        "127.0.0.1", "address that the chat listens on", found=LOOPBACK, option="--host"
    )
    port: int = setting(
        7860, "first port that the chat tries", least=0, most=65535, found=ANYTHING, option="--port"
    )
    collections_header: str = setting(
        "",
        "HTTP header in which a proxy that knows the user lists the collections that they may see;"
        " without it, all see those of the setting `collections`",
        option="--collections-header",
    )
    browser: bool = setting(True, "open a browser", found=ANYTHING, option="--no-browser")
    uploads: bool = setting(True, "let visitors bring documents", found=OFF, option="--no-uploads")
    shared_uploads: bool = setting(
        False,
        "let everybody ask about what anybody brings; only who brought it can remove it",
        found=OFF,
        option="--shared-uploads",
    )
    max_file: int = setting(
        32, "MiB of the largest file of a visitor", least=1, found=LOWER, option="--max-file"
    )
    max_uploads: int = setting(
        256, "MiB of all files of one visitor", least=1, found=LOWER, option="--max-uploads"
    )
    max_files: int = setting(50, "files of one visitor", least=1, found=LOWER, option="--max-files")
    max_stored: int = setting(
        4096, "MiB of all files of all visitors", least=1, found=LOWER, option="--max-stored"
    )
    idle: float = setting(
        168.0,
        "hours without a visit after which what a visitor brought is deleted",
        least=0.001,
        most=1_000_000,
        option="--idle",
    )
    data: Path | None = setting(
        None,
        "where visitors' documents and answers are kept (the user's data folder)",
        kind="folder",
        option="--data",
    )
    keep_days: float = setting(
        30.0,
        "days after which questions and their answers are deleted",
        least=0.001,
        most=1_000_000,
        option="--keep-days",
    )
    save_questions: Path | None = setting(
        None,
        'offer "save as a question for the evals", appended to this .jsonl question set',
        kind="file",
        option="--save-questions",
    )
    owner: bool = setting(
        False,
        "serve the owner's page at /owner: what was asked in vain, refused, slow or disliked",
        option="--owner",
    )
    owner_password: str = setting(
        "", "password of the owner's page; made up and printed at the start", secret=True
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked."""

    corpus: Path | RemoteAddress | None = setting(
        None,
        "folder of documents, or one document, or an address such as s3://BUCKET/FOLDER (seeds/)",
        kind="folder",
        remote=True,
        found=WITHIN,
        option="--corpus",
    )
    index: Path | None = setting(
        None, "folder of the index (one for each corpus)", kind="folder", option="--index"
    )
    store: str = setting(
        "",
        "where the index is kept instead: postgresql://..., milvus://HOST:PORT, or a folder",
        option="--store",
        address=True,
    )
    collections: str = setting(
        "",
        "collections that may be searched, with commas between (the documents that are in none)",
        option="--collections",
    )
    runner: str = setting(
        "local",
        "what reads and embeds documents: local, ray, or ray://HOST:PORT",
        option="--runner",
    )
    llm: str = setting(
        "local",
        '"local", "none", a model, or one or more addresses',
        found=MODEL,
        option="--llm",
        address=True,
    )
    llm_at_once: int = setting(
        8, "requests in flight at each address of the language model", least=1, found=LOWER
    )
    llm_silence: int = setting(
        120,
        "seconds without a sign of its reply until an address is given up",
        least=1,
        found=LOWER,
    )
    api_key: str = setting(
        "", "key that is sent to the language model, or ADDRESS=KEY for each address", secret=True
    )
    mode: Literal["strict", "flag"] = setting(
        "strict",
        "strict holds back what is not supported, flag shows it marked",
        choices=("strict", "flag"),
        found=STRICTEST,
        option="--mode",
    )
    judge: Literal["fast", "full"] = setting(
        "full",
        "full also asks an entailment model (439 MB, fetched once), fast does without",
        choices=("fast", "full"),
        found=STRICTEST,
        option="--judge",
    )
    threshold: float = setting(
        0.5,
        "least probability that an answer answers the question for it to be shown",
        least=0,
        most=1,
        found=HIGHER,
        option="--threshold",
    )
    top_k: int = setting(
        10, "how much evidence to return", least=1, most=100, found=ANYTHING, option="--top-k"
    )
    cache: Path | None = setting(
        None, "folder for fetched models, indexes and logs (the user's cache)", kind="folder"
    )
    models: Path | None = setting(
        None, "folder with your own copies of models, looked at first", kind="folder"
    )
    offline: bool = setting(False, "never fetch anything from the network", found=ON)
    index_memory_mb: int = setting(
        1024, "MiB that the vectors of a large index may take in memory", least=1, found=LOWER
    )
    bounds: Bounds = field(default_factory=Bounds, metadata={"prefix": ""})
    reading: ReadLimits = field(default_factory=ReadLimits, metadata={"prefix": "read_"})
    chat: ChatSettings = field(default_factory=ChatSettings, metadata={"prefix": ""})
    serving: ServeSettings = field(default_factory=ServeSettings, metadata={"prefix": ""})


def _fields(kind: Any, prefix: str = "") -> Iterator[Setting]:
    for one in dataclasses.fields(kind):
        if "setting" in one.metadata:
            yield one.metadata["setting"].named(prefix, one.name)


GROUPS: dict[str, tuple[Setting, ...]] = {
    "Answers and models": tuple(_fields(Settings)),
    "Bounds on questions": tuple(_fields(Bounds)),
    "Limits for one file": tuple(_fields(ReadLimits, "read_")),
    "The chat": tuple(_fields(ChatSettings)),
    "Serving": tuple(_fields(ServeSettings)),
}
"""All settings, as ``docs/settings.md`` and ``citewise config`` group them."""

SETTINGS: dict[str, Setting] = {one.name: one for group in GROUPS.values() for one in group}
"""All settings by name."""


def settings_of(values: Mapping[str, Any]) -> Settings:
    """The object with these checked values, one for each name in ``SETTINGS``."""
    made = {one.name: values[one.name] for one in GROUPS["Answers and models"]}
    for name, kind, prefix in _parts():
        made[name] = kind(**{f.name: values[prefix + f.name] for f in dataclasses.fields(kind)})
    return Settings(**made)


def values_of(settings: Settings) -> dict[str, Any]:
    """Each value by its setting's name; the reverse of ``settings_of``."""
    values = {one.name: getattr(settings, one.name) for one in GROUPS["Answers and models"]}
    for name, kind, prefix in _parts():
        part = getattr(settings, name)
        values |= {prefix + f.name: getattr(part, f.name) for f in dataclasses.fields(kind)}
    return values


def _parts() -> Iterator[tuple[str, Any, str]]:
    """The fields that hold several settings: name, type, and what their names begin with."""
    for one in dataclasses.fields(Settings):
        if "prefix" in one.metadata:
            yield one.name, one.default_factory, one.metadata["prefix"]
