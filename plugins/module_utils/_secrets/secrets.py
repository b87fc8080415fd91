# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of clients as a resource: the operations ``client_secret`` and ``client_secret_info``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._clients.steps import find_by_id
from ansible_collections.aritma.iam.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import NotFoundError
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Params
from ansible_collections.aritma.iam.plugins.module_utils._core.outcome import Outcome
from ansible_collections.aritma.iam.plugins.module_utils._core.time import now
from ansible_collections.aritma.iam.plugins.module_utils._iam.api import IamApi, api_operation, refuse_empty
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Secret
from ansible_collections.aritma.iam.plugins.module_utils._secrets.plan import (
    SecretKey,
    check_value,
    descriptions_shown,
    generate_value,
    plan_absent,
    plan_present,
    read_listed,
    wanted_expiration,
)
from ansible_collections.aritma.iam.plugins.module_utils._secrets.steps import add, delete

SECRET = ArgumentSpec(
    {
        "client_id": {"type": "str", "required": True},
        "description": {"type": "str"},
        "secret_id": {"type": "str", "no_log": False},
        "value": {"type": "str", "no_log": True},
        "expiration": {"type": "str"},
        "expires_after": {"type": "str"},
        "keep_last": {"type": "bool", "default": True},
        "listed": {"type": "list", "elements": "dict"},
        "identify": {"type": "bool"},
        "list_after": {"type": "bool", "default": False},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    },
    mutually_exclusive=[("expiration", "expires_after")],
    required_one_of=[("description", "secret_id")],
)

SECRET_INFO = ArgumentSpec({"client_id": {"type": "str", "required": True}})


def reconcile_secret(api: IamApi, params: Params, check_mode: bool) -> Outcome:
    """The module ``client_secret``."""
    refuse_empty(params, "client_id", "description", "secret_id")
    key = SecretKey(params["description"], params["secret_id"])
    if params["state"] == "absent":
        return _absent(api, params, key, check_mode)
    if params["value"] is not None:
        check_value(params["value"])
    expiration = wanted_expiration(params["expiration"], params["expires_after"], now())
    listed = _listed(api, params)
    absolute = expiration if params["expiration"] else None
    plan = plan_present(key, absolute, listed, decided=params["listed"] is not None)
    if plan.existing is not None:
        return _there(_for_people(plan.existing), plan.warnings)
    secret = {"secret_id": None, "description": params["description"], "expiration": expiration}
    if check_mode:
        return Outcome(True, {"secret": secret}, {}, _for_diff(secret))
    return _added(api, params, secret, listed)


def _listed(api: IamApi, params: Params) -> list[Secret]:
    if params["listed"] is not None:
        return read_listed(params["listed"])
    return api.list_secrets(params["client_id"])


def _there(secret: dict[str, Any], warnings: Sequence[str]) -> Outcome:
    return Outcome(False, {"secret": secret}, _for_diff(secret), _for_diff(secret), warnings)


def _added(api: IamApi, params: Params, secret: dict[str, Any], listed: Sequence[Secret]) -> Outcome:
    generated = generate_value() if params["value"] is None else None
    body = {"value": generated or params["value"], "description": secret["description"]}
    if secret["expiration"] is not None:
        body["expiration"] = secret["expiration"]
    on_its_own = params["listed"] is None
    identify = on_its_own if params["identify"] is None else params["identify"]
    added = add(api, params["client_id"], body, listed, identify=identify, repeat=on_its_own)
    known = {**secret, "secret_id": added.secret_id}
    if not added.mine:
        return _there(known, added.warnings)
    result = known if generated is None else {**known, "value": generated}
    return Outcome(True, {"secret": result}, {}, _for_diff(secret), added.warnings, sensitive=generated is not None)


def _absent(api: IamApi, params: Params, key: SecretKey, check_mode: bool) -> Outcome:
    try:
        listed = _listed(api, params)
    except NotFoundError:
        if find_by_id(api, params["client_id"]) is not None:
            raise
        return Outcome(False, {"secret": None})  # no such client: no such secret
    target = plan_absent(key, listed, now(), keep_last=params["keep_last"])
    if target is None:
        return Outcome(False, {"secret": None})
    changed = check_mode or delete(api, params["client_id"], target.secret_id)
    secret = _for_people(target)
    result: dict[str, Any] = {"secret": secret}
    if params["list_after"] and not check_mode:
        result["secrets"] = [_for_people(each) for each in api.list_secrets(params["client_id"])]
    return Outcome(changed, result, _for_diff(secret) if changed else {}, {})


def _for_people(secret: Secret) -> dict[str, Any]:
    return {"secret_id": secret.secret_id, "description": secret.description, "expiration": secret.expiration}


def _for_diff(secret: dict[str, Any]) -> dict[str, Any]:
    return {"description": secret["description"], "expiration": secret["expiration"]}


def secret_info(api: IamApi, params: Params, _check_mode: bool) -> Outcome:
    """The module ``client_secret_info``."""
    refuse_empty(params, "client_id")
    listed = api.list_secrets(params["client_id"])
    secrets = [{**_for_people(secret), "created": secret.created} for secret in listed]
    return Outcome(False, {"secrets": secrets, "descriptions_shown": descriptions_shown(listed)})


CLIENT_SECRET = api_operation("client_secret", SECRET, reconcile_secret)
CLIENT_SECRET_INFO = api_operation("client_secret_info", SECRET_INFO, secret_info)
