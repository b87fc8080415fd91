# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wire models. Every assumption about the format of an answer of the IAM API is in this file.

The contract leaves names, envelopes and paging open in many places. So members are found under several names (in any
case, with or without underscores or hyphens), unknown members are ignored, and null means absent wherever a member may
be absent. Any other answer is a ``ContractError`` that shows names and types, but no values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeVar
from urllib.parse import unquote, urlsplit

from .._core.deps import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from .._core.errors import ContractError

LOOK_AT = "Check api_url: it must be the part before /v1 of the IAM API, not the address of a gateway or a portal."

_LISTS = ("items", "data", "results", "result", "values", "value", "content", "records", "entries", "list", "embedded")
_OBJECTS = ("data", "result", "item", "value", "content")
_BESIDE_LISTS = frozenset({"links", "errors", "warnings", "messages"})
_KEYS = re.compile(
    r"x509|cert|thumbprint|jwk|jsonweb|keypair|^rsa|pem|saml|(?<!shared)(?<!secret)(?<!client)(?<!api)key$"
)
_NESTING = 3
_KINDS = {bool: "boolean", str: "string", int: "number", float: "number", list: "list", dict: "object"}


def fold(name: str) -> str:
    """The name of a member in lower case, without underscores, hyphens and spaces."""
    return re.sub(r"[_\- ]", "", name).lower()


def spellings(data: Mapping[str, Any]) -> dict[str, str]:
    """The names in ``data`` by folded name. Of two with the same folded name, the one that is not null."""
    names: dict[str, str] = {}
    for name in data:
        if fold(name) not in names or data[names[fold(name)]] is None:
            names[fold(name)] = name
    return names


def folded(data: Mapping[str, Any]) -> dict[str, Any]:
    """The members by folded name."""
    return {name: data[spelling] for name, spelling in spellings(data).items()}


def describe(data: object) -> str:
    """Describe an answer for an error message: types and names of members, never a value."""
    if isinstance(data, Mapping):
        members = ", ".join(f"{name} ({_kind(value)})" for name, value in list(data.items())[:20])
        return f"an object with {members}" if members else "an empty object"
    if isinstance(data, list) and data:
        return f"a list of {len(data)}, its first entry {describe(data[0])}"
    return {"null": "nothing", "list": "an empty list"}.get(_kind(data), f"a {_kind(data)}")


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "null")


def misfit(operation: str, expected: str, data: object, problem: str = "") -> ContractError:
    """The error for an answer to ``operation`` that cannot be read."""
    received = describe(data)
    return ContractError(
        f"{operation} answered in a way that aritma.iam cannot read: expected {expected}, received {received}"
        + (f" ({problem})." if problem else "."),
        hint=LOOK_AT,
        operation=operation,
        expected=expected,
        received=received,
        option="api_url",
    )


def is_shared_type(shown: str | None) -> bool:
    """Whether a type can be that of shared secrets. False if it names a certificate or a key pair."""
    return _KEYS.search(fold(shown or "")) is None


def _text(value: object) -> object:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _strings(value: object) -> object:
    """A list of strings, also from one string with spaces, or from objects that have one name each."""
    if isinstance(value, str):
        return value.split()
    if not isinstance(value, list):
        return value
    return [_name_in(each) if isinstance(each, Mapping) else _text(each) for each in value if each is not None]


def _name_in(entry: Mapping[str, Any]) -> object:
    members = folded(entry)
    known = (members.get(name) for name in ("name", "value", "scope", "granttype", "redirecturi", "uri", "url"))
    return next((value for value in known if isinstance(value, str)), entry)


def _label(value: object) -> object:
    """A text, also from a number or from an object with a name or an id; None for anything else."""
    named = _name_in(value) if isinstance(value, Mapping) else value
    text = _text(folded(named).get("id") if isinstance(named, Mapping) else named)
    return text if isinstance(text, str) else None


