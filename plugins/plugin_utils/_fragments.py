# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an option whose suboptions are those of several back ends, each written once in its own fragment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml


def nested(option: str, head: str, back_ends: Mapping[str, str]) -> str:
    """The text of a fragment with one ``option``. ``head`` documents it, with the suboptions that all have.

    A description of a back end is marked with its name, and what it refers to is looked for beside it.
    """
    documented: dict[str, Any] = yaml.safe_load(head)
    suboptions = documented["suboptions"]
    for kind, text in back_ends.items():
        for name, given in yaml.safe_load(text)["options"].items():
            said = given["description"] if isinstance(given["description"], list) else [given["description"]]
            said = [re.sub(r"O\((\w+)", rf"O({option}.\1", each) for each in said]
            marked = [f"For V({kind}): {said[0]}", *said[1:]]
            known = suboptions.setdefault(name, {**given, "description": []})
            known["description"] = [*known["description"], *marked]
    # JSON is YAML, and keeps the order.
    return json.dumps({"options": {option: documented}})
