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
from outcomes import outcome
from test_bad_input import PYPY, descriptors, needs_ipv6

import litsock

pytestmark = pytest.mark.skipif(PYPY, reason="compares with CPython's module; PyPy's takes some of what it refuses")
EXPLORE = "EXPLORE" in os.environ
BASE = settings(
    derandomize=not EXPLORE,
    print_blob=EXPLORE,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
PURE = settings(BASE, max_examples=2000)  # calls that ask nobody
ASKING = settings(BASE, max_examples=700)  # calls that ask the kernel, or a file


def each(*names: str) -> Any:
    """One test for each of these functions."""
    return pytest.mark.parametrize("name", names)


def compare(call: Callable[[Any], Any]) -> None:
    """Make a call with each module; it answers with what there is to compare."""
    expected = call(standard)
    before = descriptors()
    assert call(litsock) == expected
    assert descriptors() == before, "litsock leaves descriptors behind"


def compare_function(name: str, *arguments: Any) -> None:
    compare(lambda module: outcome(getattr(module, name), *arguments)[0])


# Values


def one_of_each(*fields: tuple[st.SearchStrategy, st.SearchStrategy]) -> st.SearchStrategy:
    """A tuple of values, each field given as what is right there and what may be wrong: one at most is wrong.

    Where two are, there are two reasons to complain, and nobody promises which one comes first.
    """
    right = [good for good, _ in fields]
    wrong = [[*right[:at], bad, *right[at + 1 :]] for at, (_, bad) in enumerate(fields)]
    return st.one_of(*(st.tuples(*choice) for choice in [right, *wrong]))


def numbers_of(prefix: str) -> list[int]:
    """The values of a group of constants."""
    return sorted({int(getattr(standard, name)) for name in dir(standard) if name.startswith(prefix)})


SMALL = st.integers(-3, 300)
LIMITS = st.sampled_from([65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32])
NUMBERS = SMALL | LIMITS | st.integers(-(2**33), 2**33) | st.integers()
NO_NUMBERS = st.sampled_from([None, "1", b"1", 1.0, Decimal(1), Fraction(1), [], (), 1j])
ANYTHING = NUMBERS | NO_NUMBERS
C_INT = st.integers(-(2**31), 2**31 - 1)
BYTES = st.binary(max_size=20)
TEXTS = st.text(max_size=20) | st.text("0123456789abcdefx.:%/- ", max_size=20)
NO_TEXTS = st.sampled_from([None, 5, 1.5, [], b"127.0.0.1", b"::1", bytearray(b"127.0.0.1")])
V4 = st.ip_addresses(v=4).map(str)
V6 = st.ip_addresses(v=6).map(str)
OLD_V4 = st.sampled_from(["127.1", "127.0.1", "0x7f000001", "0177.0.0.1", "2130706433", "0"])
INET, INET6, UNIX = int(standard.AF_INET), int(standard.AF_INET6), int(standard.AF_UNIX)
FAMILIES = st.sampled_from([INET, INET6])
PORTS = st.integers(0, 65535)

# Byte order and sizes


@each("htons", "ntohs", "htonl", "ntohl")
@PURE
@given(number=ANYTHING)
def test_byte_order(name: str, number: Any):
    compare_function(name, number)


@each("CMSG_LEN", "CMSG_SPACE")
@PURE
@given(number=ANYTHING | st.integers(2**31 - 64, 2**31 + 64))
def test_sizes_of_messages(name: str, number: Any):
    compare_function(name, number)


# Addresses as text and as bytes

FOUR, SIXTEEN = st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16)


@PURE
@given(text=V4 | OLD_V4 | TEXTS | NO_TEXTS)
def test_inet_aton(text: Any):
    compare_function("inet_aton", text)


@PURE
@given(packed=FOUR | BYTES | BYTES.map(bytearray) | TEXTS | NO_TEXTS)
def test_inet_ntoa(packed: Any):
    compare_function("inet_ntoa", packed)


