# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The double of AWS Secrets Manager as a server of records, with the proxy before it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from doubles.aws import CREDENTIALS, REGION, Aws, reading, running_aws
from doubles.proxy import Proxy


@dataclass
class AwsRecords:
    """See ``torture.world.Server``."""

    double: Aws
    proxy: Proxy

    def store(self, path: str) -> dict[str, Any]:
        """See ``Server``."""
        return {"type": "aws_secretsmanager", "endpoint_url": self.proxy.url, "region": REGION, "path": path}

    def source(self, path: str) -> dict[str, str]:
        """See ``Server``."""
        return {"endpoint_url": self.double.url, "path": path}

    def record(self, path: str) -> Any:
        """See ``Server``."""
        return self.double.held(path)

    def keep(self, path: str, record: Mapping[str, Any]) -> None:
        """See ``Server``."""
        self.double.keep(path, record)


@contextmanager
def running_aws_records(home: Path) -> Iterator[AwsRecords]:
    """The double, and credentials in the environment of every run."""
    with mock.patch.dict(os.environ, CREDENTIALS), running_aws(home) as double:
        records = AwsRecords(double, Proxy(double.url, reading))
        try:
            yield records
        finally:
            records.proxy.close()
