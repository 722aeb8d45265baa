"""The same random call on the standard module and on litsock comes to the same.

The same means an equal result, or an exception of the same type with the same errno. Hypothesis makes the calls up: the
same ones in every run, unless it is asked to look further:

    EXPLORE=1 pytest tests/test_difference.py
"""

from __future__ import annotations

import os
import socket as standard
from collections.abc import Callable
from contextlib import ExitStack
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from test_bad_input import descriptors, outcome

import litsock

EXPLORE = "EXPLORE" in os.environ
BASE = settings(
    derandomize=not EXPLORE,
    deadline=None,
    database=None,
    print_blob=EXPLORE,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
PURE = settings(BASE, max_examples=2000)  # calls that ask nobody
ASKING = settings(BASE, max_examples=1000)  # calls that ask the kernel, or a file


def needs(*names: str) -> Any:
    """Skip a test as long as litsock lacks what it is about."""
    lacking = [name for name in names if not hasattr(litsock, name)]
    return pytest.mark.skipif(bool(lacking), reason=f"litsock has no {', '.join(lacking)} yet")


def compare(call: Callable[[Any], Any]) -> None:
    """Make a call with each module; it answers with what there is to compare."""
    expected = call(standard)
    before = descriptors()
    assert call(litsock) == expected
    assert descriptors() == before, "litsock leaves descriptors behind"


def compare_function(name: str, *arguments: Any) -> None:
    compare(lambda module: outcome(getattr(module, name), *arguments)[0])


# Values

SMALL = st.integers(-3, 300)
NUMBERS = (
    SMALL
    | st.integers(-(2**33), 2**33)
    | st.integers()
    | st.sampled_from([65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32])
)
NO_NUMBERS = st.sampled_from([None, "1", b"1", 1.0, Decimal(1), Fraction(1), [], (), 1j])
BYTES = st.binary(max_size=20)
TEXTS = st.text(max_size=20) | st.text("0123456789abcdefx.:%/- ", max_size=20)
NO_TEXTS = st.sampled_from([None, 5, 1.5, [], b"127.0.0.1", b"::1", bytearray(b"127.0.0.1")])
V4 = st.ip_addresses(v=4).map(str)
V6 = st.ip_addresses(v=6).map(str)
OLD_V4 = st.sampled_from(["127.1", "127.0.1", "0x7f000001", "0177.0.0.1", "2130706433", "0"])
FAMILIES = st.sampled_from([int(standard.AF_INET), int(standard.AF_INET6)])
ANY_FAMILY = FAMILIES | SMALL | NUMBERS | NO_NUMBERS
PORTS = st.integers(0, 65535) | NUMBERS | NO_NUMBERS

# Byte order and sizes


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=needs(name)) for name in ("htons", "ntohs", "htonl", "ntohl")]
)
@PURE
@given(number=NUMBERS | NO_NUMBERS)
def test_byte_order(name: str, number: Any):
    compare_function(name, number)


@pytest.mark.parametrize("name", [pytest.param(name, marks=needs(name)) for name in ("CMSG_LEN", "CMSG_SPACE")])
@PURE
@given(number=NUMBERS | NO_NUMBERS | st.integers(2**31 - 64, 2**31 + 64))
def test_sizes_of_messages(name: str, number: Any):
    compare_function(name, number)


# Addresses as text and as bytes


@needs("inet_aton")
@PURE
@given(text=V4 | OLD_V4 | TEXTS | NO_TEXTS)
def test_inet_aton(text: Any):
    compare_function("inet_aton", text)


@needs("inet_ntoa")
@PURE
@given(packed=st.binary(min_size=4, max_size=4) | BYTES | BYTES.map(bytearray) | TEXTS | NO_TEXTS)
def test_inet_ntoa(packed: Any):
    compare_function("inet_ntoa", packed)


@needs("inet_pton")
@PURE
@given(family=FAMILIES | ANY_FAMILY, text=V4 | V6 | OLD_V4 | TEXTS | NO_TEXTS)
def test_inet_pton(family: Any, text: Any):
    compare_function("inet_pton", family, text)


@needs("inet_ntop")
@PURE
@given(
    family=FAMILIES | ANY_FAMILY,
    packed=st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16) | BYTES | TEXTS | NO_TEXTS,
)
def test_inet_ntop(family: Any, packed: Any):
    compare_function("inet_ntop", family, packed)


