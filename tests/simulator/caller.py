# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain client of the simulated API for tests. It returns every answer unchanged and never retries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from simulator.process import Server

_SECONDS = 20.0


class Caller:
    """Calls IAM as the admin client, and the token endpoint as any client."""

    def __init__(self, simulator: Server, verify: str | bool = True) -> None:
        self._simulator = simulator
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = verify
        self._admin_token = ""

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def exchange(
        self,
        client_id: str,
        secret: str,
        scope: str = "api",
        *,
        tenant: str | None = "acme",
        basic: bool = False,
        form: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """A client-credentials exchange. Members of `form` replace the defaults; an empty member is not sent."""
        data = {"grant_type": "client_credentials", "scope": scope}
        if not basic:
            data = {"client_id": client_id, "client_secret": secret, **data}
        sent = {name: value for name, value in {**data, **(form or {})}.items() if value}
        auth = (client_id, secret) if basic else None
        url = self._simulator.token_url(tenant)
        return self._session.post(url, data=sent, auth=auth, timeout=_SECONDS)

    def accepts(self, client_id: str, secret: str, scope: str = "api") -> bool:
        """Whether the token endpoint accepts the secret. Any error other than `invalid_client` fails the test."""
        answer = self.exchange(client_id, secret, scope)
        if not answer.ok:
            assert answer.json()["error"] == "invalid_client", answer.text
        return bool(answer.ok)

    def admin_token(self) -> str:
        """A token with the scope services.iam."""
        if not self._admin_token:
            simulator = self._simulator
            answer = self.exchange(simulator.admin_client_id, simulator.admin_client_secret, "services.iam")
            self._admin_token = answer.json()["access_token"]
        return self._admin_token

    def iam(self, method: str, path: str, *, token: str | None = None, **options: Any) -> requests.Response:
        """One call of IAM, e.g. `iam("GET", "/v1/clients", params={...})`."""
        headers = {"Authorization": f"Bearer {self.admin_token() if token is None else token}"}
        url = self._simulator.api_url + path
        options.setdefault("timeout", _SECONDS)
        return self._session.request(method, url, headers=headers, allow_redirects=False, **options)

    def add_secret(self, client_id: str, value: str, description: str, **more: Any) -> requests.Response:
        """POST a secret."""
        body = {"value": value, "description": description, **more}
        return self.iam("POST", f"/v1/clients/{client_id}/secrets", json=body)
