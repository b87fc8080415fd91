# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event source: an event for each secret of a tenant that comes due."""

from __future__ import annotations

DOCUMENTATION = r"""
---
short_description: Emit events for OAuth client secrets on Aritma IAM that come due
description:
  - An event source for ansible-rulebook. It checks the secrets of all clients of a tenant at an interval, and emits an
    event for each secret that is too old, expires soon, or has expired.
  - An event is emitted once for each secret and state, not at each check. After a restart it is emitted again.
  - It only reads. If the server does not answer, it logs this and tries again.
  - The Python environment of ansible-rulebook needs C(ansible-core), C(requests) and C(pydantic).
options:
  interval:
    description: The time between two checks, such as V(1h).
    type: str
    default: 1h
  names:
    description: Client names or shell patterns, such as V(billing-*). By default all clients are checked.
    type: list
    elements: str
    default: []
  rotate_after:
    description: The age at which a secret is due, such as V(60d), or V(never) for no limit.
    type: str
    default: 60d
  expiry_margin:
    description: How long before its expiration a secret is due.
    type: str
    default: 14d
  hosts:
    description:
      - A mapping of client names to inventory hosts, for clients whose host has another name than the inventory plugin
        P(aritma.iam.service_clients#inventory) gives it. That plugin uses the name of the client if it can be a host
        name.
    type: dict
    default: {}
  api_url:
    description: As in the modules, like all following options. The default is E(ARITMA_IAM_URL).
    type: str
  token_url:
    description: The default is E(ARITMA_TOKEN_URL).
    type: str
  identity_url:
    description: The default is E(ARITMA_IDENTITY_URL).
    type: str
    default: https://id.aritma.io
  tenant:
    description: The default is E(ARITMA_TENANT).
    type: str
  access_token:
    description: The default is E(ARITMA_ACCESS_TOKEN). It cannot be renewed, so use a client instead.
    type: str
  auth_client_id:
    description: The default is E(ARITMA_CLIENT_ID).
    type: str
  auth_client_secret:
    description: The default is E(ARITMA_CLIENT_SECRET), which is the best place for it.
    type: str
  auth_scope:
    description: The default is E(ARITMA_AUTH_SCOPE).
    type: str
    default: services.iam
  validate_certs:
    description: The default is E(ARITMA_VALIDATE_CERTS).
    type: bool
    default: true
  ca_path:
    description: The default is E(ARITMA_CA_PATH).
    type: path
  request_timeout:
    description: Seconds for one request. The default is E(ARITMA_REQUEST_TIMEOUT).
    type: float
    default: 10.0
  retry_budget:
    description: Seconds for one request with its repetitions. The default is E(ARITMA_RETRY_BUDGET).
    type: float
    default: 60.0
"""

EXAMPLES = r"""
- aritma.iam.secret_expiry:
    interval: 30m
    names: ["billing-*"]
    expiry_margin: 21d
    hosts:
      Billing (nightly): billing
"""

import asyncio
import logging
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def _show_collection() -> None:
    """ansible-rulebook runs this file by its path alone: let Python find the collection that it is a part of.

    Not by Ansible's own loader: its path hook also takes ansible_rulebook, whose name begins with ``ansible``.
    """
    try:
        found = find_spec("ansible_collections.aritma.iam.plugins")
    except ModuleNotFoundError:
        found = None
    if found is None:
        collections = Path(__file__).parents[6]
        sys.path.append(str(collections.parent))
        path = import_module("ansible_collections").__path__
        if str(collections) not in path:  # where the package "ansible" has brought one that is no namespace
            path.append(str(collections))


_show_collection()

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import IamError
from ansible_collections.aritma.iam.plugins.module_utils._http.retry import Clock, Pace
from ansible_collections.aritma.iam.plugins.plugin_utils._audit._secret_watch import SecretWatch, read_settings

LOGGER = logging.getLogger("aritma.iam.secret_expiry")

_FIRST_PAUSE = 5.0
"""Seconds after the first failure; twice as long after each further one, up to the interval."""


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Look and tell, for ever. Raises ``IamError`` for an option that cannot be used, before anything is sent."""
    settings = read_settings(args)
    watch = SecretWatch(settings)
    interval = settings.interval.total_seconds()
    failures = 0
    while True:
        try:
            events = await asyncio.to_thread(watch.look)
        except IamError as error:
            failures += 1
            pause = pause_after(failures, interval)
            LOGGER.warning("The secrets could not be read; the next look is in %.0f s. %s", pause, error)
        else:
            if failures:
                LOGGER.warning("The secrets can be read again, after %d looks that failed.", failures)
            failures, pause = 0, interval
            for event in events:
                await queue.put(event)
        await asyncio.sleep(pause)


def pause_after(failures: int, interval: float) -> float:
    """Seconds to wait after so many failures in a row, with jitter, so that several sources spread."""
    return Pace(_FIRST_PAUSE, interval).pause(failures, Clock())


if __name__ == "__main__":

    class _Printed(asyncio.Queue[Any]):
        """Shows events in place of handing them on."""

        async def put(self, item: Any) -> None:
            """Print one event."""
            sys.stdout.write(f"{item}\n")

    asyncio.run(main(_Printed(), {}))
