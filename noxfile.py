# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# /// script
# dependencies = ["nox>=2025.02.09", "antsibull-nox"]
# ///
"""Sessions of antsibull-nox.toml, and the targets of the Makefile as sessions: both run the same commands."""

from __future__ import annotations

import nox

try:
    import antsibull_nox
except ImportError:
    raise SystemExit("antsibull-nox is missing: run `make venv`, then .build/venv/bin/nox") from None

nox.options.envdir = ".build/nox"
antsibull_nox.load_antsibull_nox_toml()


@nox.session(python=False, default=False)
@nox.parametrize("target", ["lint", "typecheck", "sanity", "unit", "integration", "matrix", "molecule"])
def make(session: nox.Session, target: str) -> None:
    """A target of the Makefile."""
    session.run("make", target, external=True)


if __name__ == "__main__":
    nox.main()
