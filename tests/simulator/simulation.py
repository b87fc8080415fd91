# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the running simulator, and how it answers a `Call`."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from simulator.call import MAIN_TENANT, TENANTS, ApiError, Call
from simulator.contract import Contract
from simulator.faults import Faults
from simulator.log import Log, Violations
from simulator.named import departures, named_profile
from simulator.pauses import Pauses
from simulator.profiles import Profile, Value, with_switches
from simulator.render import error_response
from simulator.routes import HANDLERS, groups
from simulator.routes.catalog import SCOPES
from simulator.store import Client, Store
from simulator.tokens import IAM_SCOPE, Tokens

_KNOWN_TENANTS = frozenset(TENANTS)

_UPDATES_REFUSED = {"put": ("PATCH",), "patch": ("PUT",), "none": ("PATCH", "PUT")}
"""The methods that each value of the switch ``update_method`` refuses."""


@dataclass(frozen=True)
class Settings:
    """How the simulator was started."""

    state: str
    profile: str
    switches: Mapping[str, Value]
    admin_client_id: str
    admin_client_secret: str


class Simulation:
    """The state, profile, faults and log of one simulator process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.profile_name = settings.profile
        self._profile = named_profile(settings.profile, settings.switches)
        self._departures = departures(self._profile)
        self.store = Store(settings.state, self._now)
        self.tokens = Tokens(self.store)
        self.contract = Contract()
        self.faults = Faults()
        self.pauses = Pauses()
        self.log = Log(self.store.database)
        self.violations = Violations(self.store.database)
        self._restore_profile()
        self._ensure_admin()

    def _now(self) -> float:
        return time.time() + self._profile.clock_offset

    @property
    def profile(self) -> Profile:
        """The current values of the switches."""
        return self._profile

    def set_profile(self, name: str, profile: Profile) -> None:
        """Change the switches. A restart with the same options keeps them."""
        self.profile_name = name
        self._profile = profile
        self._departures = departures(profile)
        self.store.database.set_meta("profile", json.dumps({"name": name, "switches": vars(profile)}))

    def _restore_profile(self) -> None:
        options = json.dumps([self.settings.profile, dict(self.settings.switches)], sort_keys=True)
        kept = self.store.database.get_meta("profile")
        if kept is not None and self.store.database.get_meta("options") == options:
            saved = json.loads(kept)
            self.set_profile(saved["name"], with_switches(Profile(), saved["switches"]))
            return
        self.store.database.set_meta("options", options)
        self.set_profile(self.profile_name, self._profile)

    def reset(self, name: str | None = None, switches: Mapping[str, Value] | None = None) -> None:
        """Forget everything except the signing key. Without a profile, use the one of the start."""
        chosen = self.settings.switches if name is None and switches is None else switches or {}
        profile = named_profile(name or self.settings.profile, chosen)
        self.faults.rules.clear()
        self.pauses.resume()
        self.store.database.empty()
        self.set_profile(name or self.settings.profile, profile)
        self._ensure_admin()

    def _ensure_admin(self) -> None:
        client_id, value = self.settings.admin_client_id, self.settings.admin_client_secret
        if self.store.clients.find(client_id, MAIN_TENANT) is None:
            admin = Client(MAIN_TENANT, client_id, "IAM admin", "The admin client", ("client_credentials",), (), SCOPES)
            self.store.clients.add(admin)
        if not any(secret.deleted is None for secret in self.store.secrets.matching(client_id, value)):
            self.store.secrets.add(client_id, value, "admin", created=1.0)
        self.store.settle()

    def handle(self, call: Call) -> Response:
        """Carry out the operation in one transaction, and return its answer."""
        try:
            return self._handled(call)
        except ApiError as error:
            return self._refused(call, error)
        except Exception as error:
            logging.getLogger("simulator").exception("the simulator failed")
            self.violations.add("response", call.entry, f"the simulator failed: {type(error).__name__}")
            return error_response(self.profile, ApiError(500, "the simulator failed"))

    def _handled(self, call: Call) -> Response:
        if call.operation is None:
            raise ApiError(405 if self._methods(call) else 404, "there is no such operation")
        if call.operation.secured:
            self._authorize(call)
        if call.operation.id in groups.OPERATIONS:
            groups.refuse_without_groups(call)
        handler = HANDLERS[call.operation.id]
        if call.method == "GET":
            return handler(call)
        with self.store.database.transaction():
            return handler(call)

    def _methods(self, call: Call) -> list[str]:
        return self.contract.methods_of(call.raw_path.removeprefix(self.profile.base_path))

    def _refused(self, call: Call, error: ApiError) -> Response:
        response = error_response(self.profile, error)
        if error.status == HTTPStatus.METHOD_NOT_ALLOWED:
            refused = {call.method, *_UPDATES_REFUSED.get(self.profile.update_method, ())}
            response.headers["Allow"] = ", ".join(method for method in self._methods(call) if method not in refused)
        return response

    def _authorize(self, call: Call) -> None:
        if call.identity is None:
            raise ApiError(401, "the access token is missing, expired or wrong")
        if self.profile.issued_tokens == "die" and not self.store.token_secret_is_live(call.identity.jti):
            raise ApiError(401, "the secret of the access token was deleted")
        if IAM_SCOPE not in call.identity.scopes:
            raise ApiError(403, f"the access token lacks the scope {IAM_SCOPE}")
        writes = call.method != "GET"
        if writes and self.profile.iam_access == "admin" and call.identity.client_id != call.admin_client_id:
            raise ApiError(403, "the caller is not the IAM admin")

    def judge_response(self, call: Call, response: Response) -> None:
        """Record where an answer breaks the OpenAPI file, unless a switch departs from it on purpose."""
        if call.operation is None or call.operation.id in self._departures:
            return
        if response.status_code >= HTTPStatus.BAD_REQUEST and "errors" in self._departures:
            return
        content_type = response.headers.get("content-type", "")
        body = bytes(response.body)
        for problem in self.contract.response_problems(call.operation, response.status_code, content_type, body):
            self.violations.add("response", call.entry, problem)

    def profile_form(self) -> dict[str, Any]:
        """The switches for the control API."""
        return {"profile": self.profile_name, "switches": vars(self._profile), "departures": sorted(self._departures)}

    def known_tenants(self) -> frozenset[str]:
        """The tenants that a token may name."""
        return _KNOWN_TENANTS
