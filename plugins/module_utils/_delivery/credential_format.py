# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders a credential as env, json, yaml or ini. Pure: the same members always give the same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from .._core.errors import DeliveryError, OptionError

Members = dict[str, str]

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ENV_PLAIN = re.compile(r"[A-Za-z0-9_./:-]*")
_ENV_ESCAPED = re.compile(r'(["\\$`])')
_INI_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def pick_members(credential: Mapping[str, object], members: object) -> Members:
    """The members to deliver, under their delivered names. Members without a value are left out.

    ``members`` is None (all), a name or a list of names, or a mapping from the delivered name to the member. Raises
    ``OptionError`` for a member that the credential does not have, and if there is nothing to deliver.
    """
    given = {str(name): _text(str(name), value) for name, value in credential.items() if value is not None}
    if members is not None:
        return {shown: _member(given, name) for shown, name in wanted_members(members).items()}
    if not given:
        raise OptionError("The credential has no member with a value.", option="credential")
    return given


def _text(name: str, value: object) -> str:
    # "".join converts the str subclasses of ansible-core to plain str.
    text = "".join(value) if isinstance(value, str) else str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise OptionError(f"credential: the member {name} is not valid Unicode text.", option="credential") from None
    return text


def wanted_members(members: object) -> dict[str, str]:
    """The members by their delivered names, from the option ``members``. Raises ``OptionError``."""
    if isinstance(members, Mapping):
        wanted = {str(shown): str(member) for shown, member in members.items()}
    elif isinstance(members, Sequence):
        names = members.split(",") if isinstance(members, str) else members
        wanted = {str(name).strip(): str(name).strip() for name in names}
    else:
        raise OptionError(
            "members is neither a list of names nor a mapping.",
            hint="Write [client_id, client_secret], or {delivered name: member}.",
            option="members",
        )
    if not wanted:
        raise OptionError("members is empty.", hint="Name some, or omit it for all.", option="members")
    return wanted


def _member(given: Members, name: str) -> str:
    if name not in given:
        raise OptionError(
            f"members: the credential has no member {name!r}; it has {', '.join(sorted(given))}.", option="members"
        )
    return given[name]


def render_env(members: Members, prefix: str = "", reader: str | None = None) -> str:
    """``NAME=value`` lines for one of ``ENV_READERS``; without ``reader`` for sh and systemd.

    A value with other characters than ``A-Za-z0-9_./:-`` is quoted as the reader expects. Raises ``DeliveryError`` for
    a value that the reader cannot read.
    """
    _distinct(members, str.upper, "env")
    _one_line(members, "env")
    write = ENV_READERS[reader or "systemd"]
    return "".join(f"{_env_name(prefix + name.upper())}={write(name, value)}\n" for name, value in members.items())


def misread(text: str) -> str:
    """How other readers would misread lines that are written for sh and systemd; empty if they would not."""
    values = [line.partition("=")[::2] for line in text.splitlines()]
    quoted = [name for name, value in values if value.startswith('"')]
    escaped = [name for name, value in values if value.startswith('"') and "\\" in value]
    text = f"docker would keep the quotes of {', '.join(quoted)}" if quoted else ""
    return text + (f", and dotenv the backslashes of {', '.join(escaped)}" if escaped else "")


def _distinct(members: Members, shown: Callable[[str], str], style: str) -> None:
    """Raise ``OptionError`` for two names that are the same in this format."""
    first: dict[str, str] = {}
    for name in members:
        other = first.setdefault(shown(name), name)
        if other != name:
            raise OptionError(
                f"members: {other!r} and {name!r} are the same name in format {style}.",
                hint="Give one of them another name.",
                option="members",
            )


def _env_name(name: str) -> str:
    if not _ENV_NAME.fullmatch(name):
        raise OptionError(
            f"{name!r} cannot be the name of an environment variable.",
            hint="Use letters, digits and _ in prefix and members.",
            option="members",
        )
    return name


def _for_shell(_name: str, value: str) -> str:
    return value if _ENV_PLAIN.fullmatch(value) else '"' + _ENV_ESCAPED.sub(r"\\\1", value) + '"'


def _for_docker(_name: str, value: str) -> str:
    return value


def _for_dotenv(name: str, value: str) -> str:
    """A value that dotenv libraries of all languages read alike, although they differ in expansion and escapes."""
    if _ENV_PLAIN.fullmatch(value):
        return value
    for quote, special in (("'", ("'", "\\", "${")), ('"', ('"', "\\", "$", "`"))):
        if not any(each in value for each in special):
            return quote + value + quote
    raise DeliveryError(
        f"Not every dotenv library would read the value of {name} correctly.",
        hint="Deliver it as json, or name another env_reader.",
        member=name,
    )


ENV_READERS: Mapping[str, Callable[[str, str], str]] = {
    "systemd": _for_shell,
    "shell": _for_shell,
    "docker": _for_docker,
    "dotenv": _for_dotenv,
}
"""How to write a value, from the name of the member and the value, by the reader of the file."""


def _one_line(members: Members, style: str) -> None:
    """Raise ``DeliveryError`` for a value with a line break or another control character."""
    for name, value in members.items():
        if _CONTROL.search(value):
            raise DeliveryError(
                f"The member {name} has a line break or another control character, which {style} cannot represent.",
                hint="Deliver it as json or yaml.",
                member=name,
            )


def render_json(members: Members) -> str:
    """One JSON object, sorted and indented."""
    return json.dumps(members, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def render_yaml(members: Members) -> str:
    """One YAML mapping, sorted. All texts are quoted, because YAML 1.1 and 1.2 differ in which texts are numbers."""
    # Imported here: PyYAML comes with ansible-core, so it is on the controller, where this runs, but not on every host.
    import yaml

    # The safe dumper accepts only plain str. In ansible-core 2.18, results of tasks have another class.
    plain = json.loads(json.dumps(members))
    return str(yaml.safe_dump(plain, default_style='"', sort_keys=True, width=1 << 16))


def render_value(members: Members) -> str:
    """Only the value of one member, for LoadCredential= of systemd and for secrets of Docker and Podman."""
    if len(members) != 1:
        raise OptionError("format=value delivers one member.", hint="Name one in members.", option="members")
    return next(iter(members.values()))


def render_ini(members: Members, section: str) -> str:
    """One section with ``name = value`` lines. Values are not escaped: read them without interpolation of ``%``."""
    _distinct(members, str.lower, "ini")
    _one_line(members, "ini")
    if not section or "]" in section or _CONTROL.search(section):
        raise OptionError(f"section: {section!r} cannot be the name of a section.", option="section")
    return f"[{section}]\n" + "".join(
        f"{_ini_name(name)} = {_ini_value(name, value)}\n" for name, value in members.items()
    )


def _ini_name(name: str) -> str:
    if not _INI_NAME.fullmatch(name):
        raise OptionError(
            f"{name!r} cannot be a name in an ini file.", hint="Use letters, digits, _, . and -.", option="members"
        )
    return name


def _ini_value(name: str, value: str) -> str:
    if value != value.strip():
        raise DeliveryError(
            f"The member {name} begins or ends with a space, which ini cannot represent.",
            hint="Deliver it as json or yaml.",
            member=name,
        )
    return value
