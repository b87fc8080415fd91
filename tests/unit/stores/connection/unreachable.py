# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to a host that is never there."""

from __future__ import annotations

from typing import NoReturn

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as LocalConnection

DOCUMENTATION = """
name: unreachable
short_description: A connection that always fails
description: For tests.
author: the aritma.iam contributors (@aritma-iam)
"""


class Connection(LocalConnection):
    """Fails whatever is asked of it."""

    transport = "unreachable"

    def exec_command(self, *_given: object, **_named: object) -> NoReturn:
        """See ``ConnectionBase``."""
        raise AnsibleConnectionFailure("no route to the host")
