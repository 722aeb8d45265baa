"""Ends the run of the tests with tables: the conformance run, and the programs that ran on litsock."""
import pickle
import shutil
import subprocess
from contextlib import ExitStack
from importlib.util import find_spec

import pytest
from hypothesis import settings

from common import descriptors
from conformance.run import summary

settings.register_profile("litsock", deadline=None)  # a machine may be busy with other things
settings.load_profile("litsock")
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
    folder = tmp_path_factory.mktemp("certificates")
    make = certificates_of_trustme if find_spec("trustme") else certificates_of_openssl
    make(folder)
    return folder


def certificates_of_trustme(folder):
    """The package that `[dev]` installs."""
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")


def certificates_of_openssl(folder):
    """The program, where that package cannot be installed: on PyPy, for which the package cryptography has no wheels."""
    if not shutil.which("openssl"):
        pytest.skip("needs the package trustme, or the program openssl")
    names = ["authority.key", "authority.pem", "server.key", "request.pem", "chain.pem"]
    key, authority, server, request, chain = (folder / name for name in names)
    (extensions := folder / "extensions").write_text("subjectAltName = DNS:localhost\nauthorityKeyIdentifier = keyid\n")
    new = "openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"
    for line in (
        [*new, "-x509", "-days", "2", "-subj", "/CN=authority", "-addext", "keyUsage = critical, keyCertSign", "-keyout", key, "-out", authority],
        [*new, "-subj", "/CN=localhost", "-keyout", server, "-out", request],
        ["openssl", "x509", "-req", "-days", "2", "-in", request, "-CA", authority, "-CAkey", key, "-extfile", extensions, "-out", chain],
    ):
        subprocess.run(line, check=True, capture_output=True)
    (folder / "server.pem").write_bytes(server.read_bytes() + chain.read_bytes())


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


def pytest_sessionfinish(session):
    """A process that pytest-xdist has started prints nothing: it sends what its tests found."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["found"] = pickle.dumps((config.stash.get(VERDICTS, []), config.stash.get(PROGRAMS, {})))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Such a process has ended."""
    if sent := getattr(node, "workeroutput", {}).get("found"):
        verdicts, programs = pickle.loads(sent)
        node.config.stash.setdefault(VERDICTS, []).extend(verdicts)
        node.config.stash.setdefault(PROGRAMS, {}).update(programs)


def pytest_terminal_summary(terminalreporter, config):
    if found := config.stash.get(VERDICTS, []):
        terminalreporter.section("conformance: CPython's own tests, standard module and litsock")
        for line in summary(found): terminalreporter.write_line(line)
    if ran := config.stash.get(PROGRAMS, {}):
        terminalreporter.section("programs that nobody changed, on litsock")
        for line in table(ran): terminalreporter.write_line(line)
