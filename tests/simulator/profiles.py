# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switches: one field for each open point of the contract (facts.md, sections 10, 11 and 13).

A switch has a default, the number of its fact, a line of documentation, and the allowed values. If none are listed,
any value of the type of the default is allowed. The defaults are the profile `documented`.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Collection, Mapping
from typing import Any

Value = str | int | float | bool


def _switch(default: Value, fact: str, doc: str, values: tuple[Value, ...] = ()) -> Any:
    describe: Callable[..., Any] = dataclasses.field
    return describe(default=default, metadata={"fact": fact, "doc": doc, "values": values, "type": type(default)})


_YES_NO = (True, False)
_ENVELOPES = ("bare", "items", "data", "results", "secrets", "policies", "permissions", "scopes", "actions", "paged")


@dataclasses.dataclass(frozen=True)
class Profile:
    """A value for each switch."""

    create_client_status: int = _switch(200, "U1", "status of a create", (200, 201, 202, 204))
    create_client_body: str = _switch("none", "U1", "body of the answer to a create", ("none", "client", "id", "links"))
    location: str = _switch("none", "U1", "Location header of a create", ("none", "absolute", "relative"))
    links_href: str = _switch("url", "13.2", "href in the links in the answer to a create", ("url", "null"))
    update_method: str = _switch("put", "U2", "method that updates a client", ("put", "patch", "both", "none"))
    update_client_status: int = _switch(204, "U2", "status of an update", (200, 204))
    update_client_body: str = _switch("none", "U2", "body of the answer to an update", ("none", "client"))
    put_missing_members: str = _switch("clear", "U2", "members that a PUT leaves out", ("clear", "keep", "refuse"))
    put_client_id: str = _switch("ignored", "U2", "the id of the client in a PUT", ("ignored", "required"))
    delete_client_status: int = _switch(204, "U3", "status of a delete; 405: not allowed", (200, 204, 405))
    delete_missing_client: int = _switch(404, "U3", "deleting a client that does not exist", (404, 204, 200))
    cascade: bool = _switch(True, "U3", "deleting a client deletes its policies and memberships", _YES_NO)
    duplicate_items: int = _switch(
        200, "13.15", "the same grant, scope or URI twice in a client; 200: accepted", (200, 400)
    )
    length_limits: bool = _switch(
        False,
        "13.15",
        "refuses names over 200 characters, descriptions over 1000 (secrets: 2000), grants over 250, scopes over 200, "
        "URIs over 400",
        _YES_NO,
    )
    client_details: str = _switch("full", "U4", "GET of one client", ("full", "basic"))
    client_list_details: str = _switch("basic", "U4", "entries of the client list", ("basic", "full"))
    extra_members: bool = _switch(False, "U4", "objects have undocumented members", _YES_NO)
    secrets_envelope: str = _switch("bare", "U5", "envelope of the list of secrets", _ENVELOPES)
    empty_secrets: str = _switch("list", "U5", "the list of a client without secrets", ("list", "null", "no_content"))
    secret_id_name: str = _switch("id", "U5", "member with the id of a secret")
    secret_id_type: str = _switch("uuid", "U5", "type of the id of a secret", ("uuid", "integer"))
    secret_id_positions: bool = _switch(False, "U5", "ids are positions in the list, and change with it", _YES_NO)
    secret_created_name: str = _switch("created", "U5", "member with the time of creation; empty: absent")
    secret_expiration_name: str = _switch("expiration", "U5", "member with the expiration")
    secret_descriptions: bool = _switch(True, "U5", "the list of secrets shows descriptions", _YES_NO)
    secret_description_form: str = _switch(
        "as_sent", "U5", "descriptions in the list of secrets", ("as_sent", "upper_case", "cut")
    )
    secret_value: str = _switch("absent", "U5", "the value in the list of secrets", ("absent", "null", "masked"))
    secret_types_listed: bool = _switch(False, "13.14", "the list of secrets shows types", _YES_NO)
    expired_secrets_listed: bool = _switch(True, "U5", "expired secrets stay in the list", _YES_NO)
    list_order: str = _switch("oldest", "U5", "order of clients and secrets", ("oldest", "newest"))
    time_format: str = _switch("z", "U5", "format of times", ("z", "offset", "fraction", "fraction7", "other_zone"))
    delete_secret_status: int = _switch(204, "U6", "status of deleting a secret", (200, 204))
    delete_missing_secret: int = _switch(404, "U6", "deleting a secret that does not exist", (404, 204, 400))
    delete_last_secret: int = _switch(204, "U6", "deleting the last secret; 204: allowed", (204, 400, 409))
    create_secret_status: int = _switch(201, "U7", "status of adding a secret", (200, 201, 204))
    create_secret_body: str = _switch(
        "none", "U7", "body of the answer to adding a secret", ("none", "secret", "echo", "links", "client", "request")
    )
    secret_alphabet: str = _switch("any", "U8", "characters that a value may have", ("any", "alphanumeric"))
    duplicate_secret_value: int = _switch(201, "U8", "adding the same value again; 201: accepted", (201, 400, 409))
    max_secrets: int = _switch(0, "U8", "maximum number of secrets of one client; 0: no limit")
    max_secrets_status: int = _switch(400, "U8", "status at the limit", (400, 409, 422))
    past_expiration: int = _switch(201, "U8", "an expiration in the past; 201: accepted", (201, 400))
    accept_delay: float = _switch(0.0, "U9", "seconds until a new secret is accepted")
    refuse_delay: float = _switch(0.0, "U9", "seconds until a deleted secret or client is refused")
    delay_flaps: bool = _switch(False, "U9", "during a delay every second exchange sees the new state", _YES_NO)
    client_cache_seconds: float = _switch(
        0.0, "13.12", "seconds that the token endpoint caches a client and its secrets after an exchange"
    )
    token_nodes: int = _switch(1, "U9", "nodes of the token endpoint; each connection reaches the next node")
    node_lag: float = _switch(0.0, "U9", "seconds that each node is behind the one before it")
    issued_tokens: str = _switch("live", "U10", "tokens after their secret or client was deleted", ("live", "die"))
    policies_envelope: str = _switch("data", "U11", "name of the array of policies", _ENVELOPES)
    policies_page_default: int = _switch(100, "U11", "policies on a page if the request has no page size")
    policies_page_max: int = _switch(1000, "U11", "maximum number of policies on a page")
    policy_cursor_end: str = _switch("null", "U11", "cursor of the last page", ("null", "absent", "empty"))
    policy_cursor_type: str = _switch("text", "13.7", "type of a cursor to a next page", ("text", "integer"))
    policy_filters: str = _switch("exact", "U11", "how the filters match", ("exact", "prefix", "ignored"))
    policy_include_default: bool = _switch(False, "U11", "default of the include flags", _YES_NO)
    create_policy_status: int = _switch(200, "U12", "status of creating a policy", (200, 201, 204))
    create_policy_body: str = _switch("policy", "U12", "body of the answer to creating a policy", ("policy", "none"))
    duplicate_policy: int = _switch(200, "U12", "creating a policy that exists", (200, 400, 409))
    delete_policy_status: int = _switch(204, "U12", "status of deleting a policy", (200, 204))
    delete_missing_policy: int = _switch(404, "U12", "deleting a policy that does not exist", (404, 204, 200))
    unknown_subject: int = _switch(400, "U12", "a policy for an unknown subject; 200: accepted", (400, 404, 200))
    unknown_action: int = _switch(400, "U12", "a policy for an unknown action; 200: accepted", (400, 200))
    permissions_envelope: str = _switch("paged", "U13", "envelope of permissions", _ENVELOPES)
    permission_shape: str = _switch("policy", "U13", "shape of a permission", ("policy", "nested", "action"))
    scopes_envelope: str = _switch("bare", "U14", "envelope of scopes", _ENVELOPES)
    scopes_shape: str = _switch("object", "U14", "shape of a scope", ("object", "string"))
    actions_prefix: str = _switch("/v1", "U14", "the path before /actions", ("/v1", ""))
    actions_envelope: str = _switch("bare", "U14", "envelope of actions", _ENVELOPES)
    actions_shape: str = _switch("string", "U14", "shape of an action", ("string", "object", "tree"))
    unknown_scope: int = _switch(200, "U14", "a client with an unknown allowed scope; 200: accepted", (200, 400))
    client_subject: str = _switch(
        "client_id", "U15", "id of a client's subject", ("client_id", "opaque", "opaque_without_properties")
    )
    group_key: str = _switch("both", "U16", "which ids {groupSubjectId} accepts", ("both", "id", "subject_id"))
    group_key_status: int = _switch(404, "U16", "status if it is the other id", (404, 400))
    group_subject: str = _switch("group_id", "U16", "the part after group- in a subject id", ("group_id", "opaque"))
    error_body: str = _switch("problem", "U17", "body of an error", ("problem", "json", "empty", "html", "text"))
    not_found_status: int = _switch(404, "U17", "status for a client that does not exist", (404, 400, 403))
    token_invalid_client: str = _switch("rfc", "U18", "status of invalid_client", ("rfc", "400", "401"))
    token_error_description: bool = _switch(True, "U18", "token errors have a description", _YES_NO)
    unreadable_credentials: str = _switch(
        "invalid_client", "13.10", "error for unreadable Basic credentials", ("invalid_client", "invalid_request")
    )
    credential_length_max: int = _switch(
        0, "13.10", "maximum length of the client id and secret in a token request; 0: no limit"
    )
    token_checks: str = _switch(
        "secret_first", "13.11", "what is checked first, secret or grant and scope", ("secret_first", "scope_first")
    )
    unknown_tenant: str = _switch("404", "U18", "token URL of an unknown tenant", ("404", "invalid_client"))
    base_path: str = _switch("/core/iam", "U19", "the part before /v1")
    iam_access: str = _switch(
        "scope", "U20", "who may write: any client with the scope, or the admin", ("scope", "admin")
    )
    stored_client_name: str = _switch(
        "as_sent", "U21", "how the name of a client is stored", ("as_sent", "composed", "trimmed", "lower_case", "cut")
    )
    duplicate_client_name: int = _switch(200, "U21", "a client name that exists; 200: accepted", (200, 400, 409))
    search_text: str = _switch(
        "contains",
        "U21",
        "how searchText matches",
        ("contains", "exact_case", "prefix", "id_only", "everywhere", "ignored"),
    )
    clients_page_default: int = _switch(50, "U22", "clients on a page if the request has no page size")
    clients_page_max: int = _switch(200, "U22", "maximum number of clients on a page")
    page_size_over_max: str = _switch("clamp", "U22", "a pageSize above the limit", ("clamp", "refuse"))
    subjects_page_max: int = _switch(200, "11.1", "maximum number of subjects on a page (at least 10)")
    page_zero: str = _switch("first", "11.3", "page=0", ("first", "refuse", "zero_based"))
    secret_description_required: bool = _switch(True, "11.5", "a secret must have a description", _YES_NO)
    policy_scope_form: str = _switch("any", "11.6", "scopes that a policy may have", ("any", "relative", "absolute"))
    policy_tenant: bool = _switch(True, "11.7", "policies have the tenant", _YES_NO)
    groups: str = _switch("offered", "5", "groups and memberships; forbidden: 403", ("offered", "missing", "forbidden"))
    groups_envelope: str = _switch("flat", "11.1", "envelope of groups and memberships", ("flat", "items", "bare"))
    create_group_status: int = _switch(201, "11.9", "status of creating a group", (200, 201))
    duplicate_group_name: int = _switch(200, "5", "a group name that exists; 200: accepted", (200, 400, 409))
    delete_group_status: int = _switch(204, "5", "status of deleting a group; 405: not allowed", (200, 204, 405))
    delete_missing_group: int = _switch(404, "5", "deleting a group that does not exist", (404, 204))
    group_cascade: bool = _switch(True, "13.4", "deleting a group deletes its policies", _YES_NO)
    group_members_listed: bool = _switch(True, "5", "the members of a group can be listed", _YES_NO)
    member_change_status: int = _switch(204, "11.9", "status of adding and removing members", (200, 204))
    members_per_request: int = _switch(0, "5", "maximum number of subjects in a request for members; 0: no limit")
    existing_member: int = _switch(204, "5", "adding a subject that is a member; 204: accepted", (204, 400, 409))
    missing_member: int = _switch(204, "5", "removing a subject that is not a member; 204: accepted", (204, 400, 404))
    unknown_member: int = _switch(400, "5", "adding a subject that does not exist; 204: ignored", (400, 404, 204))
    memberships_nested: bool = _switch(False, "4", "memberships include indirect groups", _YES_NO)
    permissions_through_groups: bool = _switch(True, "U13", "permissions include those of the groups", _YES_NO)
    permissions_implied: bool = _switch(False, "U13", "permissions include what a parent action implies", _YES_NO)
    permission_subject: str = _switch(
        "holder", "U13", "subject of a permission: of the policy, or of the request", ("holder", "asked")
    )
    page_links: str = _switch("absolute", "11.10", "links of a page", ("absolute", "relative", "null", "other_host"))
    links_version: str = _switch("v0", "11.10", "version in the links in the answer to a create", ("v0", "v1"))
    token_lifetime: int = _switch(3600, "11.11", "seconds that a token is valid")
    tenant_key: str = _switch("both", "11.13", "the tenant in the token URL", ("both", "name", "id"))
    groups_in_groups: bool = _switch(True, "11.14", "a group may be a member of a group", _YES_NO)
    token_scope_echo: bool = _switch(True, "8", "the token answer repeats the scope", _YES_NO)
    token_scope_required: bool = _switch(True, "8", "a token request must name a scope", _YES_NO)
    token_type: str = _switch("Bearer", "8", "token_type of the answer")
    basic_decoding: str = _switch("either", "8", "form-decoding of Basic credentials", ("form", "raw", "either"))
    me_for_client: int = _switch(200, "7", "GET /v1/me with a client token", (200, 403, 404))
    list_lag_seconds: float = _switch(0.0, "9", "how many seconds lists are behind")
    list_lag_requests: int = _switch(0, "9", "number of list requests that do not show a change yet")
    clock_offset: float = _switch(0.0, "9", "seconds that the clock of the server is ahead")