Text = Annotated[str, BeforeValidator(_text)]
Label = Annotated["str | None", BeforeValidator(_label)]
Strings = Annotated[tuple[str, ...], BeforeValidator(_strings)]


class WireModel(BaseModel):
    """``NAMES`` has, for each member of the model, the folded names under which servers may show it, the best first.

    ``IDENTITY`` are the members that identify an entry of a list.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    NAMES: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    IDENTITY: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _find_members(cls, data: Any) -> Any:
        return cls._read(data) if isinstance(data, Mapping) else data

    @classmethod
    def _read(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        return {ours: data[name] for ours, name in cls.spelled_in(data).items()}

    @classmethod
    def spelled_in(cls, data: Mapping[str, Any]) -> dict[str, str]:
        """For each member of the model that ``data`` has, its name there."""
        names = spellings(data)
        found: dict[str, str] = {}
        for ours, folded_names in cls.NAMES.items():
            present = [names[name] for name in (fold(ours), *folded_names) if name in names]
            if present:
                found[ours] = next((name for name in present if data[name] is not None), present[0])
        return found

    @property
    def identity(self) -> Hashable:
        """The identity of this entry of a list."""
        return repr([getattr(self, name) for name in self.IDENTITY])


class KeptModel(WireModel):
    """A wire model whose ``document`` is the received object, including unknown members."""

    document: dict[str, Any] = Field(default_factory=dict, repr=False, exclude=True)

    IDENTITY = ("document",)

    @classmethod
    def _read(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        return {**super()._read(data), "document": dict(data)}


WireT = TypeVar("WireT", bound=WireModel)


class Client(KeptModel):
    """``ClientDto`` or ``ClientDetailsDto``. None means that the server did not show the member.

    ``in_full`` is true for the answer to a GET of this client, false for an entry of a list.
    """

    client_id: Text
    name: Text | None = None
    description: Text | None = None
    allowed_grant_types: Strings | None = None
    redirect_uris: Strings | None = None
    allowed_scopes: Strings | None = None
    in_full: bool = Field(default=False, exclude=True)

    IDENTITY = ("client_id",)
    NAMES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "client_id": ("clientid", "id", "key", "appid", "applicationid", "identifier"),
        "name": ("name", "clientname", "displayname"),
        "description": ("description", "clientdescription"),
        "allowed_grant_types": ("allowedgranttypes", "granttypes"),
        "redirect_uris": ("redirecturis", "redirecturls", "allowedredirecturis"),
        "allowed_scopes": ("allowedscopes", "scopes", "scope"),
    }

    @property
    def spelled(self) -> dict[str, str]:
        """The name in ``document`` of each member of the model."""
        return self.spelled_in(self.document)

    def settled(self) -> Client:
        """This client as the answer to a GET. There, null means empty."""
        nulls = [name for name in self.model_fields_set if getattr(self, name) is None]
        empty = {name: "" if name in ("name", "description") else () for name in nulls}
        return self.model_copy(update={**empty, "in_full": True})

    def shown(self) -> dict[str, Any]:
        """The members that the server shows, as a return value."""
        members: dict[str, Any] = self.model_dump(exclude_none=True)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in members.items()}


class Secret(WireModel):
    """One listed secret. The model has no member for the value, so that none can be read by mistake."""

    secret_id: Text
    description: Text | None = None
    expiration: Text | None = None
    created: Text | None = None
    type: Label = None

    IDENTITY = ("secret_id",)
    NAMES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "secret_id": (
            *("secretid", "clientsecretid", "id", "keyid", "key", "identifier", "uuid", "guid"),
            *("secretidentifier", "credentialid", "secretguid"),
        ),
        "description": ("description", "name", "displayname", "label", "title", "comment"),
        "expiration": (
            *("expiration", "expires", "expiresat", "expireson", "expirationdate", "expirationtime", "expirydate"),
            *("expiry", "expiresutc", "expirationutc", "expiretime", "validuntil", "validto", "notafter"),
            *("enddate", "enddatetime", "expirationdatetime", "expiresatutc", "expiresonutc", "expireat", "expiredate"),
            "expirytime",
        ),
        "created": (
            *("created", "createdat", "createdon", "createddate", "createdtime", "createdutc", "creationtime"),
            *("creationdate", "createtime", "creation", "dateadded", "startdate", "startdatetime", "validfrom"),
            *(
                "createddatetime",
                "datecreated",
                "createdtimestamp",
                "creationtimestamp",
                "createdatutc",
                "createdonutc",
            ),
            *("creationdatetime", "createdate", "issuedat", "insertedat", "addedat", "timestamp", "whencreated"),
        ),
        "type": ("type", "secrettype", "kind"),
    }

    @property
    def is_shared(self) -> bool:
        """Whether this can be a shared secret: it is not said to be a key or a certificate."""
        return is_shared_type(self.type)

    @property
    def is_plainly_shared(self) -> bool:
        """Whether this is a shared secret: it is called a secret, or its type is not shown or a number."""
        kind = fold(self.type or "")
        return not kind or kind.isdigit() or kind == "shared" or kind.endswith("secret")

    @classmethod
    def is_in(cls, answer: Mapping[str, Any], description: str) -> bool:
        """Whether an object in the answer to a create is the secret, not the client or a receipt with its own id.

        The secret has the description that was sent, or only members that secrets have.
        """
        shown = cls._read(answer).get("description")
        known = {"value", "clientid", *(name for names in cls.NAMES.values() for name in names)}
        return shown == description if shown is not None else spellings(answer).keys() <= known


class Subject(WireModel):
    """A user, client or group as the target of policies."""

    subject_id: Text | None = None
    id: Text | None = None
    own_client_id: Text | None = None
    display_name: Text | None = None
    tenant: Text | None = None
    type: Text | None = None
    discriminator: Text | None = None
    description: Text | None = None
    properties: dict[str, Any] | None = None

    IDENTITY = ("subject_id", "id")
    NAMES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "subject_id": ("subjectid",),
        "id": ("id", "clientid", "objectid"),
        "own_client_id": ("clientid", "oauthclientid"),
        "display_name": ("displayname", "name", "clientname"),
        "tenant": ("tenant", "tenantid"),
        "type": ("type", "subjecttype", "kind"),
        "discriminator": ("$type",),
        "description": ("description",),
        "properties": ("properties",),
    }

    @property
    def client_id(self) -> str | None:
        """The OAuth client id of the subject or in its properties; None if neither has one."""
        named = self.own_client_id or folded(self.properties or {}).get("clientid")
        return None if named is None else str(named)


class Policy(KeptModel):
    """The three strings of a policy, and its tenant."""

    subject: Text
    action: Text
    scope: Text
    tenant: Text | None = None

    NAMES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "subject": ("subject", "subjectid"),
        "action": ("action", "actionname"),
        "scope": ("scope", "scopeuri"),
        "tenant": ("tenant", "tenantid"),
    }

    @property
    def key(self) -> dict[str, str]:
        """The three strings."""
        return {"subject": self.subject, "action": self.action, "scope": self.scope}


class Permission(KeptModel):
    """A permission of a subject. A server may write it as an object, or as the name of an action."""

    action: Label = None
    scope: Label = None

    NAMES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "action": ("action", "actionname", "name"),
        "scope": ("scope", "scopeuri", "uri"),
    }

    @model_validator(mode="before")
    @classmethod
    def _find_members(cls, data: Any) -> Any:
        return cls._read(data if isinstance(data, Mapping) else {"action": data})


def read_model(model: type[WireT], operation: str, data: object) -> WireT:
    """Read ``data`` as ``model``. Raises ``ContractError``."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        problem = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'entry'}: {each['msg']}" for each in faults)
        raise misfit(operation, f"a {model.__name__.lower()}", data, problem) from None


