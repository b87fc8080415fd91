# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Worlds that a rotation may begin in, and roles with other wishes, for the tests of the model."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import description_for
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import (
    Settings,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import (
    Current,
    Previous,
    Record,
    encode_record,
)
from ansible_collections.aritma.iam.tests.unit.rotation.model import Finding, explore
from ansible_collections.aritma.iam.tests.unit.rotation.role import (
    CLIENT,
    LONG_AGO,
    NOW,
    Role,
    rotation_id,
)
from ansible_collections.aritma.iam.tests.unit.rotation.world import (
    OLD,
    Scenario,
    Secret,
    World,
    established,
)


class Provisioning(Role):
    """A run that only finishes what was begun."""

    wish = Settings(due=False)


class Holding(Role):
    wish = Settings(hold=True)


class Impatient(Role):
    """A run so long after the others that a pending secret has to work by now."""

    wish = Settings(patience=timedelta(seconds=-1))


class Adopting(Role):
    known_value = OLD


def unprovisioned() -> World:
    """No record; two secrets of others at the server."""
    world = established()
    return world._replace(text="", secrets=world.secrets[:2], delivered=None)


def by_hand() -> World:
    """No record; one secret that somebody made by hand and that the operator knows."""
    return World("", (Secret("1", "made by hand", OLD, True),), delivered=OLD, next_id=2)


def restored(value: str = "another") -> World:
    """A store restored from a backup: another secret of ours is in use than the one that it holds.

    ``value`` is what the server has under the id that the store holds.
    """
    world = established()
    *others, old = world.secrets
    in_use = Secret("2", description_for(rotation_id(9)), "value-09", True)
    return world._replace(secrets=(*others, old._replace(value=value), in_use), delivered="value-09", next_id=3)


def promoted() -> World:
    """Promoted and delivered, then the run was killed."""
    old, new = rotation_id(0), rotation_id(1)
    record = Record(
        client_id=CLIENT,
        version=3,
        current=Current(value="value-01", rotation_id=new, secret_id="2", created_at=NOW),
        previous=Previous(value=OLD, rotation_id=old, secret_id="1", created_at=LONG_AGO),
    )
    made = Secret("2", description_for(new), "value-01", True)
    secrets = (*established().secrets, made)
    return World(encode_record(record), secrets, delivered="value-01", next_id=3, rotations=1)


def run(**options: Any) -> Finding:
    return explore(Scenario(**{"role": Role(), "world": established(), **options}))


NO_LEASE: dict[str, Any] = {"runs": 2, "lease": False, "most": 4, "further_runs": 2}
"""Two runs where the lease of one has run out (it was stopped, or its clock is wrong). What a repeated POST left over
is swept at the beginning of the run after the next."""


def dead_after_proof() -> World:
    """Promoted and proven, then somebody deleted the new secret: only the previous one works."""
    world = promoted()
    return world._replace(secrets=world.secrets[:-1], delivered=OLD)


UNCHECKED: dict[str, Any] = {"converges": False, "current_checked": False}
