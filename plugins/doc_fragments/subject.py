# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that name a subject: ``aritma.iam.subject``."""

from __future__ import annotations


class ModuleDocFragment:
    """The subject: its id, or its client."""

    DOCUMENTATION: str = r"""
options:
  subject:
    description: The subject id, as RV(aritma.iam.client_subject_info#module:subject) returns it.
    type: str
  client_id:
    description: The OAuth client id, instead of O(subject). The module looks up the subject of the client.
    type: str
  name:
    description:
      - The name of the client, compared exactly. Give it in addition to O(client_id), because some servers do not show
        the client id of a subject.
    type: str
"""
