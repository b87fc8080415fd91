# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the deliveries of a client from the variable ``service_client_deliveries`` of the role."""

from __future__ import annotations

import posixpath
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ...module_utils._core.argspec import ArgumentSpec
from ...module_utils._core.errors import OptionError
from ...module_utils._core.redaction import Redaction
from ...module_utils._delivery.credential_file import SPEC
from ...module_utils._delivery.credential_format import wanted_members
from ...module_utils._files.ownership import read_mode
from .._inputs import require_members, unknown, without_blanks
from . import TARGET_TYPES

_VARIABLE = "service_client_deliveries"
_FILE_MEMBERS = ("path", "format", "template", "prefix", "env_reader", "section", "owner", "group", "mode")
_WAYS = ("service", "command", "tasks")
_ALL = ("client_id", "client_secret", "token_url", "scope", "rotation_id")
"""The members of a credential."""


@dataclass(frozen=True)
class _Type:
    """A type of delivery: its members, those that name the place, and those that distinguish places of one name."""

    members: Mapping[str, Mapping[str, Any]]
    names: Sequence[str]
    apart: Sequence[str] = ()


def _without_default(option: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in option.items() if name != "default"}


_TYPES: Mapping[str, _Type] = {
    # The module sets the defaults.
    "file": _Type({each: _without_default(SPEC.argument_spec[each]) for each in _FILE_MEMBERS}, ("path",)),
    "tasks": _Type({"file": {"type": "str"}}, ("file",)),
    **{kind: _Type(found.members, found.needed, found.apart) for kind, found in TARGET_TYPES.items()},
}
_COMMON: Mapping[str, Mapping[str, Any]] = {
    "type": {"type": "str"},
    "members": {"type": "raw"},
    "hosts": {"type": "raw"},
    "notify": {"type": "raw"},
    "reload": {
        "type": "dict",
        "options": {
            "service": {"type": "str"},
            "command": {"type": "raw"},
            "tasks": {"type": "str"},
            "state": {"type": "str", "choices": ["restarted", "reloaded"]},
        },
    },
}


@dataclass(frozen=True)
class DeliveryTarget:
    """One validated target of a delivery. ``name`` is unique and holds no secret; ``options`` may hold secrets."""

    name: str
    kind: str
    """``file``, ``tasks``, or a type of server."""
    host: str | None
    """The host on which it is written; None for a server."""
    options: Mapping[str, Any] = field(repr=False)
    """The given options of ``credential_file`` or ``credential_delivery``; for ``tasks`` the ``file``."""
    notify: tuple[str, ...]
    reload: Mapping[str, Any] | None
    """``service`` with ``state``, or ``command`` (text or words), or ``tasks`` (a file)."""
    hosts: tuple[str, ...]
    """The hosts of the consumers."""

    @property
    def places(self) -> tuple[str, ...]:
        """Each member in a place on a server. Two clients may share the place, but not a member of it."""
        if self.kind not in TARGET_TYPES:
            return ()
        place, members = " ".join(_place(self)), self.options.get("members") or _ALL
        return tuple(f"member {each} in {place}" for each in (members if isinstance(members, list) else list(members)))


def read_deliveries(deliveries: Sequence[Mapping[str, Any]], default_host: str) -> list[DeliveryTarget]:
    """Read the targets: one for each file and host, for each file of tasks and host, and for each server.

    Null and blank members count as not given, and a text as a list with one entry. Raises ``OptionError``, which names
    the delivery by its position and shows no secret.
    """
    if isinstance(deliveries, (str, Mapping)) or not isinstance(deliveries, Sequence):
        raise OptionError(f"{_VARIABLE}: a list of deliveries was expected.", hint="Begin each with a dash.")
    read = [each for number, given in enumerate(deliveries, 1) for each in _read(given, number, default_host)]
    _require_distinct(read)
    return _with_unique_names(read)


def proves_itself(target: DeliveryTarget) -> bool:
    """Whether a successful delivery has restarted its consumers: it rolled out pods and waited for them."""
    found = target.options.get("target", {})
    return bool(target.kind == "kubernetes_secret" and found.get("rollout") and found.get("rollout_timeout") != 0)


def _read(delivery: object, number: int, default_host: str) -> Iterator[DeliveryTarget]:
    where = f"{_VARIABLE}, entry {number}"
    if not isinstance(delivery, Mapping):
        raise _wrong(where, "it is not a mapping", "Write members such as type and path.")
    given = without_blanks(delivery)
    kind = str(given.get("type", "file"))
    if kind not in _TYPES:
        raise unknown(where, "type", kind, _TYPES)
    names = _TYPES[kind].names
    shown = given.get(names[-1])
    where += f" ({kind} {shown})" if isinstance(shown, str) else f" ({kind})"
    needed = {name: {**_TYPES[kind].members[name], "required": True} for name in names}
    given = _typed(where, given, {**_TYPES[kind].members, **needed, **_COMMON})
    options = {name: value for name, value in given.items() if name not in _COMMON}
    members = {"members": _members(where, given["members"], options)} if "members" in given else {}
    hosts = tuple(_texts(where, "hosts", given.get("hosts", ()), separator=",")) or (default_host,)
    notify = tuple(_texts(where, "notify", given.get("notify", ())))
    reload = _reload(where, given["reload"]) if "reload" in given else None
    title = f"{kind} {'/'.join(options[name] for name in names)}"
    if kind in TARGET_TYPES:
        options = {"target": {"type": kind, **options}, **members}
        yield DeliveryTarget(title, kind, None, options, notify, reload, hosts)
        return
    if kind == "file":
        _require_file(where, options)
        options |= members
    elif members:
        raise _wrong(where, "type tasks always gets the whole credential", "Omit members.")
    for host in hosts:
        yield DeliveryTarget(f"{title} on {host}", kind, host, options, notify, reload, hosts)


