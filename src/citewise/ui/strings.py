"""Every text of the server, in one place; those of the page are in ``languages``."""

from __future__ import annotations

from typing import Final

TITLE: Final = "citewise"
HEADER_MARKDOWN: Final = (
    "# citewise\n\nAsk your documents. Each sentence of an answer was checked against them, "
    "and its number opens the exact words."
)
SEED_DOCUMENT: Final = "deepseek-abandons-lightweight-ai.txt"
SEED_QUESTIONS: Final = (
    "What MMLU score did DeepSeek-V2 get?",
    "In what form did OpenAI begin?",
    "How many times more does GPT-4 cost per million tokens than DeepSeek-V2?",
    "Which three long-term problems will catch up with DeepSeek?",
)

CRASHED: Final = (
    "Something went wrong inside citewise. The details are in the terminal it was started from."
)
NOT_TEXT: Final = "A question must be text."
NOT_JSON: Final = 'Send JSON such as {"question": "…"}, and say so in the content type.'
BUSY: Final = "Too many questions are being answered at the moment. Ask again in a minute."

UNAVAILABLE: Final = "The documents cannot be searched just now. Try again in a moment."
NOT_TAKEN_IN: Final = (
    "This file could not be taken in: the documents cannot be written just now. Try again in a "
    "moment; if that does not help, tell whoever runs this chat."
)

SOURCE_UNKNOWN: Final = "There is no such passage in the documents now searched."
SOURCE_CHANGED: Final = (
    "This document has changed since the answer was written, so the passage cannot be shown "
    "in it. Ask again to get an answer from the new text."
)
TOO_LARGE: Final = "This request is too large. Start a new conversation, or ask a shorter question."
TOO_SLOW: Final = "This request did not arrive within {seconds} seconds. Send it again."
NO_UPLOADS: Final = "No files are taken here. Bring them under Documents, if this chat takes any."

ADDRESS: Final = "citewise is ready at {address} (Ctrl-C stops it)"
PORT_TAKEN: Final = "Port {wanted} is taken; using {port}."
OPEN_TO_ALL: Final = (
    "{host} is reachable from other machines, and there is no login: whoever can reach it can "
    "read these documents."
)
