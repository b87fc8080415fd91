# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operation that writes a record, so that stores are tested without the module that does so in a rotation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Operation, Params
from ansible_collections.aritma.iam.plugins.module_utils._core.outcome import Outcome
from ansible_collections.aritma.iam.plugins.module_utils._core.time import now
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Current, Record
from ansible_collections.aritma.iam.plugins.plugin_utils._lease import new_lease, this_run
from ansible_collections.aritma.iam.plugins.plugin_utils._stores import open_store, store_option
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._protocol import FileAccess, Setting

SPEC = ArgumentSpec(
    {
        "store": store_option(),
        "client_id": {"type": "str", "default": "c1"},
        "client_name": {"type": "str"},
        "state": {"type": "str", "choices": ["checked", "written"], "default": "written"},
        "value": {"type": "str", "no_log": True, "default": "a-value-of-no-test"},
        "rotation_id": {"type": "str", "default": "r1"},
        "secret_id": {"type": "str", "no_log": False},
        "leased": {"type": "bool", "default": False},
    }
)


def writer(files: FileAccess, loader: Any) -> Operation:
    """``written`` replaces the record that there is, ``checked`` asks whether that could be."""

    def run(params: Params, check_mode: bool) -> Outcome:
        store = open_store(params["store"], Setting(params["client_id"], files, loader))
        if params["state"] == "checked":
            store.check()
            return Outcome(False)
        before, token = store.read()
        record = Record(
            client_id=params["client_id"],
            client_name=params["client_name"],
            version=before.version + 1 if before else 1,
            current=Current(**{name: params[name] for name in ("value", "rotation_id", "secret_id")}),
            lease=new_lease(this_run(), now(), timedelta(minutes=15)) if params["leased"] else None,
        )
        if not check_mode:
            store.write(record, token)
        return Outcome(True, {"record": record.to_data(), "version": record.version}, sensitive=True)

    return Operation("writer", SPEC, run, libraries=("pydantic",))
