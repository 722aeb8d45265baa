"""The test suites that packages from PyPI bring along: what passes with the standard module passes with litsock in its place.

    python tools/suites                   # all of suites.toml, in an environment of their own under build/suites
    python tools/suites --quick           # those that fit into a few minutes
    python tools/suites tornado trio      # these
    python tools/suites tornado -k ssl    # of one suite the tests that pytest chooses so

A test that passes with the standard module and not with litsock is run again, alone, before it counts. What counts and has no
reason in suites.toml is a failure. What came of a whole suite goes into tests/suites.json, which the site shows.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import tomllib
import xml.etree.ElementTree as xml
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
BUILD = TOP / "build" / "suites"
PYTHON = BUILD / "env" / "bin" / "python"
RULES = tomllib.loads((HERE / "suites.toml").read_text(encoding="utf-8"))
RESULT = TOP / "tests" / "suites.json"
RETRIES = 2  # how often a test that fails with litsock only is run again, alone
TOO_MANY = 20  # more than this are no accident, and are not run again
MISLEADING = re.compile(r"PYTHON.*|LITSOCK.*|.*_proxy|PYTEST.*", re.IGNORECASE)
IN_PLACE = '''import os
if "LITSOCK_IN_PLACE" in os.environ:
    import litsock
    litsock.install()
'''  # a start-up file of the environment, so that programs which the tests start have litsock too


@dataclass
class Outcome:
    """What came of a suite."""

    version: str
    passed: int = 0  # with both
    skipped: int = 0  # with both
    neither: int = 0  # fail with the standard module
    again: list[str] = field(default_factory=list)  # pass with litsock when they run alone
    reasons: dict[str, str] = field(default_factory=dict)  # fail with litsock: why that is right
    failed: list[str] = field(default_factory=list)  # fail with litsock, and nobody knows why
    seconds: list[int] = field(default_factory=list)  # with the standard module, with litsock


def pip(*words: str) -> None:
    """Run pip in the environment; it says something only when it fails."""
    command = [str(PYTHON), "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"pip {' '.join(words)}:\n{done.stderr[-3000:]}")


def prepare(names: list[str]) -> None:
    """Make the environment, and what these suites need in it. What is there already stays."""
    wanted = [*RULES["environment"]]
    for name in names:
        wanted += [RULES["suites"][name]["package"], *RULES["suites"][name].get("also", [])]
    stamp = BUILD / "installed.json"
    if not PYTHON.exists():
        print("== making build/suites/env", flush=True)
        subprocess.run([sys.executable, "-m", "venv", BUILD / "env"], check=True)
    have = json.loads(stamp.read_text()) if stamp.exists() else []
    if missing := [each for each in wanted if each not in have]:
        print("== installing", ", ".join(missing), flush=True)
        pip("install", *missing)
        stamp.write_text(json.dumps(sorted({*have, *missing})))
    libraries = next((BUILD / "env" / "lib").glob("python3*")) / "site-packages"
    (libraries / "sitecustomize.py").write_text(IN_PLACE)


def folder_of(name: str) -> Path:
    """Where a suite runs: beside its tests out of the source package, or in an empty folder."""
    suite = RULES["suites"][name]
    folder = BUILD / "run" / name
    inner = folder / suite.get("folder", suite.get("source", ""))
    if folder.exists():
        return inner
    folder.mkdir(parents=True)
    if "source" not in suite:
        (folder / "pytest.ini").write_text("[pytest]\n")
        return folder
    project, _, version = suite["package"].partition("==")
    print("== source package of", project, version, flush=True)
    pip("download", "--no-deps", "--no-binary", project, "--dest", str(BUILD / "src"), suite["package"])
    (archive,) = (BUILD / "src").glob(f"{project}-{version}.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (inside,) = folder.iterdir()
    for path in inside.iterdir():
        if path.name == suite["source"] or path.suffix in (".toml", ".cfg", ".ini") or path.name in ("dummyserver", "conftest.py"):
            shutil.move(path, folder / path.name)
    shutil.rmtree(inside)
    return inner


def log_of(name: str, litsock: bool) -> Path:
    """What a suite has printed with one of the modules."""
    return BUILD / f"{name}-{'litsock' if litsock else 'socket'}.log"


def environment(litsock: bool) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not MISLEADING.fullmatch(name)}
    return kept | ({"PYTHONPATH": str(TOP), "LITSOCK_IN_PLACE": "1"} if litsock else {})


def run(name: str, litsock: bool, tests: list[str], options: list[str], limit: int) -> dict[str, str]:
    """Run tests, in one process or, of a suite that patches the interpreter, each module in its own: what came of each."""
    if not RULES["suites"][name].get("apart"):
        return run_together(name, litsock, tests, options, limit)
    found, until = {}, time.monotonic() + limit
    for module in tests:
        if (left := until - time.monotonic()) > 0:
            more = run_together(name, litsock, ["--pyargs", module], options, round(left))
            found |= {f"{module}{test[test.index('::'):]}": what for test, what in more.items()}
    return found


def run_together(name: str, litsock: bool, tests: list[str], options: list[str], limit: int) -> dict[str, str]:
    """Run tests in one process: what came of each, `passed`, `skipped` or what was wrong."""
    folder, report = folder_of(name), BUILD / f"{name}.xml"
    report.unlink(missing_ok=True)
    command = [str(PYTHON), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-o", "addopts=", "-W", "default", "--tb=native", "-o", "junit_family=xunit1"]
    command += [f"--rootdir={BUILD / 'run' / name}", f"--confcutdir={BUILD / 'run' / name}", *RULES["suites"][name].get("options", [])]
    command += [f"--timeout={RULES['seconds_per_test']}", f"--junitxml={report}", *options, *tests]
    with open(log_of(name, litsock), "ab") as log:
        child = subprocess.Popen(command, cwd=folder, env=environment(litsock), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            child.wait(limit)
        except subprocess.TimeoutExpired:
            print(f"{name}: not at its end after {limit} s", flush=True)
        finally:
            try:
                os.killpg(child.pid, signal.SIGKILL)  # what the tests have started and left
            except ProcessLookupError:
                pass
            child.wait()
    return outcomes(report) if report.exists() else {}


def outcomes(report: Path) -> dict[str, str]:
    """Each test of a report of pytest's, by class and name."""
    found = {}
    for case in xml.parse(report).iter("testcase"):
        wrong = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        name = f"{case.get('file', '').rpartition('site-packages/')[2]}::{(case.get('classname') or '').rpartition('.')[2]}::{case.get('name')}"
        if wrong is None:
            found.setdefault(name, "passed")
        else:
            found[name] = "skipped" if wrong.tag == "skipped" else (wrong.get("message") or wrong.tag)[:300]
    return found


