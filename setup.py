"""Build litsock: settings.ini says what it is, and the notebooks' C text is what is compiled. `tools/building.py` knows how.

Nothing is written into this folder but what an editable install compiles, and what a source distribution lists: it may be
somebody else's, or read-only.
"""

import atexit
import configparser
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from setuptools import Extension, __version__, setup
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.command.egg_info import egg_info

TOP = Path(__file__).resolve().parent
sys.path.insert(0, str(TOP / "tools"))
import building

FOR = os.environ.get("LITSOCK_FOR", sys.platform)  # the system that a wheel is made for, as `sys.platform` names it
COMPILED = FOR not in ("win32", "emscripten")  # the others have no C: Windows has its own library, a browser the simulated kernel
SCRATCH = tempfile.mkdtemp(prefix="litsock-build-")
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)


class Build(build):
    "Says in one line what the machine lacks, before anything is copied."

    def initialize_options(self):
        super().initialize_options()
        self.build_base = SCRATCH

    def run(self):
        complain()
        super().run()


class BuildWithBook(build_py):
    """The package, and in it the types of the constants, which are written here; and the notebooks and what they measure,
    for `litsock lab`. A working copy has those beside it."""

    def run(self):
        super().run()
        package = TOP / "litsock" if self.editable_mode else Path(self.build_lib, "litsock")
        if FOR == "emscripten":
            self.for_a_browser()
            return
        (package / "constants.pyi").write_text(runpy.run_path(str(TOP / "tools" / "stubs.py"))["stub"](), encoding="utf-8")
        if not self.editable_mode:
            book = Path(self.build_lib, "litsock", "book")
            for folder, pattern, to in ("nbs", "*.ipynb", book), ("bench", "*.*", book / "bench"):
                self.mkpath(str(to))
                for path in sorted((TOP / folder).glob(pattern)):
                    self.copy_file(str(path), str(to / path.name))

    def for_a_browser(self):
        "Linux's constants as a table, and of `bench` the record of calls, which some pages import."
        text = subprocess.run([sys.executable, TOP / "tools" / "tables.py"], check=True, capture_output=True, text=True).stdout
        Path(self.build_lib, "litsock", "kernel", "linux_tables.py").write_text(text, encoding="utf-8")
        bench = Path(self.build_lib, "bench")
        self.mkpath(str(bench))
        (bench / "__init__.py").touch()
        for name in "calls.py", "table.py":
            self.copy_file(str(TOP / "bench" / name), str(bench / name))


class BuildC(build_ext):
    "The extensions, from C that is written when it is needed."

    def run(self):
        complain()
        self.mkpath(self.build_temp)
        written = building.sources(self.build_temp)
        for extension in self.extensions:
            extension.sources = [written[extension.name.rpartition(".")[2]]]
        super().run()

    def get_source_files(self):
        return []  # the C is written into a scratch folder: there is none to be distributed


class Description(egg_info):
    "What the package is; only a source distribution keeps it here."

    def initialize_options(self):
        super().initialize_options()
        if "sdist" not in self.distribution.commands:
            self.egg_base = SCRATCH


def complain():
    if COMPILED and (missing := building.lacking()):
        raise SystemExit(building.advice(missing))


def complain_of_setuptools():
    "Without build isolation it is whatever the environment has, and an old one cannot read pyproject.toml, which says 77."
    if int(__version__.partition(".")[0]) < 77:
        raise SystemExit(f"litsock needs setuptools 77 or later to build, and {__version__} is here: pip install --upgrade setuptools")


def extensions():
    "CFFI's, which PyPy runs, and readers with LITSOCK_FAST=0; and on CPython the one in C, which needs no CFFI."
    macros = [] if building.LIMITED else [("_CFFI_NO_LIMITED_API", "1")]
    native = Extension("litsock.kernel._native", [], define_macros=macros, extra_compile_args=["-Wall"], py_limited_api=building.LIMITED, optional=not building.PYPY)
    fast = Extension("litsock.kernel._fast", [], extra_compile_args=building.WARNINGS)
    return [native] * bool(building.CFFI) + [fast] * (not building.PYPY)


config = configparser.ConfigParser(delimiters=["="])
config.read(TOP / "settings.ini", encoding="utf-8")
settings = config["DEFAULT"]

complain_of_setuptools()
setup(
    version=settings["version"],
    description=settings["description"],
    author=settings["author"],
    keywords=settings["keywords"].split(),
    setup_requires=building.CFFI,  # which pip, too, asks for before it builds
    install_requires=settings["requirements"].split(),
    extras_require={extra: settings[f"{extra}_requirements"].split() for extra in ("cffi", "cli", "examples", "lab", "dev", "docs")},
    cmdclass={"build": Build, "build_py": BuildWithBook, "build_ext": BuildC, "egg_info": Description},
    ext_modules=extensions() if COMPILED else [],
)
