# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of clients as a resource: the operations ``client_secret`` and ``client_secret_info``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._clients.steps import find_by_id
from .._core.argspec import ArgumentSpec
from .._core.errors import NotFoundError, OptionError
from .._core.operation import Params
from .._core.outcome import Outcome
from .._core.time import now
from .._iam.api import IamApi, api_operation, refuse_empty
from .._iam.contract import Secret
from .._oauth.grant import AUTH_METHOD
from .plan import (
    SecretKey,
    SecretPlan,
    cannot_compare,
    check_value,
    descriptions_shown,
    generate_value,
    plan_absent,
    plan_present,
    wanted_expiration,
)
from .steps import ExchangeCheck, add, delete

SECRET = ArgumentSpec(
    {
        "client_id": {"type": "str", "required": True},
        "description": {"type": "str"},
        "secret_id": {"type": "str", "no_log": False},
        "value": {"type": "str", "no_log": True},
        "expiration": {"type": "str"},
        "expires_after": {"type": "str"},
        "keep_last": {"type": "bool", "default": True},
        "look_first": {"type": "bool", "default": True},
        "verify_scope": {"type": "str"},
        "not_after": {"type": "str"},
        "auth_method": AUTH_METHOD,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    },
    mutually_exclusive=[("expiration", "expires_after")],
    required_one_of=[("description", "secret_id")],
)

SECRET_INFO = ArgumentSpec({"client_id": {"type": "str", "required": True}})


def reconcile_secret(api: IamApi, params: Params, check_mode: bool) -> Outcome:
    """The module ``client_secret``."""
    refuse_empty(params, "client_id", "description", "secret_id", "verify_scope")
    _refuse_blind_guards(params)
    key = SecretKey(params["description"], params["secret_id"])
    return (_absent if params["state"] == "absent" else _present)(api, params, key, check_mode)


def _refuse_blind_guards(params: Params) -> None:
    """Raise ``OptionError`` if ``look_first`` is false, but other options need the list."""
    if params["look_first"]:
        return
    if params["state"] == "present" and params["secret_id"]:
        problem = "secret_id is looked up in the list"
    elif params["state"] == "absent" and (not params["secret_id"] or params["description"] or params["keep_last"]):
        problem = "then a deletion needs secret_id without description, and keep_last: false"
    else:
        return
    raise OptionError(f"look_first is false, but {problem}.", hint="Omit look_first.", option="look_first")


def _present(api: IamApi, params: Params, key: SecretKey, check_mode: bool) -> Outcome:
    if params["value"] is not None:
        check_value(params["value"])
    expiration = wanted_expiration(params["expiration"], params["expires_after"], now())
    value = params["value"] or generate_value()
    check = ExchangeCheck(api, params, value) if params["verify_scope"] else None
    listed = api.list_secrets(params["client_id"]) if params["look_first"] else None
    new = Secret(secret_id="", description=params["description"], expiration=expiration)
    plan = SecretPlan(None)
    if listed is not None:
        found = plan_present(key, expiration if params["expiration"] else None, listed)
        plan = found or _exchanged(new, listed, check if params["value"] else None)
    if plan.existing is not None:
        return _there(plan.existing, plan.warnings)
    if check_mode:
        return Outcome(True, {"secret": _for_people(new)}, {}, _for_diff(new))
    body = {"value": value, "description": params["description"]}
    if expiration is not None:
        body["expiration"] = expiration
    added = add(api, params["client_id"], body, listed, check)
    new = new.model_copy(update={"secret_id": added.secret_id or ""})
    if not added.mine:
        return _there(new, added.warnings)
    generated = {} if params["value"] else {"value": value}
    result = {"secret": {**_for_people(new), **generated}}
    return Outcome(True, result, {}, _for_diff(new), added.warnings, sensitive=bool(generated))


def _exchanged(new: Secret, listed: Sequence[Secret], check: ExchangeCheck | None) -> SecretPlan:
    """Plan by an exchange of the value, because the list shows no descriptions."""
    if check is None:
        raise cannot_compare(
            listed,
            "Give secret_id, or value and verify_scope for an exchange of the value. With look_first: false a secret "
            "is added in any case.",
        )
    accepted = check()
    if accepted is None:
        raise cannot_compare(listed, f"An exchange of the value was inconclusive too. {check.detail}")
    return SecretPlan(Secret(secret_id="", description=new.description) if accepted else None)


def _there(secret: Secret, warnings: Sequence[str]) -> Outcome:
    return Outcome(False, {"secret": _for_people(secret)}, _for_diff(secret), _for_diff(secret), warnings)


def _absent(api: IamApi, params: Params, key: SecretKey, check_mode: bool) -> Outcome:
    target = _listed_target(api, params, key) if params["look_first"] else Secret(secret_id=params["secret_id"])
    if target is None or not (check_mode or delete(api, params["client_id"], target.secret_id)):
        return Outcome(False, {"secret": None})
    return Outcome(True, {"secret": _for_people(target)}, _for_diff(target), {})


def _listed_target(api: IamApi, params: Params, key: SecretKey) -> Secret | None:
    try:
        listed = api.list_secrets(params["client_id"])
    except NotFoundError:
        if find_by_id(api, params["client_id"]) is not None:
            raise
        return None  # without the client there is no secret
    return plan_absent(key, listed, now(), keep_last=params["keep_last"])


def _for_people(secret: Secret) -> dict[str, Any]:
    return {
        "secret_id": secret.secret_id or None,
        "description": secret.description,
        "expiration": secret.expiration,
        "type": secret.type,
    }


def _for_diff(secret: Secret) -> dict[str, Any]:
    return {"description": secret.description, "expiration": secret.expiration}


def secret_info(api: IamApi, params: Params, _check_mode: bool) -> Outcome:
    """The module ``client_secret_info``."""
    refuse_empty(params, "client_id")
    listed = api.list_secrets(params["client_id"])
    secrets = [{**_for_people(secret), "created": secret.created} for secret in listed]
    return Outcome(False, {"secrets": secrets, "descriptions_shown": descriptions_shown(listed)})


CLIENT_SECRET = api_operation("client_secret", SECRET, reconcile_secret)
CLIENT_SECRET_INFO = api_operation("client_secret_info", SECRET_INFO, secret_info)
