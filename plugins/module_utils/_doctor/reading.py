# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The questions of the doctor that need no writes: lists, single objects, errors, and the token endpoint."""

from __future__ import annotations

import base64
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from .._http.session import Session
from .._iam.api import IamApi
from .._iam.contract import Secret, Subject, envelopes, folded, read_model
from .._iam.paging import read_paging
from .known import Value
from .tokens import Asker, admin_asker
from .visit import TELL_US, Came, Id, Skip, Visit

_LARGEST = 1000
_SIZES = (500, 200, 100, 50, 25, 20, 10)
_CLIENT_DETAILS = {"allowedgranttypes", "allowedscopes", "redirecturis"}
_CLIENT = {"clientid", "id", "name", "description", *_CLIENT_DETAILS}


def unused_id() -> Id:
    """An id that no object has."""
    return Id(uuid.uuid4())


def read_all(visit: Visit) -> None:
    """Ask all questions that need no scratch client."""
    first = (clients, sizes, one_client, missing)
    visit.parts((*first, subjects, catalog, policies, groups, token_errors), visit)


def clients(visit: Visit) -> None:
    """Examine the list of clients, and the clock and the certificate of the server."""
    came = visit.ask("GET", "clients")
    entries, paging = visit.listed(came, "clients"), read_paging(came.data)
    visit.record(
        came,
        clients_page_default=paging.page_size,
        page_links=_links_form(visit, came.data),
        client_list_details=_details(entries[0]) if entries else None,
        page_zero="zero_based" if paging.page == 0 else None,
    )
    visit.own["client_id"] = visit.connection.auth_client_id or (_id_of(entries[0]) if entries else "")
    secure = urlsplit(visit.connection.api_url).scheme == "https"
    checked = "checked" if visit.connection.validate_certs else "not checked"
    visit.note("certificate", checked if secure else "no TLS, on this host", "as assumed")
    visit.part("clock", partial(_clock, visit, came))


def _clock(visit: Visit, came: Came) -> None:
    if "Date" not in came.headers:
        visit.note("clock", "not told", "as assumed")
        return
    ahead = round(parsedate_to_datetime(came.headers["Date"]).timestamp() - time.time())
    visit.note("clock", f"{ahead} s ahead of ours", "as assumed" if abs(ahead) < 30 else "otherwise: set a clock right")


def sizes(visit: Visit) -> None:
    """Examine the limits of page sizes."""
    came = visit.ask("GET", "clients", query={"pageSize": _LARGEST})
    visit.record(came, **{"clients_page_max": read_paging(came.data).page_size, **_over_max(visit, came, "clients")})
    zero = visit.ask("GET", "clients", query={"page": 0})
    form = {400: "refuse", 422: "refuse"}.get(zero.status) or ("first" if read_paging(zero.data).page else None)
    visit.record(zero, page_zero=form)
    text = visit.ask("GET", "clients", query={"searchText": unused_id()})
    visit.record(text, search_text="ignored" if visit.listed(text, "clients") else None)


def _over_max(visit: Visit, came: Came, path: str) -> dict[str, Value]:
    """Find out what a page size above the limit does. If it is refused, also find the largest accepted size."""
    if came.ok and visit.listed(came, path) is not None:
        return {"page_size_over_max": "clamp"}
    if came.status not in (400, 422):
        return {}
    accepted = next((size for size in _SIZES if visit.ask("GET", path, query={"pageSize": size}).ok), None)
    limit = {} if accepted is None else {f"{path}_page_max": accepted}
    return {"page_size_over_max": "refuse", **limit}


def _links_form(visit: Visit, data: object) -> str | None:
    """The form of the links of a page: null, relative, or absolute, to the host of the API or to another host."""
    links = [each["links"] for each in envelopes(data) if isinstance(each.get("links"), Mapping)]
    first = links[0].get("first", "") if links else ""
    if not first:
        return "null" if links and first is None else None
    host = urlsplit(str(first)).netloc
    if not host:
        return "relative"
    return "absolute" if host == urlsplit(visit.connection.api_url).netloc else "other_host"


def _details(client: object) -> str:
    return "full" if isinstance(client, Mapping) and _CLIENT_DETAILS & folded(client).keys() else "basic"


def _id_of(entry: Any) -> str:
    members = folded(entry)
    return str(members.get("clientid") or members["id"])


def one_client(visit: Visit) -> None:
    """Examine an existing client and its secrets: the admin client, or else the first one."""
    if not visit.own.get("client_id"):
        raise Skip
    path = ("clients", Id(visit.own["client_id"]))
    record_client(visit, visit.ask("GET", *path))
    record_secrets(visit, visit.ask("GET", *path, "secrets"))


def record_client(visit: Visit, came: Came) -> None:
    """Record what a GET of one client shows."""
    shown = came.data if came.ok and isinstance(came.data, Mapping) else None
    more = None if shown is None else bool(folded(shown).keys() - _CLIENT)
    visit.record(came, client_details=None if shown is None else _details(shown), extra_members=more)


