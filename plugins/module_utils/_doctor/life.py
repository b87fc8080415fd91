# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Examines the life of a scratch client: create, update, secrets, policies, delete."""

from __future__ import annotations

import secrets
import string
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from .._core.time import format_timestamp, now
from .._http.session import Session
from .._iam.api import NOT_OFFERED, IamApi
from .._iam.contract import Policy, Secret, Subject, created_id, folded, read_model
from .._oauth.verdict import Verdict
from .known import Value
from .reading import (
    all_permissions,
    empty_form,
    error_of,
    permissions_of,
    record_client,
    record_grant,
    record_permissions,
    record_secrets,
    subject_kind,
    unused_id,
)
from .scratch import ABSOLUTE, DESCRIPTION, SCOPE, scratch_name
from .tokens import Asker, Wait, admin_asker, wait_for
from .visit import AS_ASSUMED, FORBIDDEN, TELL_US, Came, Id, Skip, Visit

_AT_ONCE = 4
_PAUSES = (*[0.0] * _AT_ONCE, *[0.25] * 48)
"""Seconds between reads that wait for a new object: some without a pause, then for twelve seconds."""
_ALPHABET = string.ascii_letters + string.digits


_LITERAL = MappingProxyType({"includeDerived": "false", "includeInherited": "false"})


