"""What happens to a cell or a test that needs what the machine lacks. Machines differ, so pytest runs in a folder of its own,
where somebody needs a unicorn."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as xml
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

TOP = Path(__file__).resolve().parents[1]
UNICORN = '\n\nOTHERS["unicorn"] = (lambda: False, "needs a unicorn")\n'


def cell(source: str, shown: str = "", *tags: str) -> Any:
    "A cell, with the value it showed when it was stored."
    outputs = [new_output("execute_result", {"text/plain": shown}, execution_count=None)] if shown else []
    return new_code_cell(source, outputs=outputs, metadata={"tags": list(tags)} if tags else {})


def run_pytest(folder: Path, *cells: Any, test: str = "", **environment: str) -> tuple[dict[str, list[str]], str]:
    "Run a notebook and a test file under the project's conftest.py: the words for each outcome, and all that pytest said."
    (folder / "conftest.py").write_text((TOP / "conftest.py").read_text() + UNICORN)
    (folder / "test_x.py").write_text(test)
    nbformat.write(new_notebook(cells=list(cells)), folder / "page.ipynb")
    around = {name: value for name, value in os.environ.items() if name != "LITSOCK_VM"} | {"PYTHONPATH": str(TOP)} | environment
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "--rootdir", folder]
    said = subprocess.run([*command, "-c", os.devnull, "--junitxml=report.xml", folder], cwd=folder, env=around, capture_output=True, text=True)
    outcomes: dict[str, list[str]] = {"passed": [], "skipped": [], "failure": []}
    if (folder / "report.xml").exists():
        for case in xml.parse(folder / "report.xml").iter("testcase"):
            what = next((element for element in case if element.tag in outcomes), None)
            outcomes["passed" if what is None else what.tag].append(case.get("name", "") if what is None else what.get("message", ""))
    return outcomes, said.stdout + said.stderr


PAGE = (
    cell("found = 'a horse'\nfound", "'a horse'"),
    cell("found = 'a unicorn'\nfound", "'this is never compared'", "needs-unicorn"),
    cell("found", "'a horse'"),
)
TEST = "import pytest\n\n@pytest.mark.needs('AF_UNIX', 'unicorn')\ndef test_it(): raise AssertionError\n"


@pytest.fixture
def missing(pytestconfig: pytest.Config) -> Any:
    "The function of the project's conftest.py that knows what the machine lacks."
    return pytestconfig.pluginmanager.get_plugin(str(TOP / "conftest.py")).missing


def test_what_needs_it_is_skipped_and_the_others_run_on(tmp_path: Path) -> None:
    outcomes, said = run_pytest(tmp_path, *PAGE, test=TEST)
    assert outcomes == {"passed": ["Cell 0", "Cell 2"], "skipped": ["needs a unicorn"] * 2, "failure": []}, said


def test_in_the_virtual_machine_nothing_is_skipped(tmp_path: Path) -> None:
    outcomes, said = run_pytest(tmp_path, *PAGE, test=TEST, LITSOCK_VM="1")
    assert outcomes["passed"] == ["Cell 0"] and not outcomes["skipped"] and len(outcomes["failure"]) == 3, said


def test_a_need_that_nobody_knows_ends_the_run(tmp_path: Path) -> None:
    outcomes, said = run_pytest(tmp_path, cell("1", "1", "needs-AF_CNA"))
    assert not any(outcomes.values())
    assert "nobody knows how to look for 'AF_CNA'" in said and "Traceback" not in said


@pytest.mark.parametrize("typo", ["AF_CNA", "CAN_BMC", "IPPROTO_TCP", "rooot", ""])
def test_what_nobody_knows_is_not_taken_for_missing(missing: Any, typo: str) -> None:
    with pytest.raises(pytest.UsageError, match=f"'{typo}'"):
        missing(typo)


@pytest.mark.parametrize("need", ["AF_UNIX", "AF_INET", "AF_NETLINK"])
def test_what_every_linux_has_is_not_missing(missing: Any, need: str) -> None:
    assert missing(need) is None


def test_what_no_linux_has_any_more_is_missing(missing: Any) -> None:
    assert missing("AF_IRDA") == "needs AF_IRDA (not in this kernel)"
