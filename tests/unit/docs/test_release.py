# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make release`, in a copy of the repository: what it makes, what it refuses, and that it may be run twice."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from release import ROOT, VERSIONS, versions_in

NEXT = "98.0.0"
_GIT = {f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class Copy:
    """The working tree as a repository of its own, with the environments of this one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in self.git("ls-files", "--cached", "--others", "--exclude-standard", at=ROOT).splitlines():
            if (ROOT / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, root / name)
        self.git("init", "--quiet")
        self.commit("As it is")

    def git(self, *arguments: str, at: Path | None = None) -> str:
        """What git says."""
        command = ["git", *arguments]
        environment = {**os.environ, **_GIT}
        done = subprocess.run(command, cwd=at or self.root, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    def commit(self, message: str) -> None:
        """Commit all there is."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def run(self, *command: str) -> tuple[int, str]:
        """Run a command; the exit code and what it said."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, **_GIT, "PATH": path}
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def release(self, *arguments: str) -> tuple[int, str]:
        """Run the script, with the environment that is here."""
        return self.run(sys.executable, "scripts/release.py", *arguments)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy in which a version was made ready."""
    copy = Copy(tmp_path_factory.mktemp("released"))
    code, said = copy.release(NEXT, "--unchecked")
    assert code == 0, said
    return copy


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy of the tree as it is."""
    return Copy(tmp_path_factory.mktemp("untouched"))


@pytest.mark.parametrize("path", VERSIONS)
def test_every_place_says_the_same_version(path: str) -> None:
    assert set(versions_in(path)) == set(versions_in("galaxy.yml"))


@pytest.mark.torture
def test_a_release_has_a_version_a_changelog_a_tarball_and_a_checksum(released: Copy) -> None:
    dist = released.root / ".build" / "dist"
    tarball = dist / f"aritma-iam-{NEXT}.tar.gz"
    digest, name = (dist / f"{tarball.name}.sha256").read_text(encoding="utf-8").split()
    assert (digest, name) == (hashlib.sha256(tarball.read_bytes()).hexdigest(), tarball.name)
    with tarfile.open(tarball) as opened:
        assert "CHANGELOG.md" in opened.getnames()
    for path in VERSIONS:
        assert NEXT in (released.root / path).read_text(encoding="utf-8")
    changes = yaml.safe_load((released.root / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))
    named = [path.stem for path in (ROOT / "changelogs" / "fragments").glob("*.yml")]
    assert set(changes["releases"]) >= {NEXT, *named}
    assert not list((released.root / "changelogs" / "fragments").glob("*.yml*"))
    assert released.git("status", "--porcelain") == ""
    assert released.git("log", "--format=%s").splitlines() == [f"Release {NEXT}", "As it is"]


@pytest.mark.torture
def test_a_second_run_changes_nothing(released: Copy) -> None:
    before = released.git("rev-parse", "HEAD")
    code, said = released.release(NEXT, "--unchecked")
    assert code == 0, said
    assert "prepared before" in said
    assert (released.git("rev-parse", "HEAD"), released.git("status", "--porcelain")) == (before, "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [((), "Give the version"), (("1.0",), "Give the version"), (("0.0.1",), "is not newer than")],
)
def test_a_version_that_is_missing_malformed_or_old_is_refused(
    untouched: Copy, arguments: tuple[str, ...], says: str
) -> None:
    code, said = untouched.release(*arguments)
    assert code != 0 and says in said and "Traceback" not in said
    assert untouched.git("status", "--porcelain") == ""


def test_a_version_without_a_fragment_is_refused(untouched: Copy) -> None:
    before = untouched.git("rev-parse", "HEAD").strip()
    untouched.git("rm", "--quiet", "changelogs/fragments/*.yml")
    untouched.commit("No fragments")
    code, said = untouched.release(NEXT)
    untouched.git("reset", "--quiet", "--hard", before)
    assert code != 0 and "No fragment" in said


def test_a_dirty_tree_is_refused(untouched: Copy) -> None:
    stray = untouched.root / "stray.txt"
    stray.touch()
    code, said = untouched.release(NEXT)
    stray.unlink()
    assert code != 0 and "The tree has changes" in said and "stray.txt" in said


@pytest.mark.torture
def test_a_failure_puts_everything_back(untouched: Copy) -> None:
    bad = untouched.root / "changelogs" / "fragments" / "bad.yml"
    bad.write_text("no_such_section:\n  - x\n", encoding="utf-8")
    untouched.commit("Bad")
    code, said = untouched.release(NEXT)
    assert code != 0 and "no_such_section" in said
    assert untouched.git("status", "--porcelain") == ""
    assert set(versions_in("galaxy.yml")) & set((untouched.root / "galaxy.yml").read_text(encoding="utf-8").split())


@pytest.mark.torture
@pytest.mark.timeout(1200)
def test_make_release_works_with_an_environment_of_its_own(tmp_path: Path) -> None:
    """It runs galaxy-importer, too."""
    copy = Copy(tmp_path)
    code, said = copy.run("make", "release", f"VERSION={NEXT}")
    assert code == 0, said
    assert (tmp_path / ".build" / "dist" / f"aritma-iam-{NEXT}.tar.gz.sha256").exists()
