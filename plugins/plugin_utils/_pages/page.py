# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders HTML pages. Each is one file that loads nothing and is readable without scripts and without colours."""

from __future__ import annotations

import base64
import hashlib
import shlex
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ...module_utils._core.time import format_duration
from ...module_utils._core.version import VERSION

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class StateName:
    """How a state is shown: a short name, a sentence, and a mark (a symbol in ``page.html.j2``)."""

    name: str
    meaning: str
    mark: str


def render(template: str, **values: Any) -> str:
    """Render a page. All values are escaped. The style and the script are inserted from files."""
    style, script = (_text(name) for name in ("page.css", "page.js"))
    common = {"version": VERSION, "style": style, "script": script, "policy": _policy(style, script)}
    return _environment().get_template(template).render(**common, **values)


def rotation_command(host: str, *options: str) -> str:
    """The command that rotates the secret of one inventory host."""
    return shlex.join(["ansible-playbook", "-i", "inventory.yml", "aritma.iam.rotate", "--limit", host, *options])


@cache
def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(span=_span, day=_day, minute=_minute)
    return environment


def _policy(style: str, script: str) -> str:
    """A Content-Security-Policy that allows only this style and this script, and no requests."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _span(seconds: int) -> str:
    """A duration such as ``61 d``."""
    text = format_duration(timedelta(seconds=seconds))
    return f"{text[:-1]} {text[-1]}"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
