# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The open questions of the contract, by their row in ``docs/contract.md``.

The names and values are the switches of the simulator. The first value is what the documentation says or suggests; the
collection also works with the others. A single value stands for any value of its type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Value: TypeAlias = "str | int | float | bool"

_YES_NO = (True, False)
_NO_YES = (False, True)
_BARE = ("bare", "items", "data", "results", "secrets", "policies", "permissions", "scopes", "actions", "paged")


def _first(name: str) -> tuple[str, ...]:
    return (name, *(other for other in _BARE if other != name))


OPEN: Mapping[str, Mapping[str, Value | tuple[Value, ...]]] = {
    "U1": {
        "create_client_status": (200, 201, 202, 204),
        "create_client_body": ("none", "client", "id", "links"),
        "location": ("none", "absolute", "relative"),
    },
    "13.2": {"links_href": ("url", "null")},
    "U2": {
        "update_method": ("put", "patch", "both", "none"),
        "update_client_status": (204, 200),
        "update_client_body": ("none", "client"),
        "put_missing_members": ("clear", "keep", "refuse"),
        "put_client_id": ("ignored", "required"),
    },
    "U3": {
        "delete_client_status": (204, 200, 405),
        "delete_missing_client": (404, 204, 200),
        "cascade": _YES_NO,
    },
    "13.15": {"duplicate_items": (200, 400), "length_limits": _NO_YES},
    "U4": {
        "client_details": ("full", "basic"),
        "client_list_details": ("basic", "full"),
        "extra_members": _NO_YES,
    },
    "U5": {
        "secrets_envelope": _BARE,
        "empty_secrets": ("list", "null", "no_content"),
        "secret_id_name": "id",
        "secret_id_type": ("uuid", "integer"),
        "secret_created_name": "created",
        "secret_expiration_name": "expiration",
        "secret_descriptions": _YES_NO,
        "secret_description_form": ("as_sent", "upper_case", "cut"),
        "secret_value": ("absent", "null", "masked"),
        "expired_secrets_listed": _YES_NO,
        "list_order": ("oldest", "newest"),
        "time_format": ("z", "offset", "fraction", "fraction7", "other_zone"),
    },
    "13.14": {"secret_types_listed": _NO_YES},
    "U6": {
        "delete_secret_status": (204, 200),
        "delete_missing_secret": (404, 204, 400),
        "delete_last_secret": (204, 400, 409),
    },
    "U7": {
        "create_secret_status": (201, 200, 204),
        "create_secret_body": ("none", "secret", "echo", "links", "client", "request"),
    },
    "U8": {
        "secret_alphabet": ("any", "alphanumeric"),
        "duplicate_secret_value": (201, 400, 409),
        "max_secrets": 0,
        "max_secrets_status": (400, 409, 422),
        "past_expiration": (201, 400),
    },
    "U9": {
        "accept_delay": 0.0,
        "refuse_delay": 0.0,
        "delay_flaps": _NO_YES,
        "token_nodes": 1,
        "node_lag": 0.0,
    },
    "13.12": {"client_cache_seconds": 0.0},
    "U10": {"issued_tokens": ("live", "die")},
    "U11": {
        "policies_envelope": _first("data"),
        "policies_page_default": 100,
        "policies_page_max": 1000,
        "policy_cursor_end": ("null", "absent", "empty"),
        "policy_filters": ("exact", "prefix", "ignored"),
        "policy_include_default": _NO_YES,
    },
    "13.7": {"policy_cursor_type": ("text", "integer")},
    "U12": {
        "create_policy_status": (200, 201, 204),
        "create_policy_body": ("policy", "none"),
        "duplicate_policy": (200, 400, 409),
        "delete_policy_status": (204, 200),
        "delete_missing_policy": (404, 204, 200),
        "unknown_subject": (400, 404, 200),
        "unknown_action": (400, 200),
    },
    "U13": {
        "permissions_envelope": _first("paged"),
        "permission_shape": ("policy", "nested", "action"),
        "permissions_through_groups": _YES_NO,
        "permissions_implied": _NO_YES,
        "permission_subject": ("holder", "asked"),
    },
    "U14": {
        "scopes_envelope": _BARE,
        "scopes_shape": ("object", "string"),
        "actions_prefix": ("/v1", ""),
        "actions_envelope": _BARE,
        "actions_shape": ("string", "object", "tree"),
        "unknown_scope": (200, 400),
    },
    "U15": {"client_subject": ("client_id", "opaque", "opaque_without_properties")},
    "U16": {
        "group_key": ("both", "id", "subject_id"),
        "group_key_status": (404, 400),
        "group_subject": ("group_id", "opaque"),
    },
    "U17": {
        "error_body": ("problem", "json", "empty", "html", "text"),
        "not_found_status": (404, 400, 403),
    },
    "U18": {
        "token_invalid_client": ("rfc", "400", "401"),
        "token_error_description": _YES_NO,
        "unknown_tenant": ("404", "invalid_client"),
    },
    "13.10": {"unreadable_credentials": ("invalid_client", "invalid_request"), "credential_length_max": 0},
    "13.11": {"token_checks": ("secret_first", "scope_first")},
    "U20": {"iam_access": ("scope", "admin")},
    "U21": {
        "duplicate_client_name": (200, 400, 409),
        "search_text": ("contains", "exact_case", "prefix", "id_only", "everywhere", "ignored"),
    },
    "U22": {
        "clients_page_default": 50,
        "clients_page_max": 200,
        "page_size_over_max": ("clamp", "refuse"),
    },
    "11.1": {"subjects_page_max": 200, "groups_envelope": ("flat", "items", "bare")},
    "11.3": {"page_zero": ("first", "refuse", "zero_based")},
    "11.5": {"secret_description_required": _YES_NO},
    "11.6": {"policy_scope_form": ("any", "relative", "absolute")},
    "11.7": {"policy_tenant": _YES_NO},
    "11.9": {"create_group_status": (201, 200), "member_change_status": (204, 200)},
    "11.10": {"page_links": ("absolute", "relative", "null", "other_host"), "links_version": ("v0", "v1")},
    "11.11": {"token_lifetime": 3600},
    "11.14": {"groups_in_groups": _YES_NO},
    "13.4": {"group_cascade": _YES_NO},
    "4": {"memberships_nested": _NO_YES},
    "5": {
        "groups": ("offered", "missing", "forbidden"),
        "duplicate_group_name": (200, 400, 409),
        "delete_group_status": (204, 200, 405),
        "delete_missing_group": (404, 204),
        "group_members_listed": _YES_NO,
        "members_per_request": 0,
        "existing_member": (204, 400, 409),
        "missing_member": (204, 400, 404),
        "unknown_member": (400, 404, 204),
    },
    "7": {"me_for_client": (200, 403, 404)},
    "8": {
        "token_scope_echo": _YES_NO,
        "token_scope_required": _YES_NO,
        "token_type": "Bearer",
        "basic_decoding": ("either", "form", "raw"),
    },
    "9": {"list_lag_seconds": 0.0, "list_lag_requests": 0},
}

ROW_OF = {name: row for row, names in OPEN.items() for name in names}
_VALUES = {name: values for names in OPEN.values() for name, values in names.items()}


def is_known(name: str, value: Value) -> bool:
    """Whether the collection and the simulator know this answer."""
    values = _VALUES[name]
    if isinstance(values, tuple):
        return any(value == each and type(value) is type(each) for each in values)
    return type(value) is type(values)


def is_assumed(name: str, value: Value) -> bool:
    """Whether this is what the documentation says or suggests."""
    values = _VALUES[name]
    return value == (values[0] if isinstance(values, tuple) else values)
