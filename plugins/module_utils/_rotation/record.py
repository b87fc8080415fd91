# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of one client in a credential store, and the pure steps that lead from one record to the next.

A record holds ``current`` (what the service should use), ``pending`` (written ahead, not proven yet) and ``previous``
(replaced, to be deleted once the consumer is proven to use ``current``). Every step raises ``version`` by one: stores
compare it when they write.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from ansible_collections.aritma.iam.plugins.module_utils._core.deps import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
)
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import StoreError
from ansible_collections.aritma.iam.plugins.module_utils._core.time import format_timestamp, parse_timestamp

SCHEMA = 1
"""The newest schema number that this version reads and the one that it writes."""


def _moment(value: object) -> object:
    return parse_timestamp(value) if isinstance(value, str) else value


def _identifier(value: object) -> object:
    # A secret id is an opaque string for us, although a server may number its secrets.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Timestamp = Annotated[datetime, BeforeValidator(_moment), PlainSerializer(format_timestamp, return_type=str)]
SecretId = Annotated[str, BeforeValidator(_identifier)]


_TRANSIENT = frozenset({"lease", "listed_before", "restores", "rolled_back"})
"""Members that are written only while they have a value."""


class _Stored(BaseModel):
    # Unknown members of the same schema are kept when a record is written again.
    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)


class Previous(_Stored):
    """A secret that was replaced. ``value`` stays until its deletion is confirmed.

    ``rolled_back`` marks one that the consumer could not use: it is never rolled back to.
    """

    value: str = Field(repr=False, min_length=1)
    rotation_id: str
    secret_id: SecretId | None = None
    retire_after: Timestamp | None = None
    created_at: Timestamp | None = None
    expires_at: Timestamp | None = None
    rolled_back: bool | None = None


class Current(_Stored):
    """A secret in use. ``secret_id`` is unknown until a LIST has shown it.

    ``listed_before`` are the ids that the server listed before the POST, kept until ``secret_id`` is known: the only
    evidence where LIST shows no descriptions.
    """

    value: str = Field(repr=False, min_length=1)
    rotation_id: str
    secret_id: SecretId | None = None
    description: str | None = None
    created_at: Timestamp | None = None
    expires_at: Timestamp | None = None
    listed_before: list[SecretId] | None = None


class Pending(Current):
    """A secret that is written ahead and not proven yet.

    ``restores`` is set in a roll-back: the rotation id of the secret whose value is added again.
    """

    restores: str | None = None


class Lease(_Stored):
    """Who is rotating now, and until when others must believe it."""

    owner: str
    expires_at: Timestamp


class Record(_Stored):
    """One client's credentials, as DESIGN section 6 writes them."""

    schema_: int = Field(default=SCHEMA, alias="schema")
    client_id: str
    client_name: str | None = None
    version: int = 0
    current: Current | None = None
    pending: Pending | None = None
    previous: Previous | None = None
    last_rotated_at: Timestamp | None = None
    last_verified_at: Timestamp | None = None
    lease: Lease | None = None

    def to_data(self) -> dict[str, Any]:
        """As plain JSON data. Members that only exist at times are left out when they are empty."""
        data: dict[str, Any] = self.model_dump(mode="json", by_alias=True)
        for part in (data, data["current"], data["pending"], data["previous"]):
            for name in _TRANSIENT & (part or {}).keys():
                if part[name] is None:
                    del part[name]
        return data

    def values(self) -> frozenset[str]:
        """Every secret value in the record: what no text may show."""
        held = (self.current, self.pending, self.previous)
        return frozenset(each.value for each in held if each is not None)


def read_record(data: object, *, client_id: str, where: str) -> Record:
    """The record in ``data`` (what a store holds, decoded from JSON). ``where`` names the store in errors.

    Raises ``StoreError`` for anything but a record of this client (of any, when ``client_id`` is empty) in a schema
    that is known here.
    """
    hint = "Restore it from a backup, or move it away: the next run then adds a new secret and leaves the others alone."
    if not isinstance(data, dict):
        raise StoreError(f"{where} does not hold a record: a JSON object was expected.", hint=hint, where=where)
    schema = data.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise StoreError(
            f"{where} holds a record of schema {schema}; this version reads up to {SCHEMA}.",
            hint="Upgrade aritma.iam; an older version must not write this record.",
            where=where,
        )
    try:
        record = Record.model_validate(data)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in each['loc']) or 'record'}: {each['msg']}"
            for each in error.errors(include_input=False, include_url=False, include_context=False)
        )
        raise StoreError(f"{where} holds a record that cannot be used: {faults}.", hint=hint, where=where) from None
    if client_id and record.client_id != client_id:
        raise StoreError(
            f"{where} holds the record of client {record.client_id}, not of {client_id}.",
            hint="Give each client a store of its own (path).",
            where=where,
        )
    return record


