# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to a host that is there until a file of its name, in the folder of AWAY, says that it is not."""

from __future__ import annotations

import os
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as LocalConnection

DOCUMENTATION = """
name: leaving
short_description: A connection to this host that counts as remote, and can be away
description: For the tests of this collection.
author: the aritma.iam contributors (@aritma-iam)
"""


class Connection(LocalConnection):
    """Modules go over it as they do over ssh, as long as the host is there."""

    transport = "leaving"

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """See ``ConnectionBase``."""
        if (Path(os.environ["AWAY"]) / str(self._play_context.remote_addr)).exists():
            raise AnsibleConnectionFailure("no route to the host")
        answer: tuple[int, bytes, bytes] = super().exec_command(cmd, in_data, sudoable)
        return answer
