# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the tests of a module against one of its mutants, in a fork of this process."""

from __future__ import annotations

import ast
import importlib
import os
import resource
import sys
import traceback
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import pytest
from hypothesis import Phase, settings

from mutants.changes import Mutant

_PACKAGE = "ansible_collections.aritma.iam.plugins.module_utils"
# Loaded once, before all forks.
_PRELOADED = ("pytest_timeout", "_hypothesis_pytestplugin", "_pytest.junitxml", "pydantic", "requests")
_PLUGINS = ("pytest_timeout", "_hypothesis_pytestplugin")
"""The pytest plugins that the tests need. To load all plugins takes longer than most tests."""
_PROCESSOR_LIMIT = 20
"""CPU seconds for one mutant. A mutant that needs more is in an endless loop."""


class Mutated(MetaPathFinder):
    """Imports one module from a changed syntax tree instead of its file."""

    def __init__(self, module: str, code: CodeType) -> None:
        self._name = f"{_PACKAGE}.{module}"
        self._code = code

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == self._name else None
        if spec and spec.origin:
            spec.loader = _Loader(fullname, spec.origin, self._code)
        return spec


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, code: CodeType) -> None:
        super().__init__(fullname, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        return self._code


def preload(tree: ast.Module) -> None:
    """Import what every fork needs: the tools and the imports of the module. Forget the rest of the collection."""
    for name in [each for each in sys.modules if each.startswith("ansible_collections.")]:
        del sys.modules[name]
    own = [each.module for each in tree.body if isinstance(each, ast.ImportFrom) and each.module]
    for name in (*_PRELOADED, *(each for each in own if each.startswith(_PACKAGE))):
        importlib.import_module(name)


def passes(tree: ast.Module, module: str, tests: Sequence[Path], scratch: Path, mutant: Mutant | None = None) -> bool:
    """Whether all tests pass with the mutant, or with the unchanged tree if there is none.

    pytest and Hypothesis write to ``scratch``. The last output is in ``output.txt``.
    """
    process = os.fork()
    if process == 0:
        try:
            code = _run(tree, module, tests, scratch, mutant)
        except BaseException:
            # The fork must not continue the code of the parent.
            traceback.print_exc()
            code = 1
        os._exit(code)
    return os.waitpid(process, 0)[1] == 0


def _run(tree: ast.Module, module: str, tests: Sequence[Path], scratch: Path, mutant: Mutant | None) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR_LIMIT, _PROCESSOR_LIMIT))
    output = os.open(scratch / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ |= {"HYPOTHESIS_STORAGE_DIRECTORY": str(scratch), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    # One counterexample is enough: Hypothesis need not shrink it.
    settings.register_profile("mutants", phases=(Phase.explicit, Phase.generate), database=None, deadline=None)
    settings.load_profile("mutants")
    if mutant is not None:
        mutant.apply()
    code = compile(ast.fix_missing_locations(tree), f"{module}.py", "exec", dont_inherit=True)
    sys.meta_path.insert(0, Mutated(module, code))
    options = ["-x", "-q", "--assert=plain", "--hypothesis-seed=0", "-o", f"cache_dir={scratch / 'pytest'}"]
    plugins = [option for name in _PLUGINS for option in ("-p", name)]
    return int(pytest.main([*options, *plugins, *map(str, tests)]))
