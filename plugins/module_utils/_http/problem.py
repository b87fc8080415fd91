# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns a failed request into an error that says what to do."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .._core.errors import (
    AmbiguousError,
    ApiError,
    AuthenticationError,
    ConflictError,
    ContractError,
    NotFoundError,
    PermissionDeniedError,
    TransportError,
)
from .._core.redaction import escaped
from .._core.time import format_timestamp, now
from .connection import Connection
from .document import MOST_VALUES, is_excessive, parse_json
from .loss import Lost
from .retry import Budget, Repeats, retry_after, send_patiently
from .transport import Reply

LONGEST_EXCERPT = 300
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_HTML = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|title|h1|center)\b", re.IGNORECASE | re.DOTALL
)

_KINDS: dict[int, type[ApiError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    410: NotFoundError,
}
_HINTS = {
    403: "The admin token must have the scope services.iam (auth_scope), and its client IAM admin permission.",
    404: "If every request ends like this, check that api_url is the part before /v1.",
}
_NOT_VALID = "The API does not accept access_token. It may have expired."
_NOT_ACCEPTED = (
    "The API does not accept the token of auth_client_id. Check that api_url and the token endpoint (tenant, "
    "identity_url, token_url) belong together, and check auth_scope."
)


@dataclass(frozen=True)
class Call:
    """A request, for messages. ``url`` has no query; ``option`` is the option that ``url`` comes from."""

    operation: str
    method: str
    url: str
    option: str
    redact: Callable[[str], str]

    def __str__(self) -> str:
        return f"{self.operation}: {self.method} {self.redact(self.url)}"

    def details(self) -> dict[str, Any]:
        """The members of ``failure`` that describe the request."""
        return {"operation": self.operation, "method": self.method, "url": self.redact(self.url)}


def answered(connection: Connection, call: Call, send: Callable[[float], Reply], repeats: Repeats) -> tuple[Reply, str]:
    """The last reply within the retry budget, and the attempts and time. Raises ``TransportError`` if none came."""
    budget = Budget(connection.retry_budget, timeout=connection.request_timeout)
    try:
        reply = send_patiently(send, repeats, budget)
    except Lost as lost:
        raise lost_error(call, lost, budget.spent(), write=repeats is not Repeats.READ) from None
    return reply, budget.spent()


def status_error(call: Call, reply: Reply, spent: str, *, token_given: bool) -> ApiError:
    """The error for a reply with an error status."""
    # An HTML page with 404 does not prove that the object does not exist.
    page = reply.status == 404 and is_html(reply)
    error_type = ApiError if page else _KINDS.get(reply.status, ApiError)
    message, hint = f"{call} answered {reply.status}: {explain(reply, call.redact)}.", _HINTS.get(reply.status, "")
    wait = retry_after(reply.headers)
    if reply.status == 401:
        hint = _NOT_VALID if token_given else _NOT_ACCEPTED
    elif 300 <= reply.status < 400:
        message = f"{call} answered {reply.status}, a redirect to {_target(reply, call)}, which is not followed."
        hint = f"Set {call.option} to the address of the API."
    elif reply.status == 429 or reply.status >= 500:
        message += f" Given up after {spent}."
        hint = _wait_hint(wait)
    details = call.details() if wait is None else {**call.details(), "retry_after": round(wait)}
    return error_type(message, status=reply.status, hint=hint, **details)


def lost_error(call: Call, lost: Lost, spent: str, *, write: bool) -> TransportError:
    """The error for a lost answer. It is ambiguous for a write that may have been carried out."""
    details = {**call.details(), "reason": lost.reason, "sent": lost.sent}
    message = f"{call}: {lost.reason}; given up after {spent}."
    hint = lost.hint or (
        f"Check {call.option}, the network and its proxies, or allow more with request_timeout and retry_budget."
    )
    if write and lost.sent:
        return AmbiguousError(f"{message} The request may have been carried out.", hint=hint, **details)
    return TransportError(message, hint=hint, **details)


def ambiguous_error(call: Call, reply: Reply) -> AmbiguousError:
    """The error for an answer that does not say whether an object was created."""
    return AmbiguousError(
        f"{call} answered {reply.status}: {explain(reply, call.redact)}. The request may have been carried out.",
        hint="Check that before you repeat it. Running the task again does so.",
        **call.details(),
        status=reply.status,
    )


def read_json(call: Call, reply: Reply) -> Any:
    """The JSON value of a body, None if the body is empty. Raises ``ContractError``."""
    if not reply.body.strip():
        return None
    try:
        return parse_json(reply.body)
    except ValueError:
        raise ContractError(
            f"{call} answered {reply.status} with {_described(reply, call.redact)} where JSON was expected.",
            hint=f"Check that {call.option} is the address of the API, and whether a proxy or a gateway answered.",
            **call.details(),
            status=reply.status,
            expected="JSON",
        ) from None


def explain(reply: Reply, redact: Callable[[str], str]) -> str:
    """The server's explanation of an error: redacted, on one line, at most 300 characters."""
    try:
        document = parse_json(reply.body)
    except ValueError:
        return _described(reply, redact)
    texts = [document] if isinstance(document, str) else list(_explanations(document))
    once = dict.fromkeys(text.strip().rstrip(".") for text in texts)
    return excerpt("; ".join(once), redact) or "no explanation"


def _explanations(document: Any) -> Iterator[str]:
    """The texts of problem+json (RFC 9457), of OAuth errors, and of the common ``message``."""
    if not isinstance(document, Mapping):
        return
    for name in ("title", "detail", "error", "error_description", "message"):
        value = document.get(name)
        if isinstance(value, Mapping):
            yield from _explanations(value)
        elif isinstance(value, str) and value:
            yield value
    yield from _field_errors(document.get("errors"))


def _field_errors(errors: Any) -> Iterator[str]:
    if isinstance(errors, Mapping):
        for name, texts in errors.items():
            listed = texts if isinstance(texts, list) else [texts]
            yield f"{name}: " + ", ".join(each for each in listed if isinstance(each, str))
    elif isinstance(errors, list):
        for each in errors:
            if isinstance(each, str):
                yield each
            else:
                yield from _explanations(each)


def _described(reply: Reply, redact: Callable[[str], str]) -> str:
    if not reply.body.strip():
        return "an empty body" if 200 <= reply.status < 300 else "no explanation"
    if is_html(reply):
        title = _TITLE.search(reply.body)
        text = excerpt(html.unescape(title.group(1).decode(errors="replace")), redact) if title else ""
        return f"an HTML page titled {text!r}" if text else "an HTML page"
    if reply.body.lstrip()[:1] in (b"{", b"["):
        large = is_excessive(reply.body)
        return f"JSON of more than {MOST_VALUES} values" if large else "JSON that is cut off, broken or nested too deep"
    return f"the text {excerpt(reply.body.decode(errors='replace'), redact)!r}"


def is_html(reply: Reply) -> bool:
    """Whether a body is an HTML page, by its type or its beginning."""
    return "html" in reply.headers.get("Content-Type", "").lower() or bool(_HTML.match(reply.body[:2000]))


def excerpt(text: str, redact: Callable[[str], str]) -> str:
    """A server's text for a message: redacted, escaped, on one line, at most 300 characters."""
    line = escaped(" ".join(redact(text).split()))
    return line if len(line) <= LONGEST_EXCERPT else line[: LONGEST_EXCERPT - 1] + "…"


def _target(reply: Reply, call: Call) -> str:
    location = reply.headers.get("Location", "")
    host = location.split("://", 1)[-1].split("/", 1)[0] if "://" in location or location.startswith("//") else ""
    return excerpt(host.rpartition("@")[2], call.redact) or "another address"


def _wait_hint(wait: float | None) -> str:
    if wait is None:
        return "Try again later, or allow more repetitions with retry_budget."
    moment = format_timestamp(now() + timedelta(seconds=min(wait, 10 * 365 * 86400)))
    return f"The server asks to wait {wait:.0f} s. Try again after {moment}, or set retry_budget to more than that."