def record_secrets(visit: Visit, came: Came, description: str = "") -> None:
    """Record what a list of secrets shows. ``description`` is the one that was sent for the first entry."""
    entries = visit.listed(came, "secrets", "clientsecrets")
    if not entries:
        visit.record(came, empty_secrets=empty_form(came))
        return
    names, members = Secret.spelled_in(entries[0]), folded(entries[0])
    shown = entries[0].get(names.get("description", ""))
    created = entries[0].get(names.get("created", ""))
    hidden = None if members.get("value") is None else "masked"
    visit.record(
        came,
        secrets_envelope=envelope(came.data),
        secret_id_name=names.get("secret_id"),
        secret_id_type="integer" if isinstance(entries[0].get(names.get("secret_id", "")), int) else "uuid",
        secret_created_name=names.get("created", ""),
        secret_expiration_name=names.get("expiration"),
        secret_descriptions="description" in names,
        secret_description_form=_description_form(shown, description) if description else None,
        secret_value=hidden or ("null" if "value" in members else "absent"),
        secret_types_listed="type" in names,
        time_format=time_form(created) if isinstance(created, str) else None,
    )


def empty_form(came: Came) -> str:
    """The form of an empty list."""
    if came.status == 204:
        return "no_content"
    return "null" if came.body.strip() == b"null" else "list"


def _description_form(shown: object, sent: str) -> str | None:
    forms = {sent: "as_sent", sent.upper(): "upper_case", sent[:20]: "cut"}
    return forms.get(shown) if isinstance(shown, str) else None


def time_form(text: str) -> str:
    """The format of a time, in the terms of the simulator."""
    forms = {"z": r"Z", "offset": r"\+00:00", "fraction": r"\.\d{1,3}Z", "fraction7": r"\.\d{4,9}(Z|\+00:00)"}
    rest = re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "", text)
    return next((form for form, pattern in forms.items() if re.fullmatch(pattern, rest)), "other_zone")


def envelope(data: object) -> str | None:
    """The envelope of a list: bare, paged, or the name of the member that holds the entries."""
    if not isinstance(data, Mapping):
        return "bare"
    if {"page", "pageSize", "total"} <= data.keys():
        return "paged"
    return next((name for name, value in data.items() if isinstance(value, list)), None)


def missing(visit: Visit) -> None:
    """Read a client that does not exist."""
    came = visit.ask("GET", "clients", unused_id())
    visit.record(came, not_found_status=came.status or None, error_body=came.form if came.status else None)


def subjects(visit: Visit) -> None:
    """Examine the subjects of clients, and the permissions of one."""
    came = visit.ask("GET", "subjects", "clients", query={"pageSize": _LARGEST})
    entries = visit.listed(came, "subjects")
    known = {visit.own.get("client_id", "")}
    kinds = [kind for kind in (subject_kind(entry, known) for entry in entries) if kind]
    visit.record(came, subjects_page_max=read_paging(came.data).page_size, client_subject=min(kinds, default=None))
    of_one = read_model(Subject, "listClientSubjects", entries[0]).subject_id if entries else None
    if of_one:
        record_permissions(visit, permissions_of(visit, of_one))


def subject_kind(entry: object, known: set[str]) -> str | None:
    """How a subject names its client. ``known`` are ids of clients. None if that is not known."""
    subject = read_model(Subject, "listClientSubjects", entry)
    named = folded(subject.properties or {}).get("clientid")
    if named is None:
        return "client_id" if subject.id in known else "opaque_without_properties"
    return "client_id" if subject.subject_id == f"client-{named}" else "opaque"


def permissions_of(visit: Visit, subject: str) -> Came:
    """The first page of the permissions of a subject."""
    return visit.ask("GET", "subjects", Id(subject), "permissions")


def all_permissions(visit: Visit, subject: str) -> list[Any]:
    """Every permission of a subject."""
    with Session(visit.connection) as session:
        return [each.document for each in IamApi(session).subject_permissions(subject)]


def record_permissions(visit: Visit, came: Came) -> Sequence[Any]:
    """Record the format of permissions. Returns the entries."""
    entries = visit.listed(came, "permissions", "policies", "actions", texts=True)
    form = None
    if entries and isinstance(entries[0], Mapping):
        members = folded(entries[0])
        form = (
            "nested" if isinstance(members.get("action"), Mapping) else "policy" if "subject" in members else "action"
        )
    visit.record(came, permissions_envelope=envelope(came.data), permission_shape=form)
    return entries


def catalog(visit: Visit) -> None:
    """Examine scopes, actions and the caller."""
    scopes = visit.ask("GET", "scopes")
    visit.part("scopes", partial(_record_names, visit, scopes, "scopes"))
    actions, prefix = visit.ask("GET", "actions"), "/v1"
    if not actions.ok:
        actions, prefix = visit.ask("GET", "actions", root=""), ""
    visit.part("actions", partial(_record_names, visit, actions, "actions", actions_prefix=prefix))
    me = visit.ask("GET", "me")
    visit.record(me, me_for_client=me.status or None)


