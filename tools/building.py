"""How litsock's C is compiled, and what a machine must have for that: `python tools/building.py` says what it lacks.

setup.py, `make check`, `make sanitize` and `make bench` all ask here. The question must be answered by whatever Python there
is, so the syntax is that of Python 3.6.
"""

import os
import runpy
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from contextlib import redirect_stdout
from io import StringIO

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OLDEST = 3, 11
PYPY = sys.implementation.name == "pypy"
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
LIMITED = not PYPY and not FREE_THREADED  # whether CFFI's extension keeps to the limited API
CFFI = [] if FREE_THREADED and sys.version_info < (3, 14) else ["cffi>=1.17"]  # there is no CFFI for the first free-threaded Python
WARNINGS = ["-Wall", "-Wextra"]

# What is missing, and the packages of Debian (apt install) and Fedora (dnf install) that bring it.
PACKAGES = {
    "python": ("Python 3.11 or later", "python3", "python3"),
    "venv": ("Python's venv", "python3-venv", "python3"),
    "compiler": ("a C compiler", "gcc libc6-dev", "gcc"),
    "libc": ("the headers of the C library and of Linux", "libc6-dev", "glibc-devel"),
    "headers": ("Python's headers, Python.h,", "pypy3-dev" if PYPY else "python3-dev", "pypy3-devel" if PYPY else "python3-devel"),
}


def compiler():
    "The C compiler that Python's own extensions are built with, or the one in CC, as words of a command."
    return shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")


def includes():
    "The options by which the compiler finds Python's headers."
    return ["-I" + path for path in dict.fromkeys([sysconfig.get_path("include"), sysconfig.get_path("platinclude")])]


def sources(folder):
    "Write the C that the notebooks export into a folder: paths by the name of the extension."
    kernel, written = os.path.join(TOP, "litsock", "kernel"), {}
    if CFFI:
        written["_native"] = os.path.join(folder, "_native.c")
        with redirect_stdout(StringIO()):  # CFFI says what it writes
            runpy.run_path(os.path.join(kernel, "bindings.py"))["ffi_builder"]().emit_c_code(written["_native"])
    if not PYPY:
        written["_fast"] = os.path.join(folder, "_fast.c")
        with open(written["_fast"], "w", encoding="utf-8") as file:
            file.write(runpy.run_path(os.path.join(kernel, "c_socket.py"))["SOURCE"])
    return written


def compiles(text):
    "Whether the compiler takes a piece of C."
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "question.c")
        with open(source, "w") as file:
            file.write(text)
        command = compiler() + includes() + ["-c", source, "-o", os.path.join(folder, "question.o")]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def lacking():
    "The first thing that compiling litsock needs and that is not here: a key of PACKAGES, or None."
    if sys.version_info < OLDEST:
        return "python"
    if not shutil.which(compiler()[0]):
        return "compiler"
    if not compiles("#include <sys/socket.h>\n#include <linux/errqueue.h>\n"):
        return "libc"
    if not compiles("#include <Python.h>\n"):
        return "headers"
    return None


def no_venv():
    "Whether Python cannot make a virtual environment with pip in it: Debian splits that off."
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return True
    return False


def advice(what):
    "One line: what is missing, and what to type."
    thing, debian, fedora = PACKAGES[what]
    return "litsock needs {}: apt install {} (Debian, Ubuntu), or dnf install {} (Fedora)".format(thing, debian, fedora)


def main():
    missing = lacking() or ("venv" if no_venv() else None)
    return advice(missing) + (", and make PYTHON=python3.11 if it has another name" if missing == "python" else "") if missing else None


if __name__ == "__main__":
    sys.exit(main())
