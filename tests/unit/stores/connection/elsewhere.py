# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection that is not local by name, so that modules are shipped, and ends on this host all the same."""

from __future__ import annotations

from ansible.plugins.connection.local import Connection as LocalConnection
from ansible.utils.display import Display

DOCUMENTATION = """
name: elsewhere
short_description: A connection to this host that counts as remote
description: For tests.
author: the aritma.iam contributors (@aritma-iam)
"""


class Connection(LocalConnection):
    """Modules go over it as they do over ssh: put, run, answer."""

    transport = "elsewhere"

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """As ssh does, show at -vvv what was answered."""
        answer: tuple[int, bytes, bytes] = super().exec_command(cmd, in_data, sudoable)
        Display().vvv("censored due to no log" if self._play_context.no_log else str(answer), host="elsewhere")
        return answer
