# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the role and the playbooks, and mistakes in them that are told before anything is written."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.release import __version__

from ...module_utils._core.errors import OptionError
from .._inputs import plain, probably

_ROOT = Path(__file__).resolve().parents[3]
_SPECS = _ROOT / "roles" / "service_client" / "meta" / "argument_specs.yml"
_VARS = _ROOT / "roles" / "service_client" / "vars" / "main.yml"
_CORE = str(yaml.safe_load((_ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]).lstrip(
    ">="
)
_PREFIXES = ("service_client_", "rotation_", "provision_", "revoke_", "move_store_")
_WINDOWS = ("winrm", "psrp")
"""Connections to Windows."""

_OURS = "service_client__"
"""What the role registers."""

PLAYBOOKS = frozenset(
    {
        *("rotation_hosts", "rotation_force", "rotation_begin", "rotation_hold", "rotation_batch", "rotation_report"),
        *("rotation_max_fail_percentage", "rotation_compromised", "rotation_wait", "rotation_window"),
        *("provision_hosts", "revoke_hosts"),
        *("move_store_hosts", "move_store_from", "move_store_to"),
    }
)
"""The variables of the playbooks."""

GIVEN = frozenset({"service_client_rotation", "service_client_credential", "service_client_delivery_host"})
"""What the role gives to tasks of the caller."""

_FOUND = ("secrets", "managed", "secret_age_days", "secret_expires_at", "due", "due_known", "due_reason")
"""What the inventory plugin tells of a client, beside variables of the role."""


def _role() -> frozenset[str]:
    specs = yaml.safe_load(_SPECS.read_text(encoding="utf-8"))["argument_specs"]
    return frozenset(specs["main"]["options"])


# Read once, in the process that all workers are forked from.
KNOWN = _role() | PLAYBOOKS | GIVEN | {f"service_client_{each}" for each in _FOUND}


def require_known(names: Iterable[str]) -> None:
    """Raise ``OptionError`` for variables that look like ours and are not: a misspelt one would have no effect."""
    wrong = sorted(name for name in names if name not in KNOWN and not name.startswith(_OURS) and _looks_ours(name))
    if not wrong:
        return
    told = []
    for name in wrong:
        meant = probably(name, KNOWN)
        told.append(f"{name} (probably {meant})" if meant else name)
    raise OptionError(
        f"There is no variable {', '.join(told)}. Nothing was changed.",
        hint="Correct the name, or remove the variable: names that begin so are those of aritma.iam.",
        option=wrong[0],
    )


# The templates of the role, as they stand in its file.
_MADE = yaml.safe_load(_VARS.read_text(encoding="utf-8"))


def require_made(variables: Mapping[str, Any]) -> None:
    """Raise ``OptionError`` where a variable that the role makes is another one: it would be delivered, or believed."""
    for name in ("service_client_delivery_host", *_MADE):
        if name in variables and variables[name] != _MADE.get(name):
            raise OptionError(
                f"{name} is made by the role, and something else in the play sets it. Nothing was changed.",
                hint="Give your variable, fact or extra variable another name.",
                option=name,
            )


def _looks_ours(name: str) -> bool:
    """Whether a name begins as ours do, or nearly so."""
    spelt = plain(name)
    if spelt.startswith(_PREFIXES):
        return True
    first, _blank, rest = spelt.partition("_")
    if first.startswith("rotat") and f"rotation_{rest}" in PLAYBOOKS:
        return True
    return spelt.startswith("se") and probably(spelt, KNOWN, 0.9) is not None


def require_hosts(hosts: Iterable[str], known: Mapping[str, Any]) -> None:
    """Raise ``OptionError`` for delivery hosts that are not in the inventory, or that are no POSIX hosts.

    ``known`` are the variables of the hosts, by their names (``hostvars``).
    """
    for name in hosts:
        if name not in known and name != "localhost":
            close = probably(name, known)
            meant = f" Probably {close} is meant." if close else ""
            raise OptionError(
                f"service_client_deliveries: host {name} is not in the inventory.{meant} Nothing was changed.",
                hint="Correct hosts of the delivery, or add the host.",
                option="deliveries",
            )
        connection = str(_value(name, known, "ansible_connection") or "").rpartition(".")[2]
        if connection in _WINDOWS or _value(name, known, "ansible_shell_type") in ("powershell", "cmd"):
            raise OptionError(
                f"{name} is a Windows host, which is not supported. Nothing was changed.",
                hint="Deliver to a server that it reads from, or by tasks of your own on another host.",
                option="deliveries",
            )


def machine(host: str, known: Mapping[str, Any]) -> str:
    """What hosts that are one machine have in common, as far as the inventory tells; empty for this machine."""
    if host == "localhost" or _value(host, known, "ansible_connection") in ("local", "ansible.builtin.local"):
        return ""
    return str(_value(host, known, "ansible_host") or host)


def same_file(place: str, path: str) -> str:
    """One spelling of a path on a machine: a link is followed where that is this one."""
    return f"{place}:{posixpath.normpath(path)}" if place else os.path.realpath(Path(path).expanduser())


def require_core(version: str = __version__) -> None:
    """Raise ``OptionError`` where ansible-core is older than this collection can work with: Ansible only warns."""
    if _numbers(version) < _numbers(_CORE):
        raise OptionError(
            f"This is ansible-core {version}, and aritma.iam needs {_CORE} or newer. Nothing was changed.",
            hint="Upgrade ansible-core.",
        )


def _numbers(version: str) -> list[int]:
    return [int(each) for each in re.findall(r"\d+", version)[:3]]


def require_handlers(names: Iterable[str], known: frozenset[str] | None) -> None:
    """Raise ``OptionError`` for handlers that the play does not have: Ansible would end the whole run when notified."""
    for name in names:
        if known is not None and name not in known:
            meant = probably(name, known)
            raise OptionError(
                f"service_client_deliveries: notify names {name!r}, and the play has no such handler."
                f"{f' Probably {meant!r} is meant.' if meant else ''} Nothing was changed.",
                hint="Correct notify, or give the delivery a reload: that needs no handler.",
                option="deliveries",
            )


def require_alone(host: str, things: Iterable[str], folder: str) -> None:
    """Raise ``OptionError`` where another host of this run has one of the same things: client, record, delivered file.

    ``folder`` is the temporary one of the run, where each thing is noted with the host that was first.
    """
    for thing in things:
        note = Path(folder) / f"aritma-iam-{hashlib.sha256(thing.encode()).hexdigest()[:32]}"
        try:
            with note.open("x", encoding="utf-8") as file:
                file.write(host)
        except FileExistsError:
            other = note.read_text(encoding="utf-8")
            if other != host:
                raise OptionError(
                    f"{host} and {other} have the same {thing}: each would replace the secret of the other."
                    " Nothing was changed.",
                    hint="Give each host a client, a record and files of its own; or one host with several deliveries.",
                    option="client_name",
                ) from None


def _value(host: str, known: Mapping[str, Any], name: str) -> Any:
    """One variable of a host; None where it has none, or one that cannot be evaluated for it here."""
    try:
        return known[host].get(name)
    except Exception:  # a template of somebody else can raise anything
        return None
