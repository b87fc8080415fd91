# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Handles blank values and misspelled names in user input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from ..module_utils._core.errors import OptionError

_FOREVER = 1e9
"""Seconds. Longer spans are mistakes."""


def is_blank(value: object) -> bool:
    """Whether ``value`` is null, or text without a visible character. Both mean that it is not given.

    AWX sends both for a survey question without an answer.
    """
    return value is None or (isinstance(value, str) and not value.strip())


def without_blanks(value: Any) -> Any:
    """``value`` without blank members and elements at any depth."""
    if isinstance(value, Mapping):
        return {str(name): without_blanks(each) for name, each in value.items() if not is_blank(each)}
    if isinstance(value, list):
        return [without_blanks(each) for each in value if not is_blank(each)]
    return value


def plain(name: str) -> str:
    """Normalize a name: lower case, underscores for dashes and spaces."""
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def probably(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The one of the ``known`` names that was probably meant; None if none is similar."""
    return next(iter(get_close_matches(plain(name), list(known), 1, likeness)), None)


def unknown(where: str, what: str, name: str, known: Iterable[str]) -> OptionError:
    """The error for an unknown member or choice. ``where`` begins with the option or variable."""
    known = sorted(known)
    meant = probably(name, known)
    hint = f"Did you mean {meant}?" if meant else f"There are: {', '.join(known)}."
    return OptionError(f"{where}: there is no {what} {name}.", hint=hint, option=where.partition(",")[0])


def no_members(place: str, known: Iterable[str], option: str) -> OptionError:
    """The error for a value without members."""
    return OptionError(
        f"{place}: members were expected, such as {' and '.join(list(known)[:2])}.",
        hint="Write them below it, one on each line.",
        option=option,
    )


def require_members(options: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any], where: str = "") -> None:
    """Raise ``OptionError`` for unknown members and invalid choices in the options of an argument spec.

    The message of Ansible would only list all valid members of all options.
    """
    for name, value in given.items():
        option = options.get(name, {})
        place = f"{where}, {name}" if where else name
        if isinstance(value, str) and option.get("choices") and value not in option["choices"]:
            raise unknown(where or name, f"{name}" if where else "choice", value, option["choices"])
        fault, hint = _fault(option, value)
        if fault:
            raise OptionError(f"{place}: {fault}.", hint=hint, option=where.partition(",")[0] or name)
        known = option.get("options")
        if known and not _has_members(value, option):
            raise no_members(place, known, where.partition(",")[0] or name)
        for each in value if isinstance(value, list) else [value]:
            if not known or not isinstance(each, Mapping):
                continue
            for member in each:
                if member not in known:
                    raise unknown(place, "member", str(member), known)
            require_members(known, each, place)


def _fault(option: Mapping[str, Any], value: Any) -> tuple[str, str]:
    """What is wrong with the kind of ``value``, and what to do. Ansible would take it, or say it less well."""
    if option.get("type") == "str" and isinstance(value, (Mapping, list)):
        return "text was expected", ""
    if option.get("elements") == "str" and not _is_texts(value):
        return "a list of texts was expected", "Write one on each line, after a dash, or separate them by commas."
    if option.get("type") == "float" and value is not None and not _is_span(value):
        return "a number of seconds was expected", "Write 60, for example."
    return "", ""


def _is_texts(value: Any) -> bool:
    """Whether ``value`` is a list of texts, or a text that is not JSON, which would become one text of the list."""
    if isinstance(value, list):
        return not any(isinstance(each, (Mapping, list)) for each in value)
    return not isinstance(value, Mapping) and not str(value).lstrip().startswith(("[", "{"))


def _is_span(value: Any) -> bool:
    """Whether ``value`` is a number of seconds to compute with, unlike ``inf`` and ``nan``."""
    try:
        return abs(float(value)) < _FOREVER
    except (TypeError, ValueError):
        return False


def _has_members(value: object, option: Mapping[str, Any]) -> bool:
    """Whether ``value`` can be a mapping, or a list of mappings. Ansible also reads a mapping from a text."""
    if option.get("type") == "list":
        return isinstance(value, list) and all(_has_members(each, {}) for each in value)
    return (
        isinstance(value, Mapping) or value is None or (isinstance(value, str) and any(sign in value for sign in "={"))
    )
