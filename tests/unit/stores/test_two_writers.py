# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two writers on one store, in any order of reads, writes and removals, against a model: no update is ever lost."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import StoreConflictError
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Current, Record
from ansible_collections.aritma.iam.plugins.plugin_utils._file_access import files_here
from ansible_collections.aritma.iam.plugins.plugin_utils._stores import open_store
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._protocol import Setting, Store
from doubles.openbao import Bao

from .places import Place

WRITERS = st.sampled_from([0, 1])
CLIENTS = st.text(min_size=1, max_size=20).filter(str.strip)


class TwoWriters(RuleBasedStateMachine):
    """``truth`` is what the store must hold, and each writer remembers what it read.

    A writer that read nothing may write whenever nothing is there, also when a record came and went in between.
    """

    def open(self) -> Store:
        """A store of its own for each run of the machine."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.stores = [self.open(), self.open()]
        self.truth: Record | None = None
        self.written = 0
        self.seen: list[tuple[str, Record | None] | None] = [None, None]

    @rule(writer=WRITERS)
    def read(self, writer: int) -> None:
        """What is read is the truth."""
        found, token = self.stores[writer].read()
        assert found == self.truth
        self.seen[writer] = token, found

    @rule(writer=WRITERS, value=st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=32))
    def write(self, writer: int, value: str) -> None:
        """It is stored when the store holds what this writer read, and a conflict otherwise."""
        if self.seen[writer] is None:
            return
        self.written += 1
        current = Current(value=value, rotation_id=f"r{self.written}")
        record = Record(client_id="c1", version=self.written, current=current)
        if self._attempt(writer, lambda token: self.stores[writer].write(record, token)):
            self.truth = record

    @rule(writer=WRITERS)
    def remove(self, writer: int) -> None:
        """It is removed when the store holds what this writer read, and a conflict otherwise."""
        if self.seen[writer] is None or self.truth is None:
            return
        if self._attempt(writer, self.stores[writer].remove):
            self.truth = None

    def _attempt(self, writer: int, act: object) -> bool:
        token, read = self.seen[writer] or ("", None)
        assert callable(act)
        if read != self.truth:
            with pytest.raises(StoreConflictError):
                act(token)
            return False
        act(token)
        return True

    @rule(writer=WRITERS)
    def check(self, writer: int) -> None:
        """A check changes nothing."""
        self.stores[writer].check()

    @invariant()
    def holds_the_truth(self) -> None:
        """After every step."""
        assert self.stores[0].read()[0] == self.truth


class FileWriters(TwoWriters):
    """On a file."""

    def open(self) -> Store:
        """See ``TwoWriters``."""
        if not hasattr(self, "directory"):
            self.directory = tempfile.mkdtemp()
        options = {"type": "file", "path": f"{self.directory}/d/c1.json"}
        return open_store(options, Setting("c1", files_here(check_mode=False), DataLoader()))

    @invariant()
    def leaves_no_other_file(self) -> None:
        """Neither a lock nor a temporary file."""
        held = {each.name for each in Path(self.directory).glob("d/*")}
        assert held == ({"c1.json"} if self.truth else set())

    def teardown(self) -> None:
        """Remove the directory."""
        shutil.rmtree(self.directory)


def test_two_writers_on_a_file() -> None:
    """Any order of steps."""
    run_state_machine_as_test(FileWriters, settings=settings(max_examples=25, stateful_step_count=20, deadline=None))


def test_two_writers_on_openbao(bao: Bao) -> None:
    """Any order of steps."""
    number = iter(range(10000))

    class BaoWriters(TwoWriters):
        def open(self) -> Store:
            if not hasattr(self, "path"):
                self.path = f"writers/{next(number)}"
            options = {"type": "hashi_vault", "url": bao.url, "token": bao.token, "path": self.path}
            return open_store(options, Setting("c1", dict, DataLoader()))

    quick = settings(
        max_examples=6, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    run_state_machine_as_test(BaoWriters, settings=quick)


def test_two_writers_on_aws(aws_secretsmanager_place: Place) -> None:
    """Any order of steps."""
    number = iter(range(10000))
    members = aws_secretsmanager_place.options

    class AwsWriters(TwoWriters):
        def open(self) -> Store:
            if not hasattr(self, "path"):
                self.path = f"writers/{next(number)}"
            return open_store({**members, "path": self.path}, Setting("c1", dict, DataLoader()))

    quick = settings(
        max_examples=4, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    run_state_machine_as_test(AwsWriters, settings=quick)
