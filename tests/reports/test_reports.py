"""What people reported of socket libraries: each a small program, which ends on litsock as it ends on the standard module.

A program is any other file of this folder that begins with a docstring. It asserts what is right, prints what there is to
compare, and says in comments at its top what the tests must know:

    # needs: root, package:freezegun    what the machine must have; conftest.py knows how to look
    # ways: run                         how it is run on litsock; all of WAYS where nothing is said
    # python: 3.12                      the first version of Python that can run it
    # better: what litsock promises     the standard module is wrong here; so it is not asked
    # cpython: what it presumes         PyPy cannot run it

PyPy has a `socket` of its own, in which some of what was reported of CPython's is still wrong. There the programs run on litsock alone.

By hand: `python FILE`, `litsock run FILE`, and `python as_import.py FILE`, which reads `import litsock as socket` for `import socket`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

HERE = Path(__file__).parent
TOP = HERE.parents[1]
LIMIT = 40  # seconds for a program; a machine may be busy with other things
WAYS = {  # how litsock comes into a program: words after `python`, and variables of the environment
    "run": (["-m", "litsock", "run"], {}),
    "import": ([str(HERE / "as_import.py")], {}),
    "cffi": (["-m", "litsock", "run"], {"LITSOCK_FAST": "0"}),
}
PYPY = sys.implementation.name == "pypy"
STANDARD: tuple[list[str], dict[str, str]] = ([], {})
HIDDEN = re.compile("PYTHON.*|LITSOCK.*|COVERAGE.*|.*_proxy", re.IGNORECASE)  # variables that would change what a program meets

# What litsock does not do yet: a program, or a program in one way -> what is wrong. An entry that passes is a failure: it goes.
NOT_YET: dict[str, str] = tomllib.loads((HERE / "not_yet.toml").read_text(encoding="utf-8"))


class Program(NamedTuple):
    """A program and what it says about itself."""

    path: Path
    needs: list[str]
    ways: list[str]
    python: tuple[int, ...]
    better: bool
    cpython: str


def read(path: Path) -> Program | None:
    """A file as a program; `None` if it is none."""
    text = path.read_text(encoding="utf-8")
    if path.name.startswith("test_") or not text.startswith('"'):
        return None
    said = dict(re.findall(r"^# (needs|ways|python|better|cpython): (.+)$", text, re.MULTILINE))
    return Program(
        path,
        said["needs"].split(", ") if "needs" in said else [],
        said.get("ways", ", ".join(WAYS)).split(", "),
        tuple(map(int, said.get("python", "3.11").split("."))),
        "better" in said or PYPY,
        said.get("cpython", ""),
    )


PROGRAMS = [program for path in sorted(HERE.glob("*.py")) if (program := read(path))]


def cases() -> list:
    """Each program in each way, with its marks."""
    found = []
    for program in PROGRAMS:
        for way in program.ways:
            name = f"{program.path.stem}-{way}"
            marks = [pytest.mark.needs(*program.needs)] if program.needs else []
            if sys.version_info < program.python:
                wanted = ".".join(map(str, program.python))
                marks.append(pytest.mark.skip(reason=f"needs Python {wanted}"))
            if PYPY and (why := not_on_pypy(program, way)):
                marks.append(pytest.mark.skip(reason=why))
            if why := NOT_YET.get(name) or NOT_YET.get(program.path.stem):
                marks.append(pytest.mark.xfail(reason=why, strict=True))
            found.append(pytest.param(program, way, id=name, marks=marks))
    return found


def not_on_pypy(program: Program, way: str) -> str:
    """Why there is nothing to run there."""
    if way == "cffi":
        return "PyPy calls through CFFI anyway"
    return program.cpython or ("" if "cffi" in program.ways else "needs litsock's type in C")


class Ending(NamedTuple):
    """What became of a program."""

    status: int
    output: str
    errors: str


@cache
def end_of(path: Path, way: str | None) -> Ending:
    """Run a program in a way, or with the standard module, to its end."""
    words, variables = WAYS[way] if way else STANDARD
    around = {name: value for name, value in os.environ.items() if not HIDDEN.fullmatch(name)} | variables
    command = [sys.executable, *words, str(path)]
    try:
        done = subprocess.run(
            command, env=around | {"PYTHONPATH": str(TOP)}, cwd=HERE, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT
        )
    except subprocess.TimeoutExpired as late:
        return Ending(-1, str(late.stdout or ""), f"{late.stderr or ''}\nnot at its end after {LIMIT} seconds")
    return Ending(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("program, way", cases())
def test_program(program: Program, way: str) -> None:
    expected = None if program.better else end_of(program.path, None)
    assert expected is None or expected.status == 0, f"with the standard module:\n{expected.output}{expected.errors}"
    found = end_of(program.path, way)
    assert found.status == 0, found.output + found.errors
    assert expected is None or found.output == expected.output, found.errors


def test_every_program_is_found() -> None:
    """A file without a docstring would be left out in silence."""
    helpers = {"test_reports.py", "as_import.py", "every_call.py"}
    assert {path.name for path in HERE.glob("*.py")} == {program.path.name for program in PROGRAMS} | helpers


def test_every_entry_of_the_list_names_a_program() -> None:
    names = {program.path.stem for program in PROGRAMS}
    assert {name.partition("-")[0] for name in NOT_YET} <= names
    assert all(way in WAYS for program in PROGRAMS for way in program.ways)
