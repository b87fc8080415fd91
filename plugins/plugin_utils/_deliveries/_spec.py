# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deliveries of a client, as the variable ``service_client_deliveries`` of the role names them."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ...module_utils._core.argspec import ArgumentSpec
from ...module_utils._core.errors import OptionError
from ...module_utils._core.redaction import Redaction
from ...module_utils._delivery import credential_file
from ...module_utils._delivery.credential_format import wanted_members
from ...module_utils._files.ownership import read_mode
from .._inputs import is_blank, unknown
from . import TARGET_TYPES

Options = Mapping[str, Mapping[str, Any]]
_VARIABLE = "service_client_deliveries"
_FILE_MEMBERS = ("path", "format", "template", "prefix", "env_reader", "section", "owner", "group", "mode")
_OWN: Mapping[str, Options] = {
    # Without defaults: those are the module's.
    "file": {
        name: {fact: said for fact, said in credential_file.SPEC.argument_spec[name].items() if fact != "default"}
        for name in _FILE_MEMBERS
    },
    "tasks": {"file": {"type": "str"}},
    **{kind: found.members for kind, found in TARGET_TYPES.items()},
}
_NEEDED: Mapping[str, Sequence[str]] = {
    "file": ("path",),
    "tasks": ("file",),
    **{kind: found.needed for kind, found in TARGET_TYPES.items()},
}
_ELSEWHERE: Mapping[str, Sequence[str]] = {
    "hashi_vault": ("url", "namespace", "mount"),
    "aws_secretsmanager": ("region", "profile", "endpoint_url"),
    "kubernetes_secret": ("kubeconfig", "context"),
}
"""What makes another place of the same name."""
_COMMON = ("type", "members", "hosts", "notify", "reload")
_ALL = ("client_id", "client_secret", "token_url", "scope", "rotation_id")
"""The members of a credential."""

_WAYS = ("service", "command", "tasks")
_SERVICE_STATES = ("restarted", "reloaded")


@dataclass(frozen=True)
class DeliveryTarget:
    """One place that a credential goes to, validated. ``name`` is unique and holds no secret; ``options`` may."""

    name: str
    kind: str
    """``file``, ``tasks``, or a type of server."""
    host: str | None
    """Where it is written; None for a server."""
    options: Mapping[str, Any] = field(repr=False)
    """As ``credential_file`` or ``credential_delivery`` takes them; for ``tasks`` the ``file``. Only what was given."""
    notify: tuple[str, ...]
    reload: Mapping[str, Any] | None
    """``service`` with ``state``, or ``command`` (text or words), or ``tasks`` (a file)."""
    hosts: tuple[str, ...]
    """Where the consumers are."""

    @property
    def places(self) -> tuple[str, ...]:
        """Each member in a place on a server: two clients may share the place, and no member of it."""
        if self.kind not in TARGET_TYPES:
            return ()
        place, members = " ".join(_place(self)), self.options.get("members") or _ALL
        return tuple(f"member {each} in {place}" for each in (members if isinstance(members, list) else list(members)))


def read_deliveries(deliveries: Sequence[Mapping[str, Any]], default_host: str) -> list[DeliveryTarget]:
    """A target for each file and host, for each file of tasks and host, and for each server.

    Null and blank members are not given, and a text stands for a list of one. Raises ``OptionError``, which names the
    delivery by its position and shows no secret.
    """
    if isinstance(deliveries, (str, Mapping)) or not isinstance(deliveries, Sequence):
        raise OptionError(f"{_VARIABLE}: a list of deliveries was expected.", hint="Begin each with a dash.")
    read = [each for number, given in enumerate(deliveries, 1) for each in _read(given, number, default_host)]
    _require_distinct(read)
    return _told_apart(read)


def proves_itself(target: DeliveryTarget) -> bool:
    """Whether a delivery that succeeds has seen its consumers start anew: pods that were rolled out and waited for."""
    found = target.options.get("target", {})
    return bool(target.kind == "kubernetes_secret" and found.get("rollout") and found.get("rollout_timeout") != 0)


def _read(delivery: object, number: int, default_host: str) -> Iterator[DeliveryTarget]:
    where = f"{_VARIABLE}, entry {number}"
    if not isinstance(delivery, Mapping):
        raise _wrong(where, "it is no mapping", "Write members such as type and path.")
    given = _given(delivery)
    kind = str(given.get("type", "file"))
    if kind not in _OWN:
        raise unknown(where, "type", kind, _OWN)
    shown = given.get(_NEEDED[kind][-1])
    where += f" ({kind} {shown})" if isinstance(shown, str) else f" ({kind})"
    own = {name: value for name, value in given.items() if name not in _COMMON}
    _require_known(where, given, (*_OWN[kind], *_COMMON))
    missing = [name for name in _NEEDED[kind] if name not in given]
    if missing:
        raise _wrong(where, f"it needs {' and '.join(missing)}")
    options = _typed(where, own, _OWN[kind])
    members = {"members": _members(where, given["members"], options)} if "members" in given else {}
    hosts = tuple(_texts(where, "hosts", given.get("hosts"), separator=",")) or (default_host,)
    notify = tuple(_texts(where, "notify", given.get("notify")))
    reload = _reload(where, given["reload"]) if "reload" in given else None
    title = f"{kind} {'/'.join(options[name] for name in _NEEDED[kind])}"
    if kind in TARGET_TYPES:
        options = {"target": {"type": kind, **options}, **members}
        yield DeliveryTarget(title, kind, None, options, notify, reload, hosts)
        return
    if kind == "file":
        _require_file(where, options)
        options |= members
    elif members:
        raise _wrong(where, "tasks of your own get the whole credential", "Leave members out.")
    for host in hosts:
        yield DeliveryTarget(f"{title} on {host}", kind, host, options, notify, reload, hosts)


