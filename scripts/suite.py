# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run all make targets of `make test`: some in the background, the others with their output on the screen.

``suite.py --background lint sanity -- unit integration`` runs two rows of targets at the same time, and each row in
order. The output of each target is in .build/logs/. At the end it prints the results and the last lines of pytest.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from environment import BUILD

LOGS = BUILD / "logs"
SHOWN_OF_A_FAILURE = 60
# "=== 3 passed, 1 skipped in 0.12s ===", with or without the equals signs.
CLOSING_LINE = re.compile(r"^=*\s*\d+ (passed|failed|error|skipped|deselected)\b.* in [\d.]+s\b")


@dataclass(frozen=True)
class Result:
    target: str
    passed: bool
    seconds: float

    @property
    def log(self) -> Path:
        return LOGS / f"{self.target}.log"

    def line(self) -> str:
        return f"{'passed' if self.passed else 'FAILED'}  {self.target:<12} {self.seconds:5.0f} s"


class Suite:
    """The running targets and the results. ``stop`` ends the running targets."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def run_row(self, targets: list[str], echo: bool) -> None:
        for target in targets:
            if not self._stopped:
                self._run(target, echo)

    def _run(self, target: str, echo: bool) -> None:
        started = time.monotonic()
        process = subprocess.Popen(
            ["make", "--no-print-directory", target],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._running.add(process)
        keep_output(process, LOGS / f"{target}.log", echo)
        passed = process.wait() == 0
        self._running.discard(process)
        result = Result(target, passed, time.monotonic() - started)
        self.results.append(result)
        print(f"--- {result.line()}", flush=True)

    def stop(self) -> None:
        self._stopped = True
        for process in list(self._running):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def keep_output(process: subprocess.Popen[str], log: Path, echo: bool) -> None:
    with log.open("w") as file:
        for line in process.stdout or ():
            file.write(line)
            if echo:
                print(line, end="", flush=True)


def closing_lines(results: list[Result]) -> list[str]:
    lines = [line for result in results for line in result.log.read_text(errors="replace").splitlines()]
    return [line for line in lines if CLOSING_LINE.match(line)]


def report(results: list[Result], hidden: list[str]) -> None:
    """Show the end of the output of failed background targets, then all results, then the last lines of pytest."""
    for result in results:
        if result.target in hidden and not result.passed:
            tail = result.log.read_text(errors="replace").splitlines()[-SHOWN_OF_A_FAILURE:]
            print(f"\n--- {result.target} failed; the end of {result.log.relative_to(BUILD.parent)}:", *tail, sep="\n")
    print("\n--- summary", *(result.line() for result in results), sep="\n")
    print(*closing_lines(results), sep="\n", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the parts of the test suite.")
    parser.add_argument("--background", nargs="*", default=[], metavar="TARGET")
    parser.add_argument("foreground", nargs="*", metavar="TARGET")
    wanted = parser.parse_args()
    # Each target is in its own process group, so Ctrl-C reaches only this process.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    LOGS.mkdir(parents=True, exist_ok=True)
    suite = Suite()
    aside = threading.Thread(target=suite.run_row, args=(wanted.background, False))
    aside.start()
    try:
        suite.run_row(wanted.foreground, echo=True)
        aside.join()
    except KeyboardInterrupt:
        suite.stop()
        aside.join()
        return 130
    report(suite.results, wanted.background)
    return 0 if all(result.passed for result in suite.results) else 1


if __name__ == "__main__":
    sys.exit(main())
