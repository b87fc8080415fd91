# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The named profiles, the profiles in files, and the operations in which a profile departs from the OpenAPI file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from simulator.profiles import Profile, UnknownSwitch, Value, likely, with_switches

_BODIES: dict[str, Value] = {
    "create_client_status": 201,
    "create_client_body": "client",
    "location": "absolute",
    "update_client_status": 200,
    "update_client_body": "client",
    "create_secret_body": "secret",
    "create_policy_status": 201,
    "client_list_details": "full",
}
_RENAMED: dict[str, Value] = {
    "secret_id_name": "secretId",
    "secret_created_name": "createdAt",
    "secret_expiration_name": "expiresAt",
}

# Section 13 of facts.md: what related APIs and the probable identity server suggest.
_DUENDE: dict[str, Value] = {
    "put_client_id": "required",
    "create_client_status": 201,
    "create_client_body": "links",
    "links_href": "null",
    "put_missing_members": "refuse",
    "duplicate_items": 400,
    "length_limits": True,
    "extra_members": True,
    "secret_id_type": "integer",
    "secret_types_listed": True,
    "secret_value": "null",
    "create_secret_body": "secret",
    "delete_missing_secret": 400,
    "token_invalid_client": "400",
    "unreadable_credentials": "invalid_request",
    "credential_length_max": 100,
    "basic_decoding": "form",
    "client_cache_seconds": 1.0,
    "clients_page_default": 10,
    "clients_page_max": 100,
    "policies_page_default": 10,
    "policies_page_max": 100,
    "policy_cursor_type": "integer",
    "policy_scope_form": "relative",
}