@PURE
@given(arguments=one_of_each((FAMILIES, ANYTHING), (V4 | V6 | OLD_V4, TEXTS | NO_TEXTS)))
def test_inet_pton(arguments: tuple):
    compare_function("inet_pton", *arguments)


@PURE
@given(arguments=one_of_each((FAMILIES, ANYTHING), (FOUR | SIXTEEN | BYTES, TEXTS | NO_TEXTS)))
def test_inet_ntop(arguments: tuple):
    compare_function("inet_ntop", *arguments)


# Names. Hosts are numbers, or must be: no name server is asked.

KNOWN = ["http", "https", "ssh", "domain", "ntp", "HTTP", "no such service", "", "80", "080", "-1", "65536", " 80"]
SERVICES = st.sampled_from(KNOWN)
NUMERIC_HOST = int(standard.AI_NUMERICHOST)
HINTS = st.sampled_from([0, *numbers_of("AI_")]).map(NUMERIC_HOST.__or__)
TYPES = st.sampled_from([0, 1, 2, 3, 5])
PROTOCOLS = st.sampled_from([0, 6, 17, 132, 255])


@PURE
@given(
    arguments=one_of_each(
        (V4 | V6 | V6.map("{}%lo".format) | OLD_V4, TEXTS | NO_TEXTS),
        (PORTS | st.none() | SERVICES | SERVICES.map(str.encode), ANYTHING | TEXTS),
        (st.just(0) | FAMILIES, ANYTHING),
        (TYPES, ANYTHING),
        (PROTOCOLS, ANYTHING),
        (HINTS, HINTS),
    )
)
def test_getaddrinfo(arguments: tuple):
    compare_function("getaddrinfo", *arguments)


NUMERIC_NAMES = int(standard.NI_NUMERICHOST | standard.NI_NUMERICSERV)
PORT = PORTS, ANYTHING
FLOW = st.integers(0, 0xFFFFF), st.integers(-1, 2**32 - 1) | NO_NUMBERS  # for what is above see test_bad_input
SCOPE = st.integers(0, 3), st.integers(0, 2**32 - 1) | NO_NUMBERS


@PURE
@given(
    address=one_of_each((V4 | V6 | OLD_V4, NO_TEXTS), PORT)
    | one_of_each((V6, V4), PORT, FLOW)
    | one_of_each((V6, V4), PORT, FLOW, SCOPE)
    | st.tuples(V6, PORTS, SMALL, SMALL, SMALL)
    | st.tuples(V4)
    | NO_NUMBERS,
    flags=st.sampled_from([0, int(standard.NI_DGRAM), int(standard.NI_NOFQDN)]),
)
def test_getnameinfo(address: Any, flags: int):
    compare_function("getnameinfo", address, flags | NUMERIC_NAMES)


WAYS = st.sampled_from(["tcp", "udp", "sctp", "", "no such protocol"]), NO_TEXTS | TEXTS


@ASKING
@given(arguments=st.tuples(SERVICES | TEXTS | NO_TEXTS) | one_of_each((SERVICES, TEXTS | NO_TEXTS), WAYS))
def test_getservbyname(arguments: tuple):
    compare_function("getservbyname", *arguments)


@ASKING
@given(arguments=st.tuples(PORTS | ANYTHING) | one_of_each((st.integers(0, 1023), ANYTHING), WAYS))
def test_getservbyport(arguments: tuple):
    compare_function("getservbyport", *arguments)


@ASKING
@given(name=st.sampled_from(["ip", "icmp", "tcp", "udp", "ipv6", "TCP"]) | TEXTS | NO_TEXTS)
def test_getprotobyname(name: Any):
    compare_function("getprotobyname", name)


@ASKING
@given(name=st.sampled_from(["lo", "lo\0", "LO", b"lo", b"lo\0"]) | TEXTS | NO_TEXTS)
def test_if_nametoindex(name: Any):
    compare_function("if_nametoindex", name)


@ASKING
@given(index=SMALL | st.integers(0, 2**32 - 1) | NO_NUMBERS)
def test_if_indextoname(index: Any):
    compare_function("if_indextoname", index)


