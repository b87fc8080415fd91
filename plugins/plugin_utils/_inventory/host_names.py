# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes names of inventory hosts from names of OIDC clients, which may have any characters and occur twice. Pure.

A host name is used in patterns (``--limit``), paths and templates. So it has only letters, digits, ``_``, ``.`` and
``-``, and begins with a letter or a digit.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from ...module_utils._iam.contract import Client

RESERVED = frozenset({"all", "ungrouped", "localhost", "127.0.0.1"})
"""Names with a special meaning in Ansible."""

_UNSAFE = re.compile(r"[^\w.-]+")
_LONGEST = 100
"""The most characters from the name of a client. A file name has at most 255 bytes."""
_DIGEST_LENGTH = 12


def host_names(clients: Iterable[Client], taken: Collection[str] = ()) -> Mapping[str, str]:
    """The host name of each client by client id: its safe name; if taken, with its id; if taken, also with a digest.

    No name is in ``RESERVED`` or in ``taken`` (names of groups). The names do not depend on the order of the clients.
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
    """``text`` as a part of a host name; empty if no character can be used."""
    return _UNSAFE.sub("_", unicodedata.normalize("NFC", text)).lstrip("._-").rstrip("_")


def _candidates(client: Client) -> Sequence[str]:
    """Host names for a client, from the most readable to the unique one."""
    safe_id = safe_name(client.client_id)
    named = safe_name(client.name or "")[:_LONGEST] or safe_id or "client"
    with_id = f"{named}_{safe_id}"
    digest = hashlib.sha256(client.client_id.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
    return named, with_id, f"{with_id}_{digest}"