class UnknownSwitch(ValueError):
    """A switch or value does not exist; the message lists those that do."""


SWITCHES: Mapping[str, dataclasses.Field[Any]] = {field.name: field for field in dataclasses.fields(Profile)}


def parse_switch(name: str, value: Value) -> Value:
    """Convert the value of a switch to the type of its default, for example the text `true`, `3` or `0.5`."""
    if name not in SWITCHES:
        raise UnknownSwitch(f"there is no switch {name!r}; {likely(name, SWITCHES)}")
    field = SWITCHES[name]
    converted = _convert(name, value, field.metadata["type"])
    allowed = field.metadata["values"]
    if allowed and converted not in allowed:
        raise UnknownSwitch(f"switch {name} takes one of {', '.join(map(str, allowed))}, not {value!r}")
    return converted


def likely(name: str, known: Collection[str]) -> str:
    """A hint: the known names that are similar, or all of them."""
    near = difflib.get_close_matches(name, known, 1)
    return f"probably {near[0]} is meant" if near else f"there are: {', '.join(sorted(known))}"


def _convert(name: str, value: Value, wanted: type[Value]) -> Value:
    if wanted is bool:
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if str(value).lower() in words:
            return words[str(value).lower()]
        raise UnknownSwitch(f"switch {name} takes true or false, not {value!r}")
    try:
        return wanted(value)
    except (TypeError, ValueError) as error:
        raise UnknownSwitch(f"switch {name} takes a value of type {wanted.__name__}, not {value!r}") from error


def with_switches(profile: Profile, switches: Mapping[str, Value]) -> Profile:
    """The profile with some switches changed."""
    parsed: dict[str, Any] = {name: parse_switch(name, value) for name, value in switches.items()}
    return dataclasses.replace(profile, **parsed)