# Names. Hosts are numbers, or must be: no name server is asked.

SERVICES = st.sampled_from(
    ["http", "https", "ssh", "domain", "ntp", "HTTP", "no such service", "", "80", "080", "-1", "65536", " 80"]
)
NUMERIC_HOST = int(standard.AI_NUMERICHOST)
HINTS = st.sampled_from([int(getattr(standard, name)) for name in dir(standard) if name.startswith("AI_")])
KINDS = st.sampled_from([0, 1, 2, 3, 5, 6, 17, 255]) | SMALL | NUMBERS | NO_NUMBERS


@needs("getaddrinfo")
@PURE
@given(
    host=V4 | V6 | V6.map("{}%lo".format) | OLD_V4 | TEXTS | NO_TEXTS,
    port=st.integers(0, 65535) | st.none() | SERVICES | SERVICES.map(str.encode) | PORTS | TEXTS,
    family=st.just(0) | FAMILIES | ANY_FAMILY,
    kind=st.just(0) | KINDS,
    protocol=st.just(0) | KINDS,
    flags=st.just(0) | HINTS,
)
def test_getaddrinfo(host: Any, port: Any, family: Any, kind: Any, protocol: Any, flags: int):
    compare_function("getaddrinfo", host, port, family, kind, protocol, flags | NUMERIC_HOST)


NUMERIC_NAMES = int(standard.NI_NUMERICHOST | standard.NI_NUMERICSERV)
SCOPES = st.integers(0, 3) | NUMBERS | NO_NUMBERS
FLOWS = (
    st.integers(0, 0xFFFFF) | st.integers(0x100000, 2**32 - 1) | st.just(-1) | NO_NUMBERS
)  # above 2**32: see test_bad_input


@needs("getnameinfo")
@PURE
@given(
    address=st.tuples(V4 | V6 | OLD_V4, PORTS)
    | st.tuples(V6, PORTS, FLOWS)
    | st.tuples(V6, PORTS, FLOWS, SCOPES)
    | NO_NUMBERS
    | st.tuples(V4),
    flags=st.sampled_from([0, int(standard.NI_DGRAM), int(standard.NI_NOFQDN)]),
)
def test_getnameinfo(address: Any, flags: int):
    compare_function("getnameinfo", address, flags | NUMERIC_NAMES)


PROTOCOLS = st.sampled_from(["tcp", "udp", "sctp", "", "no such protocol"]) | NO_TEXTS | TEXTS


@needs("getservbyname")
@ASKING
@given(arguments=st.tuples(SERVICES | TEXTS | NO_TEXTS) | st.tuples(SERVICES | TEXTS, PROTOCOLS))
def test_getservbyname(arguments: tuple):
    compare_function("getservbyname", *arguments)


@needs("getservbyport")
@ASKING
@given(arguments=st.tuples(PORTS | st.integers(0, 1023)) | st.tuples(st.integers(0, 1023), PROTOCOLS))
def test_getservbyport(arguments: tuple):
    compare_function("getservbyport", *arguments)


@needs("getprotobyname")
@ASKING
@given(name=st.sampled_from(["ip", "icmp", "tcp", "udp", "ipv6", "TCP"]) | TEXTS | NO_TEXTS)
def test_getprotobyname(name: Any):
    compare_function("getprotobyname", name)


@needs("if_nametoindex")
@ASKING
@given(name=st.sampled_from(["lo", "lo\0", "LO", b"lo", b"lo\0"]) | TEXTS | NO_TEXTS)
def test_if_nametoindex(name: Any):
    compare_function("if_nametoindex", name)


@needs("if_indextoname")
@ASKING
@given(index=SMALL | NUMBERS | NO_NUMBERS)
def test_if_indextoname(index: Any):
    compare_function("if_indextoname", index)


# Addresses of sockets. Nothing that is sent leaves the machine: `sendto` gets addresses of the loopback interface only.

