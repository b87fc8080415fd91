# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of the action plugins: runs an operation in the controller process, or ships its module to the host."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible import constants, template
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import action_loader, filter_loader, test_loader
from ansible.release import __version__

from ..module_utils._core.errors import HostError, IamError, OptionError
from ..module_utils._core.operation import Operation, Params, carry_out, failed
from ..module_utils._core.outcome import SENSITIVE, SERVED
from ..module_utils._delivery.fence import require_in_time
from ..module_utils._http.connection import ENVIRONMENT
from ._inputs import require_members

_SECRET_VARIABLES = frozenset({ENVIRONMENT["access_token"], ENVIRONMENT["auth_client_secret"]})
_SECRET_NAME = re.compile(r"SECRET|TOKEN|PASS|KEY|CREDENTIAL", re.IGNORECASE)
"""Names of variables of other tools, such as VAULT_TOKEN. Their values are used only on the controller."""

_OLD = __version__.startswith("2.18.")
_MAKES_NUMBERS = _OLD and bool(vars(constants)["DEFAULT_JINJA2_NATIVE"])
"""Whether templates convert texts such as ``1e5`` to numbers. ansible-core 2.18 does if it renders native types."""

_DEBUG = re.compile(r"\s*(debug\d:|OpenSSH_)")

# The main process imports an action plugin. Load here what most tasks need, so that it is not loaded again in each
# worker that is forked for a task. That would take a quarter of the time of a task.
action_loader.get("ansible.legacy.normal", class_only=True)
filter_loader.get("ansible.builtin.default")
test_loader.get("ansible.builtin.truthy")
# A worker lives for one task. Exclude inherited objects from its garbage collection, which would copy their memory.
os.register_at_fork(after_in_child=gc.freeze)


def _is_secret(variable: str) -> bool:
    if variable.startswith("ARITMA_"):
        return variable in _SECRET_VARIABLES
    return _SECRET_NAME.search(variable) is not None


def _one_line(text: str) -> str:
    """The message of a connection, without the debug lines of ssh at -vvv."""
    return " ".join(line.strip() for line in text.splitlines() if not _DEBUG.match(line))[:500].rstrip(".") + "."


def _last_line(result: Mapping[str, Any]) -> str:
    """The last line of output of a module that could not run. The lines before it are a traceback."""
    text = result.get("module_stderr") or result.get("msg") or "no reason given"
    return _one_line(str(text).strip().rpartition("\n")[2])


