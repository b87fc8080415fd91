# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the documentation of an option from fragments, one for each back end."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml


def nested(option: str, head: str, back_ends: Mapping[str, str]) -> str:
    """The text of a fragment with one ``option``. ``head`` documents the option and its common suboptions.

    Each description of a back end gets a prefix with its name. Its references to options become suboptions.
    """
    documented: dict[str, Any] = yaml.safe_load(head)
    suboptions = documented["suboptions"]
    for kind, text in back_ends.items():
        for name, given in yaml.safe_load(text)["options"].items():
            texts = given["description"] if isinstance(given["description"], list) else [given["description"]]
            texts = [re.sub(r"O\((\w+)", rf"O({option}.\1", each) for each in texts]
            marked = [f"For V({kind}): {texts[0]}", *texts[1:]]
            known = suboptions.setdefault(name, {**given, "description": []})
            known["description"] = [*known["description"], *marked]
    # JSON is valid YAML and keeps the order.
    return json.dumps({"options": {option: documented}})
