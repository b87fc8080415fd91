# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adding a secret to a client and deleting one, so that a lost answer does no harm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import (
    AmbiguousError,
    ApiError,
    ConflictError,
    NotFoundError,
)
from ansible_collections.aritma.iam.plugins.module_utils._iam.api import NOT_OFFERED, REFUSALS, IamApi
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Secret
from ansible_collections.aritma.iam.plugins.module_utils._secrets.plan import list_ids, newcomers

Look = Callable[[], "list[Secret] | None"]


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
    listed: Sequence[Secret],
    *,
    identify: bool,
    repeat: bool,
) -> Added:
    """Add the secret in ``body``; ``listed`` is what was there before.

    With ``identify``, the list is read until it shows the new secret: for its id, and because the next task looks
    there. A POST whose answer was lost is repeated once, with the same value, after lists had the time to show whether
    it landed. Without ``repeat``, or with a ``retry_budget`` of 0, that is left to the caller, who has other means.
    """
    description = body["description"]
    before = frozenset(secret.secret_id for secret in listed)

    def look() -> list[Secret] | None:
        try:
            return newcomers(api.list_secrets(client_id), description, before) or None
        except NotFoundError:
            return None  # the client was there for the POST: this node of the server does not know it yet

    try:
        told = api.create_secret(client_id, body)
    except AmbiguousError as error:
        landed = api.settle(look)
        if landed is not None:
            return _landed(landed, description, error)
        if not (repeat and api.patient):
            error.hint = "The list does not show the secret. Exchange its value to learn whether it was added."
            raise
        return _add_again(api, client_id, body, look)
    except ApiError as error:
        return _refused(error, listed, description, look)
    shown = (api.settle(look) or []) if identify else []
    if identify and (told is None or (shown and all(each.secret_id != told for each in shown))):
        return _identified(shown)  # what the answer tells and the list does not know is the id of something else
    return Added(told)


def _add_again(api: IamApi, client_id: str, body: Mapping[str, str], look: Look) -> Added:
    try:
        told = api.create_secret(client_id, body)
    except (AmbiguousError, ApiError) as error:
        # A refusal may mean that the first POST had landed after all.
        landed = api.settle(look)
        if landed is None:
            raise
        return _landed(landed, body["description"], error)
    shown = api.settle(look) or []
    ids = list(dict.fromkeys([*([told] if told else []), *(secret.secret_id for secret in shown)]))
    if len(ids) < 2:
        return Added(ids[0]) if ids else _identified(shown)
    twice = (
        f"The secret was added twice, with the same value ({', '.join(ids)}): the answer to the first attempt was "
        "lost, and the list did not show it in time. One of them can be deleted."
    )
    return Added(told, (twice,))


def _landed(landed: Sequence[Secret], description: str, error: AmbiguousError | ApiError) -> Added:
    """The answer was lost, and ``landed`` are new since: ours by its description, or the only new one."""
    if any(secret.description == description for secret in landed):
        return _identified(landed)
    if len(landed) > 1:
        error.hint = (
            f"{len(landed)} secrets are new ({list_ids(landed)}), and the server shows no descriptions: exchange the "
            "value for a token (token_exchange) to learn whether it was added."
        )
        raise error
    doubt = (
        f"The answer to adding the secret was lost. Secret {landed[0].secret_id} is new since and is taken for it, "
        "although the server shows no descriptions: exchange the value for a token to be sure."
    )
    return Added(landed[0].secret_id, (doubt,))


def _identified(landed: Sequence[Secret]) -> Added:
    """The id of what was surely added, as far as the list tells."""
    if len(landed) == 1:
        return Added(landed[0].secret_id)
    if not landed:
        return Added(None, ("The secret was added, but the server does not list it yet: its id is not known.",))
    return Added(
        None,
        (f"The secret was added, but {len(landed)} are new: {list_ids(landed)}. Which of them it is cannot be told.",),
    )


def _refused(error: ApiError, listed: Sequence[Secret], description: str, look: Look) -> Added:
    if error.status not in (409, *REFUSALS):
        raise error
    landed = look() if isinstance(error, ConflictError) else None
    if landed is not None and landed[0].description == description:
        faster = f"Another run added secret {landed[0].secret_id} with this description: its value is not known here."
        return Added(landed[0].secret_id, (faster,), mine=False)
    if listed:
        error.hint += f" The client has {len(listed)} secrets ({list_ids(listed)}): a server may limit their number."
    raise error


def delete(api: IamApi, client_id: str, secret_id: str) -> bool:
    """Delete the secret; whether it was this task that did it."""

    def gone() -> bool | None:
        return None if any(each.secret_id == secret_id for each in api.list_secrets(client_id)) else True

    try:
        return api.delete_secret(client_id, secret_id)
    except AmbiguousError:
        if api.settle(gone) is None:
            raise
        return True
    except ApiError as error:
        if error.status in REFUSALS and gone():
            return False  # what some servers answer for an id that is not there
        if error.status not in NOT_OFFERED:
            raise
        raise ApiError(
            f"This server offers no deletion of secrets, so secret {secret_id} of client {client_id} stays.",
            status=error.status,
            hint="Delete it where it is managed.",
            operation="deleteClientSecret",
            client_id=client_id,
            secret_id=secret_id,
        ) from None
