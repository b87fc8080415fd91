# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes an audit as Prometheus metrics for the textfile collector of node_exporter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from ...module_utils._audit.audit import Audit, AuditClient
from ...module_utils._core.version import VERSION
from ...module_utils._secrets.age import AgedSecret

_PREFIX = "aritma_iam"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Labels = Mapping[str, str]
Sample = tuple[Labels, float]
Each = tuple[AuditClient, AgedSecret]


def metrics(audit: Audit) -> str:
    """The content of the file. Times are in seconds since 1970. Unknown values have no sample."""
    return "".join(line for name, text, samples in _families(audit) for line in _family(name, text, samples))


def _families(audit: Audit) -> Iterator[tuple[str, str, list[Sample]]]:
    total = audit.summary
    about = {"api_url": audit.api_url, "tenant": audit.tenant or "", "version": VERSION}
    yield "audit_info", "The audited API and tenant, and the version of the collection.", [(about, 1)]
    yield "audit_timestamp_seconds", "The time of the audit.", [({}, audit.audited_at.timestamp())]
    for name, seconds in {"rotate_after": audit.rotate_after, "expiry_margin": audit.expiry_margin}.items():
        applied: list[Sample] = [] if seconds is None else [({}, seconds)]
        yield f"audit_{name}_seconds", f"The limit {name} that the audit applied.", applied
    yield "clients", "OAuth clients.", [({}, total.clients)]
    yield "clients_unreadable", "Clients whose secrets could not be listed.", [({}, total.clients_unreadable)]
    yield "clients_without_secret", "Clients without a secret.", [({}, total.clients_without_secret)]
    yield "secrets", "Secrets by their state.", [({"state": state}, number) for state, number in total.by_state.items()]
    every = [(client, secret) for client in audit.clients for secret in client.secrets]
    yield "secret_info", "Facts about a secret.", [(_about(*each), 1) for each in every]
    due: list[Sample] = [(_key(*each), each[1].due) for each in every]
    yield "secret_due", "Whether a secret should be replaced now.", due
    created = [(each, each[1].created) for each in every]
    yield "secret_created_timestamp_seconds", "When a secret was added.", _known(created)
    expires = [(each, each[1].expiration) for each in every]
    yield "secret_expiration_timestamp_seconds", "When a secret expires.", _known(expires)


def _known(moments: Iterable[tuple[Each, datetime | None]]) -> list[Sample]:
    return [(_key(*each), moment.timestamp()) for each, moment in moments if moment is not None]


def _key(client: AuditClient, secret: AgedSecret) -> Labels:
    return {"client_id": client.client_id, "client": client.name, "secret_id": secret.secret_id}


def _about(client: AuditClient, secret: AgedSecret) -> Labels:
    facts = {"managed_by": secret.managed_by, "state": secret.state, "description": secret.description or ""}
    return {**_key(client, secret), **facts}


def _family(name: str, text: str, samples: Iterable[Sample]) -> Iterator[str]:
    """One metric. All metrics are gauges."""
    full = f"{_PREFIX}_{name}"
    yield f"# HELP {full} {text}\n# TYPE {full} gauge\n"
    for labels, value in samples:
        yield f"{full}{_written(labels)} {_number(value)}\n"


def _written(labels: Labels) -> str:
    inner = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
