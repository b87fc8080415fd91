# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare a release: ``release.py 0.2.0``.

It sets the version in all files, turns the fragments into the changelog, builds the tarball, checks it with
galaxy-importer, writes its checksum and commits. It publishes nothing. If it runs again for the same version, it only
builds, checks, and writes the checksum. If a step fails, it restores the files.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / ".build" / "dist"
FRAGMENTS = ROOT / "changelogs" / "fragments"

VERSIONS = {
    "galaxy.yml": r"(?m)^version: (\S+)$",
    "plugins/module_utils/_core/version.py": r'VERSION = "([^"]+)"',
    "docs/awx.md": r"aritma-iam-(\d+\.\d+\.\d+)\.tar\.gz",
    "extensions/awx/project/collections/requirements.yml": r'version: ">=([^"]+)"',
    "extensions/ee/execution-environment.yml": r'version: ">=([^"]+)"',
}
"""The files with the version, and the patterns that find it."""


class ReleaseFailure(Exception):
    """A failure that the maintainer must fix; the text says how."""


def versions_in(path: str) -> list[str]:
    """The versions in a file."""
    return re.findall(VERSIONS[path], (ROOT / path).read_text(encoding="utf-8"))


def set_version(path: str, version: str) -> None:
    """Change the version in a file."""
    text = (ROOT / path).read_text(encoding="utf-8")
    new = re.sub(VERSIONS[path], lambda found: found[0].replace(found[1], version), text)
    (ROOT / path).write_text(new, encoding="utf-8")


def run(*command: str) -> str:
    """Run a program in the checkout. Raises ``ReleaseFailure`` with its output if it fails."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise ReleaseFailure(f"{' '.join(command)}\nfailed:\n{done.stdout}")
    return done.stdout


def require(version: str) -> bool:
    """Check that the release is possible. Returns False if this version is already prepared."""
    if not _is_version(version):
        raise ReleaseFailure("Give the version, such as: make release VERSION=0.2.0")
    dirty = run("git", "status", "--porcelain")
    if dirty:
        raise ReleaseFailure(f"The tree has changes. Commit them, or put them away, and run again.\n{dirty}")
    (current,) = versions_in("galaxy.yml")
    fragments = sorted(path.name for path in FRAGMENTS.glob("*.yml"))
    if version == current and not fragments:
        return False
    if _parts(version) <= _parts(current):
        raise ReleaseFailure(f"{version} is not newer than {current}, and {', '.join(fragments) or 'nothing'} is new.")
    if not fragments:
        raise ReleaseFailure(f"No fragment in {FRAGMENTS.relative_to(ROOT)} says what is new in {version}.")
    return True


def prepare(version: str) -> None:
    """Set the version and write the changelog. A fragment named after an older version goes into its section."""
    for path in VERSIONS:
        set_version(path, version)
    run("antsibull-changelog", "lint")
    named = [path.stem for path in FRAGMENTS.glob("*.yml") if _is_version(path.stem)]
    for older in sorted((each for each in named if _parts(each) < _parts(version)), key=_parts):
        # antsibull-changelog uses every fragment, but ignores other file extensions.
        later = [path for path in FRAGMENTS.glob("*.yml") if path.stem != older]
        for fragment in later:
            fragment.rename(f"{fragment}.later")
        run("antsibull-changelog", "release", "--version", older)
        for fragment in later:
            Path(f"{fragment}.later").rename(fragment)
    run("antsibull-changelog", "release", "--version", version)


EXPECTED = "Failed to load aritma.iam.revoke playbook due to failing syntax check"
"""A complaint that is no defect: this playbook has no default for its hosts, on purpose."""


def build(version: str, *, check: bool) -> Path:
    """Build and check the tarball, and write its checksum in the format of sha256sum. Returns its path."""
    output = run("make", "--no-print-directory", "--old-file=venv", "importer" if check else "build")
    lines = [line for line in output.splitlines() if line.startswith(("ERROR: ", "WARNING: "))]
    complaints = [line for line in lines if EXPECTED not in line]
    if complaints:  # galaxy-importer still exits with 0, also if ansible-lint timed out
        raise ReleaseFailure("galaxy-importer complains:\n" + "\n".join(complaints))
    tarball = DIST / f"aritma-iam-{version}.tar.gz"
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
    tarball.with_name(f"{tarball.name}.sha256").write_text(f"{digest}  {tarball.name}\n", encoding="utf-8")
    return tarball


def release(version: str, *, check: bool) -> None:
    """Prepare and commit the release, or build it again."""
    if not require(version):
        print(f"{version} was prepared before. Built it again:")
        print(build(version, check=check))
        return
    try:
        prepare(version)
        tarball = build(version, check=check)
        run("git", "add", "--all")
        run("git", "commit", "--quiet", "--message", f"Release {version}")
    except BaseException:
        run("git", "reset", "--quiet", "--hard")
        run("git", "clean", "--quiet", "--force", "-d", "changelogs")
        raise
    print(
        f"{tarball}\n{version} is committed. To publish it: push, tag {version}, upload the tarball and its checksum."
    )


def _is_version(text: str) -> bool:
    return bool(re.fullmatch(r"\d+\.\d+\.\d+", text))


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", nargs="?", default="")
    parser.add_argument("--unchecked", action="store_true", help="without galaxy-importer")
    given = parser.parse_args()
    try:
        release(given.version, check=not given.unchecked)
    except ReleaseFailure as failure:
        sys.exit(f"release: {failure}")


if __name__ == "__main__":
    main()
