# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills the state from a test, and shows it without values of secrets."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from simulator.call import MAIN_TENANT
from simulator.profiles import Profile
from simulator.render import parse_time, time_text
from simulator.routes.secrets import shown_id
from simulator.routes.subjects import client_subject_id
from simulator.simulation import Simulation
from simulator.store import SHARED, Client, Policy, Secret

Data = Mapping[str, Any]
_SETTLED_SECONDS = 3600.0


def seed_state(simulation: Simulation, data: Data) -> dict[str, Any]:
    """Create clients with secrets, users, groups, policies, scopes and actions. Returns their ids."""
    with simulation.store.database.transaction():
        for kind in ("scope", "action"):
            for name in data.get(f"{kind}s", ()):
                simulation.store.add_name(kind, name)
        created = {
            "clients": [_seed_client(simulation, item) for item in data.get("clients", ())],
            "secrets": [
                _seeded_secret(simulation, _seed_secret(simulation, item["client_id"], item))
                for item in data.get("secrets", ())
            ],
            "users": [_seed_user(simulation, item) for item in data.get("users", ())],
            "groups": [_seed_group(simulation, item) for item in data.get("groups", ())],
            "policies": [_seed_policy(simulation, item) for item in data.get("policies", ())],
        }
        simulation.store.settle()
        return created


def _seed_client(simulation: Simulation, item: Data) -> dict[str, Any]:
    client = simulation.store.clients.add(
        Client(
            tenant=item.get("tenant", MAIN_TENANT),
            client_id=item.get("client_id") or str(uuid.uuid4()),
            name=item["name"],
            description=item.get("description", ""),
            grant_types=tuple(item.get("allowed_grant_types", ["client_credentials"])),
            redirect_uris=tuple(item.get("redirect_uris", [])),
            scopes=tuple(item.get("allowed_scopes", ["api"])),
            extra=item.get("members"),
            created=_created(simulation, item),
        )
    )
    secrets = [_seed_secret(simulation, client.client_id, secret) for secret in item.get("secrets", ())]
    profile = simulation.profile
    return {
        "client_id": client.client_id,
        "name": client.name,
        "subject_id": client_subject_id(profile, client),
        "secrets": [_seeded_secret(simulation, secret) for secret in secrets],
    }


def _seeded_secret(simulation: Simulation, secret: Secret) -> dict[str, Any]:
    return {"id": shown_id(simulation.profile, secret), "description": secret.description}


def _seconds(text: str | None) -> float | None:
    return None if text is None else parse_time(text)


def _created(simulation: Simulation, item: Data) -> float:
    """When an object was created: by default so long ago that delays and lags do not affect it."""
    return _seconds(item.get("created")) or simulation.store.database.clock() - _SETTLED_SECONDS


def _seed_secret(simulation: Simulation, client_id: str, item: Data) -> Secret:
    return simulation.store.secrets.add(
        client_id,
        item["value"],
        item.get("description", ""),
        _seconds(item.get("expiration")),
        created=_created(simulation, item),
        type_=item.get("type", SHARED),
    )


def _seed_user(simulation: Simulation, item: Data) -> dict[str, Any]:
    user = simulation.store.people.add_user(item.get("tenant", MAIN_TENANT), item["name"], item.get("email", ""))
    return {"id": user.uuid, "name": user.name, "subject_id": user.subject_id}


def _seed_group(simulation: Simulation, item: Data) -> dict[str, Any]:
    tenant = item.get("tenant", MAIN_TENANT)
    group = simulation.store.people.add_group(
        tenant, item["name"], item.get("description", ""), opaque=simulation.profile.group_subject == "opaque"
    )
    for member in item.get("members", ()):
        simulation.store.people.join(group.uuid, member)
    return {"id": group.uuid, "name": group.name, "subject_id": group.subject_id}


def _seed_policy(simulation: Simulation, item: Data) -> dict[str, Any]:
    tenant = item.get("tenant", MAIN_TENANT)
    subject = item.get("subject") or _subject_of_client(simulation, tenant, item["client_id"])
    policy = Policy(tenant, subject, item["action"], item["scope"])
    if not simulation.store.policies.has(policy):
        simulation.store.policies.add(policy, _created(simulation, item))
    return {"subject": subject, "action": policy.action, "scope": policy.scope}


def _subject_of_client(simulation: Simulation, tenant: str, client_id: str) -> str:
    client = simulation.store.clients.find(client_id, tenant)
    if client is None:
        raise KeyError(client_id)
    return client_subject_id(simulation.profile, client)


def show(simulation: Simulation, client_id: str | None = None) -> dict[str, Any]:
    """The whole state, or with only one client."""
    store = simulation.store
    clients = [client for client in store.clients.every() if client_id in (None, client.client_id)]
    people = store.people
    groups = [group for tenant in simulation.known_tenants() for group in people.groups(tenant)]
    return {
        **simulation.profile_form(),
        "clients": [_shown_client(simulation, client) for client in clients],
        "policies": [
            {"tenant": policy.tenant, "subject": policy.subject, "action": policy.action, "scope": policy.scope}
            for policy in store.policies.every()
        ],
        "groups": [
            {
                "id": group.uuid,
                "subject_id": group.subject_id,
                "name": group.name,
                "description": group.detail,
                "members": people.members(group.uuid),
            }
            for group in groups
        ],
        "counters": {"peak_live_secrets": store.secrets.peaks()},
    }


def _shown_client(simulation: Simulation, client: Client) -> dict[str, Any]:
    profile, every = simulation.profile, simulation.store.secrets.every(client.client_id)
    return {
        "client_id": client.client_id,
        "tenant": client.tenant,
        "name": client.name,
        "description": client.description,
        "allowed_grant_types": list(client.grant_types),
        "redirect_uris": list(client.redirect_uris),
        "allowed_scopes": list(client.scopes),
        **({} if client.extra is None else {"members": client.extra}),
        "subject_id": client_subject_id(profile, client),
        "secrets": [_shown_secret(profile, secret) for secret in every if secret.deleted is None],
        "history": [
            {**_shown_secret(profile, secret), "created_at": secret.created, "deleted_at": secret.deleted}
            for secret in every
        ],
    }


def _shown_secret(profile: Profile, secret: Secret) -> dict[str, Any]:
    plain = Profile()
    return {
        "id": shown_id(profile, secret),
        "type": secret.type,
        "description": secret.description,
        "expiration": time_text(plain, secret.expires),
        "created": time_text(plain, secret.created),
    }
