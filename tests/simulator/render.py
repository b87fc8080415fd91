# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of answers under a profile: envelopes, times, errors, links."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from http.client import responses
from typing import Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from simulator.call import ApiError, Call
from simulator.profiles import Profile

_UTC = timezone(timedelta())
_OTHER_ZONE = timezone(timedelta(hours=2))


def time_text(profile: Profile, seconds: float | None) -> str | None:
    """An RFC 3339 time in the format of the profile."""
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, _UTC).replace(tzinfo=None)
    whole = moment.strftime("%Y-%m-%dT%H:%M:%S")
    if profile.time_format == "offset":
        return f"{whole}+00:00"
    if profile.time_format == "fraction":
        return f"{whole}.{moment.microsecond // 1000:03d}Z"
    if profile.time_format == "fraction7":
        return f"{whole}.{moment.microsecond:06d}0+00:00"
    if profile.time_format == "other_zone":
        return datetime.fromtimestamp(int(seconds), _OTHER_ZONE).isoformat()
    return f"{whole}Z"


def parse_time(text: str) -> float:
    """Convert an RFC 3339 time to seconds since the epoch. Raises `ValueError` if it is invalid or has no zone."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.timestamp()


def no_content(status: int) -> Response:
    """An answer without a body."""
    return Response(status_code=status)


def maybe_body(status: int, content: Any, headers: dict[str, str] | None = None) -> Response:
    """An answer with the content as its body, if there is content and the status allows a body."""
    if content is None or status == HTTPStatus.NO_CONTENT:
        return Response(status_code=status, headers=headers)
    return JSONResponse(content, status_code=status, headers=headers)


def envelope(name: str, items: Sequence[Any]) -> Any:
    """A list that is not paged, bare or in an envelope."""
    if name == "bare":
        return list(items)
    if name == "paged":
        return {
            "data": list(items),
            "page": 1,
            "pageSize": max(len(items), 10),
            "count": len(items),
            "total": len(items),
            "totalPages": 1,
        }
    return {name: list(items)}


def created_links(call: Call, path: str) -> list[dict[str, str | None]]:
    """The links to a created object, which some creates return. The profile sets version and href."""
    href = f"{call.iam_url}/{call.profile.links_version}{path}" if call.profile.links_href == "url" else None
    return [
        {"rel": "self", "href": href, "method": "GET"},
        {"rel": "delete", "href": href, "method": "DELETE"},
    ]


def location(call: Call, path: str) -> dict[str, str]:
    """The Location header of a create, if the profile has one."""
    if call.profile.location == "none":
        return {}
    prefix = call.iam_url if call.profile.location == "absolute" else call.profile.base_path
    return {"Location": f"{prefix}/v1{path}"}


def page_link(call: Call, page: int | None) -> str | None:
    """A link to a page of clients."""
    if page is None or call.profile.page_links == "null":
        return None
    query = urlencode({**call.query, "page": page})
    path = f"{call.profile.base_path}/v1/clients?{query}"
    if call.profile.page_links == "relative":
        return path
    if call.profile.page_links == "other_host":
        return f"https://iam.example.org{path.replace('/v1/', '/v0/')}"
    return call.base_url + path


def error_response(profile: Profile, error: ApiError) -> Response:
    """An error in the form of the profile."""
    return error_body(profile.error_body, error.status, error.detail, error.members)


def error_body(kind: str, status: int, detail: str, members: dict[str, list[str]] | None = None) -> Response:
    """An error body of this kind: empty, html, text, json or problem (RFC 9457)."""
    title = responses.get(status, "Error")
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else {}
    if kind == "empty":
        return Response(status_code=status, headers=headers)
    if kind == "html":
        page = f"<html><head><title>{status} {title}</title></head><body><h1>{title}</h1></body></html>"
        return Response(page, status_code=status, media_type="text/html", headers=headers)
    if kind == "text":
        return Response(f"{title}: {detail}", status_code=status, media_type="text/plain", headers=headers)
    problem: dict[str, Any] = {"title": title, "status": status, "detail": detail, "traceId": uuid.uuid4().hex}
    if members:
        problem["errors"] = members
    media_type = "application/json" if kind == "json" else "application/problem+json"
    return Response(json.dumps(problem), status_code=status, media_type=media_type, headers=headers)
