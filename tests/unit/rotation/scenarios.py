# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios in a few words, and the worlds that they may begin in, for the tests of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._rotation import record as records
from ansible_collections.aritma.iam.plugins.module_utils._rotation.evidence import Target
from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import description_for
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import Wish
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Delivered, Pending, Record
from ansible_collections.aritma.iam.tests.unit.rotation.model import Finding, explore
from ansible_collections.aritma.iam.tests.unit.rotation.play import CLIENT, NOW, Role, read, rotation_id, text_of
from ansible_collections.aritma.iam.tests.unit.rotation.world import (
    OLD,
    Budget,
    Place,
    Scenario,
    Secret,
    Secrets,
    World,
    established,
    in_use,
    target,
)

Asked = Mapping[str, Any]
"""What is asked of a run: members of ``Wish``, ``only`` (numbers of its targets), ``known_value``."""

USUAL: Asked = {}
FORCED: Asked = {"force": True}
PROVISIONING: Asked = {"due": False}
HOLDING: Asked = {"hold": True}
RECOVERING: Asked = {"recover": True}
COMPROMISED: Asked = {"compromised": True}
ADOPTING: Asked = {"known_value": OLD}
IMPATIENT: Asked = {"patience": timedelta(seconds=-1)}
"""A run so long after the others that a pending secret has to work by now."""

HIDDEN = {"shows": "hidden", "converges": False}
"""LIST shows no descriptions. What cannot be told then is left for the operator, so that a run may end blocked."""


def scenario(**options: Any) -> Scenario:
    """A scenario. ``asks``, ``grown``, ``calm`` say what is asked of runs; members of ``Budget`` may be given too.

    ``world`` is a function of the targets.
    """
    budget = Budget(**{name: options.pop(name) for name in Budget._fields if name in options})
    asks, grown = options.pop("asks", (USUAL,)), options.pop("grown", ())
    calm, world = options.pop("calm", USUAL), options.pop("world", established)
    base = Scenario(budget=budget, runs=options.pop("runs", len(asks)), **options)
    targets = tuple(target(number, base) for number in range(base.targets))
    return replace(
        base,
        roles=tuple(role(each, targets) for each in asks),
        grown=tuple(role(each, targets) for each in grown),
        calm=role(calm, targets),
        world=world(targets),
    )


def role(asked: Asked, targets: tuple[Target, ...]) -> Role:
    rest = dict(asked)
    known_value = rest.pop("known_value", None)
    only = rest.pop("only", range(len(targets)))
    return Role(Wish(CLIENT, "run", NOW, targets=tuple(targets[number] for number in only), **rest), known_value)


def run(**options: Any) -> Finding:
    return explore(scenario(**options))


# ---- worlds


def unprovisioned(targets: tuple[Target, ...]) -> World:
    """No record; a secret of somebody else at the server."""
    world = established()
    return world._replace(text="", secrets=world.secrets[:1], places=(Place(),) * len(targets))


def by_hand(targets: tuple[Target, ...]) -> World:
    """No record; one secret that somebody made by hand and that the operator knows."""
    places = (Place(OLD, 0, OLD),) * len(targets)
    return World("", (Secret("1", "made by hand", OLD),), places, next_id=2)


def one_more(targets: tuple[Target, ...]) -> World:
    """The last target is new: nothing was delivered there."""
    world = established(targets[:-1])
    return world._replace(places=(*world.places, Place()))


def promoted(targets: tuple[Target, ...], previous_id: str = "1") -> World:
    """Promoted, then the run was killed."""
    world, pending = established(targets), Pending(value="value-01", rotation_id=rotation_id(1), created_at=NOW)
    record = records.promoted(known(world), pending, at=NOW, told_id=None)
    previous = record.previous and record.previous.model_copy(update={"secret_id": previous_id})
    made = Secret("2", description_for(rotation_id(1)), "value-01")
    text = text_of(record.model_copy(update={"previous": previous}))
    return world._replace(text=text, secrets=(*world.secrets, made), next_id=3, minted=1)


def lying_id(targets: tuple[Target, ...]) -> World:
    """Promoted; the id of the previous secret in the record is that of somebody else's."""
    return promoted(targets, "f1")


def proven(targets: tuple[Target, ...]) -> World:
    """Promoted, delivered and proven, then the run was killed."""
    world = promoted(targets)
    entries = {each.name: Delivered(generation=2, at=NOW, proofs=sorted(each.proofs)) for each in targets}
    places = (in_use("value-01", 2),) * len(targets)
    return world._replace(text=text_of(records.delivered(known(world), entries)), places=places)


def dead_after_proof(targets: tuple[Target, ...]) -> World:
    """Then somebody deleted the new secret: only the previous one works."""
    world = proven(targets)
    return world._replace(secrets=world.secrets[:-1])


def overtaken(targets: tuple[Target, ...]) -> World:
    """A run that was overtaken has woken up, and delivered the previous secret again after the proof of the new one."""
    world = proven(targets)
    feared = records.overtaken(known(established()), until=NOW + timedelta(hours=24)).overtaken
    text = text_of(known(world).model_copy(update={"overtaken": feared}))
    return world._replace(text=text, places=(in_use(OLD, 1),) * len(targets))


def known(world: World) -> Record:
    """The record of a world that has one."""
    record = read(world.text)
    assert record is not None
    return record


def restored(targets: tuple[Target, ...]) -> World:
    """A store restored from a backup: another secret of ours is in use than the one that it holds, which is gone."""
    world = established(targets)
    other = Secret("2", description_for(rotation_id(9)), "value-09")
    places = (in_use("value-09", 9),) * len(targets)
    return world._replace(secrets=(*world.secrets[:-1], other), places=places, next_id=3)


def restored_alive(targets: tuple[Target, ...]) -> World:
    """The same, but the older secret still works."""
    world = restored(targets)
    return world._replace(secrets=(*world.secrets, established().secrets[-1]))


NUMBERED: Secrets = (
    Secret("1", "made by hand", "value-f1", ours=False),
    Secret("2", "made by hand, too", "value-f2", ours=False),
)


def numbered(targets: tuple[Target, ...]) -> World:
    """The ids are numbers; that of the current secret is known for sure."""
    world = established(targets, NUMBERED, secret_id="3", confirmed=True)
    return world._replace(secrets=(*NUMBERED, world.secrets[-1]._replace(secret_id="3")), next_id=4)


def unlearned(targets: tuple[Target, ...]) -> World:
    """The ids are numbers; that of the current secret is not known."""
    world = established(targets, NUMBERED, secret_id=None)
    return world._replace(secrets=(*NUMBERED, world.secrets[-1]._replace(secret_id="3")), next_id=4)


def bare(targets: tuple[Target, ...]) -> World:
    """No record, and no secret at all."""
    return World("", (), (Place(),) * len(targets))


def cut_off(targets: tuple[Target, ...]) -> World:
    """The server cuts descriptions off; the id of the current secret is known for sure."""
    return established(targets, confirmed=True, listed_as=description_for(rotation_id(0))[:14])
