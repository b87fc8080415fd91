# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutants of a module: small changes of its syntax tree. A test should notice each of them.

Text for people is not changed: strings with spaces, the text of f-strings, and docstrings. Annotations and decorators
are not changed either.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass

_SWAPS: dict[type[ast.cmpop], tuple[ast.cmpop, ...]] = {
    ast.Eq: (ast.NotEq(),),
    ast.NotEq: (ast.Eq(),),
    ast.Lt: (ast.LtE(), ast.GtE()),
    ast.LtE: (ast.Lt(), ast.Gt()),
    ast.Gt: (ast.GtE(), ast.LtE()),
    ast.GtE: (ast.Gt(), ast.Lt()),
    ast.Is: (ast.IsNot(),),
    ast.IsNot: (ast.Is(),),
    ast.In: (ast.NotIn(),),
    ast.NotIn: (ast.In(),),
}
_SKIPPED = frozenset({"annotation", "returns", "decorator_list", "ctx", "op", "ops"})
_WORD = re.compile(r"\w[\w-]*")


@dataclass(frozen=True)
class Mutant:
    """One change: ``field`` of ``owner`` becomes ``value``. ``place`` is the qualified name of its function."""

    place: str
    line: int
    before: str
    after: str
    owner: ast.AST
    field: str
    value: object

    @property
    def key(self) -> tuple[str, str, str]:
        """Identifies the mutant, also after the code around it changed."""
        return self.place, self.before, self.after

    def apply(self) -> None:
        """Change the tree. This cannot be undone."""
        setattr(self.owner, self.field, self.value)

    def __str__(self) -> str:
        return f"{self.place}, line {self.line}: {self.before}  ->  {self.after}"


def mutants(tree: ast.Module) -> list[Mutant]:
    """Every mutant of the module, ordered by line."""
    return sorted(_below(tree, "module"), key=lambda each: each.line)


def _below(owner: ast.AST, place: str) -> Iterator[Mutant]:
    for field, value in ast.iter_fields(owner):
        if field in _SKIPPED:
            continue
        children = value if isinstance(value, list) else [value]
        for index, child in enumerate(children):
            if not isinstance(child, ast.AST) or _left_alone(child, owner):
                continue
            inner = _name(child, place)
            for before, after, new in _changes(child):
                changed = [*children[:index], new, *children[index + 1 :]] if isinstance(value, list) else new
                yield Mutant(inner, _line(child), _text(before), _text(after), owner, field, changed)
            yield from _below(child, inner)
    if isinstance(owner, ast.Call):
        yield from _without_keywords(owner, place)


def _name(node: ast.AST, place: str) -> str:
    if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return place
    return node.name if place == "module" else f"{place}.{node.name}"


def _left_alone(node: ast.AST, owner: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__"
    if isinstance(node, ast.Constant):
        return isinstance(owner, ast.JoinedStr)
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _line(node: ast.AST) -> int:
    return node.target.lineno if isinstance(node, ast.comprehension) else getattr(node, "lineno", 0)


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _changes(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST, ast.AST]]:
    """For each change: the part of the node to show, its replacement, and the new node."""
    match node:
        case ast.If() | ast.IfExp() | ast.While():
            yield from ((node.test, test, _with(node, test=test)) for test in _conditions(node))
        case ast.comprehension():
            always = ast.Constant(True)
            yield from ((each, always, _with(node, ifs=[always])) for each in node.ifs)
        case _:
            yield from ((node, new, new) for new in _replacements(node))


def _replacements(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare():
            yield from _compared(node)
        case ast.BoolOp():
            yield from _connected(node)
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.BitAnd() | ast.BitOr()):
            yield from (node.left, node.right)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.Constant():
            yield from map(ast.Constant, _constants(node.value))
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield ast.Return(ast.Constant(None))
        case ast.Raise() | ast.AugAssign() | ast.Expr(value=ast.Call()) | ast.Break() | ast.Continue():
            yield ast.Pass()
        case _:
            pass


def _conditions(node: ast.If | ast.IfExp | ast.While) -> Iterator[ast.expr]:
    """The condition as false (which removes a guard), as true, and negated if `_compared` does not negate it."""
    yield ast.Constant(False)
    if not isinstance(node, ast.While):
        yield ast.Constant(True)
    if not isinstance(node.test, (ast.Compare, ast.UnaryOp)):
        yield ast.UnaryOp(ast.Not(), node.test)


def _compared(node: ast.Compare) -> Iterator[ast.AST]:
    for index, op in enumerate(node.ops):
        for other in _SWAPS[type(op)]:
            yield _with(node, ops=[*node.ops[:index], other, *node.ops[index + 1 :]])


def _connected(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    for index in range(len(node.values)):
        rest = [*node.values[:index], *node.values[index + 1 :]]
        yield rest[0] if len(rest) == 1 else _with(node, values=rest)


def _constants(value: object) -> Iterator[bool | int | str]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, str) and _WORD.fullmatch(value):
        yield f"{value}x"


def _without_keywords(node: ast.Call, place: str) -> Iterator[Mutant]:
    called = _text(node.func)
    for index, each in enumerate(node.keywords):
        rest = [*node.keywords[:index], *node.keywords[index + 1 :]]
        yield Mutant(place, each.value.lineno, f"{called}({_text(each)})", f"{called}()", node, "keywords", rest)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for field, value in fields.items():
        setattr(changed, field, value)
    return changed
