# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers make of a text that they store: normalised, trimmed, in lower case, cut. Pure.

Always one way: what is stored is the simpler form. Who asks for ``billing`` never means a client named ``Billing``.
"""

from __future__ import annotations

import unicodedata

SHORTEST_CUT = 50
"""Characters that a server keeps at least of a text that it cuts."""


def is_tidied(text: str, stored: str) -> bool:
    """Whether ``stored`` is another spelling of the same text: composed characters (NFC), no blanks around it."""
    return stored != text and stored in _tidied(text)


def is_altered(text: str, stored: str) -> bool:
    """Whether a server may have made ``stored`` of ``text``, although they could be two texts."""
    if stored == text:
        return False
    bases = {*_tidied(text), unicodedata.normalize("NFKC", text), " ".join(text.split())}
    forms = {form for base in bases for form in (base, base.strip(), base.lower(), base.strip().lower())}
    cut = len(stored) >= SHORTEST_CUT
    return any(stored == form or (cut and form.startswith(stored)) for form in forms)


def _tidied(text: str) -> set[str]:
    composed = unicodedata.normalize("NFC", text)
    return {text, composed, text.strip(), composed.strip()}
