# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API below /_sim/, for tests. It needs no authorisation, and its requests are not logged."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.faults import BadRule, parse_rule, rule_form
from simulator.grants import policies_that_allow
from simulator.log import masked_body
from simulator.named import every_profile
from simulator.profiles import SWITCHES, UnknownSwitch, with_switches
from simulator.routes.secrets import shown_id
from simulator.seed import seed_state, show
from simulator.simulation import Simulation

Endpoint = Callable[[Simulation, Request], Awaitable[Any]]
_DONE: dict[str, Any] = {"done": True}


async def _json(request: Request) -> Any:
    return await request.json() if await request.body() else {}


async def health(simulation: Simulation, request: Request) -> Any:
    """GET /_sim/health."""
    return {"status": "ok", "profile": simulation.profile_name}


async def reset(simulation: Simulation, request: Request) -> Any:
    """POST /_sim/reset {profile?, switches?}."""
    data = await _json(request)
    simulation.reset(data.get("profile"), data.get("switches"))
    return simulation.profile_form()


async def show_profile(simulation: Simulation, request: Request) -> Any:
    """GET /_sim/profile: the values of the switches, and every profile and switch that exists."""
    switches = {
        name: {"fact": field.metadata["fact"], "doc": field.metadata["doc"], "values": field.metadata["values"]}
        for name, field in SWITCHES.items()
    }
    return {**simulation.profile_form(), "known_profiles": every_profile(), "known_switches": switches}


async def change_profile(simulation: Simulation, request: Request) -> Any:
    """PATCH /_sim/profile {switch: value}."""
    simulation.set_profile(simulation.profile_name, with_switches(simulation.profile, await _json(request)))
    return simulation.profile_form()


async def seed(simulation: Simulation, request: Request) -> Any:
    """POST /_sim/seed."""
    return seed_state(simulation, await _json(request))


async def state(simulation: Simulation, request: Request) -> Any:
    """GET /_sim/state?client_id=."""
    return show(simulation, request.query_params.get("client_id"))


async def check(simulation: Simulation, request: Request) -> Any:
    """POST /_sim/check {client_id, value}: the secrets that have this value."""
    data = await _json(request)
    found = simulation.store.secrets.matching(data["client_id"], data["value"])
    now = simulation.store.database.clock()
    return {
        "matches": [shown_id(simulation.profile, secret) for secret in found if secret.deleted is None],
        "live": [shown_id(simulation.profile, secret) for secret in found if secret.live(now)],
        "deleted": [shown_id(simulation.profile, secret) for secret in found if secret.deleted is not None],
    }


async def allowed(simulation: Simulation, request: Request) -> Any:
    """POST /_sim/allowed {token, action, scope}: whether a resource would allow a client with this access token."""
    data, store = await _json(request), simulation.store
    identity = simulation.tokens.verify(f"Bearer {data['token']}", simulation.known_tenants())
    client = store.clients.find(identity.client_id, identity.tenant) if identity else None
    found = policies_that_allow(store, client, data["action"], data["scope"]) if client else []
    return {"allowed": bool(found), "through": [policy.subject for policy in found]}


async def show_log(simulation: Simulation, request: Request) -> Any:
    """GET /_sim/log?since=&operation=&client_id=&kind=."""
    wanted = {key: value for key, value in request.query_params.items() if key != "since"}
    entries = simulation.log.entries(int(request.query_params.get("since", 0)))
    return [entry for entry in entries if all(str(entry.get(key)) == value for key, value in wanted.items())]


async def mark(simulation: Simulation, request: Request) -> Any:
    """POST /_sim/log {...}: add a marker of the test between the requests."""
    data = masked_body("application/json", await request.body()) or {}
    entry = simulation.log.begin(**{**data, "kind": "marker"})
    simulation.log.end(entry)
    return entry


async def clear_log(simulation: Simulation, request: Request) -> Any:
    """DELETE /_sim/log."""
    simulation.log.clear()
    return _DONE


async def add_faults(simulation: Simulation, request: Request) -> Any:
    """POST /_sim/faults: add one rule or a list of rules after the others."""
    data = await _json(request)
    rules = [parse_rule(item) for item in (data if isinstance(data, list) else [data])]
    simulation.faults.rules.extend(rules)
    return [rule_form(rule) for rule in simulation.faults.rules]


async def show_faults(simulation: Simulation, request: Request) -> Any:
    """GET /_sim/faults: the rules with their counters."""
    return [rule_form(rule) for rule in simulation.faults.rules]


async def clear_faults(simulation: Simulation, request: Request) -> Any:
    """DELETE /_sim/faults: also resumes paused requests."""
    simulation.faults.rules.clear()
    return {"resumed": simulation.pauses.resume()}


async def paused(simulation: Simulation, request: Request) -> Any:
    """GET /_sim/paused?wait=SECONDS: the paused requests. Waits until there is one."""
    await simulation.pauses.wait(float(request.query_params.get("wait", 0)))
    return simulation.pauses.shown()


async def resume(simulation: Simulation, request: Request) -> Any:
    """POST /_sim/resume {name?, seq?, drop?}."""
    data = await _json(request)
    count = simulation.pauses.resume(name=data.get("name"), seq=data.get("seq"), drop=bool(data.get("drop")))
    return {"resumed": count}


async def violations(simulation: Simulation, request: Request) -> Any:
    """GET /_sim/violations."""
    return simulation.violations.found()


async def clear_violations(simulation: Simulation, request: Request) -> Any:
    """DELETE /_sim/violations."""
    simulation.violations.clear()
    return _DONE


_ENDPOINTS: tuple[tuple[str, str, Endpoint], ...] = (
    ("GET", "/_sim/health", health),
    ("POST", "/_sim/reset", reset),
    ("GET", "/_sim/profile", show_profile),
    ("PATCH", "/_sim/profile", change_profile),
    ("POST", "/_sim/seed", seed),
    ("GET", "/_sim/state", state),
    ("POST", "/_sim/check", check),
    ("POST", "/_sim/allowed", allowed),
    ("GET", "/_sim/log", show_log),
    ("POST", "/_sim/log", mark),
    ("DELETE", "/_sim/log", clear_log),
    ("POST", "/_sim/faults", add_faults),
    ("GET", "/_sim/faults", show_faults),
    ("DELETE", "/_sim/faults", clear_faults),
    ("GET", "/_sim/paused", paused),
    ("POST", "/_sim/resume", resume),
    ("GET", "/_sim/violations", violations),
    ("DELETE", "/_sim/violations", clear_violations),
)


async def _answered(endpoint: Endpoint, simulation: Simulation, request: Request) -> Response:
    try:
        return JSONResponse(await endpoint(simulation, request))
    except (UnknownSwitch, BadRule, ValueError, TypeError) as error:
        return JSONResponse({"error": str(error)}, status_code=400)
    except KeyError as error:
        return JSONResponse({"error": f"missing or unknown: {error}"}, status_code=400)


def control_app(simulation: Simulation) -> Starlette:
    """The control API of a simulation."""
    return Starlette(
        routes=[
            Route(path, functools.partial(_bound, endpoint, simulation), methods=[method])
            for method, path, endpoint in _ENDPOINTS
        ]
    )


async def _bound(endpoint: Endpoint, simulation: Simulation, request: Request) -> Response:
    return await _answered(endpoint, simulation, request)