def _given(members: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in members.items() if not is_blank(value)}


def _require_known(where: str, given: Iterable[str], known: Iterable[str]) -> None:
    for name in given:
        if name not in known:
            raise unknown(where, "member", name, known)


def _typed(where: str, given: Mapping[str, Any], spec: Options) -> dict[str, Any]:
    """The members with their types, by the rules of Ansible itself."""
    listed = dict(given)
    for name, option in spec.items():
        if "options" in option and name in given:
            listed[name] = given[name] if isinstance(given[name], list) else [given[name]]
            for each in listed[name]:
                _require_known(f"{where}, {name}", each if isinstance(each, Mapping) else (), option["options"])
    validation = ArgumentSpecValidator({name: dict(option) for name, option in spec.items()}).validate(listed)
    if validation.error_messages:
        redact = Redaction(ArgumentSpec(spec).secrets(given))
        raise _wrong(where, redact("; ".join(validation.error_messages).rstrip(".")))
    return _given(validation.validated_parameters)


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
    if not path.startswith(("/", "~")) or path.endswith("/"):
        raise _wrong(where, f"path {path} is not the absolute path of a file", "Begin it with / or ~/.")
    if template != ("template" in options):
        raise _wrong(where, "a template needs format: template, and that a template")
    if "env_reader" in options and options.get("format", "env") != "env":
        raise _wrong(where, "env_reader is of format: env")
    if "mode" in options:
        read_mode(options["mode"], f"{where}: mode")


def _texts(where: str, name: str, value: object, separator: str = "") -> list[str]:
    """A list of texts, each once; a text stands for a list, with parts where there is a ``separator``."""
    if isinstance(value, str):
        value = value.split(separator) if separator else [value]
    if value is None or (isinstance(value, Sequence) and not any(isinstance(each, (Mapping, list)) for each in value)):
        texts = [str(each).strip() for each in value or () if not is_blank(each)]
        twice = [each for each, times in Counter(texts).items() if times > 1]
        if not twice:
            return texts
        raise _wrong(where, f"{name} has {twice[0]} twice")
    raise _wrong(where, f"{name} is no list of names")


def _reload(where: str, reload: object) -> Mapping[str, Any]:
    if not isinstance(reload, Mapping):
        raise _wrong(where, "reload is no mapping", "Write {service: NAME}, {command: ...} or {tasks: FILE}.")
    given = _given(reload)
    _require_known(f"{where}, reload", given, (*_WAYS, "state"))
    ways = [name for name in _WAYS if name in given]
    if len(ways) != 1:
        raise _wrong(where, f"reload needs one of {', '.join(_WAYS)}, and has {' and '.join(ways) or 'none'}")
    (way,) = ways
    if way != "service" and "state" in given:
        raise _wrong(where, "the state of a reload is that of a service")
    if way == "command" and isinstance(given[way], Sequence) and not isinstance(given[way], str):
        return {way: [str(each) for each in given[way]]}
    if isinstance(given[way], (Mapping, list)):
        raise _wrong(where, f"reload: {way} is no text")
    if way != "service":
        return {way: str(given[way])}
    state = str(given.get("state", _SERVICE_STATES[0]))
    if state not in _SERVICE_STATES:
        raise unknown(f"{where}, reload", "state", state, _SERVICE_STATES)
    return {way: str(given[way]), "state": state}


def _place(target: DeliveryTarget) -> tuple[Any, ...]:
    """What two targets must not have in common."""
    if target.host is not None:
        (name,) = _NEEDED[target.kind]
        return target.kind, target.host, posixpath.normpath(target.options[name])
    options = target.options["target"]
    names = (str(options.get(name) or "").strip("/") for name in (*_ELSEWHERE[target.kind], *_NEEDED[target.kind]))
    return (target.kind, *names)


def _require_distinct(targets: Sequence[DeliveryTarget]) -> None:
    for place, times in Counter(map(_place, targets)).items():
        if times > 1:
            first = next(each for each in targets if _place(each) == place)
            raise OptionError(f"{_VARIABLE}: {first.name} is there twice.", hint="Make one delivery of them.")


def _told_apart(targets: Sequence[DeliveryTarget]) -> list[DeliveryTarget]:
    """Places of one name on several servers, with what makes the difference in their names."""
    several = {name for name, times in Counter(each.name for each in targets).items() if times > 1}
    return [replace(each, name=_full_name(each)) if each.name in several else each for each in targets]


def _full_name(target: DeliveryTarget) -> str:
    options = target.options["target"]
    shown = [f"{name} {_shown(options[name])}" for name in _ELSEWHERE[target.kind] if name in options]
    return f"{target.name} ({', '.join(shown) or 'by default'})"


def _shown(value: str) -> str:
    # A URL may be written with a password, which is refused later.
    parts = urlsplit(value) if "://" in value else None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts else value


def _wrong(where: str, what: str, hint: str = "") -> OptionError:
    return OptionError(f"{where}: {what}.", hint=hint, option=_VARIABLE)