FIELD = {
    "V4": st.tuples(V4 | OLD_V4 | st.sampled_from(["", "<broadcast>"]), PORTS),
    "V6": st.tuples(V6 | st.just(""), PORTS),
}
INET_ADDRESSES = (
    FIELD["V4"]
    | FIELD["V6"]
    | st.tuples(V4)
    | st.tuples(V4, PORTS, FLOWS)
    | st.tuples(NO_TEXTS, PORTS)
    | NO_NUMBERS
    | TEXTS
)
INET6_ADDRESSES = (
    FIELD["V6"] | FIELD["V4"] | st.tuples(V6, PORTS, FLOWS) | st.tuples(V6, PORTS, FLOWS, SCOPES) | st.tuples(V6)
    | st.tuples(V6.map("{}%lo".format), PORTS) | st.tuples(V6, PORTS, FLOWS, SCOPES, SCOPES) | NO_NUMBERS | TEXTS
)  # fmt: skip
LOOPBACK = st.tuples(st.sampled_from(["127.0.0.1", "127.1.2.3", "127.1", "::1", b"127.0.0.1"]), PORTS)
LOOPBACK6 = (
    LOOPBACK
    | st.tuples(st.just("::1"), PORTS, FLOWS)
    | st.tuples(st.sampled_from(["::1", "::1%lo"]), PORTS, FLOWS, SCOPES)
)

NAMES = st.text(
    st.characters(exclude_characters="/\0"), max_size=120
)  # no slash: all paths lie in the folder of the test
RAW_NAMES = st.binary(max_size=120).map(lambda name: name.translate(None, b"/\0"))
PATHS = (
    (NAMES | RAW_NAMES).filter(lambda name: name not in (".", "..", b".", b".."))
    | st.binary(max_size=120).map(b"\0".__add__) | TEXTS.map("\0".__add__)
    | NO_NUMBERS | st.tuples(NAMES) | st.lists(SMALL)
)  # fmt: skip


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def compare_address(family: str, method: str, address: Any, kind: str = "SOCK_DGRAM") -> None:
    """Use an address in a new socket that never waits, and see where that got it."""

    def call(module: Any) -> tuple:
        for name in os.listdir(b"."):
            os.unlink(name)
        with module.socket(getattr(module, family), getattr(module, kind)) as sock:
            sock.setblocking(False)
            arguments = [b"", address] if method == "sendto" else [address]
            result = outcome(getattr(sock, method), *arguments)[0]
            own = outcome(sock.getsockname)[0]
            chosen = (own and isinstance(own, tuple) and own[:1]) or own  # the kernel may choose a port
            if method == "bind" and isinstance(address, tuple) and len(address) > 1 and address[1] != 0:
                chosen = own
            if family == "AF_UNIX" and address in ("", b""):
                chosen = type(own), len(own)
            return result, chosen, outcome(sock.getpeername)[0]

    compare(call)


METHODS = st.sampled_from(["bind", "connect", "connect_ex"])


@ASKING
@given(method=METHODS, address=INET_ADDRESSES)
def test_address_inet(method: str, address: Any):
    compare_address("AF_INET", method, address)


@ASKING
@given(method=METHODS, address=INET6_ADDRESSES)
def test_address_inet6(method: str, address: Any):
    compare_address("AF_INET6", method, address)


@ASKING
@given(method=METHODS | st.just("sendto"), address=PATHS, kind=st.sampled_from(["SOCK_DGRAM", "SOCK_STREAM"]))
def test_address_unix(method: str, address: Any, kind: str):
    compare_address("AF_UNIX", method, address, kind)


@ASKING
@given(address=LOOPBACK | NO_NUMBERS | TEXTS)
def test_sendto_inet(address: Any):
    compare_address("AF_INET", "sendto", address)


@ASKING
@given(address=LOOPBACK6 | NO_NUMBERS | TEXTS)
def test_sendto_inet6(address: Any):
    compare_address("AF_INET6", "sendto", address)


# Making sockets


@ASKING
@given(family=ANY_FAMILY, kind=st.just(1) | KINDS, protocol=st.just(0) | KINDS)
def test_making_a_socket(family: Any, kind: Any, protocol: Any):
    compare_function("socket", family, kind, protocol)


@ASKING
@given(family=st.just(int(standard.AF_UNIX)) | ANY_FAMILY, kind=st.just(1) | KINDS, protocol=st.just(0) | KINDS)
def test_making_a_pair(family: Any, kind: Any, protocol: Any):
    compare_function("socketpair", family, kind, protocol)


# Options

