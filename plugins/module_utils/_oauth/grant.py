# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request of the client-credentials grant (RFC 6749, section 4.4)."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

from .._core.errors import OptionError
from .._core.redaction import Redaction
from .._http.transport import Request

POST = "post"
BASIC = "basic"
AUTH_METHOD: dict[str, Any] = {"type": "str", "choices": [POST, BASIC], "default": POST}
"""The option that says how a credential is sent."""


@dataclass(frozen=True)
class ClientCredential:
    """A client id and secret, the scope to request, and how to send the secret: ``post`` (in the form) or ``basic``."""

    client_id: str
    client_secret: str = field(repr=False)
    scope: str
    auth_method: str = POST

    def __post_init__(self) -> None:
        """Raise ``OptionError`` for a text that cannot be encoded, such as an environment variable with other bytes."""
        try:
            f"{self.client_id}{self.client_secret}{self.scope}".encode()
        except UnicodeEncodeError:
            raise OptionError(
                "The client id, the secret or the scope is not UTF-8 text.",
                hint="Check the file or the environment variable that it comes from.",
            ) from None

    @property
    def redaction(self) -> Redaction:
        """Replaces this secret in texts, also in a Basic header."""
        return Redaction([self.client_secret, basic_value(self.client_id, self.client_secret)])


def token_request(token_url: str, credential: ClientCredential) -> Request:
    """The request that exchanges the credential for a token."""
    form = {"grant_type": "client_credentials", "scope": credential.scope}
    authorization = ""
    if credential.auth_method == BASIC:
        authorization = f"Basic {basic_value(credential.client_id, credential.client_secret)}"
    else:
        form = {**form, "client_id": credential.client_id, "client_secret": credential.client_secret}
    return Request(
        "POST",
        token_url,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
        authorization=authorization,
    )


def basic_value(client_id: str, client_secret: str) -> str:
    """The value after ``Basic``. Both parts are form-encoded first (RFC 6749, section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return base64.b64encode(pair.encode()).decode()
