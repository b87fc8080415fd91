# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of one client in a credential store, and pure functions that change it.

A record holds ``current`` (the secret that the service should use), ``pending`` (written ahead, not proven yet),
``previous`` (replaced, to be deleted once every consumer is proven to use ``current``), and the evidence of deliveries.
Every write increments ``version`` and sets or ends the lease: see ``written``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from .._core.deps import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError
from .._core.errors import StoreError
from .._core.time import format_timestamp, parse_timestamp

SCHEMA = 1
"""The schema that this version writes, and the newest one that it reads."""

CLOCKS_APART = timedelta(minutes=5)
"""How far the clocks of two runs may differ."""
_LONGEST_WAIT = timedelta(days=2)
"""The longest wait for an earlier run: a day for its lease, and another day in which it may still deliver."""
_REPLACE = (
    "Restore it from a backup. Without one, move it away, and run once with service_client_recover=true, which adds a"
    " new secret and keeps the others."
)
"""What to do about a record that cannot be read. Its secrets are listed, so a run without it is blocked."""


def _moment(value: object) -> object:
    return parse_timestamp(value) if isinstance(value, str) else value


def _identifier(value: object) -> object:
    # Secret ids are opaque strings here, although a server may use numbers.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Timestamp = Annotated[datetime, BeforeValidator(_moment), PlainSerializer(format_timestamp, return_type=str)]
SecretId = Annotated[str, BeforeValidator(_identifier)]


class _Stored(BaseModel):
    # Unknown members of the same schema are kept when a record is written.
    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)


class Current(_Stored):
    """A stored secret. ``created_at`` and ``expires_at`` are those of the value.

    ``secret_id`` is its id on the server. If it is ``confirmed`` or ``adopted``, it also counts in a list without tags
    that shows it with the description ``listed_as``. Until the id is known, ``listed_before`` are the ids listed before
    the POST, ``told_id`` is the id in the answer to the POST, and ``guessed_id`` the only new id in the list of the run
    ``guessed_by``.
    """

    value: str = Field(repr=False, min_length=1)
    rotation_id: str
    secret_id: SecretId | None = None
    created_at: Timestamp | None = None
    expires_at: Timestamp | None = None
    adopted: bool | None = None
    confirmed: bool | None = None
    listed_as: str | None = None
    listed_before: list[SecretId] | None = None
    told_id: SecretId | None = None
    guessed_id: SecretId | None = None
    guessed_by: str | None = None


class Pending(Current):
    """A secret that was written ahead and is not proven yet."""


class Previous(Current):
    """A secret that was replaced. It is kept until the token endpoint refuses its value.

    ``doomed`` is the tombstone: the DELETE may have been sent. It is never removed. ``rolled_back`` marks a secret that
    a consumer could not use. No roll-back returns to a secret with either mark.
    """

    doomed: bool | None = None
    rolled_back: bool | None = None


class Delivered(_Stored):
    """The evidence for one target: the delivered generation (None: not delivered yet), the time, and the proofs.

    A proof is the name of a confirmed reload or probe: see ``evidence.Target``. ``unproven`` says that its consumers
    are not proven to use the secret. A run with another configuration could not know which proofs are required.
    """

    generation: int | None = None
    at: Timestamp | None = None
    proofs: list[str] = Field(default_factory=list)
    unproven: bool | None = None


class Leak(_Stored):
    """A leak that is not closed yet. ``burnt`` are the secrets that were known when it was reported.

    Requests of earlier runs may still arrive until the time ``until``.
    """

    at: Timestamp
    until: Timestamp
    burnt: list[Current]


class Lease(_Stored):
    """The run that is rotating now, and the end of its lease."""

    owner: str
    expires_at: Timestamp


class Record(_Stored):
    """The secrets of one client. ``generation`` rises whenever another value becomes current.

    ``targets`` has the evidence by the name of the target. ``burnt`` are rotation ids that must never be used again.
    ``overtaken`` has rotation ids that a run with an expired lease may still deliver, and the time until which it may.
    """

    schema_: int = Field(default=SCHEMA, alias="schema", strict=True, ge=1)
    client_id: str
    client_name: str | None = None
    version: int = 0
    generation: int = 0
    current: Current | None = None
    pending: Pending | None = None
    previous: Previous | None = None
    targets: dict[str, Delivered] = Field(default_factory=dict)
    leak: Leak | None = None
    burnt: list[str] = Field(default_factory=list)
    overtaken: dict[str, Timestamp] = Field(default_factory=dict)
    last_rotated_at: Timestamp | None = None
    last_verified_at: Timestamp | None = None
    lease: Lease | None = None

    def to_data(self) -> dict[str, Any]:
        """As plain JSON data. Known members without a value are left out, except the three secrets."""
        data = _without_nothing(self, self.model_dump(mode="json", by_alias=True))
        return {**data, **{name: data.get(name) for name in ("current", "pending", "previous")}}

    def values(self) -> frozenset[str]:
        """Every secret value in the record. No text may show them."""
        held = (self.current, self.pending, self.previous, *(self.leak.burnt if self.leak else ()))
        return frozenset(each.value for each in held if each is not None)