def require_name(record: Record, client_name: str | None) -> None:
    """Raise ``StoreError`` when the record is of a client with another name. None, on either side, is any name."""
    if len({record.client_name, client_name} - {None}) > 1:
        raise StoreError(
            f"The credential store holds the record of client {record.client_name!r}, not of {client_name!r}.",
            hint="Give each client a store of its own (path), or correct service_client_name.",
        )


def decode_record(text: str, *, client_id: str, where: str) -> Record:
    """``read_record`` for the JSON text of a file."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise StoreError(
            f"{where} holds {len(text)} characters that are not JSON: it is truncated or not a record.",
            hint="Restore it from a backup, or move it away: the next run then adds a new secret.",
            where=where,
        ) from None
    return read_record(data, client_id=client_id, where=where)


def encode_record(record: Record) -> str:
    """The JSON text that a file store keeps."""
    return json.dumps(record.to_data(), indent=2, ensure_ascii=False) + "\n"


def _next(record: Record, **members: Any) -> Record:
    return record.model_copy(update={"version": record.version + 1, **members})


def stage(
    record: Record | None,
    *,
    client_id: str,
    client_name: str | None,
    pending: Pending,
    lease: Lease | None,
) -> Record:
    """Write ahead: ``pending`` and this run's lease, in one step. A pending secret that is there already is kept."""
    base = record or Record(client_id=client_id)
    return _next(
        base,
        client_name=client_name or base.client_name,
        pending=base.pending or pending,
        lease=lease,
    )


def claim(record: Record, lease: Lease) -> Record:
    """Take the lease where nothing is to be written ahead: before a delivery, and to go on after a promotion."""
    return _next(record, lease=lease)


def promote(record: Record, *, at: datetime, grace: timedelta, secret_id: str | None = None) -> Record:
    """``pending`` was proven: it becomes ``current``, and what was current becomes ``previous``, kept for ``grace``.

    Raises ``StoreError`` when nothing is pending, or when a previous secret still waits for its deletion.
    """
    if record.pending is None:
        raise StoreError(f"The record of client {record.client_id} has no pending secret to promote.")
    if record.previous is not None:
        raise StoreError(
            f"The record of client {record.client_id} still has a previous secret.",
            hint="Retire it first: a record keeps one, so that none is forgotten.",
        )
    proven = Current(**record.pending.model_dump(exclude={"restores"}))
    return _next(
        record,
        current=_identified(proven, secret_id),
        pending=None,
        previous=None if record.current is None else _replaced(record.current, record.pending, at + grace),
        last_rotated_at=at,
        last_verified_at=at,
        # With nothing to retire, all that must not be done twice is done.
        lease=record.lease if record.current is not None else None,
    )


def _identified(current: Current, secret_id: str | None) -> Current:
    if secret_id is None:
        return current
    return current.model_copy(update={"secret_id": secret_id, "listed_before": None})


def _replaced(current: Current, by: Pending, retire_after: datetime) -> Previous:
    return Previous(
        value=current.value,
        rotation_id=current.rotation_id,
        secret_id=current.secret_id,
        retire_after=retire_after,
        created_at=current.created_at,
        expires_at=current.expires_at,
        rolled_back=True if by.restores else None,
    )


def retire(record: Record, *, at: datetime, secret_id: str | None = None) -> Record:
    """The deletion of ``previous`` is confirmed: forget it, and note the id of ``current`` if it was learned.

    It ends the lease, except in a roll-back, which goes on with its pending secret.
    """
    current = record.current and _identified(record.current, secret_id)
    lease = record.lease if record.pending else None
    return _next(record, current=current, previous=None, last_verified_at=at, lease=lease)


def discard(record: Record) -> Record:
    """``pending`` was refused for good, and its secret is gone from the server: forget it, end the lease."""
    return _next(record, pending=None, lease=None)


def release(record: Record, *, secret_id: str | None = None) -> Record:
    """End the lease, note the id of ``current`` if it was learned, and leave the rest as it is."""
    return _next(record, current=record.current and _identified(record.current, secret_id), lease=None)


def identify(record: Record, secret_id: str) -> Record:
    """Note the id of ``current``, which a LIST has shown."""
    return _next(record, current=record.current and _identified(record.current, secret_id))


def adopt(
    client_id: str,
    client_name: str | None,
    *,
    value: str,
    rotation_id: str,
    listed: Sequence[str],
    at: datetime,
    base: Record | None = None,
) -> Record:
    """A record for a client whose one listed secret is known and was accepted. ``base`` is an empty record, if any.

    When the secret was made is not known: its age counts from now.
    """
    base = base or Record(client_id=client_id)
    adopted = Current(value=value, rotation_id=rotation_id, secret_id=listed[0], description=None, created_at=at)
    return _next(base, client_name=client_name or base.client_name, current=adopted, last_verified_at=at)
