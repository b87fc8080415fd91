# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A strategy that plants a bug: adding a secret raises an exception whose text holds the value."""

from __future__ import annotations

DOCUMENTATION = """
name: buggy
short_description: Like linear, with a bug in the collection
description: For the tests of this collection.
author: the aritma.iam contributors (@aritma-iam)
"""

from collections.abc import Mapping
from typing import Any

from ansible.plugins.strategy.linear import StrategyModule as Linear

from ansible_collections.aritma.iam.plugins.module_utils._iam.api import IamApi

CREATE = "create_secret"


class StrategyModule(Linear):
    """See the module. The workers are forked from this process, and have the bug too."""

    def run(self, iterator: Any, play_context: Any, result: Any = 0) -> Any:
        """Plant it, and go on."""

        def create_secret(_self: IamApi, client_id: str, body: Mapping[str, Any]) -> str | None:
            raise ValueError(f"the bug shows {body} of {client_id}")

        setattr(IamApi, CREATE, create_secret)
        return super().run(iterator, play_context)
