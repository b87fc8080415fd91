# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The subject of a client in policies: the operation ``client_subject_info``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .._core.argspec import ArgumentSpec
from .._core.errors import ApiError, ContractError, MissingError
from .._core.operation import Params
from .._core.outcome import Outcome
from .._iam.api import NOT_OFFERED, REFUSALS, IamApi, api_operation, only, refuse_empty
from .._iam.contract import Subject
from .steps import find_by_id

CLIENT_SUBJECT = ArgumentSpec(
    {"client_id": {"type": "str"}, "name": {"type": "str"}},
    required_one_of=[("client_id", "name")],
)

SUBJECT = ArgumentSpec(
    {name: {"type": "str"} for name in ("subject", "client_id", "name")},
    mutually_exclusive=[("subject", "client_id"), ("subject", "name")],
    required_one_of=[("subject", "client_id", "name")],
)
"""The options that name a subject: its id, or its client."""

PREFIX = "client-"


@dataclass(frozen=True)
class Found:
    """A subject. ``by_name`` is true if only its name identified it although a client id was given."""

    subject: Subject
    by_name: bool = False


def is_client(subject: Subject) -> bool:
    """Whether this is the subject of a client. Decided by its id if the server shows no type."""
    types = [text.lower() for text in (subject.type, subject.discriminator) if text]
    if types:
        return any("client" in text for text in types)
    return (subject.subject_id or PREFIX).startswith(PREFIX)


def carries(subject: Subject, client_id: str) -> bool:
    """Whether the subject has this client id: as its id, in its subject id, or in its properties."""
    return client_id in (subject.id, subject.client_id) or subject.subject_id == PREFIX + client_id


def choose(subjects: Iterable[Subject], client_id: str | None, name: str | None) -> Found | None:
    """The subject with this client id. If no subject has it, or no id is given, the subject with this exact name.

    Raises ``AmbiguousNameError`` if several match.
    """
    clients = [subject for subject in subjects if is_client(subject)]
    if client_id:
        found = _only([each for each in clients if carries(each, client_id)], f"client id {client_id!r}")
        if found is not None:
            return Found(found)
        # A server may not show the client id. A subject with another client id belongs to another client.
        clients = [each for each in clients if each.client_id is None]
    named = _only([each for each in clients if each.display_name == name], f"name {name!r}") if name else None
    return None if named is None else Found(named, by_name=bool(client_id))


def _only(subjects: Sequence[Subject], what: str) -> Subject | None:
    hint = "Give client_id to say which client is meant."
    return only(subjects, f"subjects of clients have the {what}", subject_id, hint)


def subject_id(subject: Subject) -> str:
    """The id to use in policies. Raises ``ContractError`` if the server shows none."""
    if subject.subject_id:
        return subject.subject_id
    if subject.id:
        kind = next((each for each in ("user", "group") if each in (subject.type or "").lower()), "client")
        return f"{kind}-{subject.id}"
    raise ContractError(
        f"The server shows a subject {subject.display_name!r} without subjectId and id.",
        hint="Check api_url.",
        expected="subjectId",
        received="none",
        option="api_url",
    )


ListSubjects = Callable[["str | None"], "list[Subject]"]


def find_subject(api: IamApi, client_id: str | None, name: str | None) -> Found | None:
    """The subject of the client: first by a search, then in all subjects of clients, then in all subjects.

    A subject with the client id is returned at once. A match by name alone counts only after all subjects of clients
    were read, because it is not documented which members a search compares.
    """
    text = name or client_id
    searches: list[tuple[ListSubjects, str | None]] = [
        (api.list_client_subjects, text),
        (api.list_client_subjects, None),
        (api.list_subjects, text),
        (api.list_subjects, None),
    ]
    for number, (listing, search) in enumerate(searches):
        found = choose(_read(listing, search, last=number == len(searches) - 1), client_id, name)
        if found is not None and not (found.by_name and number == 0):
            return found
    return None


def _read(listing: ListSubjects, search: str | None, *, last: bool) -> list[Subject]:
    try:
        return listing(search)
    except ApiError as error:
        # This server may not have this list, or not accept this text. Try the next list.
        if last or error.status not in (404, *REFUSALS, *NOT_OFFERED):
            raise
        return []


def client_subject_info(api: IamApi, params: Params, _check_mode: bool) -> Outcome:
    """The module ``client_subject_info``."""
    refuse_empty(params, "client_id", "name")
    found = _require_subject(api, params["client_id"], params["name"])
    return Outcome(False, {"subject": _for_people(found.subject)}, warnings=[*_warnings(found, params["client_id"])])


def resolve_subject(api: IamApi, params: Params) -> tuple[str, list[str]]:
    """The subject id for the options ``SUBJECT``, and warnings. Raises ``MissingError`` if the client has none."""
    refuse_empty(params, *SUBJECT.argument_spec)
    if params["subject"]:
        return params["subject"], []
    found = _require_subject(api, params["client_id"], params["name"])
    return subject_id(found.subject), [*_warnings(found, params["client_id"])]


def is_nobody(api: IamApi, params: Params) -> bool:
    """Whether a client without a known subject does not exist.

    If subjects do not show the client id and no name is given, an existing client has no known subject either.
    """
    return bool(params["name"]) or find_by_id(api, params["client_id"]) is None


def _require_subject(api: IamApi, client_id: str | None, name: str | None) -> Found:
    # The subject of a new client may appear a little later than the client.
    found = api.settle(lambda: find_subject(api, client_id, name))
    if found is None:
        what = f"client id {client_id!r}" if client_id else f"name {name!r}"
        raise MissingError(
            f"There is no subject of a client with the {what}.",
            hint="Check that the client exists (oidc_client_info)"
            + (", and give name too. On some servers a subject does not show the client id." if not name else "."),
            client_id=client_id,
            name=name,
        )
    return found


def _for_people(subject: Subject) -> dict[str, Any]:
    return {
        "subject_id": subject_id(subject),
        "id": subject.id,
        "display_name": subject.display_name,
        "tenant": subject.tenant,
        "type": subject.type or "Client",
    }


def _warnings(found: Found, client_id: str | None) -> Iterator[str]:
    if found.by_name:
        yield (
            f"Subject {subject_id(found.subject)} was found by its exact name {found.subject.display_name!r}, because "
            f"the server does not show which subject belongs to client {client_id}."
        )


CLIENT_SUBJECT_INFO = api_operation("client_subject_info", CLIENT_SUBJECT, client_subject_info)
