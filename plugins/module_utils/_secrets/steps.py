# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adding a secret to a client and deleting one, so that a lost answer does no harm."""

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
from .plan import described, list_ids, newcomers


class Witness:
    """Tells whether a value works, by exchanging it for a token; ``detail`` is what the last answer was, in words.

    Raises ``OptionError`` when it is made, where the token endpoint is not known.
    """

    def __init__(self, api: IamApi, params: Params, value: str) -> None:
        self._api = api
        self._connection = Connection.for_token_endpoint(params)
        self._credential = ClientCredential(params["client_id"], value, params["verify_scope"], params["auth_method"])
        self.detail = ""

    def __call__(self) -> bool | None:
        """Whether it is accepted; None where the answer proves nothing."""
        patience = Expectation(None, 1, self._connection.retry_budget)
        done = exchange(self._connection, self._credential, patience)
        self._api.calls["token"] += done.attempts
        self.detail = excerpt(done.judgement.detail, self._credential.redaction)
        return {Verdict.ACCEPTED: True, Verdict.REJECTED: False}.get(done.judgement.verdict)


@dataclass(frozen=True)
class Added:
    """What is known of a secret that is there now. ``mine`` is false when another run added it."""

    secret_id: str | None
    warnings: tuple[str, ...] = ()
    mine: bool = True


def add(
    api: IamApi,
    client_id: str,
    body: Mapping[str, str],
    listed: Sequence[Secret] | None,
    witness: Witness | None,
) -> Added:
    """Add the secret in ``body``; ``listed`` is what was there before, where anybody looked.

    An answer that was lost is settled by the list, and by ``witness`` where there is one: then a list without
    descriptions proves nothing. After any other answer the list is read until it shows the secret, for its id and
    because the next task looks there; but not where there is a witness, or nobody looked before.
    """
    description = body["description"]
    before = None if listed is None or witness else frozenset(secret.secret_id for secret in listed)

    def look() -> list[Secret]:
        try:
            return newcomers(api.list_secrets(client_id), description, before)
        except NotFoundError:
            return []  # the client was there for the POST: this node of the server does not know it yet

    try:
        made = create_once(api, lambda: api.create_secret(client_id, body), look, witness)
    except AmbiguousError as error:
        said = f"{witness.detail} " if witness else ""
        error.hint = f"{said}Exchange the value, or look at the list, to learn whether the secret was added."
        raise
    except ApiError as error:
        return _refused(error, listed or (), description, look)
    if made.posts > 1:
        return _repeated(made.told, made.found or api.settle(look))
    if made.lost is None and before is not None:
        return _identified(made.told, api.settle(look))
    if made.lost is None or not made.found:
        return Added(made.told)
    return _landed(made.found, description, made.lost)


def _repeated(told: str | None, shown: Sequence[Secret]) -> Added:
    """What is known after two POSTs."""
    ids = list(dict.fromkeys([*([told] if told else []), *(secret.secret_id for secret in shown)]))
    if len(ids) == 1:
        return Added(ids[0])
    twice = f"was added twice, with the same value ({', '.join(ids)})" if ids else "may have been added twice"
    warning = (
        f"The secret {twice}: the answer to the first attempt was lost, and nothing showed in time that it was carried "
        "out. One of them can be deleted."
    )
    return Added(told, (warning,))


def _identified(told: str | None, shown: Sequence[Secret]) -> Added:
    """The id of what was surely added. One that the list does not know is the id of something else."""
    if told is not None and (not shown or any(each.secret_id == told for each in shown)):
        return Added(told)
    if len(shown) == 1:
        return Added(shown[0].secret_id)
    if not shown:
        return Added(None, ("The secret was added, but the server does not list it yet: its id is not known.",))
    several = f"The secret was added, but {len(shown)} are new: {list_ids(shown)}. It is not known which of them it is."
    return Added(None, (several,))


def _landed(landed: Sequence[Secret], description: str, lost: IamError) -> Added:
    """The answer was lost, and ``landed`` are new since: ours by the description, or the only new one."""
    if described(landed[0], description):
        return _identified(None, landed)
    if len(landed) > 1:
        lost.hint = (
            f"{len(landed)} secrets are new ({list_ids(landed)}), and the server shows no descriptions: exchange the "
            "value for a token (token_exchange) to learn whether it was added."
        )
        raise lost
    doubt = (
        f"The answer to adding the secret was lost. Secret {landed[0].secret_id} is new since and is taken for it, "
        "although the server shows no descriptions: exchange the value for a token to be sure (or give verify_scope)."
    )
    return Added(landed[0].secret_id, (doubt,))


def _refused(error: ApiError, listed: Sequence[Secret], description: str, look: Callable[[], list[Secret]]) -> Added:
    if error.status not in (409, *REFUSALS):
        raise error
    landed = look() if isinstance(error, ConflictError) else []
    if landed and described(landed[0], description):
        faster = f"Another run added secret {landed[0].secret_id} with this description: its value is not known here."
        return Added(landed[0].secret_id, (faster,), mine=False)
    if listed:
        error.hint += f" The client has {len(listed)} secrets ({list_ids(listed)}): a server may limit their number."
    raise error


def delete(api: IamApi, client_id: str, secret_id: str) -> bool:
    """Delete the secret; whether it was this task that did it."""

    def gone() -> bool:
        return all(each.secret_id != secret_id for each in api.list_secrets(client_id))

    try:
        return delete_once(api, lambda: api.delete_secret(client_id, secret_id), gone)
    except ApiError as error:
        if error.status in (404, *REFUSALS) and gone():
            return False  # what some servers, or a page of theirs, answer for an id that is not there
        raise
