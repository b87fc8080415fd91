# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchanges a credential, and measures how long it takes until all connections give the same answer."""

from __future__ import annotations

import base64
import itertools
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from .._core.errors import OptionError
from .._http.transport import Reply, Request, Transport
from .._oauth.grant import BASIC, POST, ClientCredential, token_request
from .._oauth.verdict import Verdict, judge
from .visit import Came, Visit

_SURE = 2
_AT_ONCE = 0.3


@dataclass(frozen=True)
class Asker:
    """Exchanges one secret of a client. ``url`` replaces the token endpoint of the connection."""

    visit: Visit
    client_id: str
    secret: str = field(repr=False)
    scope: str
    url: str = ""

    def ask(self, how: str = POST, authorization: str = "", kept: Transport | None = None) -> Came:
        """Exchange once, on a new connection or on ``kept``. ``authorization`` replaces the header."""
        credential = ClientCredential(self.client_id, self.secret, self.scope, BASIC if authorization else how)
        request = token_request(self.url or self.visit.connection.token_url, credential)
        if authorization:
            request = replace(request, authorization=authorization)
        return self.visit.timed(f"POST .../connect/token ({credential.auth_method})", lambda: self._sent(request, kept))

    def _sent(self, request: Request, kept: Transport | None) -> Reply:
        transport = kept or Transport(self.visit.connection, fresh=True)
        return transport.send(request, self.visit.connection.request_timeout)

    def raw_basic(self) -> str:
        """The header with id and secret not encoded."""
        return "Basic " + base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()

    def encoded_basic(self) -> str:
        """The header with every character of the secret percent-encoded."""
        encoded = "".join(f"%{byte:02X}" for byte in self.secret.encode())
        return "Basic " + base64.b64encode(f"{self.client_id}:{encoded}".encode()).decode()


def admin_asker(visit: Visit) -> Asker:
    """The client of the connection. Raises ``OptionError`` if the token endpoint is not known."""
    known = visit.connection
    if not known.token_url:
        raise OptionError("The token endpoint is not known.", option="tenant")
    return Asker(
        visit, known.auth_client_id, known.auth_client_secret, known.auth_scope or "services.iam", known.token_url
    )


@dataclass
class Wait:
    """The result of a wait. ``seconds`` passed until all answers were as wanted; 0 means from the start."""

    met: bool = False
    seconds: float = 0.0
    settled: float = 0.0
    """That moment on the monotonic clock."""
    exchanges: int = 0
    mixed: int = 0
    """Rounds in which new connections disagreed."""
    flaps: bool = False
    """On one connection, a wanted answer was followed by another answer."""
    last: Came | None = None

    def summary(self) -> dict[str, Any]:
        """For the report."""
        return {"met": self.met, "after": self.seconds, "exchanges": self.exchanges, "disagreed": self.mixed}

    @property
    def nodes(self) -> bool:
        """Whether there seem to be several nodes: connections disagree, but each one is consistent."""
        return self.mixed >= _SURE and not self.flaps


def wait_for(asker: Asker, wanted: Verdict) -> Wait:
    """Exchange on new connections and on a kept one, until all answers are as wanted twice in a row."""
    result, begun, streak, lost = Wait(), time.monotonic(), 0, 0
    with closing(Transport(asker.visit.connection)) as kept:
        while streak < _SURE and lost < _SURE:
            moment = time.monotonic()
            came = [asker.ask() for _fresh in range(2)] + [asker.ask(kept=kept) for _kept in range(3)]
            verdicts = [judge(each.status, each.headers, each.body).verdict for each in came]
            as_wanted = [verdict is wanted for verdict in verdicts]
            result.exchanges += len(came)
            result.last = came[-1]
            result.mixed += as_wanted[0] != as_wanted[1]
            result.flaps |= (True, False) in itertools.pairwise(as_wanted[2:])
            lost = 0 if {Verdict.ACCEPTED, Verdict.REJECTED} & {*verdicts} else lost + 1
            streak = streak + 1 if all(as_wanted) else 0
            if streak == 1:
                result.settled = moment
            elif not streak:
                time.sleep(min(5.0, max(0.1, (moment - begun) / 20)))
    late = result.settled - begun
    result.met = streak >= _SURE
    result.seconds = round(late, 1) if late > _AT_ONCE else 0.0
    return result
