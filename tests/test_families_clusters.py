"""TIPC, RDS, virtual sockets and QRTR: the codecs on any bytes, against the headers, and beside the standard module."""

import os
import shutil
import socket
import struct
import subprocess
import sys
from contextlib import ExitStack

import pytest
from common import PYPY
from hypothesis import given, settings
from hypothesis import strategies as st
from test_families_links import MANY, outcome

import litsock
from litsock.families import CODECS, codec_for, unpack
from litsock.families.clusters import Qipcrtr, Tipc, Vsock

FEWER = settings(MANY, max_examples=MANY.max_examples // 10)
TIPC, VSOCK, QIPCRTR = Tipc(), Vsock(), Qipcrtr()
NUMBERS = st.integers(-(2**40), 2**40)
NAMESEQ, NAME, ID = litsock.TIPC_ADDR_NAMESEQ, litsock.TIPC_ADDR_NAME, litsock.TIPC_ADDR_ID
U32 = 2**32
pytestmark = pytest.mark.usefixtures("no_leak")


# Any bytes


@MANY
@given(st.binary(max_size=32))
def test_any_bytes_unpack_or_are_refused(raw):
    raw = raw[:2] + raw[2:3].translate(bytes(value % 5 for value in range(256))) + raw[3:]  # TIPC has three types
    for codec in (TIPC, VSOCK, QIPCRTR):
        try:
            address = codec.unpack(raw)
        except ValueError:
            continue
        assert all(type(number) is int and 0 <= number < U32 for number in address)
        codec.pack(address)


@MANY
@given(st.binary(min_size=14, max_size=14))
def test_what_is_unpacked_packs_back(raw):
    one, two, three = struct.unpack_from("=3I", raw)
    kind, scope, body = (NAMESEQ, NAME, ID)[raw[12] % 3], raw[13:], raw[: 12 if raw[12] % 3 == 0 else 8].ljust(12, b"\0")
    numbers = {NAMESEQ: (one, two, three), NAME: (one, two, two), ID: (two, one, 0)}
    cases = [
        (TIPC, struct.pack("HB", socket.AF_TIPC, kind) + scope + body, numbers[kind]),
        (VSOCK, struct.pack("HH", socket.AF_VSOCK, 0) + raw[:8] + bytes(4), (two, one)),
        (QIPCRTR, struct.pack("HH", 42, 0) + raw[:8], (one, two)),
    ]
    for codec, whole, expected in cases:
        address = codec.unpack(whole)
        assert expected == (address[1:4] if codec is TIPC else address)
        assert codec.pack(address) == whole
        assert codec.unpack(whole + b"more") == address
    assert TIPC.unpack(cases[0][1])[4] == struct.unpack("b", scope)[0] % U32  # a signed byte


@FEWER
@given(st.sampled_from([NAMESEQ, NAME, ID]), NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_numbers_of_any_size_lose_their_upper_bits(kind, v1, v2, v3, scope):
    one, two, three, byte = v1 % U32, v2 % U32, v3 % U32, scope % 256
    assert TIPC.pack((kind, v1, v2, v3, scope)) == TIPC.pack((kind, one, two, three, byte))
    assert TIPC.pack((NAMESEQ, v1, v2, v3, scope)) == struct.pack("HBB3I", socket.AF_TIPC, NAMESEQ, byte, one, two, three)
    assert VSOCK.pack((v1, v2)) == struct.pack("HHII4x", socket.AF_VSOCK, 0, two, one)
    assert QIPCRTR.pack((v1, v2)) == struct.pack("HxxII", 42, one, two)


def test_tipc_scope_is_cluster_if_left_out():
    assert TIPC.pack((NAME, 1, 2, 3)) == TIPC.pack((NAME, 1, 2, 3, litsock.TIPC_CLUSTER_SCOPE))


@pytest.mark.parametrize(
    "codec, address", [(TIPC, (NAMESEQ, 1, 2, 3)), (VSOCK, (1, 2)), (QIPCRTR, (1, 2))], ids=["TIPC", "VSOCK", "QIPCRTR"]
)
def test_truncated(codec, address):
    raw = codec.pack(address)
    for size in range(12):
        with pytest.raises(ValueError, match="bytes"):
            codec.unpack(raw[:size])


def test_tipc_of_unknown_type():
    for kind in (0, 4, 255):
        with pytest.raises(ValueError, match="type"):
            TIPC.unpack(bytes([30, 0, kind, 0]) + bytes(12))


def test_codecs_are_found():
    assert isinstance(codec_for(litsock.AF_TIPC), Tipc)
    assert isinstance(codec_for(litsock.AF_VSOCK), Vsock)
    assert isinstance(codec_for(litsock.AF_QIPCRTR, 5), Qipcrtr)
    assert codec_for(litsock.AF_RDS) is CODECS[litsock.AF_INET]
    assert unpack(TIPC.pack((ID, 1, 2, 0, 0))) == (ID, 1, 2, 0, 0)


# The layout in the kernel's headers

STRUCTS = r"""
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/tipc.h>
#include <linux/vm_sockets.h>
#include <linux/qrtr.h>
#define SHOW(x) do { unsigned char *p = (void *)&x; for (unsigned i = 0; i < sizeof x; i++) printf("%02x", p[i]); puts(""); } while (0)
int main(void) {
    struct sockaddr_tipc range = {AF_TIPC, TIPC_SERVICE_RANGE, TIPC_NODE_SCOPE}, name = {AF_TIPC, TIPC_SERVICE_ADDR, -1};
    struct sockaddr_tipc id = {AF_TIPC, TIPC_SOCKET_ADDR, TIPC_CLUSTER_SCOPE};
    struct sockaddr_vm vm; struct sockaddr_qrtr qrtr;
    range.addr.nameseq.type = 0x01020304; range.addr.nameseq.lower = 0x05060708; range.addr.nameseq.upper = 0x090a0b0c;
    name.addr.name.name.type = 0x01020304; name.addr.name.name.instance = 0x05060708;
    id.addr.id.node = 0x01020304; id.addr.id.ref = 0x05060708;
    memset(&vm, 0, sizeof vm); vm.svm_family = AF_VSOCK; vm.svm_cid = 0x01020304; vm.svm_port = 0x05060708;
    memset(&qrtr, 0, sizeof qrtr); qrtr.sq_family = AF_QIPCRTR; qrtr.sq_node = 0x01020304; qrtr.sq_port = 0x05060708;
    SHOW(range); SHOW(name); SHOW(id); SHOW(vm); SHOW(qrtr);
}
"""


@pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler, cc")
def test_the_headers_lay_it_out_so(tmp_path):
    one, two, three = 0x01020304, 0x05060708, 0x090A0B0C
    subprocess.run(["cc", "-x", "c", "-", "-o", tmp_path / "show"], input=STRUCTS, text=True, check=True)
    shown = subprocess.run([tmp_path / "show"], capture_output=True, text=True, check=True).stdout.split()
    assert shown == [
        raw.hex()
        for raw in (
            TIPC.pack((NAMESEQ, one, two, three, litsock.TIPC_NODE_SCOPE)),
            TIPC.pack((NAME, one, two, three, -1)),
            TIPC.pack((ID, one, two, three)),
            VSOCK.pack((one, two)),
            QIPCRTR.pack((one, two)),
        )
    ]


# Bad addresses, with the standard module where the kernel can make the socket

PAIRS = [None, 5, "1", (), (1,), (1, 2, 3), ("1", 2), (1, None), (1.0, 2), (1, 2.5), [1, 2], (1, "99")]
WRONG = {
    "AF_VSOCK": PAIRS,
    "AF_QIPCRTR": PAIRS,
    "AF_TIPC": [
        None, 5, (), (2,), (2, 1, 1), (2, 1, 1, 0, 3, 0), ["2"], [2, 1, 1, 0], ("2", 1, 1, 0), (2, "1", 1, 0), (2, 1, None, 0),
        (2, 1, 1, 0.0), (2, 1, 1, 0, "3"), (0, 1, 1, 0), (4, 1, 1, 0), (-1, 1, 1, 0), (256 + 2, 1, 1, 0), (2**40, 1, 1, 0),
    ],
    "AF_RDS": [
        None, 5, "127.0.0.1", (), ("127.0.0.1",), ("127.0.0.1", 1, 2), ["127.0.0.1", 1], ("127.0.0.1", "1"), ("127.0.0.1", 1.0),
        ("127.0.0.1", -1), ("127.0.0.1", 65536), ("127.0.0.1", 2**40), (5, 1), (None, 1), ("a\0b", 1), ("::1", 1),
    ],
}
EXCEPTIONS = TypeError, OverflowError, OSError
KINDS = {"AF_VSOCK": "SOCK_STREAM", "AF_QIPCRTR": "SOCK_DGRAM", "AF_TIPC": "SOCK_RDM", "AF_RDS": "SOCK_SEQPACKET"}
CASES = [(name, address) for name, addresses in WRONG.items() for address in addresses]


def comparable(family):
    """The marks of a test that compares addresses of a family with the standard module's."""
    return pytest.mark.needs(family), pytest.mark.skipif(PYPY and family == "AF_VSOCK", reason="PyPy's module has no addresses of AF_VSOCK")


@pytest.mark.parametrize("name, address", CASES, ids=repr)
def test_a_wrong_address_is_refused(name, address):
    with pytest.raises(EXCEPTIONS) as caught:
        codec_for(getattr(litsock, name)).pack(address)
    assert str(caught.value)


@pytest.mark.parametrize(
    "name, address", [pytest.param(*case, marks=comparable(case[0])) for case in CASES], ids=repr
)
def test_a_wrong_address_as_the_standard_module(name, address):
    family = getattr(litsock, name)
    with (
        socket.socket(family, getattr(socket, KINDS[name])) as theirs,
        litsock.socket(family, getattr(litsock, KINDS[name])) as ours,
    ):
        for call in ("bind", "connect", "connect_ex"):
            assert kind_of(outcome(getattr(ours, call), address)) == kind_of(outcome(getattr(theirs, call), address))
        assert kind_of(outcome(lambda to: ours.sendto(b"", to), address)) == kind_of(
            outcome(lambda to: theirs.sendto(b"", to), address)
        )


def kind_of(result):
    """An exception by the name of its class: `gaierror` is a class of each module."""
    return result and (result[0].__name__, *result[1:])


# Right addresses on real sockets: what one module binds, the other reads alike


def both(stack, family, kind):
    """A socket of each module around the same descriptor."""
    ours = stack.enter_context(litsock.socket(family, kind))
    theirs = stack.enter_context(socket.socket(int(family), int(kind), fileno=os.dup(ours.fileno())))
    ours.settimeout(5)
    return ours, theirs


RIGHT = {
    "AF_TIPC": [
        (NAMESEQ, 18888, 0, 9), (NAMESEQ, 18888, 10, 19, litsock.TIPC_NODE_SCOPE), (NAME, 18888, 20, 0),
        (NAMESEQ, 18888, 5, 1), (NAME, 1, 1, 0), (NAMESEQ, 18888, 0, 9, 77), (NAMESEQ, 2**32 + 18889, 0, 0, 3),
    ],
    "AF_RDS": [("127.0.0.1", 0), ("localhost", 0), ("192.0.2.77", 0)],
    "AF_VSOCK": [(litsock.VMADDR_CID_ANY, litsock.VMADDR_PORT_ANY), (-1, -1), (77, 5000), (litsock.VMADDR_CID_ANY, 2**32 + 4321)],
    "AF_QIPCRTR": [(1, 0), (1, 77), (2**32 + 1, 0), (9, 0)],
}


@pytest.mark.parametrize(
    "name, address",
    [pytest.param(name, address, marks=comparable(name)) for name, addresses in RIGHT.items() for address in addresses],
    ids=repr,
)
def test_binding_comes_to_the_same(name, address):
    family, kind = getattr(litsock, name), getattr(litsock, KINDS[name])
    with socket.socket(int(family), int(kind)) as theirs:
        expected = outcome(theirs.bind, address)
    with ExitStack() as stack:
        ours, theirs = both(stack, family, kind)
        assert outcome(ours.bind, address) == expected
        assert ours.getsockname() == theirs.getsockname()


@pytest.mark.parametrize(
    "name, here",
    [
        pytest.param("AF_TIPC", (NAMESEQ, 18890, 0, 0, litsock.TIPC_NODE_SCOPE), marks=pytest.mark.needs("AF_TIPC")),
        pytest.param("AF_RDS", ("127.0.0.1", 0), marks=pytest.mark.needs("AF_RDS")),
        pytest.param("AF_QIPCRTR", (1, 0), marks=pytest.mark.needs("AF_QIPCRTR")),
    ],
)
def test_a_datagram_and_its_sender(name, here):
    """Each module sends to the other, and both name the sender alike."""
    family, kind = getattr(litsock, name), getattr(litsock, KINDS[name])
    with ExitStack() as stack:
        (one, one_std), (other, other_std) = both(stack, family, kind), both(stack, family, kind)
        one.bind(here)
        if name != "AF_TIPC":
            other.bind(here)
        one_std.settimeout(5)
        to = (NAME, 18890, 0, 0) if name == "AF_TIPC" else one.getsockname()
        other.sendto(b"from litsock", to)
        data, address = one_std.recvfrom(100)
        assert (data, address) == (b"from litsock", other_std.getsockname())
        other_std.sendto(b"from socket", to)
        assert one.recvfrom(100) == (b"from socket", other.getsockname())
        other.sendmsg([b"in ", b"pieces"], [], 0, to)
        assert one.recvmsg(100)[::3] == (b"in pieces", address)
        one.sendto(b"back", address)
        assert other.recv(100) == b"back"


@pytest.mark.needs("vsock-loopback")
@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_SEQPACKET"])
def test_vsock_connection(kind):
    kind = getattr(litsock, kind)
    with ExitStack() as stack:
        server, server_std = both(stack, litsock.AF_VSOCK, kind)
        client, client_std = both(stack, litsock.AF_VSOCK, kind)
        server.bind((litsock.VMADDR_CID_ANY, litsock.VMADDR_PORT_ANY))
        server.listen()
        assert server.getsockname() == server_std.getsockname()
        client.connect((litsock.VMADDR_CID_LOCAL, server.getsockname()[1]))
        connection, address = server.accept()
        with connection:
            client.sendall(b"hello")
            assert connection.recv(100) == b"hello"
            assert client.getpeername() == client_std.getpeername() == (litsock.VMADDR_CID_LOCAL, server.getsockname()[1])
            assert client.getsockname() == client_std.getsockname()
            assert address == connection.getpeername()


@pytest.mark.needs("AF_VSOCK", "cpython")  # PyPy's module asks for four bytes
def test_vsock_options_have_64_bits():
    with ExitStack() as stack:
        ours, theirs = both(stack, litsock.AF_VSOCK, litsock.SOCK_STREAM)
        option = litsock.SO_VM_SOCKETS_BUFFER_MAX_SIZE
        ours.setsockopt(litsock.AF_VSOCK, option, 2**20)
        assert ours.getsockopt(litsock.AF_VSOCK, option) == theirs.getsockopt(litsock.AF_VSOCK, option) == 2**20
        assert ours.getsockopt(litsock.AF_VSOCK, option, 8) == (2**20).to_bytes(8, sys.byteorder)