# Addresses of sockets. Nothing that is sent leaves the machine: `sendto` gets addresses of the loopback interface only.

NO_HOSTS = st.sampled_from([None, 5, 1.5, [], b"127.0.0.1", b"::1", bytearray(b"::1"), "127.0.0.1\0", "ü..", "\udc80"])
INET_ADDRESSES = (
    one_of_each((V4 | OLD_V4 | st.sampled_from(["", "<broadcast>"]), V6 | NO_HOSTS), PORT)
    | st.tuples(V4)
    | st.tuples(V4, PORTS, PORTS)
    | st.lists(V4)
    | NO_NUMBERS
    | TEXTS
)
INET6_ADDRESSES = (
    one_of_each((V6 | st.just(""), V4 | NO_HOSTS | st.just("<broadcast>")), PORT)
    | one_of_each((V6, V4), PORT, FLOW)
    | one_of_each((V6, V4), PORT, FLOW, SCOPE)
    | st.tuples(V6)
    | st.tuples(V6, PORTS, SMALL, SMALL, SMALL)
    | NO_NUMBERS
    | TEXTS
)
LOOPBACK = one_of_each((st.sampled_from(["127.0.0.1", "127.1.2.3", "127.1", b"127.0.0.1"]), st.just("::1")), PORT)
LOOPBACK6 = one_of_each((st.sampled_from(["::1", b"::1"]), st.just("127.0.0.1")), PORT, FLOW, SCOPE)

# No slash: all paths lie in the folder of the test.
NAMES = st.text(st.characters(exclude_characters="/\0"), max_size=120)
RAW_NAMES = st.binary(max_size=120).map(lambda name: name.translate(None, b"/\0"))
ABSTRACT_NAMES = st.binary(max_size=120).map(b"\0".__add__) | TEXTS.map("\0".__add__)
PATHS = (
    (NAMES | RAW_NAMES).filter(lambda name: name not in (".", "..", b".", b".."))
    | ABSTRACT_NAMES
    | st.tuples(NAMES)
    | st.lists(SMALL)
    | NO_NUMBERS
)


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
            free_choice = method != "bind" or (result is None and address[1:2] == (0,)) or address in ("", b"")
            return result, own_name(sock, free_choice), outcome(sock.getpeername)[0]

    compare(call)


def own_name(sock: Any, free_choice: bool) -> Any:
    """The socket's own address; where the kernel was free to choose, without what will be another one next time."""
    name = sock.getsockname()
    if not free_choice:
        return name
    return name[:1] + name[2:] if isinstance(name, tuple) else len(name)


METHODS = st.sampled_from(["bind", "connect", "connect_ex"])


@ASKING
@given(method=METHODS, address=INET_ADDRESSES)
def test_address_inet(method: str, address: Any):
    compare_address("AF_INET", method, address)


@needs_ipv6
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


@needs_ipv6
@ASKING
@given(address=LOOPBACK6 | NO_NUMBERS | TEXTS)
def test_sendto_inet6(address: Any):
    compare_address("AF_INET6", "sendto", address)


# Making sockets


@ASKING
@given(arguments=one_of_each((FAMILIES | st.just(UNIX), ANYTHING), (TYPES, ANYTHING), (PROTOCOLS, ANYTHING)))
def test_making_a_socket(arguments: tuple):
    compare_function("socket", *arguments)


@ASKING
@given(arguments=one_of_each((FAMILIES | st.just(UNIX), ANYTHING), (TYPES, ANYTHING), (PROTOCOLS, ANYTHING)))
def test_making_a_pair(arguments: tuple):
    compare_function("socketpair", *arguments)


# Options

SOL_SOCKET, TCP = int(standard.SOL_SOCKET), int(standard.IPPROTO_TCP)
IP, IPV6 = int(standard.IPPROTO_IP), int(standard.IPPROTO_IPV6)
LEVEL = st.sampled_from([SOL_SOCKET, TCP, IP, IPV6]), ANYTHING
OPTION = st.integers(0, 80), ANYTHING
VALUE = C_INT | st.integers(0, 3) | BYTES | BYTES.map(bytearray) | st.booleans(), ANYTHING | TEXTS
LENGTH = st.integers(0, 20) | st.integers(0, 2**32 - 1), NO_NUMBERS

