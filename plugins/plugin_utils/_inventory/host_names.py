# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of inventory hosts for OIDC clients, whose own names may hold anything and may occur twice. Pure.

A host name stands in patterns (``--limit``), in paths and in templates, so it is made of letters, digits, ``_``, ``.``
and ``-`` alone, and begins with a letter or a digit.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from ...module_utils._iam.contract import Client

RESERVED = frozenset({"all", "ungrouped", "localhost", "127.0.0.1"})
"""Names that mean something else to Ansible."""

_UNSAFE = re.compile(r"[^\w.-]+")
_LONGEST = 100
"""Characters of a client's name in that of its host: a name of a file has 255 bytes at most."""
_DIGEST_LENGTH = 12


def host_names(clients: Iterable[Client], taken: Collection[str] = ()) -> Mapping[str, str]:
    """The host name of each client, by client id: its name made safe, else that and its id, else that and a digest.

    No name is ``RESERVED`` or one out of ``taken`` (names of groups). The same clients get the same names, whatever
    their order.
    """
    candidates = {client.client_id: _candidates(client) for client in clients}
    level = dict.fromkeys(candidates, 0)
    while True:
        bearers: defaultdict[str, list[str]] = defaultdict(list)
        for client_id, names in candidates.items():
            bearers[names[level[client_id]]].append(client_id)
        refused = [ids for name, ids in bearers.items() if len(ids) > 1 or name in RESERVED or name in taken]
        movable = [each for ids in refused for each in ids if level[each] + 1 < len(candidates[each])]
        if not movable:
            return {ids[0]: name for name, ids in bearers.items()}
        for each in movable:
            level[each] += 1


def safe_name(text: str) -> str:
    """``text`` as a part of a host name; empty when nothing of it can stand there."""
    return _UNSAFE.sub("_", unicodedata.normalize("NFC", text)).lstrip("._-").rstrip("_")


def _candidates(client: Client) -> Sequence[str]:
    """From the most readable to the one that is surely unique."""
    safe_id = safe_name(client.client_id)
    named = safe_name(client.name or "")[:_LONGEST] or safe_id or "client"
    with_id = f"{named}_{safe_id}"
    digest = hashlib.sha256(client.client_id.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
    return named, with_id, f"{with_id}_{digest}"
