"""The chat in the browser. Importing this is cheap; Gradio loads when the page is built."""

from __future__ import annotations

import os

from citewise.ui.server import build_app, serve
from citewise.ui.strings import SEED_QUESTIONS

__all__ = ["SEED_QUESTIONS", "build_app", "serve"]

# Read by Gradio and by the hub client it brings along when they are first imported: with these,
# neither reports usage nor looks for updates.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