# Left out: options whose value is another one for the next socket or at the next moment, those for which the kernel
# looks for a module of the name that it is given, and those where it reads the buffer that `getsockopt` gives it.
CHANGING = [(SOL_SOCKET, 49), (SOL_SOCKET, 57), (SOL_SOCKET, 71), (TCP, 11), (TCP, 24)]
LOADING = [(TCP, 13), (TCP, 31)]
READING = [
    (TCP, 35),  # TCP_ZEROCOPY_RECEIVE
    *((level, option) for level in (IP, IPV6) for option in (41, 48)),  # IP_MSFILTER and MCAST_MSFILTER
    *((IP, option) for option in range(64, 200)),  # the tables of netfilter
    *((IPV6, option) for option in range(64, 70)),
]
LEFT_OUT = CHANGING + LOADING + READING


def compare_options(*calls: tuple) -> None:
    """Call methods of a new socket, each given as its name and its arguments, one after another."""
    assume(calls[0][1:3] not in LEFT_OUT)

    def call(module: Any) -> list:
        with module.socket() as sock:
            return [outcome(getattr(sock, method), *arguments)[0] for method, *arguments in calls]

    compare(call)


@ASKING
@given(arguments=one_of_each(LEVEL, OPTION))
def test_getsockopt(arguments: tuple):
    compare_options(("getsockopt", *arguments))


@ASKING
@given(arguments=one_of_each(LEVEL, OPTION, (st.integers(0, 1024), st.integers(-2, 1030) | ANYTHING)))
def test_getsockopt_of_some_length(arguments: tuple):
    compare_options(("getsockopt", *arguments))


@ASKING
@given(arguments=one_of_each(LEVEL, OPTION, VALUE))
def test_setsockopt(arguments: tuple):
    compare_options(("setsockopt", *arguments), ("getsockopt", *arguments[:2]))


@ASKING
@given(arguments=one_of_each(LEVEL, OPTION, (st.none(), VALUE[0]), LENGTH))
def test_setsockopt_with_a_length(arguments: tuple):
    compare_options(("setsockopt", *arguments))


# Timeouts

SECONDS = (
    st.floats()
    | st.floats(0, 1e10)
    | st.floats(0, 1e-6)
    | st.floats(2_147_483, 2_147_484)
    | st.integers(2_147_480, 2_147_490)
    | st.integers(0, 10**10)
    | st.decimals()
    | st.fractions()
    | st.booleans()
    | TEXTS
    | ANYTHING
)


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

TRUNCATED = int(standard.MSG_TRUNC)
# With MSG_TRUNC, what stands behind the bytes that fit is undefined: see test_bad_input.
FLAGS = st.sampled_from([0, *numbers_of("MSG_")]).filter(lambda flags: not flags & TRUNCATED)
FLAG = (
    FLAGS,
    NO_NUMBERS | C_INT.filter(lambda flags: not flags & TRUNCATED) | st.integers(2**31) | st.just(-(2**31) - 1),
)
SIZES = st.integers(0, 20) | st.integers(0, 20_000) | st.sampled_from([8191, 8192, 8193, 2**20])
SIZE = SIZES, st.sampled_from([-1, -(2**31), 2**64, -(2**64)]) | NO_NUMBERS
DATA = st.binary(max_size=100) | st.integers(0, 20_000).map(bytes) | BYTES.map(bytearray) | BYTES.map(memoryview)
KINDS = st.sampled_from(["SOCK_STREAM", "SOCK_DGRAM", "SOCK_SEQPACKET"])


def compare_pair(kind: str, steps: Callable[[Any, Any], list]) -> None:
    """Do something with the two ends of a pair that never waits, and see what comes of each step."""

    def call(module: Any) -> list:
        with ExitStack() as stack:
            near, far = map(stack.enter_context, module.socketpair(module.AF_UNIX, getattr(module, kind)))
            near.setblocking(False)
            far.setblocking(False)
            return [outcome(*step)[0] for step in steps(near, far)]

    compare(call)


