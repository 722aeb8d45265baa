"""Build litsock: settings.ini says what it is, the notebooks' C text says what to compile."""

import configparser
import runpy
from pathlib import Path

from setuptools import Extension, setup

config = configparser.ConfigParser(delimiters=["="])
config.read("settings.ini")
settings = config["DEFAULT"]

hot = Path("build/_hot.c")
hot.parent.mkdir(exist_ok=True)
hot.write_text(runpy.run_path("litsock/hot_build.py")["SOURCE"])

setup(
    version=settings["version"],
    description=settings["description"],
    author=settings["author"],
    keywords=settings["keywords"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Developers",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Topic :: System :: Networking",
        "Typing :: Typed",
    ],
    install_requires=settings["requirements"].split(),
    extras_require={extra: settings[f"{extra}_requirements"].split() for extra in ("lab", "dev", "docs")},
    cffi_modules=["litsock/native_build.py:ffibuilder"],
    ext_modules=[Extension("litsock._hot", [str(hot)], extra_compile_args=["-Wall", "-Wextra"], optional=True)],
)