def read_entries(operation: str, data: object, names: Sequence[str] = ()) -> list[Any]:
    """The entries of a list answer: a bare array, or the list in an envelope. ``names`` are those of the operation."""
    entries = _entries(data, (*names, *_LISTS), _NESTING)
    if entries is None:
        raise misfit(operation, f"a list, bare or as {' or '.join((*names, *_LISTS[:3]))} of an object", data)
    return [entry for entry in entries if entry is not None]


def _entries(data: object, names: Sequence[str], depth: int) -> list[Any] | None:
    if isinstance(data, list):
        return data
    if not isinstance(data, Mapping) or depth == 0:
        return None
    members = folded(data)
    known = [members[name] for name in names if name in members]
    for value in known:
        inner = _entries(value, names, depth - 1)
        if inner is not None:
            return inner
    if any(value is None for value in known):
        return []
    lists = [value for name, value in members.items() if isinstance(value, list) and name not in _BESIDE_LISTS]
    of_objects = [value for value in lists if value and all(isinstance(each, Mapping) for each in value)] or lists
    return of_objects[0] if len(of_objects) == 1 else None


def envelopes(data: object) -> list[dict[str, Any]]:
    """The objects around the entries of a list answer, outermost first, each with its members by folded name."""
    found: list[dict[str, Any]] = []
    inner: object = data
    while isinstance(inner, Mapping) and len(found) < _NESTING:
        found.append(folded(inner))
        inner = next((each for each in map(found[-1].get, _LISTS) if isinstance(each, Mapping)), None)
    return found


