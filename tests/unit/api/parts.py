# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the API, and which profiles of the simulator may matter to each."""

from __future__ import annotations

import re

import pytest

from simulator.named import every_profile, named_profile
from simulator.profiles import Profile

ABOUT = {
    "clients": r"client(?!_cache)|search|update|put_|subject|unknown_scope|location|links|duplicate_items|length",
    "secrets": r"secret|expir",
    "policies": r"polic|permission|action",
    "groups": r"group|member",
    "tokens": r"token|basic|credential|tenant|client_cache|^me_|node|accept_delay|refuse_delay|flaps",
}
"""What the names of switches have in common that concern one part of the API alone."""


def matters(profile: str, part: str) -> bool:
    """Whether the profile says something that does not concern other parts alone."""
    usual = vars(Profile())
    changed = [name for name, value in vars(named_profile(profile)).items() if value != usual[name]]
    others = [words for each, words in ABOUT.items() if each != part]
    own = [
        name for name in changed if re.search(ABOUT[part], name) or not any(re.search(each, name) for each in others)
    ]
    return bool(own) or not changed


def profiles(*parts: str) -> pytest.MarkDecorator:
    """Under each profile that may matter to one of these parts; `make torture` has the others."""
    each = [
        pytest.param(name, marks=() if any(matters(name, part) for part in parts) else pytest.mark.torture)
        for name in every_profile()
    ]
    return pytest.mark.parametrize("profile", each, indirect=True)
