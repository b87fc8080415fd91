# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fuzz tests feed to the parsers: JSON of any shape with the names that they look for, and damaged texts."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import IamError

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))

FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
"""Few examples in the ordinary run; ``make fuzz`` sets FUZZ_EXAMPLES."""

CANARY = "CanaryCanaryCanary0123456789Zz"
"""A secret. No message may hold it."""

_NAMES = (
    *("items", "data", "results", "value", "metadata", "links", "page", "pageSize", "totalCount", "totalPages", "next"),
    *("cursor", "hasMore", "clientId", "client_id", "id", "name", "description", "allowedScopes", "redirectUris"),
    *("secretId", "expiration", "created", "subjectId", "$type", "properties", "subject", "action", "scope", "href"),
    *("error", "error_description", "errors", "title", "detail", "message", "access_token", "expires_in", "token_type"),
    *(
        "schema",
        "version",
        "current",
        "pending",
        "previous",
        "rotation_id",
        "secret_id",
        "created_at",
        "lease",
        "owner",
    ),
    *("token", "renew_at", "salt", "verifier", "self"),
)
_TEXTS = (
    *("", " ", "²", "9" * 5000, "http://[", "//[", "/v1/clients/c1", "/v1/clients/", "%", "\ud800", "\x00", "Bearer"),
    *("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-12:00", "2026-11-24T10:00:00.1234567Z", "invalid_client"),
    *("inf", "nan", "1e999", "null"),
)

text = st.one_of(st.sampled_from(_TEXTS), st.text(max_size=20))
number = st.one_of(st.integers(), st.just(10**400), st.floats(), st.just(-1), st.just(0))
leaf = st.one_of(st.none(), st.booleans(), number, text)
name = st.one_of(st.sampled_from(_NAMES), st.text(max_size=8))


def _grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.lists(inner, max_size=4), st.dictionaries(name, inner, max_size=6))


def nested(depth: int, key: str | None = None) -> Any:
    """Lists, or objects with one member ``key``, each in the next."""
    data: Any = []
    for _each in range(depth):
        data = [data] if key is None else {key: data}
    return data


deep = st.builds(nested, st.integers(1, 400), st.sampled_from([None, "errors", "links", "data", "self"]))
shallow = st.recursive(leaf, _grown, max_leaves=20)
value = st.one_of(shallow, deep)
objects = st.dictionaries(name, st.recursive(leaf, _grown, max_leaves=8), max_size=8)


def written(data: Any) -> bytes:
    """The data as a server sends it. Lone surrogates are written as JSON escapes them."""
    return json.dumps(data).encode()


_whole = st.one_of(value, objects).map(written)


@st.composite
def _damaged(draw: Callable[..., Any]) -> bytes:
    whole = draw(_whole)
    at = draw(st.integers(0, max(0, len(whole) - 1)))
    return bytes(whole[:at] + draw(st.binary(max_size=3)) + whole[at + draw(st.integers(0, 3)) :])


body = st.one_of(_whole, _damaged(), st.binary(max_size=60), text.map(lambda each: each.encode(errors="replace")))


def tried(call: Callable[[], Any], *, secret: str = CANARY) -> Any:
    """What ``call`` answers; None when it raises an error of ours. That error shows no secret."""
    try:
        return call()
    except IamError as error:
        shown = json.dumps(error.to_result(), default=str)
    assert secret not in shown
    return None
