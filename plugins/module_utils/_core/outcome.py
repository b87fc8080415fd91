# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reconcile function answers, and how it becomes the result of a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .redaction import escaped

SENSITIVE = "_aritma_iam_sensitive"
"""Member of a module's raw result that tells its action front to censor the output; never shown to anybody."""

SERVED = "_aritma_iam_served"
"""Member of a module's raw result with ``served``; never shown to anybody."""


@dataclass(frozen=True)
class Outcome:
    """``changed``, the state ``before`` and ``after`` (for the diff), and the documented return values in ``result``.

    ``sensitive`` says that ``result`` holds a secret: the task's output is then censored as a whole, while a
    registered result stays usable. ``before`` and ``after`` never hold a secret. ``calls`` counts the requests made,
    by endpoint (``iam``, ``token``). ``served`` is what the clock of the IAM API shows now, in seconds since 1970; None
    where it told no time.
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
        """The result of the task; with ``diff`` it carries ``before`` and ``after``."""
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
