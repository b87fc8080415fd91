# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognizes a text that a server stored in another form: normalized, trimmed, in lower case or cut. Pure.

The stored form is always the simpler one: ``billing`` may be the stored form of ``Billing``, but not the reverse.
"""

from __future__ import annotations

import unicodedata

SHORTEST_CUT = 50
"""A server that cuts a text keeps at least this many characters."""


def is_tidied(text: str, stored: str) -> bool:
    """Whether ``stored`` differs from ``text`` only in composed characters (NFC) or surrounding spaces."""
    return stored != text and stored in _tidied(text)


def is_altered(text: str, stored: str) -> bool:
    """Whether ``stored`` may be the form in which a server keeps ``text``. It could also be another text."""
    if stored == text:
        return False
    bases = {*_tidied(text), unicodedata.normalize("NFKC", text), " ".join(text.split())}
    forms = {form for base in bases for form in (base, base.strip(), base.lower(), base.strip().lower())}
    cut = len(stored) >= SHORTEST_CUT
    return any(stored == form or (cut and form.startswith(stored)) for form in forms)


def _tidied(text: str) -> set[str]:
    composed = unicodedata.normalize("NFC", text)
    return {text, composed, text.strip(), composed.strip()}
