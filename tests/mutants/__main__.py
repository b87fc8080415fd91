# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m mutants [MODULE...]`` shows how many mutants of the code that decides are killed by its unit tests.

It fails if too few are killed, if survivors.toml does not explain a survivor, or if it explains a mutant that is killed
or no longer exists.
"""

from __future__ import annotations

import argparse
import ast
import sys
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import tomllib

from mutants.changes import Mutant, mutants
from mutants.trial import passes, preload

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NEEDED = 90.0
"""The percentage of the mutants of each module that must be killed."""

_PLANNER = ("rotation/test_plan.py",)

# These tests run for every mutant. They are quick, and those that kill most come first.
TESTS: dict[str, tuple[str, ...]] = {
    "_rotation.plan": (*_PLANNER, "rotation/test_rounds.py", "rotation/test_plan_properties.py"),
    "_rotation.evidence": ("rotation/test_evidence.py",),
    "_rotation.ids": ("rotation/test_rotation_id.py",),
    "_rotation.record": ("rotation/test_record.py",),
    "_rotation.rounds": ("rotation/test_rounds.py",),
    "_oauth.verdict": ("http/test_http_verdict.py",),
    "_http.retry": ("http/test_http_retry.py",),
    "_secrets.plan": ("api/test_secret_plan.py", "api/test_plans.py"),
    "_clients.plan": ("api/test_client_plan.py", "api/test_plans.py"),
    "_clients.unrequested": ("api/test_client_plan.py",),
    "_core.spelling": ("api/test_client_plan.py",),
    "_policies.policy_set": ("api/test_iam_policies.py",),
    "_secrets.age": ("audit/test_secret_age.py", *_PLANNER),
}

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Result:
    """The mutants of one module: their number, the survivors, and the survivors without a reason in survivors.toml."""

    module: str
    made: int
    survivors: list[Mutant]
    unexplained: list[Mutant]
    outdated: list[Key]

    @property
    def killed(self) -> float:
        """The percentage of killed mutants."""
        return 100 * (1 - len(self.survivors) / self.made)

    @property
    def good(self) -> bool:
        return self.killed >= NEEDED and not self.unexplained and not self.outdated


def explained() -> dict[str, set[Key]]:
    """The mutants that survivors.toml explains, by module."""
    listed = tomllib.loads((HERE / "survivors.toml").read_text(encoding="utf-8"))
    return {
        module: {(each["place"], each["before"], each["after"]) for each in entries}
        for module, entries in listed.items()
    }


def measure(module: str, known: Collection[Key], scratch: Path) -> Result:
    source = (ROOT / "plugins" / "module_utils" / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    preload(tree)
    tests = [ROOT / "tests" / "unit" / name for name in TESTS[module]]
    if not passes(tree, module, tests, scratch):
        sys.exit(f"mutants: the tests of {module} fail without any change:\n{(scratch / 'output.txt').read_text()}")
    made, survivors = mutants(tree), []
    for each in made:
        if passes(tree, module, tests, scratch, each):
            survivors.append(each)
            print(f"  {'explained' if each.key in known else 'survived'}: {each}", flush=True)
    unexplained = [each for each in survivors if each.key not in known]
    outdated = sorted(set(known) - {each.key for each in survivors})
    return Result(module, len(made), survivors, unexplained, outdated)


def show(result: Result, seconds: float) -> None:
    for place, before, after in result.outdated:
        print(f"  explained in survivors.toml, but killed or no longer there: {place}: {before}  ->  {after}")
    count = result.made - len(result.survivors)
    print(f"{result.module}: {count} of {result.made} killed ({result.killed:.1f} %), {seconds:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="mutants", description="Mutation tests of the code that decides.")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"one of {', '.join(TESTS)}; default: all")
    wanted = parser.parse_args().modules or list(TESTS)
    if unknown := set(wanted) - set(TESTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(TESTS)}")
    known, good = explained(), True
    with tempfile.TemporaryDirectory() as scratch:
        for module in wanted:
            begun = time.monotonic()
            result = measure(module, known.get(module, ()), Path(scratch))
            show(result, time.monotonic() - begun)
            good = good and result.good
    print(f"{'passed' if good else 'FAILED'}: needs {NEEDED:.0f} % killed, and a reason for each survivor")
    sys.exit(not good)


if __name__ == "__main__":
    main()
