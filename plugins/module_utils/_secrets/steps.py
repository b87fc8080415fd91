# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds and deletes secrets. A lost answer does no harm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .._core.errors import AmbiguousError, ApiError, ConflictError, IamError, NotFoundError
from .._core.operation import Params
from .._http.connection import Connection
from .._http.problem import excerpt
from .._iam.api import REFUSALS, IamApi
from .._iam.contract import Secret
from .._iam.once import create_once, delete_once
from .._oauth.exchange import Expectation, exchange
from .._oauth.grant import ClientCredential
from .._oauth.verdict import Verdict
from .plan import described, list_ids, new_secrets


class ExchangeCheck:
    """Exchanges a value for a token to check whether it is accepted. ``detail`` describes the last answer.

    The constructor raises ``OptionError`` if the token endpoint is not known.
    """

    def __init__(self, api: IamApi, params: Params, value: str) -> None:
        self._api = api
        self._connection = Connection.for_token_endpoint(params)
        self._credential = ClientCredential(params["client_id"], value, params["verify_scope"], params["auth_method"])
        self.detail = ""

    def __call__(self) -> bool | None:
        """Whether the value is accepted; None if the answer proves nothing."""
        done = exchange(self._connection, self._credential, Expectation(None, 1, self._connection.retry_budget))
        self._api.calls["token"] += done.attempts
        self.detail = excerpt(done.judgement.detail, self._credential.redaction)
        return {Verdict.ACCEPTED: True, Verdict.REJECTED: False}.get(done.judgement.verdict)


@dataclass(frozen=True)
class Added:
    """A secret that exists now. ``secret_id`` is None if it is not known; ``mine`` is false if another run added it."""

    secret_id: str | None
    warnings: tuple[str, ...] = ()
    mine: bool = True


def add(
    api: IamApi,
    client_id: str,
    body: Mapping[str, str],
    listed: Sequence[Secret] | None,
    check: ExchangeCheck | None,
) -> Added:
    """Add the secret in ``body``. ``listed`` are the secrets before that; None if the list was not read.

    After a lost answer, the list and ``check`` show whether the secret was added. If there is a ``check``, new
    secrets without a description in the list prove nothing. After any other answer the list is read until it shows
    the secret, to get its id and because the next task reads the list. This is omitted if
    the list was not read before.
    """
    description = body["description"]
    before = None if listed is None else frozenset(secret.secret_id for secret in listed)

    def added(before: frozenset[str] | None) -> list[Secret]:
        try:
            return new_secrets(api.list_secrets(client_id), description, before)
        except NotFoundError:
            return []  # the client exists, but this node of the server does not know it yet

    def look() -> list[Secret]:
        return added(None if check else before)

    try:
        made = create_once(api, lambda: api.create_secret(client_id, body), look, check)
    except AmbiguousError as error:
        detail = f"{check.detail} " if check else ""
        error.hint = f"{detail}Exchange the value, or check the list, to find out whether the secret was added."
        raise
    except ApiError as error:
        return _refused(error, listed or (), description, look)
    if made.posts > 1:
        return _after_two_posts(made.answer, made.found or api.settle(look))
    if made.lost is None and before is not None:
        return _with_id(made.answer, api.settle(lambda: added(before)))
    if made.lost is None or not made.found:
        return Added(made.answer)
    return _after_lost_answer(made.found, description, made.lost)


def _after_two_posts(answered: str | None, new: Sequence[Secret]) -> Added:
    """The secret after two POSTs, with a warning if both may have added one."""
    ids = list(dict.fromkeys([*([answered] if answered else []), *(secret.secret_id for secret in new)]))
    if len(ids) == 1:
        return Added(ids[0])
    twice = f"was added twice, with the same value ({', '.join(ids)})" if ids else "may have been added twice"
    warning = (
        f"The secret {twice}: the answer to the first attempt was lost, and the list did not show the secret in time. "
        "One of them can be deleted."
    )
    return Added(answered, (warning,))


def _with_id(answered: str | None, new: Sequence[Secret]) -> Added:
    """The added secret, with its id if that is certain. An id that is answered but not listed has another meaning."""
    if answered is not None and (not new or any(each.secret_id == answered for each in new)):
        return Added(answered)
    if len(new) == 1:
        return Added(new[0].secret_id)
    if not new:
        return Added(None, ("The secret was added, but the server does not list it yet, so its id is not known.",))
    several = f"The secret was added, but {len(new)} are new: {list_ids(new)}. It is not known which of them it is."
    return Added(None, (several,))


def _after_lost_answer(new: Sequence[Secret], description: str, lost: IamError) -> Added:
    """The added secret among the ``new`` ones: the one with our description, or the only new one."""
    if described(new[0], description):
        return _with_id(None, new)
    if len(new) > 1:
        lost.hint = (
            f"{len(new)} secrets are new ({list_ids(new)}), and the server shows no descriptions. Exchange the "
            "value for a token (token_exchange) to find out whether it was added."
        )
        raise lost
    doubt = (
        f"The answer to adding the secret was lost. Secret {new[0].secret_id} is new and is assumed to be it, "
        "although the server shows no descriptions. Exchange the value for a token to be sure (or give verify_scope)."
    )
    return Added(new[0].secret_id, (doubt,))


def _refused(error: ApiError, listed: Sequence[Secret], description: str, look: Callable[[], list[Secret]]) -> Added:
    if error.status not in (409, *REFUSALS):
        raise error
    new = look() if isinstance(error, ConflictError) else []
    if new and described(new[0], description):
        other = f"Another run added secret {new[0].secret_id} with this description. Its value is not known here."
        return Added(new[0].secret_id, (other,), mine=False)
    if listed:
        error.hint += f" The client has {len(listed)} secrets ({list_ids(listed)}). A server may limit their number."
    raise error


def delete(api: IamApi, client_id: str, secret_id: str) -> bool:
    """Delete the secret. Returns whether this task deleted it."""

    def gone() -> bool:
        return all(each.secret_id != secret_id for each in api.list_secrets(client_id))

    try:
        return delete_once(api, lambda: api.delete_secret(client_id, secret_id), gone)
    except ApiError as error:
        if error.status in (404, *REFUSALS) and gone():
            return False  # some servers answer like this for an id that does not exist
        raise
