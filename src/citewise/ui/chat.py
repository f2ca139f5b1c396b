"""The page: a conversation, beside it the source that was last opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from citewise.ui import strings
from citewise.ui.contract import ChatAssistant
from citewise.ui.conversation import reply, settle
from citewise.ui.messages import Message

__all__ = ["build_page"]

_AT_ONCE = 2
_WAITING = 16


def build_page(assistant: ChatAssistant, examples: Sequence[str] = ()) -> gr.Blocks:
    """The page's components and events; ``examples`` are offered while the chat is empty."""

    def respond(message: Any, history: Any) -> Iterator[list[Message]]:
        yield from reply(assistant, message, history)

    page = gr.Blocks(title=strings.TITLE, fill_width=True, analytics_enabled=False)
    with page:
        gr.Markdown(strings.HEADER_MARKDOWN, elem_id="cw-header")
        with gr.Row(elem_id="cw-columns"):
            with gr.Column(scale=3, min_width=320, elem_id="cw-conversation"):
                chatbot, textbox = _chatbot(), _textbox()
                gr.ChatInterface(
                    respond,
                    chatbot=chatbot,
                    textbox=textbox,
                    examples=list(examples) or None,
                    editable=True,
                    flagging_mode="never",
                    save_history=False,
                    concurrency_limit=_AT_ONCE,
                    show_progress="hidden",
                    fill_height=False,
                    api_visibility="private",
                )
                textbox.stop(settle, chatbot, chatbot, queue=False, api_visibility="private")
            with gr.Column(scale=2, min_width=320, elem_id="cw-side"):
                # The page's script fills this column; Gradio leaves out one that is empty.
                gr.Markdown(strings.SIDE_MARKDOWN, elem_id="cw-hint")
    page.queue(max_size=_WAITING, default_concurrency_limit=_AT_ONCE, api_open=False)
    return page


def _chatbot() -> gr.Chatbot:
    """Nothing of Gradio's that renders, shares or downloads what a model wrote is left on."""
    return gr.Chatbot(
        label=strings.CHAT_LABEL,
        show_label=False,
        elem_id="cw-chat",
        height="max(24rem, calc(100dvh - 12.5rem))",
        layout="panel",
        buttons=[],
        latex_delimiters=[],
        allow_tags=False,
        allow_file_downloads=False,
        sanitize_html=True,
    )


def _textbox() -> gr.Textbox:
    return gr.Textbox(
        label=strings.QUESTION_LABEL,
        show_label=False,
        placeholder=strings.PLACEHOLDER,
        submit_btn=True,
        stop_btn=True,
        autofocus=True,
        elem_id="cw-question",
    )
