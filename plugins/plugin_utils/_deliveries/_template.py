# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders a credential on the controller, so that the host gets only the text of the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.template import generate_ansible_template_vars
from ansible.utils.unsafe_proxy import wrap_var

from ...module_utils._core.errors import DeliveryError, OptionError
from ...module_utils._core.operation import Params
from ...module_utils._delivery.credential_file import render
from ...module_utils._delivery.credential_format import pick_members

_BLOCKS = {"trim_blocks": True, "lstrip_blocks": False}
"""The settings of ansible.builtin.template."""


def delivery(action: ActionBase, params: Params, task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """The options of ``credential_file``, with the rendered ``content`` instead of the credential."""
    credential = params["credential"]
    if params["state"] == "absent" or params["content"] is not None:
        return {**params, "credential": None}
    content = _from_template(action, params, task_vars) if params["format"] == "template" else render(params)
    left_out = {"credential": None, "members": None, "template": None}
    return {**params, **left_out, "content": content, "rotation_id": (credential or {}).get("rotation_id")}


def _from_template(action: ActionBase, params: Params, task_vars: Mapping[str, Any]) -> str:
    name = params["template"]
    if not name:
        raise OptionError("format=template needs the path of a template.", hint="Give template.", option="template")
    # Releases before 2.19 would evaluate braces in a value. wrap_var prevents that.
    members = wrap_var(pick_members(params["credential"] or {}, params["members"]))
    try:
        source = action._find_needle("templates", name)
        facts = generate_ansible_template_vars(name, source, params["path"])
        return _rendered(action, source, _search_path(action, source, task_vars), {**task_vars, **facts, **members})
    except Exception as error:  # a filter or test of the template can raise anything
        # Show only the texts of Ansible's errors, because others may hold a value.
        reason = error.message.partition("\n")[0] if isinstance(error, AnsibleError) else type(error).__name__
        raise DeliveryError(f"The template {name} cannot be rendered: {reason}", template=name) from None


def _search_path(action: ActionBase, source: str, task_vars: Mapping[str, Any]) -> list[str]:
    """Where to search for includes of the template, as in the template module."""
    roots = [*task_vars.get("ansible_search_path", []), action._loader.get_basedir(), Path(source).parent]
    return [str(path) for root in map(Path, roots) for path in (root / "templates", root)]


def _new_templating() -> bool:
    """Whether ansible-core evaluates only texts that are marked as trusted (2.19 and newer)."""
    import ansible.template

    return hasattr(ansible.template, "trust_as_template")


def _rendered(action: ActionBase, source: str, search_path: list[str], variables: dict[str, Any]) -> str:
    raw, _shown = action._loader._get_file_contents(source)
    text = raw.decode()
    if _new_templating():
        from ansible.template import trust_as_template

        templar = action._templar.copy_with_new_env(searchpath=search_path, available_variables=variables)
        return str(templar.template(trust_as_template(text), escape_backslashes=False, overrides=_BLOCKS))
    import ansible.template

    # The native environment would convert texts to numbers and lists.
    plain = vars(ansible.template)["AnsibleEnvironment"]
    templar = action._templar.copy_with_new_env(
        environment_class=plain, searchpath=search_path, available_variables=variables
    )
    return str(templar.do_template(text, escape_backslashes=False, overrides=_BLOCKS))
