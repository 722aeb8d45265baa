"""What the same costs in C: limits.c, compiled into a temporary folder when the first case asks for it."""

from __future__ import annotations

import atexit
import os
import runpy
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

BUILDING = Path(__file__).parents[1] / "tools" / "building.py"


@cache
def program() -> str | None:
    """The program that knows them; `None` where there is no C compiler."""
    compiler = runpy.run_path(str(BUILDING))["compiler"]() if BUILDING.exists() else ["cc"]  # an installed book has no tools/
    if not shutil.which(compiler[0]):
        return None
    folder = tempfile.mkdtemp(prefix="litsock-limits-")
    atexit.register(shutil.rmtree, folder)
    made = os.path.join(folder, "limits")
    subprocess.run([*compiler, "-O2", str(Path(__file__).with_name("limits.c")), "-o", made], check=True)
    return made


def limit(case: str) -> float | None:
    """The seconds of one operation of a case; `None` where there is no C compiler."""
    found = program()
    return float(subprocess.run([found, case], check=True, capture_output=True).stdout) if found else None