def _without_nothing(model: BaseModel, data: Mapping[str, Any]) -> dict[str, Any]:
    """``data`` of a model without known members that are None. Unknown null members are kept."""
    kept = {}
    for name, value in data.items():
        part = getattr(model, name, None)
        if isinstance(part, BaseModel):
            kept[name] = _without_nothing(part, value)
        elif value is not None or name in (model.model_extra or {}):
            kept[name] = value
    return kept


def read_record(data: object, *, client_id: str, where: str) -> Record:
    """Read a record from ``data`` (the decoded JSON of a store). ``where`` names the store in errors.

    Raises ``StoreError`` unless it is a record of this client (of any client, if ``client_id`` is empty) in a known
    schema.
    """
    if isinstance(data, dict) and "client_secret" in data:
        raise _credential(where)
    if not isinstance(data, dict):
        raise StoreError(f"{where} does not hold a record: a JSON object was expected.", hint=_REPLACE, where=where)
    schema = data.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise StoreError(
            f"{where} holds a record of schema {schema}; this version reads up to {SCHEMA}.",
            hint="Upgrade aritma.iam. An older version must not write this record.",
            where=where,
        )
    try:
        record = Record.model_validate(data)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in each['loc']) or 'record'}: {each['msg']}"
            for each in error.errors(include_input=False, include_url=False, include_context=False)
        )
        raise StoreError(f"{where} holds a record that cannot be used: {faults}.", hint=_REPLACE, where=where) from None
    if client_id and record.client_id != client_id:
        raise StoreError(
            f"{where} holds the record of client {record.client_id}, not of {client_id}.",
            hint="Give each client a store of its own (path).",
            where=where,
        )
    return record


def _credential(where: str) -> StoreError:
    return StoreError(
        f"{where} holds a delivered credential, not a record.",
        hint="Give the store another place (service_client_store), to which no delivery writes.",
        where=where,
    )


def require_name(record: Record, client_name: str | None) -> None:
    """Raise ``StoreError`` if the record is of a client with another name. None, on either side, matches any name."""
    if len({record.client_name, client_name} - {None}) > 1:
        raise StoreError(
            f"The credential store holds the record of client {record.client_name!r}, not of {client_name!r}.",
            hint="Give each client a store of its own (path), or correct service_client_name.",
        )