LEVELS = st.sampled_from(
    [int(standard.SOL_SOCKET), int(standard.IPPROTO_TCP), int(standard.IPPROTO_IP), int(standard.IPPROTO_IPV6)]
)
OPTIONS = st.integers(0, 80)
SOL_SOCKET, TCP = int(standard.SOL_SOCKET), int(standard.IPPROTO_TCP)
CHANGING = [
    (SOL_SOCKET, 49),
    (SOL_SOCKET, 57),
    (SOL_SOCKET, 71),
    (TCP, 11),
    (TCP, 24),
]  # other at another socket or moment
LOADING = [(TCP, 13), (TCP, 31)]  # these make the kernel look for a module of the name that they are given
VALUES = st.integers(-2, 70_000) | NUMBERS | BYTES | BYTES.map(bytearray) | NO_NUMBERS | st.booleans()


def option_call(level: Any, option: Any, steps: Callable[[Any], list]) -> Callable[[Any], list]:
    def call(module: Any) -> list:
        with module.socket() as sock:
            return [outcome(*step)[0] for step in steps(sock)]

    assume((level, option) not in CHANGING + LOADING)
    return call


@ASKING
@given(
    level=LEVELS | NUMBERS | NO_NUMBERS,
    option=OPTIONS | NUMBERS | NO_NUMBERS,
    size=st.just(0) | st.integers(-2, 1030) | NUMBERS | NO_NUMBERS,
)
def test_getsockopt(level: Any, option: Any, size: Any):
    compare(
        option_call(
            level, option, lambda sock: [(sock.getsockopt, level, option), (sock.getsockopt, level, option, size)]
        )
    )


@ASKING
@given(level=LEVELS | SMALL | NO_NUMBERS, option=OPTIONS | NO_NUMBERS, value=VALUES)
def test_setsockopt(level: Any, option: Any, value: Any):
    compare(
        option_call(
            level, option, lambda sock: [(sock.setsockopt, level, option, value), (sock.getsockopt, level, option)]
        )
    )


@ASKING
@given(
    level=LEVELS,
    option=OPTIONS,
    value=st.none() | VALUES,
    size=st.integers(0, 20) | st.integers(0, 2**32 - 1) | NO_NUMBERS,
)
def test_setsockopt_with_a_length(level: int, option: int, value: Any, size: Any):
    compare(option_call(level, option, lambda sock: [(sock.setsockopt, level, option, value, size)]))


# Timeouts

SECONDS = (
    st.floats() | st.floats(0, 1e10) | st.floats(0, 1e-6) | NUMBERS | st.decimals() | st.fractions() | NO_NUMBERS
    | st.booleans() | TEXTS | st.integers(2_147_480, 2_147_490) | st.floats(2_147_483, 2_147_484)
)  # fmt: skip


@PURE
@given(value=SECONDS)
def test_settimeout(value: Any):
    def call(module: Any) -> tuple:
        with module.socket() as sock:
            result = outcome(sock.settimeout, value)[0]
            return result, sock.gettimeout(), sock.timeout, sock.getblocking(), os.get_blocking(sock.fileno())

    compare(call)


@PURE
@given(value=SECONDS)
def test_setdefaulttimeout(value: Any):
    def call(module: Any) -> tuple:
        try:
            result = outcome(module.setdefaulttimeout, value)[0]
            with module.socket() as sock:
                return result, module.getdefaulttimeout(), sock.gettimeout(), os.get_blocking(sock.fileno())
        finally:
            module.setdefaulttimeout(None)

    compare(call)


# Sending and receiving

FLAGS = (
    st.just(0)
    | st.sampled_from([int(getattr(standard, name)) for name in dir(standard) if name.startswith("MSG_")])
    | NUMBERS
    | NO_NUMBERS
)
SIZES = (
    st.integers(0, 20) | st.integers(-2, 20_000) | st.sampled_from([-1, 8191, 8192, 8193, 2**20, 2**64]) | NO_NUMBERS
)
DATA = (
    st.binary(max_size=100)
    | st.integers(0, 20_000).map(bytes)
    | BYTES.map(bytearray)
    | BYTES.map(memoryview)
    | TEXTS
    | NO_NUMBERS
)
TRUNCATED = int(standard.MSG_TRUNC)
KINDS_OF_PAIR = st.sampled_from(["SOCK_STREAM", "SOCK_DGRAM", "SOCK_SEQPACKET"])