NAMED: Mapping[str, Mapping[str, Value]] = {
    "documented": {},
    "bodies": _BODIES,
    "echo": {"create_secret_body": "echo"},
    "silent": {
        "create_client_status": 204,
        "create_secret_status": 204,
        "create_policy_status": 204,
        "create_policy_body": "none",
        "delete_client_status": 200,
        "delete_secret_status": 200,
        "empty_secrets": "no_content",
        "delete_policy_status": 200,
        "error_body": "empty",
    },
    "envelopes": {
        "secrets_envelope": "items",
        "policies_envelope": "items",
        "permissions_envelope": "items",
        "scopes_envelope": "items",
        "actions_envelope": "items",
    },
    "envelopes_data": {
        "secrets_envelope": "data",
        "permissions_envelope": "data",
        "scopes_envelope": "data",
        "actions_envelope": "data",
    },
    "envelopes_named": {
        "secrets_envelope": "secrets",
        "policies_envelope": "policies",
        "permissions_envelope": "permissions",
        "scopes_envelope": "scopes",
        "actions_envelope": "actions",
    },
    "envelopes_results": {"secrets_envelope": "results", "policies_envelope": "results"},
    "envelopes_paged": {"secrets_envelope": "paged", "policies_envelope": "data", "scopes_envelope": "paged"},
    "bare": {
        "empty_secrets": "null",
        "secrets_envelope": "bare",
        "policies_envelope": "bare",
        "permissions_envelope": "bare",
    },
    "duende": _DUENDE,
    "integer_ids": {"secret_id_type": "integer"},
    "renamed_ids": _RENAMED,
    "renamed_ids_client": {
        "secret_id_name": "clientSecretId",
        "secret_created_name": "createdOn",
        "secret_expiration_name": "expires",
    },
    "opaque_subjects": {"client_subject": "opaque"},
    "anonymous_subjects": {"client_subject": "opaque_without_properties"},
    "put_only": {"update_method": "put"},
    "whole_put": {"put_client_id": "required", "put_missing_members": "refuse", "extra_members": True},
    "patch_only": {"update_method": "patch"},
    "no_update": {"update_method": "none", "delete_client_status": 405},
    "no_details": {"client_details": "basic", "client_list_details": "basic"},
    "details_in_list": {"client_list_details": "full", "extra_members": True},
    "small_pages": {"clients_page_max": 3, "policies_page_max": 3, "subjects_page_max": 10, "clients_page_default": 3},
    "refused_pages": {"clients_page_max": 50, "policies_page_max": 50, "page_size_over_max": "refuse"},
    "search_exact_case": {"search_text": "exact_case"},
    "search_prefix": {"search_text": "prefix"},
    "search_by_id_only": {"search_text": "id_only"},
    "search_everywhere": {"search_text": "everywhere"},
    "search_ignored": {"search_text": "ignored"},
    "slow": {"accept_delay": 2.0, "refuse_delay": 2.0},
    "flapping": {"accept_delay": 2.0, "refuse_delay": 2.0, "delay_flaps": True},
    "stale_lists": {"list_lag_requests": 2},
    "stale_lists_seconds": {"list_lag_seconds": 2.0},
    "capped": {"max_secrets": 2},
    "capped_409": {"max_secrets": 2, "max_secrets_status": 409},
    "no_descriptions": {"secret_descriptions": False},
    "problem_json": {"error_body": "problem"},
    "json_errors": {"error_body": "json"},
    "empty_errors": {"error_body": "empty", "create_secret_body": "request"},
    "html_errors": {"error_body": "html"},
    "text_errors": {"error_body": "text", "create_secret_body": "client"},
    "strict": {
        "duplicate_client_name": 409,
        "duplicate_policy": 409,
        "delete_missing_policy": 404,
        "duplicate_secret_value": 400,
        "secret_alphabet": "alphanumeric",
        "past_expiration": 400,
        "delete_last_secret": 409,
        "unknown_scope": 400,
        "put_missing_members": "refuse",
        "page_zero": "refuse",
        "page_size_over_max": "refuse",
        "iam_access": "admin",
        "basic_decoding": "form",
    },
    "lenient": {
        "duplicate_policy": 200,
        "delete_missing_policy": 204,
        "delete_missing_secret": 204,
        "delete_missing_client": 204,
        "unknown_subject": 200,
        "unknown_action": 200,
        "secret_description_required": False,
        "token_scope_required": False,
        "put_missing_members": "keep",
    },
    "token_400": {"token_invalid_client": "400"},
    "token_401": {"token_invalid_client": "401", "token_error_description": False},
    "scope_first": {"token_checks": "scope_first"},
    "cached_clients": {"client_cache_seconds": 1.5},
    "two_nodes": {"token_nodes": 2, "node_lag": 1.5},
    "short_tokens": {"token_lifetime": 3},
    "dying_tokens": {"issued_tokens": "die"},
    "no_scope_echo": {"token_scope_echo": False, "token_type": "bearer"},
    "cascade": {"cascade": True},
    "no_cascade": {"cascade": False},
    "links_hrefs": {"create_client_status": 201, "create_client_body": "links", "create_secret_body": "links"},
    "location_only": {"create_client_status": 201, "location": "relative"},
    "absolute_next_other_host": {"page_links": "other_host", "clients_page_default": 10, "clients_page_max": 10},
    "null_links": {"page_links": "null", "clients_page_max": 10},
    "cursor_string_empty": {"policy_cursor_end": "empty", "policies_page_max": 3},
    "cursor_absent": {"policy_cursor_end": "absent", "policies_page_max": 3},
    "page_zero": {"page_zero": "zero_based", "clients_page_max": 10},
    "page_zero_refused": {"page_zero": "refuse"},
    "offset_times": {"time_format": "offset"},
    "fraction_times": {"time_format": "fraction7"},
    "zoned_times": {"time_format": "other_zone"},
    "newest_first": {"list_order": "newest"},
    "loose_filters": {"policy_filters": "ignored", "policy_include_default": True},
    "root_actions": {"actions_prefix": "", "actions_shape": "tree", "scopes_shape": "string"},
    "nested_permissions": {"permission_shape": "nested"},
    "implied_permissions": {"permissions_implied": True, "permission_subject": "asked"},
    "groups_by_id": {
        "group_key": "id",
        "group_key_status": 400,
        "group_subject": "opaque",
        "groups_envelope": "items",
    },
    "groups_by_subject_id": {
        "group_key": "subject_id",
        "group_subject": "opaque",
        "groups_envelope": "bare",
        "create_group_status": 200,
        "memberships_nested": True,
    },
    "strict_groups": {
        "duplicate_group_name": 409,
        "existing_member": 409,
        "missing_member": 404,
        "unknown_member": 404,
        "members_per_request": 50,
        "groups_in_groups": False,
        "delete_group_status": 405,
    },
    "lenient_groups": {
        "unknown_member": 204,
        "member_change_status": 200,
        "delete_group_status": 200,
        "delete_missing_group": 204,
        "group_cascade": False,
        "group_members_listed": False,
        "permissions_through_groups": False,
    },
    "no_groups": {"groups": "missing"},
    "groups_forbidden": {"groups": "forbidden"},
}

