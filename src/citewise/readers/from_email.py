"""E-mail messages: the headers that people read, the text, and the attachments as files."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from datetime import timezone
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

from citewise.files import safe_name
from citewise.limits import UnusableFileError
from citewise.readers.decoding import decode
from citewise.readers.extracted import Extracted, Member, Tick
from citewise.readers.from_html import add_html
from citewise.readers.layout import Layout, flat

__all__ = ["attachments", "read_email"]

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_MOST_PARTS = 1000


def read_email(data: bytes, tick: Tick) -> Extracted:
    """The text of a message, with its headers above and the names of its attachments below.

    Raises:
        UnusableFileError: it is no message.
    """
    message = _parsed(data)
    layout = Layout()
    subject = _header(message, "Subject")
    layout.heading(1, subject)
    for name in _HEADERS[:-1]:
        value = _header(message, name)
        if value:
            layout.item(f"{name}: {value}")
    _add_body(layout, message, tick)
    names = [member.name for member in attachments(data)]
    if names:
        layout.paragraph("Attachments: " + ", ".join(names))
    return Extracted(layout.text())


def attachments(data: bytes) -> Iterator[Member]:
    """The attached files of a message, an attached message as ``.eml``."""
    message = _parsed(data)
    modified = _sent(message)
    body = _body(message)
    for number, part in enumerate(_parts(message)):
        name = part.get_filename() or ""
        if part is body or (part.is_multipart() and part.get_content_type() != "message/rfc822"):
            continue
        if part.get_content_disposition() != "attachment" and not name:
            continue
        if part.get_content_type() == "message/rfc822":
            name = f"{name.removesuffix('.eml') or f'message {number}'}.eml"
        safe = safe_name(name.replace("/", "_").replace("\\", "_")) or f"attachment {number}"

        def read(part: EmailMessage = part) -> bytes:
            return _content(part)

        yield Member(safe, modified, read)


def _parsed(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    known = ("from", "to", "subject", "date", "received", "message-id", "mime-version")
    if not isinstance(message, EmailMessage) or not any(name in message for name in known):
        raise UnusableFileError("is not an e-mail message: it has no headers")
    return message


def _parts(message: EmailMessage) -> list[EmailMessage]:
    """The parts of a message, without going into messages attached to it."""
    found: list[EmailMessage] = []
    waiting = [message]
    while waiting and len(found) < _MOST_PARTS:
        part = waiting.pop(0)
        found.append(part)
        if part.is_multipart() and part.get_content_type() != "message/rfc822":
            inner = [p for p in part.get_payload() if isinstance(p, EmailMessage)]
            waiting[:0] = inner
    return found


def _body(message: EmailMessage) -> EmailMessage | None:
    try:
        body = message.get_body(("plain", "html"))
    except (AttributeError, KeyError, RecursionError):
        return None
    return body if isinstance(body, EmailMessage) else None


def _add_body(layout: Layout, message: EmailMessage, tick: Tick) -> None:
    body = _body(message)
    if body is None:
        return
    text = decode(_content(body), body.get_content_charset() or "")
    if body.get_content_type() == "text/html":
        add_html(layout, text, tick, base=1)
        return
    for block in text.replace("\r\n", "\n").split("\n\n"):
        layout.paragraph(block)


def _content(part: EmailMessage) -> bytes:
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload(0)
        return inner.as_bytes() if isinstance(inner, EmailMessage) else b""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _header(message: EmailMessage, name: str) -> str:
    try:
        return flat(str(message[name] or ""))
    except Exception:  # The library fails in many ways on headers that break the rules.
        return ""


def _sent(message: EmailMessage) -> str:
    try:
        moment = parsedate_to_datetime(_header(message, "Date"))
        return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (TypeError, ValueError, OverflowError):
        return ""
