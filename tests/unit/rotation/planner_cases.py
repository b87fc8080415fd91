# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records, lists and settings that the tests of the planner share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import description_for
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import (
    Evidence,
    Listed,
    Settings,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Current, Pending, Previous, Record
from ansible_collections.aritma.iam.tests.unit.rotation.role import CLIENT, LONG_AGO, NOW, rotation_id

TAGS = tuple(rotation_id(number) for number in range(4))
CURRENT = Current(value="value-a", rotation_id=TAGS[1], secret_id="1", created_at=NOW - timedelta(days=10))
OLD = CURRENT.model_copy(update={"created_at": LONG_AGO})
EXPIRED = CURRENT.model_copy(update={"expires_at": NOW - timedelta(days=1)})
EXPIRING = CURRENT.model_copy(update={"expires_at": NOW + timedelta(days=14)})
AGELESS = CURRENT.model_copy(update={"created_at": None})
NAMELESS = OLD.model_copy(update={"secret_id": None})
PENDING = Pending(value="value-b", rotation_id=TAGS[2], created_at=NOW)
STALE = PENDING.model_copy(update={"created_at": NOW - timedelta(hours=2)})
RETURNS = Pending(value="value-p", rotation_id=TAGS[2], created_at=NOW, restores=TAGS[1])
PREVIOUS = Previous(value="value-p", rotation_id=TAGS[0], secret_id="9")
GRACE = PREVIOUS.model_copy(update={"retire_after": NOW + timedelta(hours=1)})
UNNAMED = PREVIOUS.model_copy(update={"secret_id": None})

ONE = (Listed("1", description_for(TAGS[1])),)
FOREIGN = Listed("f", "made by hand")
MADE = (*ONE, Listed("2", description_for(TAGS[2])))
OLD_TOO = (*ONE, Listed("9", description_for(TAGS[0])))
BARE = (Listed("1"), Listed("9"))

FORCED, HOLD, RECOVER = Settings(force=True), Settings(hold=True), Settings(recover=True)
PROVISION = Settings(due=False)

WHOLE = "stage create prove promote deliver probe"
RESUMED = "create prove promote deliver probe"
LANDED = "prove promote deliver probe"
NOTHING = "nothing was changed"
ENDPOINT = (
    "the token endpoint refuses the request for another reason than the secret (see the exchange's error);"
    " nothing was changed"
)


def seen(
    listed: tuple[Listed, ...] = (),
    current: Current | None = None,
    pending: Pending | None = None,
    previous: Previous | None = None,
    **verdicts: Any,
) -> Evidence:
    """What was seen of a client whose record holds these. Verdicts: ``is_current``, ``is_pending``, ``known``."""
    held = current or pending or previous
    record = Record(client_id=CLIENT, version=1, current=current, pending=pending, previous=previous) if held else None
    names = {"is_current": "current", "is_pending": "pending"}
    return Evidence(NOW, listed, record, **{names.get(name, name): each for name, each in verdicts.items()})


DEFAULT = Settings()
