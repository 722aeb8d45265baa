"""What can be known of Windows on another system: the tables that the package has for it are what the tools make.

Everything else runs there: `make test-windows`.
"""

import runpy
import select
import shutil
from pathlib import Path

import pytest

import litsock
from litsock import happy_eyeballs
from litsock.constant_names import GROUPS as NAMES
from litsock.kernel import contract
from litsock.kernel.windows_constants import GROUPS

TOOL = Path(__file__).resolve().parents[1] / "tools" / "windows" / "constants.py"


@pytest.mark.skipif(not shutil.which("x86_64-w64-mingw32-gcc"), reason="needs a compiler for Windows (Debian: gcc-mingw-w64-x86-64-win32)")
def test_the_constants_are_those_of_the_headers():
    assert GROUPS == runpy.run_path(str(TOOL))["table"]()


def test_every_constant_is_of_the_list_and_stands_in_its_group():
    listed = [[*members] for _, members in NAMES.values()]
    listed = [*listed[:4], [name for group in listed[4:] for name in group]]
    assert [set(group) - set(names) for group, names in zip(GROUPS, listed, strict=True)] == [set()] * 5


def test_winsock_has_a_function_for_every_call():
    winsock = pytest.importorskip("litsock.kernel.winsock", reason="needs CFFI")
    assert [name for name in contract.CALLS if not callable(getattr(winsock, name, None))] == []


def test_connecting_to_several_addresses_works_without_poll(monkeypatch):
    monkeypatch.delattr(select, "poll", raising=False)
    with litsock.create_server(("127.0.0.1", 0)) as closed, litsock.create_server(("127.0.0.1", 0)) as server:
        refusing = closed.getsockname()
        closed.close()
        entries, errors = [(litsock.AF_INET, litsock.SOCK_STREAM, 0, "", address) for address in (refusing, server.getsockname())], []
        with happy_eyeballs.race(litsock.socket, entries, 5, None, 0.1, errors) as sock:
            assert sock.getpeername() == server.getsockname()
        assert [type(error) for error in errors] == [ConnectionRefusedError]
        assert happy_eyeballs.race(litsock.socket, entries[:1], 5, None, 0.1, errors) is None
