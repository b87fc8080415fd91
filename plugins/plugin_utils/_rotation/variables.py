# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the role and the playbooks, and checks of them before anything is written."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_load
from ansible.release import __version__

from ...module_utils._core.errors import OptionError
from ...module_utils._http.connection import ENVIRONMENT
from .._inputs import plain, probably

_ROOT = Path(__file__).resolve().parents[3]
_SPECS = _ROOT / "roles" / "service_client" / "meta" / "argument_specs.yml"
_VARS = _ROOT / "roles" / "service_client" / "vars" / "main.yml"
_CORE = str(yaml_load((_ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]).lstrip(">=")
_PREFIXES = ("service_client_", "aritma_iam_", "rotation_", "provision_", "revoke_", "move_store_")
_WINDOWS = ("winrm", "psrp")
"""Connection types of Windows hosts."""

_OURS = "service_client__"
"""The prefix of variables that the role registers."""

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
"""Variables that the role sets for tasks of the caller."""

_FOUND = ("secrets", "managed", "secret_age_days", "secret_expires_at", "due", "due_known", "due_reason")
"""Variables that the inventory plugin sets in addition to those of the role."""


def _role() -> frozenset[str]:
    specs = yaml_load(_SPECS.read_text(encoding="utf-8"))["argument_specs"]
    return frozenset(specs["main"]["options"])


# Read once in the main process, from which all workers are forked.
KNOWN = (
    _role()
    | PLAYBOOKS
    | GIVEN
    | {f"service_client_{each}" for each in _FOUND}
    | {f"aritma_iam_{each}" for each in ENVIRONMENT}
)


def require_known(names: Iterable[str]) -> None:
    """Raise ``OptionError`` for unknown variables that look like ours: a misspelled one would have no effect."""
    wrong = sorted(name for name in names if name not in KNOWN and not name.startswith(_OURS) and _looks_ours(name))
    if not wrong:
        return
    shown = []
    for name in wrong:
        meant = probably(name, KNOWN)
        shown.append(f"{name} (probably {meant})" if meant else name)
    raise OptionError(
        f"There is no variable {', '.join(shown)}. Nothing was changed.",
        hint="Correct the name, or remove the variable. Names with this beginning belong to aritma.iam.",
        option=wrong[0],
    )


# The templates of the role, unrendered.
_MADE = yaml_load(_VARS.read_text(encoding="utf-8"))


def require_made(variables: Mapping[str, Any]) -> None:
    """Raise ``OptionError`` if the play overrides a variable that the role sets: the role would use the other value."""
    for name in ("service_client_delivery_host", *_MADE):
        if name in variables and variables[name] != _MADE.get(name):
            raise OptionError(
                f"The role sets {name}, but something else in the play sets it too.",
                hint="Give your variable, fact or extra variable another name.",
                option=name,
            )


def _looks_ours(name: str) -> bool:
    """Whether a name begins like ours, or nearly so."""
    spelt = plain(name)
    if spelt.startswith(_PREFIXES):
        return True
    first, _blank, rest = spelt.partition("_")
    if first.startswith("rotat") and f"rotation_{rest}" in PLAYBOOKS:
        return True
    return spelt.startswith("se") and probably(spelt, KNOWN, 0.9) is not None


def require_hosts(hosts: Iterable[str], known: Mapping[str, Any]) -> None:
    """Raise ``OptionError`` for delivery hosts that are not in the inventory, or are Windows hosts.

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
                hint="Deliver to a server from which it reads, or with your own tasks on another host.",
                option="deliveries",
            )


def machine(host: str, known: Mapping[str, Any]) -> str:
    """An identifier of the machine of a host, from the inventory; empty for this machine."""
    if host == "localhost" or _value(host, known, "ansible_connection") in ("local", "ansible.builtin.local"):
        return ""
    return str(_value(host, known, "ansible_host") or host)


def same_file(place: str, path: str) -> str:
    """A normalized path on a machine. Links are followed on this machine."""
    return f"{place}:{posixpath.normpath(path)}" if place else os.path.realpath(Path(path).expanduser())


def require_core(version: str = __version__) -> None:
    """Raise ``OptionError`` if ansible-core is too old for this collection. Ansible itself only warns."""
    if _numbers(version) < _numbers(_CORE):
        raise OptionError(
            f"This is ansible-core {version}, but aritma.iam needs {_CORE} or newer. Nothing was changed.",
            hint="Upgrade ansible-core.",
        )


def _numbers(version: str) -> list[int]:
    return [int(each) for each in re.findall(r"\d+", version)[:3]]


def require_handlers(names: Iterable[str], known: frozenset[str] | None) -> None:
    """Raise ``OptionError`` for handlers that the play does not have. Ansible would end the whole run."""
    for name in names:
        if known is not None and name not in known:
            meant = probably(name, known)
            raise OptionError(
                f"service_client_deliveries: notify names {name!r}, but the play has no such handler."
                f"{f' Probably {meant!r} is meant.' if meant else ''} Nothing was changed.",
                hint="Correct notify, or give the delivery a reload, which needs no handler.",
                option="deliveries",
            )


def require_alone(host: str, things: Iterable[str], folder: str) -> None:
    """Raise ``OptionError`` if another host of this run has one of the same things: client, record, delivered file.

    ``folder`` is the temporary directory of the run. A file in it holds the first host of each thing.
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
                    hint="Give each host its own client, record and files, or use one host with several deliveries.",
                    option="client_name",
                ) from None


def _value(host: str, known: Mapping[str, Any], name: str) -> Any:
    """A variable of a host; None if it is not set or cannot be rendered here."""
    try:
        return known[host].get(name)
    except Exception:  # templates of the user can raise anything
        return None
