"""The page in English."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["ENGLISH"]

ENGLISH: Final[dict[str, Any]] = {
    "language_name": "English",
    "language": "Language",
    "theme": "Appearance",
    "theme_auto": "Like the system",
    "theme_light": "Light",
    "theme_dark": "Dark",
    "tagline": "every sentence checked against your documents",
    "skip": "Skip to the question",
    "close": "Close",
    "cancel": "Cancel",
    "undo": "Undo",
    # Conversations
    "conversation": "Conversation",
    "conversations": "Conversations",
    "no_conversations": "What you ask is kept here, in this browser alone.",
    "new": "New conversation",
    "delete_conversation": "Delete “{title}”",
    "deleted": "Conversation deleted",
    "not_kept": "This browser keeps nothing more: its storage is full or closed.",
    # The question
    "question": "Your question",
    "placeholder": "Ask your documents",
    "send": "Ask",
    "stop": "Stop",
    "characters": "{length} of at most {most} characters",
    "fine_print": (
        "Answers come from your documents alone. Each sentence shows whether they bear it out."
    ),
    "welcome": "Ask your documents",
    "welcome_why": (
        "Every sentence of an answer is checked against them, and its number opens the exact words "
        "that prove it."
    ),
    "suggestions": "Your documents answer, for example",
    "edit": "Edit the question",
    "edit_note": "The turns after this one will be replaced.",
    "resend": "Ask again",
    # While it works
    "searching": "Searching your documents",
    "reading": "Reading these passages",
    "draft": "Draft, not checked yet",
    "checking": "Checking each sentence",
    "waiting": "Waiting for the language model, {ahead} before you",
    "waiting_seconds": "Waiting for the language model, about {seconds} s",
    "found": "Found in your documents",
    "passages": "{count} passages",
    "passages_one": "1 passage",
    "seconds": "{seconds} s",
    "no_evidence": "No passage matches this question.",
    # The answer
    "checked": "{supported} of {total} sentences borne out by the cited words",
    "checked_one": "Borne out by the cited words",
    "sources": "Sources",
    "cite_label": "Citation {number}: {place}",
    "open_hint": "Click or press Enter to read it in the document",
    "source_gone": "This document is no longer searched",
    "page": "page {page}",
    "verdict_supported": "Supported",
    "verdict_partly_supported": "Partly supported",
    "verdict_unsupported": "Not supported",
    "verdict_contradicted": "Contradicted",
    "verdict_label": "{verdict}. Why?",
    "why_supported": "Each number, name and statement of this sentence stands in the cited words.",
    "strength": "Strength of support: {percent} %",
    "quoted": "Quoted word for word",
    "quoted_why": (
        "No sentence could be written that your documents bear out, so these are their own words."
    ),
    "not_found": "Not in your documents",
    "not_found_why": "Your documents do not answer this.",
    "nearest": "The nearest passages, which do not answer it",
    "removed": "{count} unsupported sentences removed: why?",
    "removed_one": "1 unsupported sentence removed: why?",
    "unchecked_draft": "What was written until then, never checked",
    "followups": "Your documents also answer",
    "actions": "Actions for this answer",
    "copy": "Copy with footnotes",
    "copied": "Copied, with the citations as footnotes",
    "retry": "Ask again",
    "announce_answer": "Answer: {text}",
    "to_latest": "To the latest answer",
    # When it does not work
    "failed": "This question could not be answered.",
    "stopped": "Stopped.",
    "interrupted": "The answer was interrupted. Ask again to get it.",
    "broken_off": "The connection broke off before the answer was there.",
    "unreachable": "The server cannot be reached. Start citewise again, then ask again.",
    "unreadable": "The server's reply could not be read.",
    "gone": "The server has stopped. What you see is kept; start citewise again to go on.",
    # The side column
    "side": "Sources and documents",
    "source": "Source",
    "documents": "Documents",
    "source_hint": "Click a number in an answer to read the words it stands for in their document.",
    "text_of": "Text of {title}",
    "citations": "Citations of this answer",
    "previous_citation": "Previous citation (Alt+←)",
    "next_citation": "Next citation (Alt+→)",
    "position": "{at} of {total}",
    "opened": "{title}. Highlighted: {quote}",
    "invisible": "The passage holds invisible characters.",
    "clipped": "Only the part around the passage is shown.",
    "searched": "Searched documents ({count})",
    "and_more": "and {count} more",
    "said": [],
}
