# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a subject is named: ``aritma.iam.subject``."""

from __future__ import annotations


class ModuleDocFragment:
    """By its subject id, or by the client that it stands for."""

    DOCUMENTATION: str = r"""
options:
  subject:
    description: The subject id, such as RV(aritma.iam.client_subject_info#module:subject) shows it.
    type: str
  client_id:
    description: The OAuth client id, in the place of O(subject). The subject of the client is looked up.
    type: str
  name:
    description:
      - The name of the client, compared exactly. Give it with O(client_id), since on some servers a subject does not
        show the client id.
    type: str
"""
