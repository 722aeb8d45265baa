"""Write litsock/constants.pyi, so that type checkers and editors see the constants too.

The constants come out of a C table when litsock is imported, where no type checker can look. Their names and meanings
stand in litsock/constant_names.py, and everything else that the module offers in litsock/constants.py. An editor shows
the line below a constant when the mouse rests on its name. `make export` runs this.
"""

import ast
import runpy
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "litsock"
HEAD = '''"""The types of the constants. Written by tools/stubs.py: do not edit."""

from enum import IntEnum, IntFlag
from typing import Any

CONSTANTS: dict[str, Any]
'''
OTHERS = {"BDADDR_ANY": "str", "BDADDR_LOCAL": "str", "has_ipv6": "bool"}
ALIASES = {"error": "OSError", "timeout": "TimeoutError"}


def enums(tree):
    "Name and base class of each enum, in the order of the first groups: what the module passes to `_enum`."
    for node in tree.body:
        match node:
            case ast.Assign(value=ast.Call(func=ast.Name(id="_enum"), args=[base, title, _])):
                yield title.value, base.id


def enum_stub(title, base, members):
    "A class with its members, and each member as a name of the module."
    lines = [f"class {title}({base}):"]
    for name, text in members.items():
        lines += [f"    {name} = ...", f"    {text!r}"]
    return [*lines, "", *(f"{name} = {title}.{name}" for name in members), ""]


def definition_stub(node):
    "A function or a class without its bodies."
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef):
            inner.body, inner.decorator_list = [ast.Expr(ast.Constant(...))], []
    if isinstance(node, ast.ClassDef):
        node.body = [inner for inner in node.body if isinstance(inner, ast.FunctionDef)] or [ast.Expr(ast.Constant(...))]
    return [ast.unparse(node), ""]


def stub():
    "The whole stub."
    groups = runpy.run_path(str(PACKAGE / "constant_names.py"))["GROUPS"].values()
    texts = [{name: text for name, (_, _, text) in members.items()} for _, members in groups]
    tree = ast.parse((PACKAGE / "constants.py").read_text())
    defined = [node for node in tree.body
               if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")]
    public = next(ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "__all__")
    passed_on = [alias.name for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "kernel" for alias in node.names]
    lines = [f"from .kernel import {name} as {name}" for name in passed_on]
    plain = {name: text for group in texts for name, text in group.items()}
    names = [*plain, *OTHERS, *ALIASES, *passed_on, *(node.name for node in defined if node.name in public)]
    for (title, base), group in zip(enums(tree), texts):
        members = {name: plain.pop(name) for name in group if name.isupper()}
        lines += enum_stub(title, base, members)
        names.append(title)
    for name, text in plain.items():
        lines += [f"{name}: int", repr(text)]
    lines += [f"{name}: {kind}" for name, kind in OTHERS.items()]
    lines += [f"{name} = {other}" for name, other in ALIASES.items()] + [""]
    for node in defined:
        lines += definition_stub(node)
    return "\n".join([HEAD, "__all__ = [", *(f"    {name!r}," for name in names), "]", "", *lines])


if __name__ == "__main__":
    (PACKAGE / "constants.pyi").write_text(stub())
