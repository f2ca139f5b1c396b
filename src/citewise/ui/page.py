"""The page. Gradio makes it; the scripts in ``static`` draw the conversation into it.

The conversation is not a ``gr.Chatbot``: that renders Markdown and some HTML, and lets remote
images, forms and overlays through. Here each text enters the page as ``textContent``.

Other parts of the chat join in by a script of their own, see ``SECTIONS`` and ``extend.js``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import gradio as gr

from citewise.ui import strings
from citewise.ui.languages import page_texts

__all__ = ["SECTIONS", "VISITORS", "build_page", "head"]

SECTIONS: Final[tuple[str, ...]] = ()
"""Paths of further scripts, each a module that calls the functions of ``extend.js``."""
VISITORS: Final = tuple(f"/app-static/{n}.js" for n in ("shelf", "feedback", "outline"))
"""The scripts for what a server keeps of its visitors."""
STYLES: Final = ("citewise.css", "turn.css", "side.css", "shelf.css")
_STATIC: Final = Path(__file__).parent / "static"
_FONTS: Final = tuple(
    f"/static/fonts/SourceSansPro/SourceSansPro-{weight}.woff2" for weight in ("Regular", "Bold")
)


def build_page() -> gr.Blocks:
    """The page around the conversation; its text is what is read where scripts do not run."""
    page = gr.Blocks(title=strings.TITLE, fill_width=True, analytics_enabled=False)
    with page, gr.Column(elem_id="cw-host"):
        gr.Markdown(strings.HEADER_MARKDOWN, elem_id="cw-header")
    page.queue(max_size=16, default_concurrency_limit=2, api_open=False)
    return page


def head(sections: Sequence[str] = SECTIONS) -> str:
    """The styles and scripts of the page, and all its texts in all its languages."""
    texts = page_texts(sections=sections)
    styles = [f'<link rel="stylesheet" href="/app-static/{name}">' for name in STYLES]
    # What main.js imports is fetched at once, not import by import.
    modules = [f"/app-static/{path.name}" for path in sorted(_STATIC.glob("*.js"))]
    return "".join(
        [
            *[
                f'<link rel="preload" href="{font}" as="font" type="font/woff2" crossorigin>'
                for font in _FONTS
            ],
            *styles,
            *[f'<link rel="modulepreload" href="{path}">' for path in modules],
            f'<script type="application/json" id="cw-texts">{texts}</script>',
            '<script type="module" src="/app-static/main.js"></script>',
        ]
    )
