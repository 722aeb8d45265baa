"""Ends the run of the tests with tables: the conformance run, and the programs that ran on litsock."""
from contextlib import ExitStack

import pytest

from common import descriptors
from conformance.run import summary

VERDICTS, PROGRAMS = pytest.StashKey[list](), pytest.StashKey[dict]()


@pytest.fixture
def no_leak():
    """When the test has ended, the descriptors that were open before are open, and no others."""
    before = descriptors()
    yield
    assert descriptors() == before


@pytest.fixture
def keep():
    """Closes in the end what it is given."""
    with ExitStack() as stack:
        yield stack.enter_context


@pytest.fixture
def pair(keep):
    """Two of litsock's sockets that are connected to each other."""
    import litsock

    return tuple(map(keep, litsock.socketpair()))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """A folder with the certificate of an authority, and one for localhost with its key."""
    import trustme

    folder, authority = tmp_path_factory.mktemp("certificates"), trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    return folder


@pytest.fixture
def verdicts(pytestconfig):
    """What the conformance tests have found so far, a verdict for each module."""
    return pytestconfig.stash.setdefault(VERDICTS, [])


@pytest.fixture
def programs(pytestconfig):
    """What became of the programs so far: name -> what it does, the classes of its sockets, the result."""
    return pytestconfig.stash.setdefault(PROGRAMS, {})


def table(programs):
    """A line for each program."""
    rows = [("program", "result", "what it does", "sockets")]
    rows += [(name, row["result"], row["does"], row["sockets"]) for name, row in programs.items()]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def pytest_terminal_summary(terminalreporter, config):
    if found := config.stash.get(VERDICTS, []):
        terminalreporter.section("conformance: CPython's own tests, standard module and litsock")
        for line in summary(found): terminalreporter.write_line(line)
    if ran := config.stash.get(PROGRAMS, {}):
        terminalreporter.section("programs that nobody changed, on litsock")
        for line in table(ran): terminalreporter.write_line(line)
