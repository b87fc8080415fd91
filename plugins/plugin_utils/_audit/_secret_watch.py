# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches a tenant for the event source ``secret_expiry``, and reports each secret that becomes due once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ...module_utils._audit.tenant import Tenant, TenantClient, named_like, read_tenant
from ...module_utils._core.argspec import ArgumentSpec
from ...module_utils._core.deps import require
from ...module_utils._core.errors import IamError, OptionError
from ...module_utils._core.operation import unexpected
from ...module_utils._core.time import now, parse_duration
from ...module_utils._http.connection import CONNECTION, Connection
from ...module_utils._secrets.age import AgedSecret, Limits, read_limits
from .._inventory.host_names import host_names, safe_name

SPEC = CONNECTION.merge(
    ArgumentSpec(
        {
            "interval": {"type": "str", "default": "1h"},
            "names": {"type": "list", "elements": "str", "default": []},
            "rotate_after": {"type": "str", "default": "60d"},
            "expiry_margin": {"type": "str", "default": "14d"},
            "hosts": {"type": "dict", "default": {}},
        }
    )
)

_BRACES = str.maketrans("{}", "()")

Key = tuple[str, str, str]
"""Client id, secret id and state. Each combination is reported once."""


@dataclass(frozen=True)
class Settings:
    """The validated options. ``interval`` is the time between two reads; ``hosts`` has host names by client name."""

    connection: Connection
    interval: timedelta
    names: tuple[str, ...]
    limits: Limits
    hosts: Mapping[str, str]
    tenant: str


def read_settings(args: Mapping[str, Any]) -> Settings:
    """Validate the arguments of the event source. They fall back to the environment. Raises ``OptionError``."""
    require(("requests", "pydantic"))
    ours = {name: value for name, value in args.items() if not name.startswith("eda_")}
    result = ArgumentSpecValidator(**SPEC.to_kwargs()).validate(ours)
    if result.error_messages:
        raise OptionError(f"secret_expiry: {'; '.join(result.error_messages)}.")
    params = result.validated_parameters
    interval = parse_duration(params["interval"], "interval")
    if not interval:
        raise OptionError("interval is zero.", hint="Write 1h, for example.", option="interval")
    for name, host in params["hosts"].items():
        if not isinstance(host, str) or safe_name(host) != host or not host:
            raise OptionError(
                f"hosts: {host!r} (for {name}) is not the name of one inventory host.",
                hint="Map the name of a client to the host that has its variables.",
                option="hosts",
            )
    return Settings(
        Connection.from_params(params),
        interval,
        tuple(params["names"]),
        read_limits(params["rotate_after"], params["expiry_margin"]),
        params["hosts"],
        params["tenant"] or "",
    )


class SecretWatch:
    """Reads a tenant repeatedly, and remembers what it has reported."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reported: frozenset[Key] = frozenset()

    def look(self) -> list[dict[str, Any]]:
        """The events since the previous call. Raises ``IamError``, and nothing else."""
        try:
            tenant = read_tenant(self._settings.connection, named_like(self._settings.names))
            events, self._reported = new_events(tenant, now(), self._settings, self._reported)
        except IamError:
            raise
        except Exception as error:
            raise unexpected("secret_expiry", error) from None
        return events


def new_events(
    tenant: Tenant, at: datetime, settings: Settings, reported: Collection[Key]
) -> tuple[list[dict[str, Any]], frozenset[Key]]:
    """The events for due secrets that are not in ``reported``, and all keys reported after that. Pure.

    Keys of secrets that are no longer listed or due are forgotten, unless their client could not be read this time.
    """
    hosts = host_names(tenant.listed)
    due = {
        (client.client.client_id, secret.secret_id, secret.state): (client, secret)
        for client in tenant.clients
        for secret in tenant.judged(client, at, settings.limits)
        if secret.due
    }
    unreadable = {each.client.client_id for each in tenant.clients if each.unreadable}
    kept = {key for key in reported if key in due or key[0] in unreadable}
    events = [
        {"secret_expiry": _event(client, secret, settings, hosts[client.client.client_id])}
        for key, (client, secret) in due.items()
        if key not in reported
    ]
    return events, frozenset(kept | due.keys())


def _event(client: TenantClient, secret: AgedSecret, settings: Settings, host: str) -> dict[str, Any]:
    """One event. Braces are replaced, because a rulebook may pass values as extra variables, which are templated."""
    values = {
        "tenant": settings.tenant,
        "client_id": client.client.client_id,
        "client_name": client.name,
        "host": settings.hosts.get(client.name, host),
        **secret.model_dump(mode="json", exclude={"description", "age", "expires_in", "due"}),
    }
    return {name: value.translate(_BRACES) if isinstance(value, str) else value for name, value in values.items()}
