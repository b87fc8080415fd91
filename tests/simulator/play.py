# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option `--play`: example data in the tenant, and the commands that connect a shell to it."""

from __future__ import annotations

import secrets
import shlex

from simulator.call import MAIN_TENANT, TENANTS
from simulator.render import time_text
from simulator.seed import seed_state
from simulator.simulation import Simulation

_DAY = 86400.0
_UNSET = ("ARITMA_ACCESS_TOKEN", "ARITMA_TOKEN_URL", "ARITMA_AUTH_SCOPE", "ARITMA_VALIDATE_CERTS", "ARITMA_CA_PATH")


def add_examples(simulation: Simulation) -> None:
    """Create old objects: two clients, one with a certificate, a user, and a group with a policy."""
    if simulation.store.clients.named(MAIN_TENANT, "partner-portal"):
        return  # restarted with the same state
    long_ago = {
        "value": secrets.token_urlsafe(16),
        "created": time_text(simulation.profile, simulation.store.database.clock() - 400 * _DAY),
    }
    certificate = {**long_ago, "description": "certificate", "type": "X509Thumbprint"}
    created = seed_state(
        simulation,
        {
            "clients": [
                {"name": "legacy-import", "secrets": [{**long_ago, "description": "made by hand"}]},
                {"name": "partner-portal", "secrets": [{**long_ago, "description": "portal"}, certificate]},
            ],
            "users": [{"name": "Kari Nordmann", "email": "kari@example.org"}],
        },
    )
    portal = created["clients"][1]["subject_id"]
    groups = seed_state(simulation, {"groups": [{"name": "readers", "description": "read all", "members": [portal]}]})
    readers = groups["groups"][0]["subject_id"]
    seed_state(
        simulation, {"policies": [{"subject": readers, "action": "documents.read", "scope": "/subscriptions/123"}]}
    )


def shell_lines(simulation: Simulation, url: str, certificate: str | None) -> str:
    """Commands that connect the tools of the collection to this tenant, and unset what would interfere."""
    profile, settings = simulation.profile, simulation.settings
    variables = {
        "ARITMA_IAM_URL": url + profile.base_path,
        "ARITMA_IDENTITY_URL": url,
        "ARITMA_TENANT": TENANTS[MAIN_TENANT] if profile.tenant_key == "id" else MAIN_TENANT,
        "ARITMA_CLIENT_ID": settings.admin_client_id,
        "ARITMA_CLIENT_SECRET": settings.admin_client_secret,
        **({"ARITMA_CA_PATH": certificate} if certificate else {}),
    }
    exports = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join(
        ["# Paste this into another terminal. Ctrl-C here ends it.", f"unset {' '.join(_UNSET)}", *exports]
    )
