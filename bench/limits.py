"""What nobody undercuts: the same calls in a loop of C (limits.c), and in methods of C that do nothing else (method.c).

The methods ignore a timeout: they wait in the kernel, which takes no call beside the one that is wanted.

Both are compiled into a temporary folder when the first case asks for them.
"""

from __future__ import annotations

import atexit
import os
import runpy
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from functools import cache
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

BUILDING = Path(__file__).parents[1] / "tools" / "building.py"


def compiled(source: str, *options: str) -> str | None:
    """The path of what a file here was compiled into; `None` where there is no C compiler."""
    compiler = runpy.run_path(str(BUILDING))["compiler"]() if BUILDING.exists() else ["cc"]  # an installed book has no tools/
    if not shutil.which(compiler[0]):
        return None
    folder = tempfile.mkdtemp(prefix="litsock-limits-")
    atexit.register(shutil.rmtree, folder)
    path = Path(__file__).with_name(source)
    made = os.path.join(folder, path.stem)
    subprocess.run([*compiler, "-O2", *options, str(path), "-o", made], check=True)
    return made


@cache
def program() -> str | None:
    """limits.c."""
    return compiled("limits.c")


def limit(case: str) -> float | None:
    """The seconds of one operation of a case; `None` where there is no C compiler."""
    found = program()
    return float(subprocess.run([found, case], check=True, capture_output=True).stdout) if found else None


@cache
def methods() -> Any:
    """method.c, as a module with the `socketpair` that a case asks for, and the type; `None` where Python's headers or a compiler are missing."""
    include = sysconfig.get_path("include")
    if sys.implementation.name != "cpython" or not os.path.exists(os.path.join(include, "Python.h")):
        return None
    if (made := compiled("method.c", "-shared", "-fPIC", f"-I{include}")) is None:
        return None
    spec = spec_from_file_location("method", made, loader=ExtensionFileLoader("method", made))
    assert spec and spec.loader
    spec.loader.exec_module(found := module_from_spec(spec))

    class Least(found.Least):  # type: ignore[name-defined, misc]
        __slots__ = ("owner",)

        def __init__(self, owner: socket.socket):
            super().__init__(owner.fileno())
            self.owner = owner

        def __enter__(self) -> Least:
            return self

        def __exit__(self, *exception: object) -> None:
            self.owner.close()

        def settimeout(self, timeout: float | None) -> None:
            """A wait is the kernel's."""

    return SimpleNamespace(Least=Least, socketpair=lambda: tuple(map(Least, socket.socketpair())))
