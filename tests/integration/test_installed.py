# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection from Galaxy in programs that start Ansible in their own way."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ansible_run import Ansible
from galaxy import as_users_have_it

_STARTED = """
import runpy, sys
source = runpy.run_path(sys.argv[1])
assert source["SecretWatch"].__module__.startswith("ansible_collections.aritma.iam."), source
hooks = [each for each in [*sys.meta_path, *sys.path_hooks] if "AnsibleCollectionFinder" in repr(each)]
assert hooks == [], hooks
"""


def test_runner_navigator_and_event_source_find_the_installed_collection(ansible: Ansible) -> None:
    """No path hook of Ansible is left in ansible-rulebook, also where another package of collections comes first."""
    programs = as_users_have_it(ansible)
    home = ansible.home
    (home / "env").mkdir()
    (home / "env" / "settings").write_text('{"process_isolation": false}', encoding="utf-8")
    environment = ansible.environment
    runner = [str(programs / "ansible-runner"), "run", str(home), "-p", "aritma.iam.audit", "-i", "run"]
    done = subprocess.run(runner, env=environment, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0 and "failed=0" in done.stdout, done.stdout + done.stderr
    navigator = [str(programs / "ansible-navigator"), "run", "aritma.iam.audit", "--ee", "false", "--mode", "stdout"]
    navigator += ["--pae", "false", "--lf", str(home / "navigator.log")]
    done = subprocess.run(
        navigator, cwd=home, env=environment, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0 and "failed=0" in done.stdout, done.stdout + done.stderr

    collection = Path(environment["ANSIBLE_COLLECTIONS_PATH"]) / "ansible_collections" / "aritma" / "iam"
    source = collection / "extensions" / "eda" / "plugins" / "event_source" / "secret_expiry.py"
    bundle = home / "bundle"
    (bundle / "ansible_collections").mkdir(parents=True)
    (bundle / "ansible_collections" / "__init__.py").touch()
    for path in ("", str(bundle)):
        command = [str(programs / "python"), "-c", _STARTED, str(source)]
        told = subprocess.run(
            command, env={**environment, "PYTHONPATH": path}, capture_output=True, text=True, check=False
        )
        assert told.returncode == 0, told.stderr
