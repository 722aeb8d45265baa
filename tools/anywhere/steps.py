"""What is done on a machine: install litsock, run its own tests, run the tests of that Python with litsock in place.

    PYTHON tools/anywhere/steps.py REPORT.json [install] [tests] [suites] [make] [wheel]

Without a step: the first three. `make` is what a newcomer types, `wheel` what tools/wheels.py made for this processor.

The report is written after each step, so that what a later one breaks is no loss.
"""

import configparser
import json
import os
import platform
import subprocess
import sys
import sysconfig
import time
import venv
import xml.etree.ElementTree as xml
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / "build"
SUITES = "test_socket", "test_timeout", "test_selectors", "test_ssl", "test_asyncio"
NEEDED = "pytest>=8", "nbval>=0.11", "pytest-timeout", "pytest-xdist", "hypothesis", "ipykernel", "nbformat", "tqdm"
WITHOUT_RUST = "hypothesis", "jsonschema<4.18"  # newer ones are partly Rust, which PyPy has no wheels of
HOURS = 3600
MACHINE = platform.machine()
MOST_NAMES = 40  # of tests that a result names


def run(*command, **options):
    print("+", *command, flush=True)
    return subprocess.run(list(map(str, command)), **options)


def environment(name):
    "A new environment, and its Python."
    venv.create(BUILD / name, with_pip=True, clear=True)
    return BUILD / name / "bin" / "python"


def install():
    "As a user would: pip install, and the demonstration of the examples."
    began = time.monotonic()
    python = environment("user")
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", TOP, check=True)
    took = time.monotonic() - began
    run(python, "-m", "litsock.examples", "demo", check=True, cwd=BUILD, stdout=subprocess.DEVNULL)
    return {"install": f"{took:.0f} s"}


def packages(python):
    "Install what the tests need, and of what some of them use that which can be had for this Python: what cannot."
    pip = python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"
    older = WITHOUT_RUST if sys.implementation.name == "pypy" else ()
    run(*pip, "--only-binary", "hypothesis", *NEEDED, *older, check=True)
    run(*pip, "--editable", TOP, check=True)
    config = configparser.ConfigParser(delimiters=["="])
    config.read(TOP / "settings.ini", encoding="utf-8")
    wanted = [name for name in config["DEFAULT"]["dev_requirements"].split() if name not in NEEDED]
    only = "--only-binary", ":all:"
    if not run(*pip, *only, *wanted, stderr=subprocess.DEVNULL).returncode:
        return []
    return [name for name in wanted if run(*pip, *only, name, stderr=subprocess.DEVNULL).returncode]


def tests():
    "The project's own, but for those that run the Python's own."
    python = environment("dev")
    without = packages(python)
    report = BUILD / "tests.xml"
    report.unlink(missing_ok=True)
    options = "-q", "-p", "no:cacheprovider", "--numprocesses=auto", "--no-loadscope-reorder", "--dist=loadfile", "--ignore=tests/test_conformance.py", f"--junitxml={report}"
    try:
        run(python, "-m", "pytest", *options, cwd=TOP, timeout=2 * HOURS)
    except subprocess.TimeoutExpired:
        return {"tests": "did not end"}
    if not report.exists():
        return {"tests": "pytest died"}
    return {**outcomes(report), "without": without}


def outcomes(report):
    "What became of the tests that pytest reports: passed, skipped, failed, and the names of those that failed."
    cases = list(xml.parse(report).iter("testcase"))
    bad = [f"{case.get('classname')}.{case.get('name')}" for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = sum(case.find("skipped") is not None for case in cases)
    return {"tests": [len(cases) - skipped - len(bad), skipped, len(bad)], "failures": bad[:MOST_NAMES]}


def make():
    "What a newcomer types: how long make run and make test take, and what became of the tests."
    report, taken = BUILD / "test.xml", {}
    report.unlink(missing_ok=True)
    for target in "run", "test":
        began = time.monotonic()
        run("make", target, f"PYTHON={sys.executable}", cwd=TOP, check=target == "run")
        taken[f"make {target}"] = f"{time.monotonic() - began:.0f} s"
    return {"make": taken, **(outcomes(report) if report.exists() else {"tests": "pytest died"})}


COMPARE = """
import json, sys
from conformance.run import compare
verdict = compare(sys.argv[1])
broken = "" if verdict.standard.outcomes else verdict.standard.unusable.reason
json.dump([len(verdict.passed), sorted(verdict.failures), verdict.deviations, broken], open(sys.argv[2], "w"))
"""


def wheel():
    "Install what tools/wheels.py made for this Python and processor, and run the tests of sockets with it."
    python = environment("wheel")
    pip = python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"
    run(*pip, "tqdm", check=True)
    began = time.monotonic()
    run(*pip, "--no-index", "--find-links", TOP, "--only-binary", ":all:", "litsock", check=True)
    took = time.monotonic() - began
    run(python, "-m", "litsock.examples", "demo", check=True, cwd=BUILD, stdout=subprocess.DEVNULL)
    return {"install": f"wheel, {took:.0f} s", **compared(python, SUITES[:3])}


def suites():
    "That Python's own tests with the standard module and with litsock: passed with both, passed only with the standard module."
    python = BUILD / "dev" / "bin" / "python"
    if not python.exists():
        python = environment("dev")
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "tqdm", "--editable", TOP, check=True)
    return compared(python, SUITES)


def compared(python, names):
    "Tests of Python's own, with both modules. The folder they start in has no litsock, so it is the installed one that is tested."
    found, only, known = {}, [], []
    for name in names:
        report = BUILD / f"{name}.json"
        report.unlink(missing_ok=True)
        try:
            run(python, "-c", COMPARE, name, report, cwd=TOP / "tests", timeout=HOURS)
            both, failures, deviations, broken = json.loads(report.read_text())
            found[name] = f"cannot be run: {broken}" if broken else [both, len(failures) + len(deviations)]
            only, known = [*only, *failures], [*known, *deviations]
        except (subprocess.TimeoutExpired, FileNotFoundError):
            found[name] = "did not end"
    more = [f"and {len(only) - MOST_NAMES} more"] if len(only) > MOST_NAMES else []
    return {"suites": found, "only standard": only[:MOST_NAMES] + more, "known": known}


def main(report, *steps):
    os.chdir(TOP)
    BUILD.mkdir(exist_ok=True)
    version = sys.version.split()[0] + (" free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else "")
    result = {"python": f"{sys.implementation.name} {version}"}
    if sys.implementation.name == "pypy":
        result["python"] = "PyPy {}.{}.{} (Python {})".format(*sys.pypy_version_info[:3], version)
    if MACHINE != "x86_64":
        result["python"] += f", {MACHINE}"
    for step in steps or ("install", "tests", "suites"):
        try:
            result |= {"install": install, "tests": tests, "suites": suites, "make": make, "wheel": wheel}[step]()
        except subprocess.CalledProcessError as error:
            result[step] = result["failed"] = f"{step}: {' '.join(map(str, error.cmd))[-200:]}"
        Path(report).write_text(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
