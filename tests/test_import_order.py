"""Imports go one way only. The order stands in CONTRIBUTING.md, in the table under 'How it is laid out', and is read from there.

An import counts wherever it is written: in a function, in a class, and as `import_module` with a name written out in the
module. What stands under `if TYPE_CHECKING:` does not count, since nothing is imported there when a program runs.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PACKAGE = TOP / "litsock"
COMPILED = {"kernel._native", "kernel._fast", "kernel.linux_tables"}  # made by a build: without a Python file here


def module_name(path: Path) -> str:
    """The name below `litsock`: `core`, `kernel.checks`, `kernel` for its `__init__`, and "" for that of `litsock`."""
    return ".".join(part for part in path.relative_to(PACKAGE).with_suffix("").parts if part != "__init__")


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "_modidx.py"}


def order() -> list[re.Pattern]:
    """The rows of CONTRIBUTING's table, lowest first: what matches the modules of each."""
    text = (TOP / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## How it is laid out")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([^|]*)` \|", text, re.MULTILINE)
    return [re.compile("|".join(map(pattern, re.split(r"`, `", row)))) for row in reversed(rows)]


def pattern(path: str) -> str:
    """What matches the modules at a path of the package: a file, or everything in a folder."""
    name = path.removeprefix("litsock/").removesuffix(".py").replace("/__init__", "").replace("/", ".")
    if name == "__init__":
        return "^$"
    inside = r"(\..*)?" if path.endswith("/") else ""
    return f"^{re.escape(name.removesuffix('.'))}{inside}$"


def height(name: str, rows: list[re.Pattern]) -> int:
    """In which row a module stands, from below."""
    found = [at for at, row in enumerate(rows) if row.match(name)]
    assert len(found) == 1, f"litsock.{name} belongs into one row of the table in CONTRIBUTING.md, and stands in {len(found)}"
    return found[0]


def runs(node: ast.AST) -> list[ast.AST]:
    """The parts of a node that a program runs."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return node.orelse
    return list(ast.iter_child_nodes(node))


def walk(node: ast.AST):
    yield node
    for child in runs(node):
        yield from walk(child)


def imported(name: str, path: Path) -> set[str]:
    """The modules of litsock that a module imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found, by_name = set(), False
    for node in walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("litsock").removeprefix(".") for alias in node.names if alias.name.split(".")[0] == "litsock"}
        elif isinstance(node, ast.ImportFrom):
            found |= set(from_import(node, package))
        elif isinstance(node, ast.Name) and node.id == "import_module":
            by_name = True
    if by_name:  # any text that names a module may be what it imports
        texts = [node.value for node in walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        names = [text.removeprefix("litsock.") for text in texts] + [f"{package}.{text}" for text in texts]
        found |= {text for text in names if text and text in MODULES.keys() | COMPILED and text != name}
    return found - {name}


def from_import(node: ast.ImportFrom, package: str):
    """The modules that `from … import …` names."""
    base = node.module or ""
    if node.level:
        parts = package.split(".") if package else []
        base = ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])
    elif base.split(".")[0] == "litsock":
        base = base.removeprefix("litsock").removeprefix(".")
    else:
        return
    for alias in node.names:
        inner = f"{base}.{alias.name}".removeprefix(".")
        yield inner if inner in MODULES.keys() | COMPILED else base


GRAPH = {name: imported(name, path) - COMPILED for name, path in MODULES.items()}


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_down(name: str):
    rows = order()
    wrong = sorted(other for other in GRAPH[name] if height(other, rows) > height(name, rows))
    assert wrong == [], f"litsock.{name} imports what stands above it"


def reached(name: str) -> set[str]:
    """What a module imports, and what that imports, and so on."""
    found: set[str] = set()
    waiting = {*GRAPH[name]}
    while waiting:
        found |= waiting
        waiting = {further for other in waiting for further in GRAPH[other]} - found
    return found


def test_no_circle():
    """No module imports itself by way of others."""
    assert [name for name in MODULES if name in reached(name)] == []


def test_every_module_is_there():
    assert {name for needed in GRAPH.values() for name in needed} <= MODULES.keys()
    assert len(MODULES) > 40 and "kernel" in GRAPH["timeouts"] and "core" in GRAPH[""]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("from litsock import core", {"core"}), ("from ..timeouts import x", {"timeouts"}), ("import litsock.names", {"names"}),
        ("def f():\n    from litsock.dropin.tls import adopt", {"dropin.tls"}), ("import litsock", {""}), ("from . import tls", {"dropin.tls"}),
        ("from importlib import import_module\ndef f(x): import_module(f'litsock.{TABLE[x]}')\nTABLE = {'a': 'core'}", {"core"}),
        ("TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from litsock import core\nelse:\n    from litsock import names", {"names"}),
        ("import socket, os.path", set()),
    ],
)  # fmt: skip
def test_the_test_finds_imports(text: str, expected: set, tmp_path: Path):
    (tmp_path / "module.py").write_text(text)
    assert imported("dropin.module", tmp_path / "module.py") == expected
