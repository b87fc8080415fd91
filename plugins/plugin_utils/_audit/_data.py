# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``secret_audit_info`` returned, read back and checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from ansible_collections.aritma.iam.plugins.module_utils._core.deps import BaseModel, ConfigDict, ValidationError
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError


class _Data(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class AuditSecret(_Data):
    """One secret; ``age`` and ``expires_in`` are seconds, and None where nobody knows or where it never expires."""

    secret_id: str
    description: str | None
    managed_by: str
    rotation_id: str | None
    created: datetime | None
    expiration: datetime | None
    age: int | None
    expires_in: int | None
    state: str
    due: bool
    reason: str


class AuditClient(_Data):
    """One client with its secrets, the newest first."""

    client_id: str
    name: str
    unreadable: str
    due: bool
    secrets: tuple[AuditSecret, ...]


class Summary(_Data):
    """The numbers of an audit."""

    clients: int
    clients_due: int
    clients_unreadable: int
    clients_without_secret: int
    secrets: int
    secrets_due: int
    by_state: dict[str, int]
    by_manager: dict[str, int]


class Audit(_Data):
    """A whole audit; ``rotate_after`` and ``expiry_margin`` are seconds."""

    schema_number: Literal[1]
    audited_at: datetime
    api_url: str
    tenant: str | None
    names: tuple[str, ...]
    rotate_after: int | None
    expiry_margin: int
    summary: Summary
    clients: tuple[AuditClient, ...]


def read_audit(data: Mapping[str, Any]) -> Audit:
    """The option ``audit``. Raises ``OptionError`` for anything but what ``secret_audit_info`` returns."""
    try:
        return Audit.model_validate({**data, "schema_number": data.get("schema")})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])).replace("schema_number", "schema")
        raise OptionError(
            f"audit is not what secret_audit_info returns: {place}: {first['msg']}.",
            hint='Give its result as it is, such as audit: "{{ audited.audit }}".',
            option="audit",
        ) from None
