"""Build litsock: settings.ini says what it is, and the notebooks' C text is what is compiled."""

import configparser
import runpy
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_py import build_py


class BuildWithBook(build_py):
    "The package, and in it the notebooks and what they measure, for `litsock lab`. A working copy has them beside it."

    def run(self):
        super().run()
        if not self.editable_mode:
            book = Path(self.build_lib, "litsock", "book")
            self.copy_tree("nbs", str(book))
            self.copy_tree("bench", str(book / "bench"))


config = configparser.ConfigParser(delimiters=["="])
config.read("settings.ini", encoding="utf-8")
settings = config["DEFAULT"]

fast = Path("build", "_fast.c")
fast.parent.mkdir(exist_ok=True)
fast.write_text(runpy.run_path("litsock/kernel/fast_build.py")["SOURCE"], encoding="utf-8")

setup(
    version=settings["version"],
    description=settings["description"],
    author=settings["author"],
    keywords=settings["keywords"].split(),
    install_requires=settings["requirements"].split(),
    extras_require={extra: settings[f"{extra}_requirements"].split() for extra in ("cli", "examples", "lab", "dev", "docs")},
    cmdclass={"build_py": BuildWithBook},
    cffi_modules=["litsock/kernel/native_build.py:ffibuilder"],
    ext_modules=[Extension("litsock.kernel._fast", [str(fast)], extra_compile_args=["-Wall", "-Wextra"], optional=True)],
)
