# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Issues and verifies access tokens: JWTs, signed with a key in the state file."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from simulator.store import Store

ALGORITHM = "ES256"
IAM_SCOPE = "services.iam"


@dataclass(frozen=True)
class Identity:
    """The client, tenant and scopes of a verified access token."""

    client_id: str
    tenant: str
    scopes: frozenset[str]
    jti: str


class Tokens:
    """Signs and verifies tokens with one ES256 key."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = _kept_key(store)

    def jwks(self) -> dict[str, Any]:
        """The public key as a JSON Web Key Set."""
        public = self._key.as_dict(private=False)
        return {"keys": [{**public, "use": "sig", "alg": ALGORITHM}]}

    def issue(self, issuer: str, tenant: str, client_id: str, scope: str, lifetime: int) -> tuple[str, str]:
        """Issue an access token. Returns the token and its jti."""
        now = int(self._store.database.clock())
        jti = uuid.uuid4().hex
        claims = {
            "iss": issuer,
            "aud": sorted(scope.split()),
            "sub": client_id,
            "client_id": client_id,
            "tid": tenant,
            "scope": scope,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "jti": jti,
        }
        return jwt.encode({"alg": ALGORITHM, "typ": "at+jwt", "kid": self._key.kid}, claims, self._key), jti

    def verify(self, authorization: str, known_tenants: frozenset[str]) -> Identity | None:
        """Check signature, expiry, issuer and tenant of a bearer token. Returns its identity, or None."""
        scheme, _unused, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        try:
            claims = jwt.decode(token.strip(), self._key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError):
            return None
        tenant = str(claims.get("tid", ""))
        fresh = float(claims.get("exp", 0)) > self._store.database.clock()
        if not fresh or tenant not in known_tenants or not str(claims.get("iss", "")).endswith("/" + tenant):
            return None
        return Identity(
            client_id=str(claims.get("client_id", "")),
            tenant=tenant,
            scopes=frozenset(str(claims.get("scope", "")).split()),
            jti=str(claims.get("jti", "")),
        )


def _kept_key(store: Store) -> ECKey:
    kept = store.database.get_meta("signing_key")
    if kept is not None:
        return ECKey.import_key(json.loads(kept))
    key = ECKey.generate_key("P-256", auto_kid=True)
    store.database.set_meta("signing_key", json.dumps(key.as_dict(private=True)))
    return key
