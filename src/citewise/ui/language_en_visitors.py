"""The page in English: documents of one's own, feedback, export, and the owner's page."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["VISITORS_ENGLISH"]

VISITORS_ENGLISH: Final[dict[str, Any]] = {
    # Said more carefully than where the server keeps nothing.
    "no_conversations": "Your conversations are listed here.",
    # Documents of one's own
    "add_files": "Add documents, or drop them here",
    "files_closed": "This chat takes no files. Choose here which documents a question searches.",
    "file_limits": "Up to {file} each, {files} files, {all} in all.",
    "files_private": (
        "Only you can ask about them; they are deleted {days} after your last visit, or when you "
        "remove them."
    ),
    "files_common": "Everybody who uses this chat can ask about them and read them.",
    "days": "{count} days",
    "days_one": "1 day",
    "hours": "{count} hours",
    "hours_one": "1 hour",
    "your_files": "Your documents",
    "brought_files": "Documents that were brought here",
    "common_documents": "Documents for everybody ({count})",
    "preparing": "Preparing the documents for everybody",
    "search_this": "Search {name}",
    "progress_of": "Progress of {name}",
    "state_sending": "Sending",
    "state_waiting": "Waiting",
    "state_reading": "Reading",
    "state_splitting": "Splitting into passages",
    "state_embedding": "Embedding",
    "state_ready": "Ready",
    "state_failed": "Failed",
    "state_cancelled": "Cancelled",
    "time_left": "about {seconds} s left",
    "holds_documents": "{count} documents",
    "left_out": "Some of it could not be read",
    "cancel_file": "Cancel {name}",
    "reread_file": "Read {name} again",
    "remove_file": "Remove {name}",
    "file_ready": "{name} is ready to be asked about.",
    "file_failed": "{name} could not be read.",
    "file_removed": "{name} was removed.",
    "file_empty": "This file is empty.",
    "file_too_large": "This file has {size}; at most {most} are allowed.",
    "files_too_large": "With this file it would be more than {most} in all. Remove others first.",
    "too_many_files": "There are already {most} files, which is the most. Remove one first.",
    "sending_failed": "The file did not reach the server. Try again.",
    # What is searched
    "scope": "A question searches",
    "scope_all": "All documents",
    "scope_own": "Only mine",
    "searches_all": "All {count} documents are searched.",
    "searches_all_one": "The one document is searched.",
    "searches_some": "{count} of {total} documents are searched.",
    # The outline of a source
    "outline": "Outline",
    "pages": "Pages",
    "headings": "Headings",
    "no_outline": "This document has neither pages nor headings.",
    "outline_clipped": "There are more than can be listed.",
    # Feedback
    "thumb_up": "Good answer",
    "thumb_down": "Bad answer",
    "reason": "What is wrong with it? (optional)",
    "send_reason": "Send",
    "thanks": "Thank you",
    "save_question": "Save as a question for the evals",
    "question_saved": "Saved as {id}. Check it before it counts.",
    # Files to keep, and being rid of everything
    "export": "Export “{title}”",
    "export_as": "Export this conversation",
    "export_markdown": "Markdown, citations as footnotes",
    "export_json": "JSON, with every offset",
    "your_data": "What is kept of you",
    "kept_answers": (
        "The server keeps your documents, and for {days} days your questions with their answers, "
        "so that they can be exported."
    ),
    "owner_reads": (
        "The owner of this server can read your questions, and the answers that do not rest on "
        "documents of your own."
    ),
    "erase_mine": "Delete all of it from the server",
    "erase_sure": "Really delete? There is no way back.",
    "erased": "Everything of yours was deleted from the server",
    # The owner's page
    "owner_title": "What people asked",
    "owner_password": "Password of the owner",
    "owner_log_in": "Log in",
    "owner_log_out": "Log out",
    "owner_export": "Export as JSON Lines",
    "owner_erase": "Delete all answers",
    "owner_private": (
        "Answers are deleted after {days} days. Of answers that rest on a visitor's own documents "
        "only the question is shown."
    ),
    "owner_is_private": "from a visitor's own documents",
    "owner_none": "None.",
    "owner_held_back": "Held back",
    "owner_not_found": "Questions without an answer",
    "owner_refused": "Refused, or nothing stood the check",
    "owner_disliked": "Thumbs down",
    "owner_slowest": "Slowest answers",
    "owner_stages": "Seconds of each step",
    "owner_stage": "Step",
    "owner_count": "Answers",
    "owner_median": "Median",
    "owner_most": "Most",
    "owner_total_answers": "Answers",
    "owner_total_visitors": "Visitors",
    "owner_total_answered": "Answered",
    "owner_total_quoted": "Quoted",
    "owner_total_not_found": "Not found",
    "owner_total_liked": "Thumbs up",
    "owner_total_disliked": "Thumbs down",
    "owner_total_sentences": "Sentences shown",
    "owner_total_held_back": "Sentences held back",
    "owner_total_median_seconds": "Median seconds",
}
