"""The page that says where litsock was installed and tested, from what `make test-anywhere` left in docs/anywhere.json."""

import json
from pathlib import Path

RESULTS = Path(__file__).with_name("anywhere.json")
SUITES = "test_socket", "test_timeout", "test_selectors", "test_ssl", "test_asyncio"


def write(target: Path) -> None:
    "The page."
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    table = "\n".join(map(line, found.values())) or "| nothing yet" + " | " * (len(HEAD) - 1) + " |"
    head = f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}"
    target.write_text(f"{BEFORE}\n:::{{container}} mapping\n{head}\n{table}\n:::\n{differences(found.values())}", encoding="utf-8")


HEAD = "Python", "installed", "litsock's own tests", *(f"`{name}`" for name in SUITES), "date", "commit"
BEFORE = """# Where it runs

Each row is one Python, on a machine that had nothing but a minimal Debian, or where no Debian has that Python, on the
developers' machine. litsock was installed there as an ordinary user would, then its own tests ran (passed, skipped, failed), and
then the tests that came with that Python, with litsock in the place of `socket`: those that passed with both modules, and after
the slash those that passed with the standard module alone. `make test-anywhere` does it again.
"""


def line(result):
    "A row of the table."
    own = result.get("tests", "–")
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
    lines = [f"- {result['python']}: {', '.join(result['without'])}" for result in results if result.get("without")]
    return text + ("\n## Tested without\n\nThese packages, which some tests use, could not be had there:\n\n" + "\n".join(lines) + "\n" if lines else "")
