"""The page that says where litsock was installed and tested, and with which packages: from what `make test-anywhere` left in
docs/anywhere.json, `make wheels` in docs/wheels.json, `make test-suites` in tests/suites.json, and docs/test_browser.py in docs/browser.json."""

import json
from pathlib import Path

RESULTS = Path(__file__).with_name("anywhere.json")
WINDOWS = RESULTS.with_name("windows.json")
BROWSER = RESULTS.with_name("browser.json")
WHEELS = Path(__file__).with_name("wheels.json")
PACKAGES = Path(__file__).resolve().parent.parent / "tests" / "suites.json"
SUITES = "test_socket", "test_timeout", "test_selectors", "test_ssl", "test_asyncio"


def write(target: Path) -> None:
    "The page."
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    table = "\n".join(map(line, found.values())) or "| nothing yet" + " | " * (len(HEAD) - 1) + " |"
    head = f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}"
    target.write_text(f"{BEFORE}\n:::{{container}} mapping\n{head}\n{table}\n:::\n{differences(found.values())}\n{newcomer(found.values())}\n{windows()}\n{browser()}\n{wheels()}\n{packages()}", encoding="utf-8")


HEAD = "Python", "installed", "litsock's own tests", *(f"`{name}`" for name in SUITES), "date", "commit"
BEFORE = """# Where it runs

Each row is one Python, on a machine that had nothing but a minimal Debian, or where no Debian has that Python, on the
developers' machine. litsock was installed there as an ordinary user would, then its own tests ran (passed, skipped, failed), and
then the tests that came with that Python, with litsock in the place of `socket`: those that passed with both modules, and after
the slash those that passed with the standard module alone. `make test-anywhere` does it again.
"""


def line(result):
    "A row of the table."
    own = result.get("tests", f"not finished: {result['failed']}" if "failed" in result else "–")
    own = "{} passed, {} skipped, {} failed".format(*own) if isinstance(own, list) else own
    cells = [result.get("python", "–"), result.get("install", "–"), own]
    for name in SUITES:
        got = result.get("suites", {}).get(name, "–")
        cells.append("{} / {}".format(*got) if isinstance(got, list) else got)
    return "| " + " | ".join([*cells, result.get("date", "–"), f"`{result.get('commit', '–')}`"]) + " |"


def differences(results):
    "The tests that litsock fails and the standard module passes, and what could not be installed."
    lines = []
    for result in results:
        if names := result.get("only standard"):
            lines.append(f"- {result['python']}: " + ", ".join(f"`{name.removeprefix('test.')}`" for name in names))
    text = "\n## Passed by the standard module alone\n\n" + "\n".join(lines) + "\n" if lines else ""
    if known := [f"- {result['python']}: {len(result['known'])}" for result in results if result.get("known")]:
        text += "\nNot counted among them, because [litsock differs there on purpose](differences.md):\n\n" + "\n".join(known) + "\n"
    lines = [f"- {result['python']}: {', '.join(result['without'])}" for result in results if result.get("without")]
    return text + ("\n## Tested without\n\nThese packages, which some tests use, could not be had there:\n\n" + "\n".join(lines) + "\n" if lines else "")


def windows():
    "What `make test-windows` found."
    found = json.loads(WINDOWS.read_text(encoding="utf-8"))
    suites, own = found["suites"], found["own"]
    rows = [f"| `{name}` | {suite['passed']} / {len(suite['only standard'])} | {suite['date']} | `{suite['commit']}` |" for name, suite in suites.items()]
    alone = ", ".join(f"`{name.removeprefix('test.')}`" for suite in suites.values() for name in suite["only standard"]) or "none"
    ran = own["passed"] + own["failed"] + own["hangs"]
    return "\n".join([
        f"## With Windows' Python\n\n{found['python']} for Windows under {found['wine']}: the tests that came with that "
        "Python, as above. Nobody has tried it on Windows itself. `make test-windows` does it again.\n",
        "| tests | both / the standard module alone | date | commit |", "|---|---|---|---|", *rows, "",
        f"The standard module alone passes: {alone}. Not counted, because [litsock differs there on purpose](differences.md): {sum(len(suite['known']) for suite in suites.values())}.\n",
        f"Of the project's own tests, {ran} ran there ({own['date']}, commit `{own['commit']}`) and {own['passed']} passed; {own['skipped']} more were skipped, because something that "
        "they need is not there. The list of those that are left out, with the reasons, is in `tools/windows/own.py`.\n",
    ])  # fmt: skip


def browser():
    "Which pages run in a browser."
    found = json.loads(BROWSER.read_text(encoding="utf-8"))
    rows = [f"| [{name}]({name}.ipynb) | {run} | {marked} |" for name, (run, marked, *_) in found["pages"].items()]
    return "\n".join([
        f"## In a browser\n\nThe button *Run this page here* opens these pages in JupyterLite, {found['date']}. A cell either runs, or says why it cannot there; "
        f"none fails. {found['seen']}\n",
        "| page | cells that run | cells that say why not |", "|---|--:|--:|", *rows, "",
    ])  # fmt: skip


def newcomer(results):
    "How long it takes whoever types make run and make test on a bare machine."
    lines = [f"- {result['python']}: " + ", ".join(f"`{target}` {took}" for target, took in result["make"].items()) for result in results if "make" in result]
    return "\n".join(["## A bare machine", "", "From a fresh clone, with the installation of all that each needs:", "", *lines, ""]) if lines else ""


def wheels():
    "How large the wheels are."
    if not WHEELS.exists():
        return ""
    found = json.loads(WHEELS.read_text(encoding="utf-8"))
    lines = [
        f"| {name} | {made['wheel']} | {made['_fast']} | {made.get('_native', '–')} | {made['glibc']} | {made['date']} |" for name, made in found.items()
    ]
    return "\n".join([SIZES, *lines, ""])


SIZES = """## Wheels

What `make wheels` makes, in KiB: the wheel, with the chapters of the book in it, and of its contents what is compiled. Each runs with
the C library given or a later one.

| Python and processor | wheel | socket type in C | functions for CFFI | glibc | date |
|---|--:|--:|--:|---|---|"""

COLUMNS = {  # title: what stands in tests/suites.json
    "package": "name", "version": "version", "Python": "python", "passed": "passed", "skipped": "skipped",
    "fail with the standard module": "not with the standard module", "fail with litsock alone": "failed", "date": "date",
}


def packages():
    "The test suites of other packages."
    found = json.loads(PACKAGES.read_text(encoding="utf-8"))["suites"]
    rows = [{"name": name, **suite, "failed": len(suite["failed"]) + len(suite["with a reason"])} for name, suite in sorted(found.items())]
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|---|---|--:|--:|--:|--:|---|"]
    lines += ["| " + " | ".join(str(row[key]) for key in COLUMNS.values()) + " |" for row in rows]
    known = [f"- {name}: `{test}` {why}" for name, suite in sorted(found.items()) for test, why in suite["with a reason"].items()]
    unknown = [f"- {name}: `{test}`, and nobody knows why yet" for name, suite in sorted(found.items()) for test in suite["failed"]]
    return "\n".join([OTHERS, ":::{container} mapping", *lines, ":::\n", *known, *unknown, ""])


OTHERS = """## Other packages' tests

The test suites that packages bring along, each run twice: with the standard module, and with litsock in its place. What passes
with the one should pass with the other. `make test-suites` does it again.
"""
