# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The subject that stands for a client in policies: the operation ``client_subject_info``."""

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
"""How a task names a subject: by its id, or by the client that it stands for."""

PREFIX = "client-"


@dataclass(frozen=True)
class Found:
    """The subject, and whether its name alone identified it although a client id was given."""

    subject: Subject
    by_name: bool = False


def is_client(subject: Subject) -> bool:
    """Whether this is the subject of a client, as far as it tells its type."""
    said = [text.lower() for text in (subject.type, subject.discriminator) if text]
    if said:
        return any("client" in text for text in said)
    return (subject.subject_id or PREFIX).startswith(PREFIX)


def carries(subject: Subject, client_id: str) -> bool:
    """Whether the subject names this client id: as its id, in its subject id, or in its properties."""
    return client_id in (subject.id, subject.client_id) or subject.subject_id == PREFIX + client_id


def choose(subjects: Iterable[Subject], client_id: str | None, name: str | None) -> Found | None:
    """The subject of the client. The id decides where it is given; the exact name only where no subject tells its id.

    Raises ``AmbiguousNameError`` when several fit.
    """
    clients = [subject for subject in subjects if is_client(subject)]
    if client_id:
        found = _only([each for each in clients if carries(each, client_id)], f"client id {client_id!r}")
        if found is not None:
            return Found(found)
        # Nothing says that a subject carries the id of its client. One that carries another id is another client's.
        clients = [each for each in clients if each.client_id is None]
    named = _only([each for each in clients if each.display_name == name], f"name {name!r}") if name else None
    return None if named is None else Found(named, by_name=bool(client_id))


def _only(subjects: Sequence[Subject], what: str) -> Subject | None:
    hint = "Give client_id to say which client is meant."
    return only(subjects, f"subjects of clients have the {what}", subject_id, hint)


def subject_id(subject: Subject) -> str:
    """The id to use in policies. Raises ``ContractError`` when the server shows none."""
    if subject.subject_id:
        return subject.subject_id
    if subject.id:
        kind = next((each for each in ("user", "group") if each in (subject.type or "").lower()), "client")
        return f"{kind}-{subject.id}"
    raise ContractError(
        f"The server shows a subject {subject.display_name!r} that has neither subjectId nor id.",
        hint="Check api_url.",
        expected="subjectId",
        received="none",
        option="api_url",
    )


ListSubjects = Callable[["str | None"], "list[Subject]"]


def find_subject(api: IamApi, client_id: str | None, name: str | None) -> Found | None:
    """The subject of the client: by a search first, then in all subjects of clients, then in all subjects.

    A subject that carries the client id is taken at once. A match by name alone counts only after the list of all
    subjects of clients was read, since which members a search looks at is not documented.
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
        # This list may not exist on this server, or not take this text: the next one may.
        if last or error.status not in (404, *REFUSALS, *NOT_OFFERED):
            raise
        return []


def client_subject_info(api: IamApi, params: Params, _check_mode: bool) -> Outcome:
    """The module ``client_subject_info``."""
    refuse_empty(params, "client_id", "name")
    found = _surely(api, params["client_id"], params["name"])
    return Outcome(False, {"subject": _for_people(found.subject)}, warnings=[*_warnings(found, params["client_id"])])


def resolve_subject(api: IamApi, params: Params) -> tuple[str, list[str]]:
    """The subject id that ``SUBJECT`` names, and warnings. Raises ``MissingError`` where a client has none."""
    refuse_empty(params, *SUBJECT.argument_spec)
    if params["subject"]:
        return params["subject"], []
    found = _surely(api, params["client_id"], params["name"])
    return subject_id(found.subject), [*_warnings(found, params["client_id"])]


def is_nobody(api: IamApi, params: Params) -> bool:
    """Whether a client whose subject was not found is not there.

    A server whose subjects do not show the client id hides that of a client which is there, if its name is not given.
    """
    return bool(params["name"]) or find_by_id(api, params["client_id"]) is None


def _surely(api: IamApi, client_id: str | None, name: str | None) -> Found:
    # The subject of a new client may appear a little later than the client.
    found = api.settle(lambda: find_subject(api, client_id, name))
    if found is None:
        what = f"client id {client_id!r}" if client_id else f"name {name!r}"
        raise MissingError(
            f"There is no subject of a client with the {what}.",
            hint="Look whether the client exists (oidc_client_info)"
            + (", and give name too: on some servers a subject does not show the client id." if not name else "."),
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
            f"Subject {subject_id(found.subject)} was found by its exact name {found.subject.display_name!r}: the "
            f"server does not show which subject belongs to client {client_id}."
        )


CLIENT_SUBJECT_INFO = api_operation("client_subject_info", CLIENT_SUBJECT, client_subject_info)