@ASKING
@given(kind=KINDS, method=st.sampled_from(["send", "sendall"]), arguments=one_of_each((DATA, TEXTS | NO_NUMBERS), FLAG))
def test_sending(kind: str, method: str, arguments: tuple):
    compare_pair(kind, lambda near, far: [(getattr(near, method), *arguments), (far.recv, 20_000), (far.recv, 9)])


@ASKING
@given(
    kind=KINDS,
    sent=st.integers(0, 20_000),
    method=st.sampled_from(["recv", "recvfrom"]),
    arguments=one_of_each(SIZE, FLAG),
)
def test_receiving(kind: str, sent: int, method: str, arguments: tuple):
    compare_pair(kind, lambda near, far: [(near.send, bytes(sent)), (getattr(far, method), *arguments), (far.recv, 9)])


@ASKING
@given(
    kind=KINDS,
    sent=st.integers(0, 300),
    method=st.sampled_from(["recv_into", "recvfrom_into"]),
    size=st.integers(20, 100),
    arguments=one_of_each((st.integers(0, 20), st.integers(-1, 120) | ANYTHING), FLAG),
)
def test_receiving_into(kind: str, sent: int, method: str, size: int, arguments: tuple):
    buffers = []

    def steps(near: Any, far: Any) -> list:
        buffers.append(bytearray(b"?" * size))
        return [(near.send, bytes(sent)), (getattr(far, method), buffers[-1], *arguments), (far.recv, 9)]

    compare_pair(kind, steps)
    assert buffers[0] == buffers[1]


# SCM_RIGHTS, which is 1, would send whatever happens to be open.
NO_RIGHTS = st.integers(2, 300), ANYTHING.filter(lambda kind: kind != 1)
CONTROL = one_of_each((C_INT, ANYTHING), NO_RIGHTS, (BYTES, NO_NUMBERS))


@ASKING
@given(
    arguments=one_of_each(
        (st.lists(DATA, max_size=4), st.lists(TEXTS | NO_NUMBERS, max_size=1) | NO_NUMBERS),
        (st.lists(st.tuples(C_INT, NO_RIGHTS[0], BYTES), max_size=2), st.lists(CONTROL, max_size=1) | NO_NUMBERS),
        FLAG,
    ),
    size=st.integers(0, 100),
)
def test_sendmsg(arguments: tuple, size: int):
    compare_pair("SOCK_DGRAM", lambda near, far: [(near.sendmsg, *arguments), (far.recvmsg, 100_000, size)])


@ASKING
@given(
    sent=st.integers(0, 300),
    arguments=one_of_each(SIZE, (st.integers(0, 100), st.sampled_from([-1, 2**31, 2**64]) | NO_NUMBERS), FLAG),
)
def test_recvmsg(sent: int, arguments: tuple):
    compare_pair("SOCK_DGRAM", lambda near, far: [(near.send, bytes(sent)), (far.recvmsg, *arguments), (far.recv, 9)])


@ASKING
@given(how=st.integers(-1, 4) | ANYTHING)
def test_shutdown(how: Any):
    compare_pair(
        "SOCK_STREAM",
        lambda near, far: [(near.shutdown, how), (near.send, b"x"), (near.recv, 1), (far.send, b"x"), (far.recv, 1)],
    )


@ASKING
@given(backlog=ANYTHING)
def test_listen(backlog: Any):
    def call(module: Any) -> tuple:
        with module.socket() as sock:
            return outcome(sock.listen, backlog)[0], sock.getsockopt(SOL_SOCKET, standard.SO_ACCEPTCONN)

    compare(call)


@ASKING
@given(number=st.integers(-(2**31), -1) | st.integers(2**20, 2**31 - 1) | st.integers(2**64) | NO_NUMBERS)
def test_descriptor_of_nobody(number: Any):
    assume(number is not None)  # for socket(): no descriptor given
    compare(lambda module: [outcome(module.socket, fileno=number)[0], outcome(module.close, number)[0]])
