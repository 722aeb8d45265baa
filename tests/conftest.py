"""Ends the run of the tests with the table of the conformance run."""
import pytest

from conformance.run import summary

VERDICTS = pytest.StashKey[list]()


@pytest.fixture
def verdicts(pytestconfig):
    """What the conformance tests have found so far, a verdict for each module."""
    return pytestconfig.stash.setdefault(VERDICTS, [])


def pytest_terminal_summary(terminalreporter, config):
    if not (found := config.stash.get(VERDICTS, [])): return
    terminalreporter.section("conformance: CPython's own tests, standard module and litsock")
    for line in summary(found): terminalreporter.write_line(line)