def decode_record(text: str, *, client_id: str, where: str) -> Record:
    """Like ``read_record``, from the JSON text of a file."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        if "client_secret" in text.lower():
            raise _credential(where) from None
        raise StoreError(
            f"{where} holds {len(text)} characters that are not JSON: it is truncated or not a record.",
            hint=_REPLACE,
            where=where,
        ) from None
    return read_record(data, client_id=client_id, where=where)


def encode_record(record: Record) -> str:
    """The JSON text for a file store."""
    return json.dumps(record.to_data(), indent=2, ensure_ascii=False) + "\n"


def written(record: Record, lease: Lease | None) -> Record:
    """The record for the next write: with the next version and this lease (None: without a lease)."""
    return record.model_copy(update={"version": record.version + 1, "lease": lease})


def staged(record: Record, pending: Pending) -> Record:
    """Set the pending secret. An earlier previous secret is removed, and is then a leftover."""
    return record.model_copy(update={"pending": pending, "previous": None})


def corrected(record: Record, *, at: datetime) -> Record:
    """Correct times in the future, which a run with a wrong clock has written, to ``at``.

    ``at`` must be the time by the clock of the API. With a clock that is behind, a grace would end too early.
    """

    def past(moment: datetime | None) -> datetime | None:
        return at if moment is not None and moment > at + CLOCKS_APART else moment

    def near(moment: datetime) -> datetime:
        return min(moment, at + _LONGEST_WAIT)

    def made(part: Any) -> Any:
        return part and part.model_copy(update={"created_at": past(part.created_at)})

    leak = record.leak
    targets = {name: each.model_copy(update={"at": past(each.at)}) for name, each in record.targets.items()}
    return record.model_copy(
        update={
            **{name: made(getattr(record, name)) for name in ("current", "pending", "previous")},
            "targets": targets,
            "leak": leak and leak.model_copy(update={"at": past(leak.at), "until": near(leak.until)}),
            "overtaken": {name: near(end) for name, end in record.overtaken.items()},
            "last_rotated_at": past(record.last_rotated_at),
            "last_verified_at": past(record.last_verified_at),
        }
    )


def named(record: Record, targets: Iterable[str]) -> Record:
    """Add all targets of this run before it writes to them, because a retirement requires evidence for each."""
    new = {name: Delivered() for name in targets if name not in record.targets}
    return record.model_copy(update={"targets": {**record.targets, **new}})


def delivered(record: Record, evidence: Mapping[str, Delivered]) -> Record:
    """Replace the evidence for these targets."""
    return record.model_copy(update={"targets": {**record.targets, **evidence}})


def overtaken(record: Record, *, until: datetime) -> Record:
    """Note that a run with an expired lease may only be suspended, and may still deliver the current secret."""
    if record.current is None:
        return record
    return record.model_copy(update={"overtaken": {**record.overtaken, record.current.rotation_id: until}})


def doubted(record: Record, *, at: datetime) -> Record:
    """Remove all evidence once an overtaken run can no longer deliver: it may have written to any target."""
    if not any(end <= at for end in record.overtaken.values()):
        return record
    feared = {name: end for name, end in record.overtaken.items() if end > at}
    return record.model_copy(update={"targets": dict.fromkeys(record.targets, Delivered()), "overtaken": feared})


def promoted(record: Record, pending: Pending, *, at: datetime, told_id: str | None) -> Record:
    """Make the proven ``pending`` the current secret, and the current one the previous one.

    Raises ``StoreError`` if there is still a previous secret. A record holds only one, and it must not be lost.
    """
    if record.previous is not None:
        raise StoreError(
            f"The record of client {record.client_id} still has a previous secret.", hint="Retire it first."
        )
    current = Current(**{**pending.model_dump(), "told_id": told_id or pending.told_id})
    # After a leak the old secret is not the previous one: it is deleted with the other burnt ones.
    replaced = None if record.current is None or record.leak else Previous(**record.current.model_dump())
    return record.model_copy(
        update={
            "generation": record.generation + 1,
            "current": current,
            "pending": None,
            "previous": replaced,
            "last_rotated_at": at,
            "last_verified_at": at,
        }
    )


def pointed_back(record: Record, *, at: datetime) -> Record:
    """Roll back: swap ``current`` and ``previous``, with a new generation. Nothing is added on the server.

    Raises ``StoreError`` if the previous secret may be deleted or is marked as rolled back.
    """
    current, previous = record.current, record.previous
    if current is None or previous is None or previous.doomed or previous.rolled_back:
        raise StoreError(f"The record of client {record.client_id} has no previous secret to go back to.")
    return record.model_copy(
        update={
            "generation": record.generation + 1,
            "current": Current(**previous.model_dump(exclude={"doomed", "rolled_back"})),
            "previous": Previous(**current.model_dump(), rolled_back=True),
            "last_rotated_at": at,
        }
    )


def doomed(record: Record, going: Sequence[str] = ()) -> Record:
    """Set the tombstone on ``previous``: a DELETE may be sent from now on. ``going`` are the ids to delete."""
    current, previous = record.current, record.previous
    if current and current.listed_before:
        left = [each for each in current.listed_before if each not in going]
        current = current.model_copy(update={"listed_before": left})
    return record.model_copy(
        update={"current": current, "previous": previous and previous.model_copy(update={"doomed": True})}
    )


def retired(record: Record, *, at: datetime) -> Record:
    """Remove ``previous``, which is now refused, and targets without evidence for this generation."""
    known = {name: each for name, each in record.targets.items() if each.generation == record.generation}
    return record.model_copy(update={"previous": None, "targets": known, "last_verified_at": at})


def forgotten(record: Record) -> Record:
    """Remove ``pending``, which is refused permanently. Its secret is then a leftover."""
    return record.model_copy(update={"pending": None})


def adopted(record: Record, current: Current, *, at: datetime) -> Record:
    """Make the known and accepted secret the current one."""
    return record.model_copy(
        update={"generation": record.generation + 1, "current": current, "last_verified_at": at, "last_rotated_at": at}
    )


def burning(record: Record, *, at: datetime, until: datetime) -> Record:
    """Mark all known secrets as leaked: they are never promoted or restored. Removes ``pending`` and ``previous``."""
    parts = [each for each in (record.current, record.pending, record.previous) if each is not None]
    known = record.leak.burnt if record.leak else []
    new = [
        Current(**each.model_dump(include={"value", "rotation_id", "secret_id", "adopted", "confirmed", "listed_as"}))
        for each in parts
        if each.value not in {burnt.value for burnt in known}
    ]
    leak = Leak(at=at, until=until, burnt=[*known, *new])
    tags = dict.fromkeys([*record.burnt, *(each.rotation_id for each in parts)])
    return record.model_copy(update={"leak": leak, "burnt": list(tags), "pending": None, "previous": None})


def extinguished(record: Record, *, at: datetime) -> Record:
    """Close the leak: all burnt secrets are refused, and no request for one of them can arrive any more."""
    return retired(record, at=at).model_copy(update={"leak": None})
