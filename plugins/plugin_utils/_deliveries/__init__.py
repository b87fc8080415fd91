# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of delivery to a server, by their name in the option ``target.type``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._documents import _aws, _kubernetes, _vault
from .._documents._place import Kind, Place, members_given


def _open_vault(options: Mapping[str, Any], loader: Any) -> Place:
    return _vault.open_vault(options, options["path"], loader, "target")


def _open_aws(options: Mapping[str, Any], _loader: Any) -> Place:
    return _aws.open_aws(options, options["path"], "target")


TARGET_TYPES: Mapping[str, Kind[Place]] = {
    "hashi_vault": Kind(_vault.MEMBERS, _open_vault, ("path",), ("url", "namespace", "mount")),
    "aws_secretsmanager": Kind(_aws.MEMBERS, _open_aws, ("path",), ("region", "profile", "endpoint_url")),
    "kubernetes_secret": Kind(
        _kubernetes.MEMBERS, _kubernetes.open_kubernetes, ("namespace", "name"), ("kubeconfig", "context")
    ),
}


def open_target(options: Mapping[str, Any], loader: Any) -> Place:
    """Open the place that ``options`` (the members of ``target``) describe. Sends nothing. Raises ``OptionError``."""
    kind = TARGET_TYPES[options["type"]]
    return kind.open(members_given(kind, options, "target"), loader)