def _record_names(visit: Visit, came: Came, what: str, **tells: Value) -> None:
    entries = visit.listed(came, what, texts=True)
    first = entries[0] if entries else None
    form = None
    if first is not None:
        form = "string" if isinstance(first, str) else "tree" if "children" in folded(first) else "object"
    visit.record(came, **{f"{what}_envelope": envelope(came.data), f"{what}_shape": form, **tells})
    names = [each if isinstance(each, str) else str(folded(each).get("name", "")) for each in entries]
    if what == "actions":
        reading = [name for name in names if name.endswith("read")]
        visit.own["action"] = min(reading or ["banking.ais.read"], key=lambda name: name.count("."))


def policies(visit: Visit) -> None:
    """Examine the list of policies and its pages."""
    came = visit.ask("GET", "policies")
    entries = visit.listed(came, "policies")
    cursor = _cursor(came.data)
    full = len(entries) if cursor else None
    kind = "integer" if isinstance(cursor, int) else "text"
    tenant = "tenant" in folded(entries[0]) if entries else None
    visit.record(
        came,
        policies_envelope=envelope(came.data),
        policies_page_default=full,
        policy_cursor_type=kind if cursor else None,
        policy_cursor_end=None if cursor else _cursor_end(came.data),
        policy_tenant=tenant,
    )
    large = visit.ask("GET", "policies", query={"pageSize": _LARGEST})
    over = _over_max(visit, large, "policies")
    cut = len(visit.listed(large, "policies")) if large.ok and _cursor(large.data) else None
    over.pop("page_size_over_max", None)
    visit.record(large, **{"policies_page_max": cut, **over})
    for _page in range(100):
        if not cursor:
            break
        came = visit.ask("GET", "policies", query={"cursor": cursor})
        cursor = _cursor(came.data)
    visit.record(came, policy_cursor_end=None if cursor else _cursor_end(came.data))


def _cursor(data: object) -> str | int | None:
    value = folded(data).get("cursor") if isinstance(data, Mapping) else None
    return value if value and isinstance(value, (str, int)) else None


def _cursor_end(data: object) -> str | None:
    if not isinstance(data, Mapping):
        return None
    return "absent" if "cursor" not in folded(data) else "null" if folded(data)["cursor"] is None else "empty"


def groups(visit: Visit) -> None:
    """Find out whether the server supports groups."""
    came = visit.ask("GET", "subjects", "groups")
    offered = {404: "missing", 405: "missing", 403: "forbidden"}.get(came.status, "offered" if came.ok else None)
    data = came.data
    envelopes_of = (
        {"bare": "bare", "paged": "flat"}.get(envelope(data) or "", "items") if offered == "offered" else None
    )
    visit.record(came, groups=offered, groups_envelope=envelopes_of)


def token_errors(visit: Visit) -> None:
    """Examine the answers of the token endpoint to an unknown client and to unreadable credentials."""
    asker = admin_asker(visit)
    stranger = Asker(visit, unused_id(), uuid.uuid4().hex, asker.scope)
    post, basic = stranger.ask(), stranger.ask(how="basic")
    statuses = {(400, 401): "rfc", (400, 400): "400", (401, 401): "401"}
    described = isinstance(post.data, Mapping) and "error_description" in post.data
    visit.record(post, token_error_description=described if post.form == "json" else None)
    visit.record(basic, token_invalid_client=statuses.get((post.status, basic.status), "other"))
    unreadable = stranger.ask(authorization="Basic " + base64.b64encode(b"no colon").decode())
    visit.record(unreadable, unreadable_credentials=error_of(unreadable))
    long = Asker(visit, "x" * 101, uuid.uuid4().hex, asker.scope).ask()
    visit.record(long, credential_length_max=100 if error_of(long) == "invalid_request" else 0)
    url = visit.connection.token_url
    elsewhere = re.sub(r"/[^/]+(/connect/token)$", rf"/{uuid.uuid4()}\1", url)
    if elsewhere != url and len(urlsplit(url).path.split("/")) > 3:
        came = Asker(visit, unused_id(), uuid.uuid4().hex, asker.scope, elsewhere).ask()
        visit.record(came, unknown_tenant="404" if came.status == 404 else error_of(came))
    if not visit.connection.auth_client_secret:
        return
    granted = asker.ask()
    record_grant(visit, granted)
    unscoped = Asker(visit, asker.client_id, asker.secret, "").ask()
    visit.record(unscoped, token_scope_required=not unscoped.ok)


def error_of(came: Came) -> str:
    """The OAuth error of an answer; ``other`` if it has none."""
    return str(came.data.get("error")) if isinstance(came.data, Mapping) else "other"


def record_grant(visit: Visit, came: Came) -> None:
    """Record the format of an answer with a token."""
    data = came.data if came.ok and isinstance(came.data, Mapping) else None
    if data is None or "access_token" not in data:
        visit.note(came.asked, came, TELL_US)
        return
    kind = data.get("token_type")
    visit.record(
        came,
        token_lifetime=data.get("expires_in"),
        token_scope_echo="scope" in data,
        token_type=kind if isinstance(kind, str) and kind.lower() == "bearer" else None,
    )