def read_object(operation: str, data: object, names: Sequence[str], proof: Sequence[str]) -> Mapping[str, Any]:
    """The object of an answer, also in an envelope: the one with a member in ``proof`` (folded names)."""
    for candidate in _objects(data, (*names, *_OBJECTS), _NESTING):
        if any(name in proof for name in folded(candidate)):
            return candidate
    raise misfit(operation, f"an object with {proof[0]}, bare or as {' or '.join((*names, *_OBJECTS[:2]))}", data)


def _objects(data: object, names: Sequence[str], depth: int) -> Iterator[Mapping[str, Any]]:
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    if isinstance(data, Mapping) and depth:
        yield data
        members = folded(data)
        for name in names:
            yield from _objects(members.get(name), names, depth - 1)


def created_id(
    data: object,
    location: str | None,
    collection: str,
    names: Sequence[str],
    wanted: Callable[[Mapping[str, Any]], bool] = bool,
) -> str | None:
    """The id in the answer to a create: from its body, its links or its Location; None if it has none.

    ``collection`` is the path segment before the id (``clients``), ``names`` are the folded names of the id. ``wanted``
    selects the objects that may have it.
    """
    for candidate in filter(wanted, _objects(data, (*_OBJECTS, collection.rstrip("s")), _NESTING)):
        members = folded(candidate)
        for value in map(members.get, names):
            if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
                return str(value)
    hrefs = [*([location] if location else []), *_hrefs(data, _NESTING)]
    return next((found for found in (_segment_after(href, collection) for href in hrefs) if found), None)


def _hrefs(data: object, depth: int) -> Iterator[str]:
    if isinstance(data, list) and depth:
        for each in data:
            yield from _hrefs(each, depth - 1)
    elif isinstance(data, Mapping) and depth:
        members = folded(data)
        if isinstance(members.get("href"), str):
            yield members["href"]
        for name in ("links", "self", *_OBJECTS):
            yield from _hrefs(members.get(name), depth - 1)
    elif isinstance(data, str) and "/" in data:
        yield data


def _segment_after(href: str, collection: str) -> str | None:
    try:
        path = urlsplit(href).path
    except ValueError:  # the text has a slash, but is not a link
        return None
    segments = [unquote(part) for part in path.split("/") if part]
    if collection in segments:
        after = segments[segments.index(collection) + 1 :]
        return after[0] if after else None
    return None