def _typed(where: str, given: Mapping[str, Any], spec: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Convert the members to their types by the rules of Ansible. A mapping counts as a list with one entry."""
    listed = {name: [value] if _is_single_entry(spec, name, value) else value for name, value in given.items()}
    require_members({where: {"options": spec}}, {where: listed})
    validation = ArgumentSpecValidator({name: dict(option) for name, option in spec.items()}).validate(listed)
    if validation.error_messages:
        redact = Redaction(ArgumentSpec(spec).secrets(given))
        raise _wrong(where, redact("; ".join(validation.error_messages).rstrip(".")))
    typed: dict[str, Any] = without_blanks(validation.validated_parameters)
    return typed


def _is_single_entry(spec: Mapping[str, Mapping[str, Any]], name: str, value: object) -> bool:
    option = spec.get(name, {})
    return "options" in option and option["type"] == "list" and isinstance(value, Mapping)


def _members(where: str, members: object, options: Mapping[str, Any]) -> Any:
    try:
        wanted = wanted_members(members)
    except OptionError as error:
        raise _wrong(where, error.message.rstrip("."), error.hint) from None
    if options.get("format") == "value" and len(wanted) != 1:
        raise _wrong(where, "format: value delivers one member", "Name one in members.")
    return wanted if isinstance(members, Mapping) else list(wanted)


def _require_file(where: str, options: Mapping[str, Any]) -> None:
    path, template = options["path"], options.get("format") == "template"
    if not path.startswith(("/", "~")) or path.endswith(("/", " ")) or not path.isprintable():
        raise _wrong(where, f"path {path} is not the absolute path of a file", "Begin it with / or ~/.")
    if template != ("template" in options):
        raise _wrong(where, "template and format: template need each other")
    if "env_reader" in options and options.get("format", "env") != "env":
        raise _wrong(where, "env_reader needs format: env")
    if "mode" in options:
        read_mode(options["mode"], f"{where}: mode")


def _texts(where: str, name: str, value: object, separator: str = "") -> list[str]:
    """A list of distinct texts. A text is split at ``separator``, or counts as a list with one entry."""
    if isinstance(value, str):
        value = value.split(separator) if separator else [value]
    if not isinstance(value, Sequence) or any(isinstance(each, (Mapping, list)) for each in value):
        raise _wrong(where, f"{name} is not a list of names")
    texts = [str(each).strip() for each in value if str(each).strip()]
    twice = [each for each, times in Counter(texts).items() if times > 1]
    if twice:
        raise _wrong(where, f"{name} has {twice[0]} twice")
    return texts


def _reload(where: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    ways = [name for name in _WAYS if name in given]
    if len(ways) != 1:
        raise _wrong(where, f"reload needs one of {', '.join(_WAYS)}, but has {' and '.join(ways) or 'none'}")
    if "service" in given:
        return {"state": "restarted", **given}
    if "state" in given:
        raise _wrong(where, "reload: state needs service")
    command = given.get("command")
    fault = command_fault(given)
    if fault:
        raise _wrong(where, f"reload: {fault}")
    return {"command": [str(each) for each in command]} if isinstance(command, list) else given


def command_fault(given: Mapping[str, Any]) -> str:
    """Why Ansible could not run the command of a probe or a reload; empty if it could, or if there is none."""
    command = given.get("command", "")
    if isinstance(command, str):
        try:
            shlex.split(command)
        except ValueError as error:
            return f"command cannot be split into words: {str(error).lower()}"
        return ""
    words = isinstance(command, list) and command and not any(isinstance(each, (Mapping, list)) for each in command)
    return "" if words else "command is neither text nor a list of words"


def _place(target: DeliveryTarget) -> tuple[Any, ...]:
    """The identity of a place. Two targets must not have the same."""
    if target.host is not None:
        (name,) = _TYPES[target.kind].names
        return target.kind, target.host, posixpath.normpath(target.options[name])
    options = target.options["target"]
    named = _TYPES[target.kind]
    return (target.kind, *(str(options.get(name) or "").strip("/") for name in (*named.apart, *named.names)))


def _require_distinct(targets: Sequence[DeliveryTarget]) -> None:
    for place, times in Counter(map(_place, targets)).items():
        if times > 1:
            first = next(each for each in targets if _place(each) == place)
            raise OptionError(f"{_VARIABLE}: {first.name} is there twice.", hint="Combine them into one delivery.")


def _with_unique_names(targets: Sequence[DeliveryTarget]) -> list[DeliveryTarget]:
    """The targets, with the server in the names of places that have the same name on several servers."""
    several = {name for name, times in Counter(each.name for each in targets).items() if times > 1}
    return [replace(each, name=_full_name(each)) if each.name in several else each for each in targets]


def _full_name(target: DeliveryTarget) -> str:
    options = target.options["target"]
    shown = [f"{name} {_shown(options[name])}" for name in _TYPES[target.kind].apart if name in options]
    return f"{target.name} ({', '.join(shown) or 'by default'})"


def _shown(value: str) -> str:
    # A URL may contain a password. It is refused later.
    parts = urlsplit(value) if "://" in value else None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts else value


def _wrong(where: str, what: str, hint: str = "") -> OptionError:
    return OptionError(f"{where}: {what}.", hint=hint, option=_VARIABLE)