def on_pair(module: Any, kind: str, steps: Callable[[Any, Any], list]) -> list:
    """Do something with the two ends of a pair that never waits; what comes of each step."""
    with ExitStack() as stack:
        near, far = map(stack.enter_context, module.socketpair(module.AF_UNIX, getattr(module, kind)))
        near.setblocking(False)
        far.setblocking(False)
        return [outcome(*step)[0] for step in steps(near, far)]


@ASKING
@given(
    kind=KINDS_OF_PAIR,
    method=st.sampled_from(["send", "sendall"]),
    data=DATA,
    flags=FLAGS,
    size=SIZES,
    receive=st.sampled_from(["recv", "recvfrom"]),
)
def test_sending(kind: str, method: str, data: Any, flags: Any, size: Any, receive: str):
    compare(
        lambda module: on_pair(
            module,
            kind,
            lambda near, far: [(getattr(near, method), data, flags), (getattr(far, receive), size), (far.recv, 9)],
        )
    )


def receiving(module: Any, kind: str, sent: int, method: str, arguments: list) -> list:
    def steps(near: Any, far: Any) -> list:
        near.send(bytes(sent))
        return [(getattr(far, method), *arguments), (far.recv, 9)]

    return on_pair(module, kind, steps)


@ASKING
@given(
    kind=KINDS_OF_PAIR,
    sent=st.integers(0, 20_000),
    method=st.sampled_from(["recv", "recvfrom", "recvmsg"]),
    size=SIZES,
    flags=FLAGS,
)
def test_receiving(kind: str, sent: int, method: str, size: Any, flags: Any):
    """Without `MSG_TRUNC`: with it, what stands behind the bytes that fit is undefined. See test_bad_input."""
    assume(not (isinstance(flags, int) and flags & TRUNCATED))
    compare(
        lambda module: receiving(module, kind, sent, method, [size, flags] if method != "recvmsg" else [size, 0, flags])
    )


@ASKING
@given(
    kind=KINDS_OF_PAIR, sent=st.integers(0, 300), method=st.sampled_from(["recv_into", "recvfrom_into"]),
    room=st.integers(0, 100), size=st.integers(-1, 120) | NUMBERS | NO_NUMBERS, flags=FLAGS,
)  # fmt: skip
def test_receiving_into(kind: str, sent: int, method: str, room: int, size: Any, flags: Any):
    def call(module: Any) -> tuple:
        buffer = bytearray(b"?" * room)
        return receiving(module, kind, sent, method, [buffer, size, flags]), buffer

    compare(call)


@needs("CMSG_LEN")
@ASKING
@given(
    buffers=st.lists(DATA, max_size=4),
    ancillary=st.lists(
        st.tuples(SMALL | NO_NUMBERS | NUMBERS, SMALL | NO_NUMBERS | NUMBERS, BYTES | NO_NUMBERS), max_size=2
    ),
    flags=FLAGS,
    room=st.integers(0, 100),
)
def test_sendmsg(buffers: list, ancillary: list, flags: Any, room: int):
    assume(not any(kind in (1, True) for _, kind, _ in ancillary))  # SCM_RIGHTS would send whatever is open here
    compare(
        lambda module: on_pair(
            module,
            "SOCK_DGRAM",
            lambda near, far: [(near.sendmsg, buffers, ancillary, flags), (far.recvmsg, 20_000, room)],
        )
    )


@ASKING
@given(how=st.integers(-1, 4) | NUMBERS | NO_NUMBERS)
def test_shutdown(how: Any):
    compare(
        lambda module: on_pair(
            module,
            "SOCK_STREAM",
            lambda near, far: [
                (near.shutdown, how),
                (near.send, b"x"),
                (near.recv, 1),
                (far.send, b"x"),
                (far.recv, 1),
            ],
        )
    )


@ASKING
@given(backlog=NUMBERS | NO_NUMBERS)
def test_listen(backlog: Any):
    def call(module: Any) -> tuple:
        with module.socket() as sock:
            return outcome(sock.listen, backlog)[0], sock.getsockopt(SOL_SOCKET, standard.SO_ACCEPTCONN)

    compare(call)


@ASKING
@given(number=st.integers(-(2**31), -1) | st.integers(2**20, 2**31 - 1) | st.integers(2**64) | NO_NUMBERS)
def test_descriptor_of_nobody(number: Any):
    compare(
        lambda module: [
            outcome(module.socket, fileno=number if number is not None else -1)[0],
            outcome(module.close, number)[0],
        ]
    )