def random_value() -> str:
    """A new value of letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _each in range(32))


def special_value() -> str:
    """A new value with characters that decoders may misread: a plus, a percent sign, a space."""
    return f"{random_value()[:24]}+%41 -"


NO_ID = Id("")


@dataclass
class Life:
    """The scratch client, and what is known of it so far."""

    visit: Visit
    name: str = field(default_factory=scratch_name)
    client_id: Id = NO_ID
    subject: str = ""
    deletes: bool = True
    values: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def scope(self) -> str:
        """The OAuth scope that it may request: the one of the doctor itself."""
        return self.visit.connection.auth_scope or "services.iam"

    @property
    def body(self) -> dict[str, Any]:
        """The body of the create request."""
        return {
            "name": self.name,
            "description": DESCRIPTION,
            "allowedGrantTypes": ["client_credentials"],
            "redirectUris": [],
            "allowedScopes": [self.scope],
        }

    def asker(self, value: str, scope: str | None = None) -> Asker:
        """An ``Asker`` for one of its secrets."""
        return Asker(self.visit, self.client_id, value, self.scope if scope is None else scope)


def begin_life(visit: Visit) -> Life:
    """Create the client and examine all but its deletion. An error ends only one part."""
    life = Life(visit)
    visit.parts((refusal_to_delete, create), life)
    if life.client_id:
        visit.parts((search, update, find_subject, first_secrets, more_secrets, policies), life)
    return life


def end_life(life: Life) -> None:
    """Delete the last secret and the client, then try to create clients that a server may refuse."""
    life.visit.parts((last_secret, delete, trials), life)


# --- the client


def refusal_to_delete(life: Life) -> None:
    """Delete a client that does not exist. This comes first: nothing may be created that cannot be deleted."""
    came = life.visit.ask("DELETE", "clients", unused_id())
    life.deletes = came.status not in (401, 403, *NOT_OFFERED)
    offered = 405 if came.status in NOT_OFFERED else None
    missing = life.visit.missing(came) if life.deletes else None
    life.visit.record(came, delete_client_status=offered, delete_missing_client=missing)


def create(life: Life) -> None:
    """Create the client, and measure how long lists take to show it."""
    visit = life.visit
    came, begun = visit.ask("POST", "clients", body=life.body), time.monotonic()
    answered = created_id(came.data, came.headers.get("Location"), "clients", ("clientid", "id", "key"))
    forms: dict[str, Value] = {}
    if came.ok:
        forms = {"create_client_body": _create_form(came), "location": _location_form(came), **_links(came)}
    visit.record(came, create_client_status=came.success, **forms)
    listed = came
    for misses, pause in enumerate(_PAUSES):
        time.sleep(pause)
        listed = visit.ask("GET", "clients", query={"searchText": life.name, "pageSize": 50})
        found = [each for each in visit.listed(listed, "clients") if folded(each).get("name") == life.name]
        if misses >= _AT_ONCE and not found:  # a search may not compare names
            with Session(visit.connection) as session:
                found = [each.document for each in IamApi(session).list_clients() if each.name == life.name]
        if found:
            life.client_id = Id(folded(found[0]).get("clientid") or answered or "")
            waited = time.monotonic() - begun
            late = round(waited, 1) if misses > _AT_ONCE else 0.0
            if late:  # the list of all clients may have shown it first
                listed = visit.ask("GET", "clients", query={"searchText": life.name, "pageSize": 50})
            visit.record(listed, list_lag_requests=misses if misses < _AT_ONCE else 0, list_lag_seconds=late)
            break
    else:
        visit.note(listed.asked, listed, FORBIDDEN if came.status in (401, 403) else TELL_US)
        life.client_id = Id(answered or "") if came.ok else life.client_id
    if life.client_id:
        record_client(visit, visit.ask("GET", "clients", life.client_id))


def _create_form(came: Came) -> str:
    if came.form == "empty":
        return "none"
    if isinstance(came.data, list) or "href" in str(came.data):
        return "links"
    names = folded(came.data).keys() if isinstance(came.data, Mapping) else set()
    return "client" if {"clientid", "name"} <= names else "id" if names else "other"


def _location_form(came: Came) -> str:
    location = came.headers.get("Location")
    return "none" if not location else "absolute" if urlsplit(location).netloc else "relative"


def _links(came: Came) -> Mapping[str, Value]:
    if not isinstance(came.data, list) or not came.data:
        return {}
    href = folded(came.data[0]).get("href")
    if not href:
        return {"links_href": "null"}
    return {"links_href": "url", "links_version": "v0" if "/v0/" in str(href) else "v1"}


def search(life: Life) -> None:
    """Find out which members a search compares: each text finds the client only on some servers."""
    if life.visit.answers.get("search_text") == "ignored":
        raise Skip
    middle = life.name[7:]
    texts = {
        "everywhere": DESCRIPTION[8:30],
        "contains": middle.upper(),
        "exact_case": middle,
        "prefix": life.name[:24],
        "id_only": life.client_id,
    }
    for form, text in texts.items():
        came = life.visit.ask("GET", "clients", query={"searchText": text, "pageSize": 50})
        if any(folded(each).get("clientid") == life.client_id for each in life.visit.listed(came, "clients")):
            life.visit.record(came, search_text=form)
            return
    life.visit.note("GET /v1/clients?searchText", "no text finds the client", TELL_US)


def update(life: Life) -> None:
    """PUT the whole client, without its id, and without one member. Then PATCH it."""
    visit, path = life.visit, ("clients", life.client_id)
    shown = visit.ask("GET", *path).data
    id_name = next((name for name in shown if name.lower() in ("clientid", "id")), "clientId")
    whole = {id_name: life.client_id, **life.body, **shown, "description": f"{DESCRIPTION}."}
    put = visit.ask("PUT", *path, body=whole)
    if put.ok:
        body = "none" if put.form == "empty" else "client"
        visit.record(put, update_client_status=put.status, update_client_body=body)
        nameless = {name: value for name, value in whole.items() if name != id_name}
        came = visit.ask("PUT", *path, body=nameless)
        visit.record(came, put_client_id="ignored" if came.ok else "required")
        short = {name: value for name, value in whole.items() if name != "description"}
        came = visit.ask("PUT", *path, body=short)
        kept = folded(visit.ask("GET", *path).data).get("description") == whole["description"]
        visit.record(came, put_missing_members=("keep" if kept else "clear") if came.ok else "refuse")
    patch = visit.ask("PATCH", *path, body={"description": DESCRIPTION})
    methods = {(True, True): "both", (True, False): "put", (False, True): "patch"}
    refused = {put.status, patch.status} & {401, 403}
    visit.record(patch, update_method=None if refused else methods.get((put.ok, patch.ok), "none"))
    if patch.ok and not put.ok:
        body = "none" if patch.form == "empty" else "client"
        visit.record(patch, update_client_status=patch.status, update_client_body=body)


def find_subject(life: Life) -> None:
    """Find the subject of the client."""
    for pause in _PAUSES:
        time.sleep(pause)
        came = life.visit.ask("GET", "subjects", "clients", query={"searchQuery": life.name})
        for entry in life.visit.listed(came, "subjects"):
            subject = read_model(Subject, "listClientSubjects", entry)
            if subject.display_name == life.name and subject.subject_id:
                life.subject = subject.subject_id
                life.visit.record(came, client_subject=subject_kind(entry, {life.client_id}))
                return
    life.visit.note("GET /v1/subjects/clients?searchQuery", "the client has no subject", TELL_US)


# --- its secrets


def add(life: Life, description: str, value: str, **more: Any) -> Came:
    """Add a secret. An empty description is not sent."""
    named = {"description": description} if description else {}
    came = life.visit.ask("POST", "clients", life.client_id, "secrets", body={"value": value, **named, **more})
    if came.ok:
        life.values[description] = value
    return came


def listed_ids(life: Life, at_least: int) -> list[str]:
    """The ids of the secrets, in the order of the server, once it shows at least so many."""
    life.visit.until(lambda: len(listed_secrets(life)) >= at_least)
    return [each.secret_id for each in listed_secrets(life)]


def listed_secrets(life: Life) -> list[Secret]:
    """The secrets that the server lists now."""
    came = life.visit.ask("GET", "clients", life.client_id, "secrets")
    return [
        read_model(Secret, "listClientSecrets", each) for each in life.visit.listed(came, "secrets", "clientsecrets")
    ]


def first_secrets(life: Life) -> None:
    """Add two secrets and measure when they are accepted. Delete the first and measure when it is refused."""
    visit, path = life.visit, ("clients", life.client_id, "secrets")
    came = visit.ask("GET", *path)
    visit.listed(came, "secrets", "clientsecrets")
    visit.record(came, empty_secrets=empty_form(came))
    first = random_value()
    came = add(life, "the first secret of two", first)
    body = _secret_form(life, came) if came.ok else None
    visit.record(came, create_secret_status=came.success, create_secret_body=body)
    if not came.ok:
        raise Skip
    admin_asker(visit)  # raises without a token endpoint: the rest needs exchanges
    accepted = wait_for(life.asker(first), Verdict.ACCEPTED)
    granted = life.asker(first).ask()
    record_grant(visit, granted)
    ids = listed_ids(life, 1)
    record_secrets(visit, visit.ask("GET", *path), "the first secret of two")
    value = special_value()
    came = add(life, "second", value)
    alphabet = "any" if came.ok else "alphanumeric"
    if not came.ok:
        value = random_value()
        came = add(life, "second", value)
    limit: dict[str, Value] = {"max_secrets": 1, "max_secrets_status": came.status}
    visit.record(came, **({"secret_alphabet": alphabet} if came.ok else limit))
    again = wait_for(life.asker(value), Verdict.ACCEPTED) if came.ok else accepted
    if not (ids and accepted.met):
        record_times(visit, accepted, again, None)
        return
    came = visit.ask("DELETE", *path, Id(ids[0]))
    visit.record(came, delete_secret_status=came.success)
    record_times(visit, accepted, again, wait_for(life.asker(first), Verdict.REJECTED) if came.ok else None)
    used = visit.ask("GET", "clients", query={"pageSize": 1}, token=str((granted.data or {}).get("access_token")))
    fresh = used.ok or (granted.ok and (granted.data.get("expires_in") or 0) > 60)
    visit.record(used, issued_tokens={200: "live", 401: "die"}.get(used.status) if fresh else None)
    came = visit.ask("DELETE", *path, Id(ids[0]))
    visit.record(came, delete_missing_secret=visit.missing(came))
    _token_questions(life, value)


def _token_questions(life: Life, value: str) -> None:
    """Find out, with an accepted secret, how Basic is decoded, what is checked first, and who may write."""
    visit, works = life.visit, life.asker(value)
    encoded, raw = works.ask(authorization=works.encoded_basic()), works.ask(authorization=works.raw_basic())
    forms = {(True, True): "form" if value.isalnum() else "either", (True, False): "form", (False, True): "raw"}
    visit.record(encoded, basic_decoding=forms.get((encoded.ok, raw.ok), "other"))
    came = life.asker(random_value(), "openid").ask()
    checks = {"invalid_client": "secret_first", "invalid_scope": "scope_first"}
    visit.record(came, token_checks=checks.get(error_of(came), "other"))
    token = works.ask()
    came = visit.ask("DELETE", "clients", unused_id(), token=str((token.data or {}).get("access_token")))
    who = {403: "admin", 404: "scope", 204: "scope", 200: "scope", 400: "scope"}.get(came.status)
    visit.record(came, iam_access=who if life.deletes and visit.answers.get("not_found_status") != 403 else None)


def _secret_form(life: Life, came: Came) -> str:
    if came.form == "empty":
        return "none"
    if isinstance(came.data, list) or "href" in str(came.data):
        return "links"
    if not isinstance(came.data, Mapping):
        return "other"
    members = folded(came.data)
    if "secret_id" in Secret.spelled_in(came.data) and "description" in members:
        return "secret"
    if "value" in members:
        return "echo"
    return "client" if members.get("id") == life.client_id else "request"


def record_times(visit: Visit, first: Wait, second: Wait, gone: Wait | None) -> None:
    """Record what the waits say about delays, nodes and caches, and which settings of the role fit."""
    tells: dict[str, Value] = {}
    cache = second.met and second.seconds > first.seconds + 0.4 and not first.nodes
    refused = gone.seconds if gone else 0.0
    if first.nodes:
        tells = {"token_nodes": 2, "node_lag": max(first.seconds, refused)}
    elif cache and gone:
        tells = {"client_cache_seconds": round(gone.settled - second.settled, 1), "accept_delay": first.seconds}
    else:
        tells = {"accept_delay": first.seconds, "refuse_delay": refused, "delay_flaps": first.flaps}
    for name, wait in (("first", first), ("second", second), ("deleted", gone)):
        if wait is not None and wait.last is not None:
            visit.note(f"wait: {name} secret", wait.summary(), AS_ASSUMED if wait.met else TELL_US)
    if first.last is not None:
        visit.record(first.last, **tells)
    accept, doubtful = max(first.seconds, second.seconds), first.mixed or second.mixed or first.flaps
    settings = {
        "service_client_proof_deadline": max(60, _rounded(accept)),
        "service_client_retire_deadline": max(60, _rounded(refused)),
        "service_client_proof_successes": 10 if doubtful else 5,
    }
    beyond = [name for name, value in settings.items() if value != (5 if name.endswith("successes") else 60)]
    verdict = f"otherwise: set {', '.join(f'{name}: {settings[name]}' for name in beyond)}" if beyond else "as assumed"
    visit.note("settings of the role", settings, verdict)


def _rounded(seconds: float) -> int:
    """Three times as many seconds, rounded up to 30."""
    return -(-int(seconds * 3) // 30) * 30


def more_secrets(life: Life) -> None:
    """Examine the order of the list, expirations, the maximum number, and secrets that a server may refuse."""
    visit = life.visit
    add(life, "third", random_value(), expiration=format_timestamp(now() + timedelta(days=1)))
    came = add(life, "fourth", random_value())
    both = {"second", "third"}
    visit.until(lambda: both <= {each.description for each in listed_secrets(life)})
    shown = [each.description for each in listed_secrets(life)]
    if not came.ok:
        visit.record(came, max_secrets=len(shown), max_secrets_status=came.status)
        return
    order = None
    if both <= {*shown}:
        order = "oldest" if shown.index("second") < shown.index("third") else "newest"
    visit.record(came, max_secrets=0, list_order=order)
    for name, description, value, more in (
        ("duplicate_secret_value", "again", life.values["fourth"], {}),
        ("past_expiration", "past", random_value(), {"expiration": format_timestamp(now() - timedelta(days=1))}),
        ("secret_description_required", "", random_value(), {}),
    ):
        came = add(life, description, value, **more)
        visit.record(came, **{name: not came.ok if name == "secret_description_required" else came.status_or(201)})
    if visit.answers.get("past_expiration") == 201 and None not in shown:
        listed = visit.until(lambda: any(each.description == "past" for each in listed_secrets(life)))
        visit.record(came, expired_secrets_listed=listed)


# --- its policies


def policies(life: Life) -> None:
    """Create policies for the smallest action on resources that do not exist."""
    visit = life.visit
    if not life.subject:
        raise Skip
    key = {"subject": life.subject, "action": visit.own.get("action", "banking.ais.read"), "scope": SCOPE}
    came = grant(visit, key)
    absolute = grant(visit, {**key, "scope": ABSOLUTE})
    forms = {(True, True): "any", (True, False): "relative", (False, True): "absolute"}
    visit.record(absolute, policy_scope_form=forms.get((came.ok, absolute.ok)))
    if not came.ok and absolute.ok:
        key, came = {**key, "scope": ABSOLUTE}, absolute
    if not came.ok:
        visit.record(came)
        raise Skip
    body = "policy" if came.form == "json" else "none"
    visit.record(came, create_policy_status=came.status, create_policy_body=body)
    twice = grant(visit, key)
    visit.record(twice, duplicate_policy=twice.status_or(200))
    _filters(life)
    record_permissions(visit, permissions_of(visit, life.subject))
    shown = [each for each in all_permissions(visit, life.subject) if SCOPE in str(each)]
    implied = any(key["action"] not in str(each) for each in shown)
    visit.record(came, permissions_implied=implied if shown else None)
    for name, other in (
        ("unknown_subject", {"subject": f"client-{unused_id()}"}),
        ("unknown_action", {"action": "aritma.doctor"}),
    ):
        strange = grant(visit, {**key, **other})
        visit.record(strange, **{name: strange.status_or(200)})
        if strange.ok:
            visit.ask("DELETE", "policies", body={**key, **other})
    came = visit.ask("DELETE", "policies", body=key)
    if not visit.until(lambda: all(each.key != key for each in listed_policies(visit, life.subject))):
        visit.note("DELETE of a policy", "it is still listed: does something on the way drop the body?", TELL_US)
    visit.record(came, delete_policy_status=came.success)
    came = visit.ask("DELETE", "policies", body=key)
    visit.record(came, delete_missing_policy=came.status)
    grant(visit, key)


def grant(visit: Visit, key: Mapping[str, str]) -> Came:
    """Create a policy."""
    return visit.ask("POST", "policies", body=key)


def listed_policies(visit: Visit, subject: str, flags: Mapping[str, str] = _LITERAL) -> Sequence[Policy]:
    """One page of the policies that match a subject, in the comparison of the server."""
    came = visit.ask(
        "GET", "policies", query={**flags, "subject": subject, "pageSize": visit.answers.get("policies_page_max", 200)}
    )
    return [read_model(Policy, "listPolicies", each) for each in visit.listed(came, "policies")]


def has_policies(visit: Visit, subject: str) -> bool:
    """Whether the server lists a policy with exactly this subject."""
    return any(each.subject == subject for each in listed_policies(visit, subject))


def _filters(life: Life) -> None:
    """Find out how filters compare, and the defaults of flags that are not sent."""
    visit = life.visit
    visit.until(lambda: listed_policies(visit, life.subject))
    literal, plain = listed_policies(visit, life.subject), listed_policies(visit, life.subject, {})
    if any(each.subject != life.subject for each in literal):
        form = "ignored"
    else:
        form = "prefix" if listed_policies(visit, life.subject[:-2]) else "exact"
    came = visit.ask("GET", "policies", query={"subject": life.subject})
    visit.record(came, policy_filters=form if literal else None, policy_include_default=len(plain) > len(literal))


# --- its deletion


def last_secret(life: Life) -> None:
    """Delete all secrets, and record the answer for the last one."""
    visit, path = life.visit, ("clients", life.client_id, "secrets")
    if not life.values:
        raise Skip
    deleted = [visit.ask("DELETE", *path, Id(each)) for each in listed_ids(life, 1)]
    visit.record(deleted[-1], delete_last_secret=deleted[-1].status_or(204))


def delete(life: Life) -> None:
    """Delete the client, and find out whether its policies are deleted too."""
    visit = life.visit
    came = visit.ask("DELETE", "clients", life.client_id)
    visit.record(came, delete_client_status=405 if came.status in NOT_OFFERED else came.success)
    if not came.ok or not life.subject:
        raise Skip
    visit.record(came, cascade=visit.until(lambda: not has_policies(visit, life.subject)))


def trials(life: Life) -> None:
    """Try to create clients that a server may refuse. The cleanup removes those that it accepts."""
    visit = life.visit
    if not life.deletes or "create_client_status" not in visit.answers:
        raise Skip
    taken = Life(visit)
    visit.ask("POST", "clients", body=taken.body)
    for name, body in (
        ("duplicate_client_name", taken.body),
        ("unknown_scope", {"allowedScopes": [life.scope, f"doctor.{uuid.uuid4().hex}"]}),
        ("duplicate_items", {"allowedScopes": [life.scope] * 2}),
        ("length_limits", {"description": "x" * 1001}),
    ):
        came = visit.ask("POST", "clients", body={**Life(visit).body, **body})
        visit.record(came, **{name: not came.ok if name == "length_limits" else came.status_or(200)})