_FOLDER = Path(__file__).with_name("profiles")
_NO_SWITCHES = ("name", "schema", "findings")
"""Members of a profile file that the simulator ignores."""


def every_profile() -> list[str]:
    """The names of all profiles: those in `NAMED`, and the files in profiles/ without `.json`."""
    return sorted({*NAMED, *(path.stem for path in _FOLDER.glob("*.json"))})


def named_profile(name: str, switches: Mapping[str, Value] | None = None) -> Profile:
    """The profile with this name or file, with some switches changed. Raises `UnknownSwitch` if it does not exist."""
    return with_switches(with_switches(Profile(), _switches_of(name)), switches or {})


def _switches_of(name: str) -> Mapping[str, Value]:
    if name in NAMED:
        return NAMED[name]
    ours = _FOLDER / f"{name}.json"
    path = ours if ours.is_file() else Path(name)
    if path.is_file():
        return read_profile(path)
    raise UnknownSwitch(f"there is no profile {name!r}; {likely(name, every_profile())}")


def read_profile(path: Path) -> Mapping[str, Value]:
    """The switches in a profile file, which is JSON or YAML."""
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UnknownSwitch(f"the profile file {path} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise UnknownSwitch(f"the profile file {path} is no mapping of switches to values")
    return {str(name): value for name, value in data.items() if name not in _NO_SWITCHES}


# A switch, the values that conform to the OpenAPI file, and the operations that it changes.
_CONFORMING: tuple[tuple[str, tuple[Value, ...], tuple[str, ...]], ...] = (
    ("create_secret_status", (201,), ("createClientSecret",)),
    ("create_secret_body", ("none",), ("createClientSecret",)),
    ("empty_secrets", ("list",), ("listClientSecrets",)),
    ("policies_envelope", ("data", "paged"), ("listPolicies",)),
    ("policy_tenant", (True,), ("listPolicies", "createPolicy")),
    ("create_policy_status", (200, 201), ("createPolicy",)),
    ("create_policy_body", ("policy",), ("createPolicy",)),
    ("permissions_envelope", ("paged",), ("getClientPermissions", "getSubjectPermissions", "getGroupPermissions")),
    (
        "permission_shape",
        ("policy", "action"),
        ("getClientPermissions", "getSubjectPermissions", "getGroupPermissions"),
    ),
    ("scopes_envelope", ("bare",), ("listScopes",)),
    ("scopes_shape", ("object",), ("listScopes",)),
    ("actions_envelope", ("bare",), ("listActions",)),
    ("groups_envelope", ("flat",), ("listGroups", "listGroupMembers", "getSubjectMemberships")),
    ("page_links", ("absolute", "null", "other_host"), ("listClients",)),
    ("error_body", ("problem", "json", "empty"), ("errors",)),
)


def departures(profile: Profile) -> frozenset[str]:
    """The operations (or `errors`) whose answers differ from the OpenAPI file on purpose under this profile."""
    found = {
        operation
        for switch, conforming, operations in _CONFORMING
        if getattr(profile, switch) not in conforming
        for operation in operations
    }
    created = (profile.create_client_status, profile.create_client_body)
    if created not in {(200, "none"), (201, "client"), (201, "links")}:
        found.add("createClient")
    if (profile.update_client_status, profile.update_client_body) == (200, "none"):
        found.add("updateClient")
    return frozenset(found)
