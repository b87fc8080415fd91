# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a delivered credential is written: env, json, yaml or ini. Pure, and the same bytes for the same members."""

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
    """The members to deliver, under the names to deliver them by. Members without a value are left out.

    ``members`` is None (all), a name or a list of them, or a mapping of the delivered name to the member. Raises
    ``OptionError`` for one that the credential does not have, and where nothing is left to deliver.
    """
    given = {str(name): _text(str(name), value) for name, value in credential.items() if value is not None}
    if members is not None:
        return {shown: _member(given, name) for shown, name in wanted_members(members).items()}
    if not given:
        raise OptionError("The credential has no member with a value.", option="credential")
    return given


def _text(name: str, value: object) -> str:
    # "".join makes a plain str of a subclass, as ansible-core hands them out.
    text = "".join(value) if isinstance(value, str) else str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise OptionError(f"credential: the member {name} holds half a character.", option="credential") from None
    return text


def wanted_members(members: object) -> dict[str, str]:
    """The members by the names to deliver them by, as the option ``members`` names them. Raises ``OptionError``."""
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
        raise OptionError("members is empty.", hint="Name some, or leave it out for all.", option="members")
    return wanted


def _member(given: Members, name: str) -> str:
    if name not in given:
        raise OptionError(
            f"members: the credential has no member {name!r}; it has {', '.join(sorted(given))}.", option="members"
        )
    return given[name]


def render_env(members: Members, prefix: str = "", reader: str | None = None) -> str:
    """``NAME=value`` lines for one of ``ENV_READERS``; without, as sh and systemd read them.

    A value of other characters than ``A-Za-z0-9_./:-`` is quoted as the reader knows it. Raises ``DeliveryError`` for
    one that it would not read as it is.
    """
    _distinct(members, str.upper, "env")
    _one_line(members, "env")
    write = ENV_READERS[reader or "systemd"]
    return "".join(f"{_env_name(prefix + name.upper())}={write(name, value)}\n" for name, value in members.items())


def misread(text: str) -> str:
    """What readers other than sh and systemd would make of the lines that ``render_env`` writes; empty if the same."""
    values = [line.partition("=")[::2] for line in text.splitlines()]
    quoted = [name for name, value in values if value.startswith('"')]
    escaped = [name for name, value in values if value.startswith('"') and "\\" in value]
    told = f"docker would keep the quotes of {', '.join(quoted)}" if quoted else ""
    return told + (f", and dotenv the backslashes of {', '.join(escaped)}" if escaped else "")


def _distinct(members: Members, shown: Callable[[str], str], style: str) -> None:
    """Raise ``OptionError`` for two names that are one to whoever reads this format."""
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
    """As the libraries of all languages read it: they differ in what they expand, and in their escapes."""
    if _ENV_PLAIN.fullmatch(value):
        return value
    for quote, special in (("'", ("'", "\\", "${")), ('"', ('"', "\\", "$", "`"))):
        if not any(each in value for each in special):
            return quote + value + quote
    raise DeliveryError(
        f"The value of {name} would not be read alike by every dotenv library.",
        hint="Deliver it as json, or name another env_reader.",
        member=name,
    )


ENV_READERS: Mapping[str, Callable[[str, str], str]] = {
    "systemd": _for_shell,
    "shell": _for_shell,
    "docker": _for_docker,
    "dotenv": _for_dotenv,
}
"""Who reads a file of variables: how it has a value, by the name of the member and its value."""


def _one_line(members: Members, style: str) -> None:
    """Raise ``DeliveryError`` for a value that a line cannot carry."""
    for name, value in members.items():
        if _CONTROL.search(value):
            raise DeliveryError(
                f"The member {name} holds a line break or another control character, which {style} cannot carry.",
                hint="Deliver it as json or yaml.",
                member=name,
            )


def render_json(members: Members) -> str:
    """One JSON object, sorted and indented."""
    return json.dumps(members, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def render_yaml(members: Members) -> str:
    """One YAML mapping, sorted, every text in double quotes: YAML 1.1 and 1.2 take different ones for numbers."""
    # Deferred: PyYAML comes with ansible-core, so it is on the controller, where this runs, and perhaps nowhere else.
    import yaml

    # A safe dumper takes plain texts alone: ansible-core 2.18 has a class of its own for those that a task returned.
    plain = json.loads(json.dumps(members))
    return str(yaml.safe_dump(plain, default_style='"', sort_keys=True, width=1 << 16))


def render_value(members: Members) -> str:
    """The value of one member and nothing else: LoadCredential= of systemd, secrets of Docker and Podman."""
    if len(members) != 1:
        raise OptionError("format=value delivers one member.", hint="Name one in members.", option="members")
    return next(iter(members.values()))


def render_ini(members: Members, section: str) -> str:
    """One section with ``name = value`` lines, as they are: read it without interpolation (``%`` means itself)."""
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
            f"The member {name} begins or ends with a blank, which ini cannot carry.",
            hint="Deliver it as json or yaml.",
            member=name,
        )
    return value