def reason(name: str, test: str) -> str | None:
    """Why a test may fail with litsock."""
    for rule in RULES.get("reason", []):
        if rule["suite"] == name and fnmatchcase(test, rule["test"]):
            return rule["why"]
    return None


def passes_alone(name: str, tests: list[str], test: str, limit: int) -> bool:
    """Whether a test passes when only tests of its name are run."""
    word = re.split(r"\W", test.rpartition("::")[2])[0]
    return any(run(name, True, tests, ["-k", word], limit).get(test) == "passed" for _ in range(RETRIES))


def compare(name: str, options: list[str]) -> Outcome:
    """Run a suite with both modules."""
    suite, limit = RULES["suites"][name], RULES["seconds_per_suite"]
    outcome, sides = Outcome(suite["package"].partition("==")[2]), []
    for litsock in (False, True):
        began = time.monotonic()
        log_of(name, litsock).unlink(missing_ok=True)
        sides.append(run(name, litsock, suite["tests"], options, limit))
        outcome.seconds.append(round(time.monotonic() - began))
        counts = Counter(each if each in ("passed", "skipped") else "failed" for each in sides[-1].values())
        print(f"{name} with {'litsock' if litsock else 'socket'}: {dict(counts)}, {outcome.seconds[-1]} s", flush=True)
    standard, ours = sides
    if not any(each == "passed" for each in standard.values()):
        outcome.failed.append("nothing passes with the standard module: see build/suites/" + name + "-socket.log")
    suspects = [test for test, found in standard.items() if found == "passed" and ours.get(test) != "passed"]
    outcome.passed = sum(found == "passed" == ours.get(test) for test, found in standard.items())
    outcome.skipped = sum(found == "skipped" for found in standard.values())
    outcome.neither = sum(found not in ("passed", "skipped") for found in standard.values())
    for test in suspects:
        if why := reason(name, test):
            outcome.reasons[test] = why
        elif len(suspects) <= TOO_MANY and passes_alone(name, suite["tests"], test, limit):
            outcome.again.append(test)
        else:
            outcome.failed.append(f"{test}: {ours.get(test, 'did not run')}")
    return outcome


def shown(found: dict[str, Outcome]) -> list[str]:
    """A table, and what there is to say beside it."""
    rows = [("suite", "version", "passed", "skipped", "not with socket", "alone", "with a reason", "failed", "seconds")]
    for name, each in found.items():
        numbers = each.passed, each.skipped, each.neither, len(each.again), len(each.reasons), len(each.failed)
        rows.append((name, each.version, *map(str, numbers), " / ".join(map(str, each.seconds))))
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    for name, each in found.items():
        lines += [f"{name}: {test}: {why}" for test, why in each.reasons.items()] + [f"FAILED {name}: {test}" for test in each.failed]
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/suites", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", help="names in suites.toml; all of them if none is named")
    parser.add_argument("--quick", action="store_true", help="only those that are marked as quick")
    parser.add_argument("-k", dest="chosen", help="pytest's choice of tests by name")
    asked = parser.parse_args()
    if unknown := set(asked.suites) - set(RULES["suites"]):
        parser.error(f"not in suites.toml: {', '.join(sorted(unknown))}")
    names = asked.suites or [name for name, suite in RULES["suites"].items() if not asked.quick or suite.get("quick")]
    BUILD.mkdir(parents=True, exist_ok=True)
    prepare(names)
    found = {}
    for at, name in enumerate(names):
        print(f"== {name}, {at + 1} of {len(names)}", flush=True)
        found[name] = compare(name, ["-k", asked.chosen] if asked.chosen else [])
        if not asked.chosen and not asked.quick:
            keep(name, found[name])
    print(*shown(found), sep="\n")
    return any(each.failed for each in found.values())


def keep(name: str, found: Outcome) -> None:
    """Write what came of a suite to the file that the site shows. The others keep what was found the last time."""
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {"suites": {}}
    kept["suites"][name] = {
        "date": datetime.date.today().isoformat(), "version": found.version, "python": platform.python_version(), "passed": found.passed, "skipped": found.skipped,
        "not with the standard module": found.neither, "passed alone": len(found.again), "with a reason": found.reasons, "failed": found.failed,
    }  # fmt: skip
    kept["suites"] = dict(sorted(kept["suites"].items()))
    RESULT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
