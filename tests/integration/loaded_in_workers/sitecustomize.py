# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the action of each worker, and what it loaded of our collection, to the file that LOADED_IN_WORKERS names."""

import json
import os
import sys
from multiprocessing import current_process, util
from pathlib import Path

_path = Path(os.environ["LOADED_IN_WORKERS"])


def _begun(_key: object) -> None:
    util.Finalize(None, _ended, args=[set(sys.modules)], exitpriority=0)


def _ended(before: set[str]) -> None:
    loaded = [name for name in sys.modules if name not in before and name.startswith("ansible_collections.aritma")]
    with _path.open("a", encoding="utf-8") as file:
        file.write(json.dumps([vars(current_process())["_task"].action, loaded]) + "\n")


util.register_after_fork(_begun, _begun)