def _decrypted(value: Any) -> Any:
    """Texts for the ``!vault`` values in ``value``. ansible-core 2.18 has a class for them that no option accepts."""
    if isinstance(value, Mapping):
        return {name: _decrypted(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_decrypted(each) for each in value]
    return str(value) if getattr(value, "__ENCRYPTED__", False) else value


class IamAction(ActionBase):
    """Validates the options, runs ``operation``, and censors a result that holds a secret."""

    operation: Operation

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run one task: see ``ActionBase.run``."""
        super().run(tmp, task_vars)
        with self._task_environment():
            params: Params = self._task.args
            try:
                self._task.args = {**self._connection_variables(task_vars or {}), **self._task.args}
                params = self._validated()
                return self._censored(self._carried_out(params, task_vars or {}))
            except IamError as error:
                return failed(error, self.operation.spec.secrets(params))

    def _carried_out(self, params: Params, task_vars: dict[str, Any]) -> dict[str, Any]:
        require_in_time(params.get("not_after"))
        if params.get("run_on") == "target":
            return self.ship(params, task_vars)
        return carry_out(self.operation, params, check_mode=self._task.check_mode, diff=self._task.diff)

    def ship(self, params: Params, task_vars: dict[str, Any], name: str | None = None) -> dict[str, Any]:
        """Run the module ``name``, else that of the task, on the host of the task, with the options as resolved here.

        Raises ``HostError`` if the host cannot be reached, because Ansible can rescue a failed task but not an
        unreachable host. Also raises it if the module could not run there, for which Ansible shows only a traceback.
        """
        given = {name: value for name, value in params.items() if value is not None}
        result: dict[str, Any] = self._execute_module(
            module_name=f"aritma.iam.{name or self.operation.name}", module_args=given, task_vars=task_vars
        )
        result.pop("invocation", None)  # it repeats the options
        if result.get("failed") and "failure" not in result:
            raise HostError(
                f"{name or self.operation.name} did not run on {self._host(task_vars)}: {_last_line(result)}",
                hint="It needs Python 3.10 or newer there (ansible_python_interpreter), and a user who may run it.",
                host=self._host(task_vars),
            )
        return result

    def _host(self, task_vars: Mapping[str, Any]) -> str:
        return str(self._task.delegate_to or task_vars.get("inventory_hostname", "the host of the task"))

    def _execute_module(self, *given: Any, **named: Any) -> dict[str, Any]:
        """Keep the output of the module out of the log. At -vvv, ssh shows it, and it may hold secrets."""
        play = self._connection._play_context
        before, play.no_log = play.no_log, True
        try:
            answer: dict[str, Any] = super()._execute_module(*given, **named)
            return answer
        except AnsibleConnectionFailure as error:
            host = self._host(named.get("task_vars") or {})
            raise HostError(f"Host {host} cannot be reached: {_one_line(error.message)}", host=host) from None
        finally:
            play.no_log = before

    def _is_pipelining_enabled(self, module_style: str, wrap_async: bool = False) -> bool:
        """Use pipelining wherever it cannot fail, so that no secret option is written to a file on the host."""
        if super()._is_pipelining_enabled(module_style, wrap_async):
            return True
        return bool(self._connection.has_pipelining and module_style == "new" and not self._connection.become)

    def _compute_environment_string(self, raw_environment_out: dict[str, Any] | None = None) -> str:
        """Leave out secrets. A shipped module gets them as options, and this text is visible in ``ps`` and at -vvv."""
        given: dict[str, Any] = {}
        ActionBase._compute_environment_string(self, given)
        if raw_environment_out is not None:
            raw_environment_out.update(given)
        shown = {name: value for name, value in given.items() if not _is_secret(name)}
        return str(self._connection._shell.env_prefix(**shown))

    def _connection_variables(self, task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Connection options from variables such as ``aritma_iam_auth_client_secret``, which lookups also read."""
        named = {option: f"aritma_iam_{option}" for option in ENVIRONMENT.keys() & self.operation.spec.argument_spec}
        given = {option: self._template(task_vars[name]) for option, name in named.items() if name in task_vars}
        return {option: value for option, value in given.items() if value not in (None, "")}

    def _validated(self) -> dict[str, Any]:
        if _MAKES_NUMBERS:
            raw = self._task.get_ds() or {}
            for given in (raw.get("args"), raw.get(self._task.action)):
                self._task.args = self._texts_kept(given, self._task.args)
        if _OLD:
            self._task.args = _decrypted(self._task.args)
        self._load_name = f"aritma.iam.{self.operation.name}"  # the name in messages of Ansible
        try:
            require_members(self.operation.spec.argument_spec, self._task.args)
            _result, params = self.validate_argument_spec(**self.operation.spec.to_kwargs())
        except AnsibleError as error:
            raise OptionError(f"{self.operation.name}: {error.message}") from None
        return dict(params)

    def _texts_kept(self, raw: Any, made: Any) -> Any:
        """The options ``made`` from the templates in ``raw``, with texts that became numbers as texts again."""
        if isinstance(raw, Mapping) and isinstance(made, Mapping):
            return {name: self._texts_kept(raw.get(name), value) for name, value in made.items()}
        if isinstance(raw, list) and isinstance(made, list) and len(raw) == len(made):
            return [self._texts_kept(*each) for each in zip(raw, made, strict=True)]
        if isinstance(raw, str) and isinstance(made, (int, float)) and not isinstance(made, bool):
            return self._template(raw)
        return made

    def _template(self, raw: Any) -> Any:
        """Render templates without converting texts to numbers."""
        templar = self._templar
        if _MAKES_NUMBERS:
            templar = templar.copy_with_new_env(environment_class=vars(template)["AnsibleEnvironment"])
        made = templar.template(raw)
        return _decrypted(made) if _OLD else made

    @contextmanager
    def _task_environment(self) -> Iterator[None]:
        """Add the ``environment`` of the task to that of the process: options fall back to both."""
        given: dict[str, Any] = {}
        self._compute_environment_string(given)
        before = dict(os.environ)
        os.environ.update({name: str(value) for name, value in given.items()})
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def _censored(self, result: Mapping[str, Any]) -> dict[str, Any]:
        shown = dict(result)
        shown.pop(SERVED, None)
        if shown.pop(SENSITIVE, False):
            shown["_ansible_no_log"] = True
            # ansible-core 2.18 hides the result of a whole loop from callbacks only if the task has no_log.
            self._task.no_log = True
        return shown
