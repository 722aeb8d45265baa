"""What can be known of Windows on another system: the tables that the package has for it are what the tools make.

Everything else runs there: `make test-windows`.
"""

import runpy
import select
import shutil
import sys
from pathlib import Path

import pytest
from processes import python

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


@pytest.mark.needs("windows")
def test_names_come_in_the_code_page_of_windows():
    from litsock.kernel import winsock

    new, name = winsock.ffi.new, "München".encode("mbcs")
    kept = [new("char[]", name), new("char[]", name), new("char[4]", bytes([127, 0, 0, 1]))]
    aliases, addresses = new("char *[]", [kept[1], winsock.ffi.NULL]), new("char *[]", [kept[2], winsock.ffi.NULL])
    entry = new("struct hostent *", [kept[0], aliases, litsock.AF_INET, 4, addresses])
    assert winsock.host_fields(entry) == (0, (name.decode("mbcs").encode(), [name.decode("mbcs").encode()], litsock.AF_INET, [bytes([127, 0, 0, 1])]))


@pytest.mark.needs("windows")
def test_a_trace_names_every_error():
    with litsock.trace() as calls:
        with pytest.raises(OSError):
            litsock.if_indextoname(2**31 - 1)
        with pytest.raises(OSError):
            litsock.gethostbyaddr("192.0.2.77")
    assert calls.records[0].error == "1168"  # ERROR_NOT_FOUND, for which Python has no name
    assert calls.records[-1].error in ("WSAHOST_NOT_FOUND", "WSATRY_AGAIN", "WSANO_RECOVERY", "WSANO_DATA")


@pytest.mark.needs("windows")
def test_the_lower_module_has_no_socketpair():
    assert not hasattr(litsock._socket, "socketpair")


@pytest.mark.parametrize("words, said", [
    (["telephone"], "no such test: telephone"), (["--own", "tests/test_telephone.py"], "no such test: tests/test_telephone.py"),
    (["--telephone"], "unrecognized arguments: --telephone"), (["--write"], "--write goes with --page"), (["--page", "--record"], "not allowed with"),
    (["--wheel", "telephone.whl"], "no such file: telephone.whl"), (["--quick", "test_ssl"], "names of tests stand alone"), (["--own", "--", "-V"], "-- stands alone"),
], ids=str)  # fmt: skip
def test_the_tool_says_what_is_wrong_with_its_command_line(words, said):
    status, output, complaint = python(TOOL.parent, *words)
    assert (status, output) == (2, "") and said in complaint.splitlines()[-1]


def test_the_tool_has_a_help():
    status, output, complaint = python(TOOL.parent, "--help")
    assert (status, complaint) == (0, "") and "--wheel FILE" in output and "test_selectors" in output


def test_a_simulated_network_says_that_there_is_none(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(NotImplementedError, match="a simulated network has Linux's kernel, with Linux's numbers: there is none on Windows"):
        litsock.Network()
