"""Since when the standard module has a name: what its documentation says, else what typeshed knows.

The documentation gives a version for what came after Python 3.0; that is the column `since` of names.tsv. Most constants it
names only in groups (`SO_*`). For each of them typeshed, the types of the standard library that come with mypy, says by
a condition on `sys.version_info` in which versions it exists, as far back as typeshed goes.
"""

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import mypy.defaults

from mapping import documented_names

OLDEST = mypy.defaults.PYTHON3_VERSION_MIN
UNSAID = "3"  # documented, without a version


@cache
def documented():
    "For each documented name its version; methods and attributes as `socket.name`."
    found = {}
    for row in documented_names():
        name = f"socket.{row['name']}" if row["kind"] in ("method", "attribute") else row["name"]
        if not name.endswith("*"):
            found[name] = row["since"] or UNSAID
    return found


@cache
def typed():
    """The names of the module in typeshed, each with the version from which on it is there, or None for the oldest.

    Methods and attributes stand as `socket.name`.
    """
    folder = Path(find_spec("mypy").origin).parent / "typeshed" / "stdlib"
    found: dict[str, tuple[int, int] | None] = {}
    for stub in ("socket.pyi", "_socket.pyi"):
        collect(ast.parse((folder / stub).read_text(encoding="utf-8")).body, None, found)
    return found


def collect(body, version, found, prefix=""):
    "The names that a piece of a stub defines, where it is read by Pythons from a version on."
    for node in body:
        if isinstance(node, ast.If):
            collect(node.body, least(node.test) or version, found, prefix)
            collect(node.orelse, version, found, prefix)
        elif isinstance(node, ast.ClassDef):
            collect(node.body, version, found, f"{node.name}.")
        for name in (prefix + name for name in names_of(node)):
            if name not in found or version is None:
                found[name] = version


def names_of(node):
    "The names that a statement defines."
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    return []


def least(test):
    "The version in a condition that asks for one at least."
    parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
    for part in parts:
        if isinstance(part, ast.Compare) and "version_info" in ast.unparse(part.left) and isinstance(part.ops[0], ast.GtE):
            return ast.literal_eval(part.comparators[0])
    return None


def since(name: str, release: str) -> str:
    "The words for a name: the version of Python where its module has it, and litsock's where it is litsock's own."
    if version := documented().get(name):
        return f"Python {version}"
    if name not in typed():
        return f"litsock {release}"
    version = typed()[name]
    return f"Python {version[0]}.{version[1]}" if version else f"Python {OLDEST[0]}.{OLDEST[1]} or before"
