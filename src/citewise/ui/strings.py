"""Every text of the page, in one place. Plain text, except where a name says Markdown."""

from __future__ import annotations

from typing import Final

from citewise.types import Label

TITLE: Final = "citewise"
HEADER_MARKDOWN: Final = (
    "# citewise\n\nAsk your documents. Each sentence of an answer was checked against them, "
    "and its number opens the exact words."
)
SIDE_MARKDOWN: Final = (
    "## Source\n\nClick a number such as **[1]** to read the words it stands for in their document."
)
PLACEHOLDER: Final = "Ask your documents"
CHAT_LABEL: Final = "Conversation"
QUESTION_LABEL: Final = "Your question"
SEED_DOCUMENT: Final = "deepseek-abandons-lightweight-ai.txt"
SEED_QUESTIONS: Final = (
    "What MMLU score did DeepSeek-V2 get?",
    "Why did DeepSeek give up its lightweight AI strategy?",
    "What is ByteDance's key advantage?",
    "What could go wrong with DeepSeek's new strategy?",
)

EVIDENCE_TITLE: Final = "Found in your documents"
DRAFT_TITLE: Final = "Draft, being checked"
DRAFT_WAITING: Final = "Writing a draft from these passages."
DRAFT_STOPPED: Final = "Stopped. This draft was not checked."
DRAFT_COUNTS: Final = "{supported} supported, {removed} removed"
NO_EVIDENCE: Final = "No passage matches this question."

CHECKED: Final = "{mark} {supported} of {total} sentences supported by the quoted words"
CHECKED_ONE: Final = "✓ Supported by the quoted words"
SOURCES: Final = "Sources"
QUOTED: Final = "Quoted from your documents:"
NOT_FOUND: Final = "Not in your documents."
NEAREST: Final = "The nearest passages:"
REMOVED_ONE: Final = "1 unsupported sentence removed"
REMOVED_MANY: Final = "{count} unsupported sentences removed"
NOTICE: Final = "Note:"

MARKS: Final = {
    Label.SUPPORTED: "✓",
    Label.PARTLY_SUPPORTED: "⚠ partly supported",
    Label.UNSUPPORTED: "⚠ not supported",
    Label.CONTRADICTED: "✗ contradicted",
}

ERROR: Final = "This question could not be answered."
CRASHED: Final = (
    "Something went wrong inside citewise. The details are in the terminal it was started from."
)
NOT_TEXT: Final = "A question must be text."

SOURCE_UNKNOWN: Final = "There is no such passage in the documents now searched."
SOURCE_CHANGED: Final = (
    "This document has changed since the answer was written, so the passage cannot be shown "
    "in it. Ask again to get an answer from the new text."
)
TOO_LARGE: Final = "This request is too large. Start a new conversation, or ask a shorter question."
DOCUMENTS_TITLE: Final = "Searched documents"
NO_UPLOADS: Final = "This chat takes no uploads. Put files into the folder it was started with."

ADDRESS: Final = "citewise is ready at {address} (Ctrl-C stops it)"
PORT_TAKEN: Final = "Port {wanted} is taken; using {port}."
OPEN_TO_ALL: Final = (
    "{host} is reachable from other machines, and there is no login: whoever can reach it can "
    "read these documents."
)
