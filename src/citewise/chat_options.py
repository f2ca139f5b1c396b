"""``citewise chat``'s options for what visitors may bring, and what is kept of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from citewise.errors import InputError
from citewise.remote_address import Corpus
from citewise.settings_options import add_options

if TYPE_CHECKING:
    import argparse

    from citewise.settings_table import Settings
    from citewise.ui.options import Options

__all__ = ["ANSWERING", "CHAT", "add_arguments", "options_of"]

_SERVING = ("host", "port", "browser", "collections_header")
_BRINGING = (
    "uploads",
    "shared_uploads",
    "max_file",
    "max_uploads",
    "max_files",
    "max_stored",
    "idle",
)
_KEEPING = ("data", "keep_days", "save_questions", "owner")
ANSWERING = ("corpus", "index", "store", "collections", "llm", "judge")
"""Those of the assistant."""
CHAT = (*ANSWERING, *_SERVING, *_BRINGING, *_KEEPING)
"""The settings that are options of ``citewise chat``."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add all options."""
    add_options(parser, *ANSWERING, *_SERVING)
    bringing = parser.add_argument_group(
        "documents of one's own",
        "Whoever opens the chat may bring documents. They are read and embedded on this machine, "
        "searched together with the corpus or alone, and seen by that browser only.",
    )
    add_options(bringing, *_BRINGING)
    keeping = parser.add_argument_group("feedback, and what is kept")
    add_options(keeping, *_KEEPING)


def options_of(settings: Settings, corpus: Corpus) -> tuple[Options, str]:
    """What the settings say, and what to tell whoever starts the server about the owner's page.

    Raises:
        InputError: several processes would each make up a password.
    """
    from citewise.ui.limits import MIB, Limits
    from citewise.ui.options import Options, default_data, realm_of
    from citewise.ui.owner import owner_password
    from citewise.ui.state import shared_address

    chosen = settings.chat
    limits = Limits(
        file_bytes=chosen.max_file * MIB,
        visitor_bytes=chosen.max_uploads * MIB,
        visitor_files=chosen.max_files,
        all_bytes=chosen.max_stored * MIB,
        idle_seconds=int(chosen.idle * 3600),
    )
    password, made = owner_password(chosen.owner_password) if chosen.owner else ("", False)
    if made and shared_address(settings.store):
        raise InputError(
            "Each process that shares this store would make up an owner's password of its own.",
            "Set CITEWISE_OWNER_PASSWORD, the same for all.",
        )
    options = Options(
        chosen.data or default_data(corpus),
        limits,
        uploads=chosen.uploads,
        common=chosen.shared_uploads,
        questions=chosen.save_questions,
        owner=password,
        keep_days=chosen.keep_days,
        realm=realm_of(settings.collections),
    )
    return options, f"The owner's page is /owner, its password {password}" if made else ""
