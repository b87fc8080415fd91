# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action front of every module: the same operation, in the controller process or shipped to the task's host."""

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
_SOUNDS_SECRET = re.compile(r"SECRET|TOKEN|PASS|KEY|CREDENTIAL", re.IGNORECASE)
"""Names of other tools' variables, such as VAULT_TOKEN: what they hold is used on the controller alone."""

_MAKES_NUMBERS = __version__.startswith("2.18.") and bool(vars(constants)["DEFAULT_JINJA2_NATIVE"])
"""Whether the text ``1e5`` becomes a number in a template: so it does where ansible-core 2.18 renders native types."""

_DEBUG = re.compile(r"\s*(debug\d:|OpenSSH_)")

# An action is imported in the main process. What the templates of nearly every task need is loaded there too, once, and
# not again in each worker that is forked for a task: that would be a quarter of what a task costs.
action_loader.get("ansible.legacy.normal", class_only=True)
filter_loader.get("ansible.builtin.default")
test_loader.get("ansible.builtin.truthy")
# Nor does a worker, which lives for one task, look through all that it inherited for garbage: that would copy it.
os.register_at_fork(after_in_child=gc.freeze)


def _is_secret(variable: str) -> bool:
    if variable.startswith("ARITMA_"):
        return variable in _SECRET_VARIABLES
    return _SOUNDS_SECRET.search(variable) is not None


def _said(text: str) -> str:
    """What a connection says, without what ssh tells in addition at -vvv."""
    return " ".join(line.strip() for line in text.splitlines() if not _DEBUG.match(line))[:500].rstrip(".") + "."


def _last_words(result: Mapping[str, Any]) -> str:
    """What a module that could not run said last; the lines before it are a traceback."""
    said = result.get("module_stderr") or result.get("msg") or "no word of why"
    return _said(str(said).strip().rpartition("\n")[2])


class IamAction(ActionBase):
    """Validates the options, runs ``operation``, censors a result that holds a secret."""

    operation: Operation

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """One task: see ``ActionBase.run``."""
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
        """Run a module on the task's host instead, this one unless named, with the options as resolved here.

        Raises ``HostError`` where the host cannot be reached: Ansible rescues a failed task, and no unreachable host.
        And where the module could not run there, of which Ansible tells no more than a traceback.
        """
        given = {name: value for name, value in params.items() if value is not None}
        result: dict[str, Any] = self._execute_module(
            module_name=f"aritma.iam.{name or self.operation.name}", module_args=given, task_vars=task_vars
        )
        # It would repeat the options; what they were is written in the play.
        result.pop("invocation", None)
        if result.get("failed") and "failure" not in result:
            raise HostError(
                f"{name or self.operation.name} did not run on {self._host(task_vars)}: {_last_words(result)}",
                hint="It needs Python 3.10 or newer there (ansible_python_interpreter), and a user who may run it.",
                host=self._host(task_vars),
            )
        return result

    def _host(self, task_vars: Mapping[str, Any]) -> str:
        return str(self._task.delegate_to or task_vars.get("inventory_hostname", "the host of the task"))

    def _execute_module(self, *given: Any, **named: Any) -> dict[str, Any]:
        """Without the answer in the log: at -vvv, ssh shows what a module prints, and ours answer with secrets."""
        play = self._connection._play_context
        before, play.no_log = play.no_log, True
        try:
            answer: dict[str, Any] = super()._execute_module(*given, **named)
            return answer
        except AnsibleConnectionFailure as error:
            host = self._host(named.get("task_vars") or {})
            raise HostError(f"Host {host} cannot be reached: {_said(error.message)}", host=host) from None
        finally:
            play.no_log = before

    def _is_pipelining_enabled(self, module_style: str, wrap_async: bool = False) -> bool:
        """Pipeline wherever that cannot fail, so that no option, a secret among them, rests in a file on the target."""
        if super()._is_pipelining_enabled(module_style, wrap_async):
            return True
        return bool(self._connection.has_pipelining and module_style == "new" and not self._connection.become)

    def _compute_environment_string(self, raw_environment_out: dict[str, Any] | None = None) -> str:
        """Without secrets: a shipped module has its options, and this text is seen in ``ps`` and at -vvv."""
        given: dict[str, Any] = {}
        ActionBase._compute_environment_string(self, given)
        if raw_environment_out is not None:
            raw_environment_out.update(given)
        shown = {name: value for name, value in given.items() if not _is_secret(name)}
        return str(self._connection._shell.env_prefix(**shown))

    def _connection_variables(self, task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Connection options from variables such as ``aritma_iam_auth_client_secret``, as plugins read them too."""
        named = {option: f"aritma_iam_{option}" for option in ENVIRONMENT.keys() & self.operation.spec.argument_spec}
        given = {option: self._template(task_vars[name]) for option, name in named.items() if name in task_vars}
        return {option: value for option, value in given.items() if value not in (None, "")}

    def _validated(self) -> dict[str, Any]:
        if _MAKES_NUMBERS:
            raw = self._task.get_ds() or {}
            for given in (raw.get("args"), raw.get(self._task.action)):
                self._task.args = self._texts_kept(given, self._task.args)
        self._load_name = f"aritma.iam.{self.operation.name}"  # what Ansible calls it in its messages
        try:
            require_members(self.operation.spec.argument_spec, self._task.args)
            _result, params = self.validate_argument_spec(**self.operation.spec.to_kwargs())
        except AnsibleError as error:
            raise OptionError(f"{self.operation.name}: {error.message}") from None
        return dict(params)

    def _texts_kept(self, raw: Any, made: Any) -> Any:
        """Options as ``made`` of the templates in ``raw``, where numbers are the texts again that they were made of."""
        if isinstance(raw, Mapping) and isinstance(made, Mapping):
            return {name: self._texts_kept(raw.get(name), value) for name, value in made.items()}
        if isinstance(raw, list) and isinstance(made, list) and len(raw) == len(made):
            return [self._texts_kept(*each) for each in zip(raw, made, strict=True)]
        if isinstance(raw, str) and isinstance(made, (int, float)) and not isinstance(made, bool):
            return self._template(raw)
        return made

    def _template(self, raw: Any) -> Any:
        """What templates give, whose texts stay texts."""
        if _MAKES_NUMBERS:
            plain = vars(template)["AnsibleEnvironment"]
            return self._templar.copy_with_new_env(environment_class=plain).template(raw)
        return self._templar.template(raw)

    @contextmanager
    def _task_environment(self) -> Iterator[None]:
        """The task's ``environment`` counts like that of the process: options fall back to both."""
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
            # What ansible-core 2.18 hands to callbacks for a whole loop is hidden only where the task says so.
            self._task.no_log = True
        return shown
