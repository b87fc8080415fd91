# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of an operation, and how it becomes the result of a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .redaction import escaped

SENSITIVE = "_aritma_iam_sensitive"
"""Member of a raw module result that tells the action plugin to censor the output. It is removed from the result."""

SERVED = "_aritma_iam_served"
"""Member of a raw module result that holds ``served``. It is removed from the result."""


@dataclass(frozen=True)
class Outcome:
    """What an operation did. ``result`` holds the documented return values, ``before`` and ``after`` the diff.

    ``sensitive`` says that ``result`` holds a secret: the output of the task is then censored as a whole, but the
    registered result stays usable. ``before`` and ``after`` never hold a secret. ``calls`` counts the requests by
    endpoint (``iam``, ``token``). ``served`` is the time now by the clock of the IAM API, in seconds since 1970. It is
    None if no answer had a date.
    """

    changed: bool
    result: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    sensitive: bool = False
    message: str = ""
    calls: Mapping[str, int] = field(default_factory=dict)
    served: float | None = None

    def to_result(self, *, diff: bool) -> dict[str, Any]:
        """The result of the task; with ``diff`` it includes ``before`` and ``after``."""
        shown: dict[str, Any] = {"changed": self.changed, **self.result}
        if self.message:
            shown["msg"] = escaped(self.message)
        if self.warnings:
            shown["warnings"] = [escaped(each) for each in self.warnings]
        if self.calls:
            shown["calls"] = dict(self.calls)
        if diff:
            shown["diff"] = {"before": dict(self.before), "after": dict(self.after)}
        if self.served is not None:
            shown[SERVED] = self.served
        if self.sensitive:
            shown[SENSITIVE] = True
        return shown
