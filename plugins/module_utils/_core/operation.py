# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operation of the collection: its options, and the function that runs on the controller or on a host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .argspec import ArgumentSpec
from .errors import IamError
from .outcome import Outcome
from .redaction import Redaction, encodable, escaped

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """``run`` takes the validated options and the check mode. It returns an ``Outcome`` or raises ``IamError``."""

    name: str
    spec: ArgumentSpec
    run: Callable[[Params, bool], Outcome]
    libraries: tuple[str, ...] = ("requests", "pydantic")


def carry_out(operation: Operation, params: Params, *, check_mode: bool, diff: bool) -> dict[str, Any]:
    """Run the operation and return its outcome or its error as a task result.

    No exception leaves this function. For an unexpected one only its type and place are shown, because its text could
    hold a secret.
    """
    try:
        if operation.libraries:
            # Imported here, because a host that only gets a file must not load what it does not need, or has broken.
            from .deps import require

            require(operation.libraries)
        result: dict[str, Any] = _texts(operation.run(params, check_mode).to_result(diff=diff), encodable)
        return result
    except IamError as error:
        return failed(error, operation.spec.secrets(params))
    except Exception as error:
        return failed(unexpected(operation.name, error), operation.spec.secrets(params))


def run_module(operation: Operation) -> None:
    """The ``main()`` of every module: validate the options, run the operation, exit with its result."""
    module = AnsibleModule(supports_check_mode=True, **operation.spec.to_kwargs())
    result = carry_out(operation, module.params, check_mode=module.check_mode, diff=module._diff)
    for warning in result.pop("warnings", []):
        module.warn(warning)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


def failed(error: IamError, secrets: Iterable[str]) -> dict[str, Any]:
    """The result of a task that failed with ``error``. Each of ``secrets`` is replaced in all its texts."""
    redact = Redaction(secrets)
    return {"failed": True, "changed": False, **_texts(error.to_result(), lambda text: escaped(redact(text)))}


def unexpected(name: str, error: Exception) -> IamError:
    """The error for an unexpected exception: its type and place, without its text."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place is not None else "unknown"
    return IamError(
        f"{name} met an unexpected {type(error).__name__} at {where}.",
        hint="This is a defect of aritma.iam: please report it with this line.",
        exception_type=type(error).__name__,
        where=where,
    )


def _texts(value: Any, change: Callable[[str], str]) -> Any:
    """Apply ``change`` to every string in ``value``."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {_texts(key, change): _texts(each, change) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_texts(each, change) for each in value]
    return value
