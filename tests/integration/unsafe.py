# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text that a playbook or an inventory writes with the tag ``!unsafe``: Ansible then takes it as it is."""

from __future__ import annotations

import yaml


class Unsafe(str):
    """A text with braces that are no template."""

    __slots__ = ()


def _written(dumper: yaml.SafeDumper, text: Unsafe) -> yaml.ScalarNode:
    return dumper.represent_scalar("!unsafe", str(text), style='"')


yaml.SafeDumper.add_representer(Unsafe, _written)
