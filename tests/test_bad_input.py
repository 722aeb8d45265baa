"""Bad input: litsock refuses what the standard module refuses, with the same exception and errno, and loses nothing.

Every case runs on the standard module first and then on litsock. What it answers with, or what it raises, must be the
same; litsock's message must say something; and no call may leave a descriptor behind.
"""

from __future__ import annotations

import gc
import os
import re
import socket as standard
import sys
from array import array
from collections.abc import Callable
from contextlib import ExitStack
from decimal import Decimal
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from outcomes import Raised, outcome, plain

import litsock

PYPY = sys.implementation.name == "pypy"
NAN, INF = float("nan"), float("inf")


def descriptors() -> set[str]:
    """The descriptors that are open now."""
    return set(os.listdir("/proc/self/fd"))


def none_lost(before: set[str]) -> bool:
    """Whether the same descriptors are open as before. PyPy closes what was dropped when it collects it."""
    if PYPY and descriptors() != before:
        gc.collect()
        return descriptors() <= before
    return descriptors() == before


def compare(case: Callable[[Any], tuple[Any, str]]) -> None:
    """Run a case, which answers with an outcome, on both modules. Only litsock has to lose no descriptor.

    PyPy's module is not asked: it takes some of what CPython's refuses, and `setsockopt()` without arguments ends the process.
    """
    expected = None if PYPY else case(standard)[0]
    before = descriptors()
    found, message = case(litsock)
    assert none_lost(before), "litsock leaves descriptors behind"
    assert PYPY or found == expected, f"standard: {expected}, litsock: {found}: {message}"
    assert message or not isinstance(found, Raised), "an exception without a message"


# Sockets to try things on


class Workshop:
    """Makes sockets with one module, and closes all of them in the end."""

    def __init__(self, module: Any, stack: ExitStack):
        self.module, self.stack = module, stack

    def keep(self, sock: Any) -> Any:
        return self.stack.enter_context(sock)

    def new(self, family: str = "AF_INET", kind: str = "SOCK_STREAM") -> Any:
        return self.keep(self.module.socket(getattr(self.module, family), getattr(self.module, kind)))

    def tcp(self):
        return self.new()

    def udp(self):
        return self.new(kind="SOCK_DGRAM")

    def tcp6(self):
        return self.new("AF_INET6")

    def udp6(self):
        return self.new("AF_INET6", "SOCK_DGRAM")

    def unix(self):
        return self.new("AF_UNIX")

    def unix_datagram(self):
        return self.new("AF_UNIX", "SOCK_DGRAM")

    def listening(self):
        sock = self.new()
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        return sock

    def pair(self, kind: str = "SOCK_STREAM"):
        """One end; the other end has sent six bytes, and never waits."""
        sock, other = map(self.keep, self.module.socketpair(self.module.AF_UNIX, getattr(self.module, kind)))
        other.send(b"abcdef")
        sock.setblocking(False)
        return sock

    def datagram_pair(self):
        return self.pair("SOCK_DGRAM")

    def closed(self):
        sock = self.new()
        sock.close()
        return sock

    def detached(self):
        sock = self.module.socket()
        self.module.close(sock.detach())
        return sock


class Given:
    """An argument that has to be made for each run: what `make` answers with, given the workshop."""

    def __init__(self, name: str, make: Callable[[Workshop], Any]):
        self.name, self.make = name, make

    def __repr__(self) -> str:
        return self.name


class Call(NamedTuple):
    """A call of a socket's method, or of a function of the module."""

    on: str  # a method of Workshop, or "module"
    name: str
    arguments: tuple
    named: dict

    def __str__(self) -> str:
        given = [*map(short, self.arguments), *(f"{name}={short(value)}" for name, value in self.named.items())]
        return f"{self.on}.{self.name}({', '.join(given)})"

    def __call__(self, module: Any) -> tuple[Any, str]:
        with ExitStack() as stack:
            shop = Workshop(module, stack)
            target = module if self.on == "module" else getattr(shop, self.on)()
            arguments = [value.make(shop) if isinstance(value, Given) else value for value in self.arguments]
            before = descriptors()
            result = outcome(getattr(target, self.name), *arguments, **self.named)
            if module is litsock and isinstance(result[0], Raised):
                assert none_lost(before), "the failed call leaves descriptors behind"
            return result


def short(value: Any) -> str:
    """A value in the name of a test."""
    if isinstance(value, memoryview):
        access = "read-only" if value.readonly else "writable"
        return f"memoryview of {value.tobytes()!r}, strides {value.strides}, {access}"
    text = re.sub(" at 0x[0-9a-f]+", "", ascii(value))
    return text if len(text) <= 40 else f"{text[:28]}…{len(text)} characters"


CALLS: list[Call] = []


def also(on: str, names: str, *arguments: Any, **named: Any) -> None:
    """Enter a call of each of these methods into the table, on each of these kinds of socket."""
    for kind in on.split():
        for name in names.split():
            CALLS.append(Call(kind, name, arguments, named))


# fmt: off

# Addresses

HERE = "127.0.0.1"
ADDRESSED = "bind connect connect_ex"


def address_everywhere(on: str, *addresses: Any) -> None:
    """An address for everything that takes one."""
    for address in addresses:
        also(on, ADDRESSED, address)
        also(on, "sendto", b"x", address)
        also(on, "sendto", b"x", 0, address)


WRONG_PORTS = ["80", b"80", 80.0, None, -1, 65536, 2**31, 2**40, 2**70, Decimal(80), [80], ()]
WRONG_HOSTS = [None, 5, 1.5, [], (HERE,), memoryview(b"127.0.0.1"), "127.0.0.1\0", "\0", b"127.0.0.1\0x"]
UNRESOLVABLE = ["x" * 64 + ".invalid", "a..b", "ü" * 80, "ü..b", "\udc80", "x" * 300, b"\xff\xfe", "127.0.0.1%lo"]
NO_INET = [None, 5, "", "127.0.0.1", b"", b"127.0.0.1", [], [HERE, 80], {HERE: 80}, (), (HERE,), object, "/tmp/socket"]

address_everywhere("tcp udp", *((HERE, port) for port in WRONG_PORTS), *((host, 80) for host in WRONG_HOSTS))
address_everywhere(
    "tcp udp", *NO_INET, (HERE, 80, 0), (HERE, 80, 0, 0), ("::1", 80), ("::1", 80, 0, 0), ("fe80::1%lo", 80),
)
address_everywhere("tcp udp", *((host, 80) for host in UNRESOLVABLE))
address_everywhere("tcp6 udp6", *(("::1", port) for port in WRONG_PORTS), *((host, 80) for host in WRONG_HOSTS))
address_everywhere("tcp6 udp6", *NO_INET, ("::1", 80, 0, 0, 0), (HERE, 80), ("<broadcast>", 80), ("::1%nowhere", 80))
address_everywhere("tcp6 udp6", *((host, 80) for host in UNRESOLVABLE))
for wrong in (-1, 0x100000, 2**32 - 1, "0", 0.0, None):
    address_everywhere("tcp6 udp6", ("::1", 80, wrong), ("::1", 80, wrong, 0))
for wrong in (-1, 2**32 - 1, 2**31, 9_999_999, 2**70, "lo", 0.0, None):
    address_everywhere("tcp6 udp6", ("fe80::1", 80, 0, wrong))
WRONG_PATHS = [
    None, 5, 1.5, (), (HERE, 80), ["a"], "x" * 108, "x" * 2000, b"x" * 108, "\0" + "x" * 108, b"\0" + b"x" * 108,
    "no/such/folder", "\ud800", memoryview(b"abcd")[::2],
]
address_everywhere("unix unix_datagram", *WRONG_PATHS, "nobody", b"\0nobody", bytearray(b"nobody"), "", b"")
address_everywhere("closed detached", (HERE, 80), (HERE, -1), "wrong")
also("udp udp6", "sendto", "text", (HERE, 80))
also("udp udp6", "sendto", b"x", 0, (HERE, -1))
also("udp udp6", "sendto", b"x", "0", (HERE, 80))
also("udp udp6", "sendto", b"x", 2**40, (HERE, 80))
also("udp udp6", "sendto", b"x", (HERE, 80), 0)
also("udp udp6", "sendto", None, (HERE, 80))
also("udp udp6", "sendto", b"x")
also("udp udp6", "sendto")
also("udp", "sendto", b"x" * 70_000, (HERE, 9))
also("tcp", "bind", ("203.0.113.77", 0))
also("tcp6", "bind", ("2001:db8::77", 0))

NO_PEER = Given("a bound TCP port where nobody listens", lambda shop: bound(shop.tcp()))
TAKEN = Given("an address in use", lambda shop: shop.listening().getsockname())


def bound(sock: Any) -> Any:
    sock.bind((HERE, 0))
    return sock.getsockname()


also("tcp", "connect connect_ex", NO_PEER)
also("tcp", "bind", TAKEN)
if sys.platform != "win32" and os.geteuid() != 0:
    also("tcp", "bind", (HERE, 1))

# Sizes, buffers and flags

SIZES = [-1, -(2**31), -(2**70), 2**70, "1", 1.0, None, b"1", [], Decimal(1)]
for size in SIZES:
    also("pair tcp", "recv recvfrom recvmsg", size)
    also("pair tcp", "recv_into recvfrom_into", bytearray(4), size)
    also("pair tcp", "recvmsg", 4, size)
    also("pair tcp", "recvmsg_into", [bytearray(4)], size)
also("pair", "recv_into recvfrom_into", bytearray(4), 5)
also("pair", "recv_into recvfrom_into", bytearray(0), 1)
READ_ONLY = [
    b"1234", "1234", None, 4, memoryview(b"1234"), [1, 2], object(), memoryview(bytearray(8))[::2],
    memoryview(bytearray(8))[::-1], memoryview(bytearray(4)).toreadonly(),
]
for buffer in READ_ONLY:
    also("pair tcp closed", "recv_into recvfrom_into", buffer)
    also("pair tcp", "recvmsg_into", [buffer])
    also("pair tcp", "recvmsg_into", buffer)
WRONG_DATA = [
    "text", None, 4, 1.5, [1, 2], object(), memoryview(bytearray(8))[::2], memoryview(b"12345678")[::-1], ("a",),
]
for data in WRONG_DATA:
    also("pair tcp closed", "send sendall", data)
    also("udp", "sendto", data, (HERE, 9))
    also("pair closed", "sendmsg", [data])
    also("pair", "sendmsg", data)
    also("pair", "sendmsg", [b"x"], data)
    also("pair", "sendmsg", [b"x"], [data])
    also("pair", "sendmsg", [b"x"], [(1, 1, data)])
FLAGS = ["0", 0.0, None, 2**31, -(2**31) - 1, 2**70, 0x7FFFFFFF, -1, Decimal(0)]
for flags in FLAGS:
    also("pair tcp", "send sendall", b"x", flags)
    also("pair tcp", "recv recvfrom", 4, flags)
    also("pair tcp", "recv_into recvfrom_into", bytearray(4), 0, flags)
    also("pair", "recvmsg", 4, 0, flags)
    also("pair", "sendmsg", [b"x"], [], flags)
for ancillary in (
    [(1, 1)], [(1, 1, b"", 0)], [("1", 1, b"")], [(1, None, b"")], [(2**40, 1, b"")], [(1, 1, b"")], [(1, 1, b"x")],
    [(1, 2**70, b"")], [(1, 1, array("i", [-1]))], [(1, 1, array("i", [9999]))], [[1, 1, b""]], 5, "x",
):
    also("pair", "sendmsg", [b"x"], ancillary)
also("pair", "sendmsg", [b"x"], [], 0, "nobody")
also("udp", "sendmsg", [b"x"], [], 0, (HERE, -1))
also("udp", "sendmsg", [b"x"], [], 0, "wrong")
also("pair", "sendmsg", [b"x"] * 1025)
also("pair", "recvmsg_into", [bytearray(1)] * 1025)

# Timeouts

TIMEOUTS = [
    -1, -0.001, -1e-12, -INF, INF, NAN, 1e10, 1e300, 2**31, 2**63, 2**70, "1", b"1", "", [], (), 1j, object(),
    Decimal("NaN"),
]
for timeout in TIMEOUTS:
    also("tcp closed", "settimeout", timeout)
    also("module", "setdefaulttimeout", timeout)
for flag in (2, -1, 0, 1):  # what is no number counts as true or false, but only in newer versions of Python
    also("tcp closed", "setblocking", flag)

# Making a socket

INET, INET6, UNIX = int(standard.AF_INET), int(standard.AF_INET6), int(standard.AF_UNIX)
STREAM, DGRAM = int(standard.SOCK_STREAM), int(standard.SOCK_DGRAM)
for family in (999, 46, 0, -2, -(2**31), 2**31, 2**70, "2", 2.0, None, b"", [], Decimal(2)):
    also("module", "socket", family)
    also("module", "socketpair", family)
for kind in (999, 0, 10, -2, 2**31, 2**70, "1", 1.0, None, STREAM | 1 << 20):
    also("module", "socket", INET, kind)
    also("module", "socketpair", UNIX, kind)
for protocol in (999, 17, -2, 255, 2**31, 2**70, "0", 0.0, None):
    also("module", "socket", INET, STREAM, protocol)
    also("module", "socket", UNIX, STREAM, protocol)
    also("module", "socketpair", UNIX, STREAM, protocol)
also("module", "socketpair", INET)
also("module", "socketpair", INET6, DGRAM)
also("module", "socket", INET, STREAM, 0, None, 0)
also("module", "socket", nonsense=1)
also("module", "socket", UNIX, family=UNIX)

A_FILE = Given("the descriptor of a file", lambda shop: shop.stack.enter_context(open(os.devnull, "rb")).fileno())
A_PIPE = Given("the descriptor of a pipe", lambda shop: pipe(shop.stack))
for number in (-1, -2, -(2**31), 2**31 - 1, 9999, 2**70, 1.0, "1", b"", [], Decimal(1), A_FILE, A_PIPE):
    also("module", "socket", fileno=number)
    also("module", "socket", INET, STREAM, 0, number)
    also("module", "fromfd", number, INET, STREAM)
for number in (-1, 9999, 2**70, 1.0, "1", None, b"", []):
    also("module", "close", number)


def pipe(stack: ExitStack) -> int:
    ends = os.pipe()
    for end in ends:
        stack.callback(os.close, end)
    return ends[0]


# Options

SOL_SOCKET, SO_REUSEADDR = int(standard.SOL_SOCKET), int(standard.SO_REUSEADDR)
SO_LINGER, SO_TYPE = int(standard.SO_LINGER), int(standard.SO_TYPE)
for length in (-1, 1025, 2**31, 2**70, "4", 4.0, None, 0, 1, 4, 1024):
    also("tcp unix closed", "getsockopt", SOL_SOCKET, SO_REUSEADDR, length)
for bad in (-1, 9999, 2**31, 2**70, "1", 1.0, None):
    also("tcp closed", "getsockopt", SOL_SOCKET, bad)
    also("tcp closed", "getsockopt", bad, SO_REUSEADDR)
    also("tcp closed", "setsockopt", SOL_SOCKET, bad, 1)
    also("tcp closed", "setsockopt", bad, SO_REUSEADDR, 1)
for value in (
    None, "1", 1.0, [], (), 2**31, 2**32, 2**70, -(2**31) - 1, b"", b"1", bytearray(3), memoryview(b"1234"),
    memoryview(b"12345678")[::2], object(), Decimal(1), -1, True,
):
    also("tcp closed", "setsockopt", SOL_SOCKET, SO_REUSEADDR, value)
    also("tcp", "setsockopt", SOL_SOCKET, SO_LINGER, value)
    also("tcp", "setsockopt", SOL_SOCKET, SO_TYPE, value)
for value in (1, b"1234", None, "x"):
    for length in (4, 0, 2**32 - 1, "4", 4.0, None):
        also("tcp", "setsockopt", SOL_SOCKET, SO_REUSEADDR, value, length)

# States

for number in (-1, 3, 99, 2**31, 2**70, "0", 0.0, None):
    also("tcp pair listening closed", "shutdown", number)
also("tcp udp listening unix", "shutdown", 2)
for backlog in (2**31, 2**70, -(2**31) - 1, "1", 1.0, None, -1, 0, True, 2**31 - 1):
    also("tcp closed", "listen", backlog)
also("udp pair datagram_pair unix_datagram", "listen")
also("tcp udp unix pair datagram_pair closed", "accept")
also("tcp udp unix unix_datagram closed", "getpeername")
also("tcp udp unix unix_datagram", "getsockname")
also("tcp udp unix unix_datagram listening", "send sendall", b"x")
also("tcp unix listening", "recv recvfrom", 1)
also("tcp unix listening", "recv_into recvfrom_into", bytearray(1))
also("tcp unix listening", "recvmsg", 1)
also("tcp unix", "sendto", b"x", ())
also("listening", "connect", (HERE, 1))
also("pair", "connect", "nobody")
also("pair", "sendto", b"x", "nobody")

# Numbers of arguments, and arguments by keyword

METHODS = """bind listen accept connect connect_ex getsockname getpeername send sendall sendto recv recv_into recvfrom
recvfrom_into shutdown close detach dup fileno getsockopt setsockopt settimeout gettimeout setblocking getblocking
get_inheritable set_inheritable""".split()
MORE_METHODS = ["makefile", "sendfile", "sendmsg", "recvmsg", "recvmsg_into"]
for name in METHODS + MORE_METHODS:
    if name not in ("dup", "detach"):
        also("pair closed", name)
    also("pair closed", name, *[1] * 8)
    also("pair closed", name, nonsense=1)
KEYWORDS = {
    "bind connect connect_ex": {"address": (HERE, 80)},
    "listen": {"backlog": 1},
    "send sendall": {"data": b"x"},
    "recv recvfrom": {"bufsize": 1},
    "recv_into recvfrom_into": {"buffer": bytearray(1), "nbytes": 1, "flags": 0},
    "sendto": {"data": b"x", "address": (HERE, 9)},
    "shutdown": {"how": 2},
    "settimeout": {"value": 1},
    "setblocking": {"flag": True},
    "set_inheritable": {"inheritable": True},
    "getsockopt": {"level": 1, "optname": 2},
    "setsockopt": {"level": 1, "optname": 2, "value": 1},
    "recvmsg": {"bufsize": 1},
    "recvmsg_into": {"buffers": [bytearray(1)]},
    "sendmsg": {"buffers": [b"x"]},
}
for names, named in KEYWORDS.items():
    also("pair closed", names, **named)

also("pair closed", "sendmsg_afalg", op=0)
also("pair closed", "sendmsg_afalg", [b"x"], op=0)

# A socket without a descriptor

FILLED = [
    ("send sendall", b"x"), ("recv recvfrom recvmsg", 1), ("recv_into recvfrom_into", bytearray(1)),
    ("sendto", b"x", (HERE, 9)), ("sendmsg", [b"x"]), ("recvmsg_into", [bytearray(1)]), ("listen", 1), ("shutdown", 2),
    ("getsockopt", 1, 2), ("setsockopt", 1, 2, 1), ("settimeout", 1), ("settimeout", None), ("setblocking", True),
    ("set_inheritable", True), ("accept",), ("getsockname",), ("getpeername",), ("close",), ("detach",), ("dup",),
    ("fileno",), ("gettimeout",), ("getblocking",), ("get_inheritable",), ("makefile", "x"), ("makefile", "rt", 0),
    ("bind", (HERE, 0)), ("connect", (HERE, 9)), ("__enter__",), ("send sendall", b""), ("recv", 0),
]
for names, *arguments in FILLED:
    also("closed detached", names, *arguments)
for mode in ("x", "a", "r+", "", "rbx", 5, None):
    also("pair", "makefile", mode)
also("pair", "makefile", "r", 0)
also("pair", "makefile", "r", "1")
also("pair", "makefile", "rb", encoding=5)
also("pair", "makefile", "r", encoding="no such encoding")
also("pair", "makefile", "r", newline="x")
for size in (-2, "1", 1.0):
    also("pair", "makefile", "rb", size)

# Functions of the module

for host, port in [
    ("x" * 64, 80), ("a..b", 80), ("ü" * 80, 80), ("\udc80", 80), ("127.0.0.1\0b", 80), (b"127.0.0.1\0b", 80), (5, 80),
    (1.5, 80), (HERE, -1), (HERE, 65536), (HERE, 2**40), (HERE, 2**70), (HERE, 1.5), (HERE, "no such service"),
    (HERE, b"http"), (HERE, []), (HERE, "80\0"), (None, None), (None, ""), (b"\xff", 80), ("\ud800", None),
    (HERE, "\ud800"),
]:
    also("module", "getaddrinfo", host, port)
    also("module", "create_connection", (host, port))
for number in ("0", 1.0, None, 2**31, 2**70, -1, 999):
    also("module", "getaddrinfo", HERE, 80, number)
    also("module", "getaddrinfo", HERE, 80, 0, number)
    also("module", "getaddrinfo", HERE, 80, 0, 0, number)
    also("module", "getaddrinfo", HERE, 80, 0, 0, 0, number)
also("module", "getaddrinfo")
also("module", "getaddrinfo", HERE)
also("module", "getaddrinfo", HERE, 80, nonsense=1)
for address in (
    None, 5, (), (HERE,), [HERE, 80], (HERE, 80), ("::1", 80), (HERE, -1), (HERE, 65536), (HERE, "80"), (HERE, 2**70),
    ("", 80), ("localhost\0", 80), (None, 80), ("::1", 80, 2**20, 0), ("::1", 80, -1), ("::1", 80, 0, 0, 0),
    (HERE, 80, 0), (HERE, 80, 0, 0), ("::1", 80, 0, -1), (b"127.0.0.1", 80),
):
    also("module", "getnameinfo", address, standard.NI_NUMERICHOST | standard.NI_NUMERICSERV)
for flags in ("0", None, 2**31, 2**70, 0.0, 1 << 20):
    also("module", "getnameinfo", (HERE, 80), flags)
for value in (-1, 65536, 2**32, 2**70, "1", 1.0, None, b"", []):
    also("module", "htons ntohs htonl ntohl CMSG_LEN CMSG_SPACE if_indextoname", value)
    also("module", "getservbyport", value)
for text in (
    "", "1.2.3", "1.2.3.256", "1.2.3.4.5", "::1", "1.2.3.4\0", "x", " 1.2.3.4", "1.2.3.4 ", "ü", "\ud800", b"1.2.3.4",
    None, 5,
):
    also("module", "inet_aton", text)
    also("module", "inet_pton", INET, text)
    also("module", "inet_pton", INET6, text)
    also("module", "inet_pton", UNIX, text)
    also("module", "gethostbyname gethostbyname_ex", text) if not isinstance(text, str) or "\0" in text else None
    also("module", "getservbyname getprotobyname if_nametoindex", text)
for data in (
    b"", b"123", b"12345", b"1234", bytes(16), bytes(15), bytes(17), "1234", None, 5, bytearray(4),
    memoryview(bytes(8))[::2],
):
    also("module", "inet_ntoa", data)
    also("module", "inet_ntop", INET, data)
    also("module", "inet_ntop", INET6, data)
    also("module", "inet_ntop", UNIX, data)
also("module", "inet_pton", 2**70, HERE)
also("module", "inet_ntop", "2", bytes(4))
also("module", "getservbyname", "http", 5)
also("module", "getservbyname", "http", "no such protocol")
also("module", "getservbyname", "http", "tcp\0")
also("module", "getservbyport", 80, "no such protocol")
also("module", "getservbyport", 80, 5)
for names in (
    "htons", "inet_aton", "inet_pton", "getservbyname", "getprotobyname", "if_nametoindex", "gethostbyname",
    "getnameinfo", "setdefaulttimeout", "getdefaulttimeout", "close", "fromfd", "socketpair", "create_connection",
    "create_server", "CMSG_LEN",
):
    if names not in ("getdefaulttimeout", "socketpair"):
        also("module", names)
    also("module", names, *[1] * 9)
    also("module", names, nonsense=1)
also("module", "create_connection", (HERE,))
also("module", "create_connection", 5)
also("module", "create_connection", NO_PEER)
also("module", "create_connection", NO_PEER, all_errors=True)
also("module", "create_connection", NO_PEER, -1)
also("module", "create_connection", NO_PEER, "1")
also("module", "create_connection", NO_PEER, 1, "wrong")
also("module", "create_connection", NO_PEER, 1, ("203.0.113.77", 0))
also("module", "create_server", TAKEN)
also("module", "create_server", (HERE, 0), family=UNIX)
also("module", "create_server", (HERE, 0), family=999)
also("module", "create_server", (HERE, 0), backlog="1")
also("module", "create_server", (HERE, 0), dualstack_ipv6=True)
also("module", "create_server", (HERE, 70_000))
also("module", "create_server", "wrong")
also("module", "create_server", ("203.0.113.77", 0))
also("module", "sethostname", 5)
also("module", "sethostname", None)

# What the standard module takes by accident, and litsock refuses.

STRICTER: list[tuple[Call, str]] = []


def refused(kind: str, on: str, *addresses: Any) -> None:
    """Addresses that are an error of this kind to everything that takes one."""
    for sock in on.split():
        STRICTER.extend((Call(sock, name, (address,), {}), kind) for address in addresses for name in ADDRESSED.split())
        STRICTER.extend((Call(sock, "sendto", (b"x", address), {}), kind) for address in addresses)


# The standard module hands the whole path to the kernel, which stops at the zero byte: another name than was said.
refused("ValueError", "unix unix_datagram", "a\0b", b"a\0b", "a\0", bytearray(b"a\0"), array("i", [1]))
# The standard module looks at the lowest 32 bits of a flow label only.
refused("OverflowError", "tcp6 udp6", ("::1", 80, 2**32), ("::1", 80, 2**70, 0))

# fmt: on


needs_ipv6 = pytest.mark.needs("ipv6")


def parameters(call: Call, *more: Any) -> Any:
    """The parameters of a test of one call."""
    return pytest.param(call, *more, id=str(call), marks=[needs_ipv6] if call.on.endswith("6") else [])


UNIQUE = list({str(call): call for call in CALLS}.values())


@pytest.fixture(autouse=True)
def undisturbed(tmp_path, monkeypatch):
    """Calls that are not refused after all have no effect beyond their test: on no folder, and on no later socket."""
    monkeypatch.chdir(tmp_path)
    yield
    standard.setdefaulttimeout(None)
    litsock.setdefaulttimeout(None)


def clean() -> None:
    """Remove what a run left in the folder, so that the next run finds the same."""
    for name in os.listdir(b"."):
        os.unlink(name)


@pytest.mark.parametrize("call", [parameters(call) for call in UNIQUE])
def test_call(call: Call):
    compare(lambda module: (clean(), call(module))[1])


@pytest.mark.parametrize("call, kind", [parameters(*entry) for entry in STRICTER])
def test_stricter_than_the_standard_module(call: Call, kind: str):
    before = descriptors()
    found, message = call(litsock)
    assert found == Raised(kind, None) and message
    assert none_lost(before) and not os.listdir(".")


def test_no_documented_method_is_missing():
    missing = [name for name in METHODS if not hasattr(litsock.socket, name)]
    assert not missing, f"litsock's socket lacks {', '.join(missing)}"


# Several steps: what comes after a failure, and what looks like a failure and is none


def scenario(run: Callable[[Workshop], Any]) -> Callable[[], None]:
    """A test out of a function that does the same with each module and answers with what there is to compare."""

    def case(module: ModuleType) -> tuple[Any, str]:
        clean()
        with ExitStack() as stack:
            return plain(run(Workshop(module, stack))), "-"

    def test() -> None:
        compare(case)

    test.__name__, test.__doc__ = run.__name__, run.__doc__
    return test


@scenario
def test_closing_twice(shop: Workshop):
    sock = shop.tcp()
    sock.close()
    return sock.close(), sock.fileno(), outcome(sock.send, b"x")[0]


@scenario
def test_detaching_twice(shop: Workshop):
    sock = shop.tcp()
    os.close(sock.detach())
    return sock.detach(), sock.close(), sock.fileno(), outcome(sock.getsockname)[0]


@scenario
def test_descriptor_closed_behind_the_back(shop: Workshop):
    sock = shop.tcp()
    os.close(sock.fileno())
    return outcome(sock.getsockname)[0], outcome(sock.settimeout, 1)[0], outcome(sock.close)[0], sock.fileno()


@scenario
def test_timeout_stays_after_a_wrong_one(shop: Workshop):
    sock = shop.tcp()
    sock.settimeout(3)
    return (
        [outcome(sock.settimeout, value)[0] for value in (-1, NAN, "1", 1e300)],
        sock.gettimeout(),
        os.get_blocking(sock.fileno()),
    )


@scenario
def test_default_timeout_stays_after_a_wrong_one(shop: Workshop):
    shop.module.setdefaulttimeout(2.5)
    try:
        return [
            outcome(shop.module.setdefaulttimeout, value)[0] for value in (-1, NAN, "1")
        ], shop.module.getdefaulttimeout()
    finally:
        shop.module.setdefaulttimeout(None)


@scenario
def test_a_socket_that_never_waits(shop: Workshop):
    sock, _ = map(shop.keep, shop.module.socketpair())
    sock.setblocking(False)
    listener = shop.listening()
    listener.setblocking(False)
    tries = [
        (sock.recv, 1),
        (sock.recvfrom, 1),
        (sock.recv_into, bytearray(1)),
        (sock.recvfrom_into, bytearray(1)),
        (listener.accept,),
    ]
    full = b"x" * 2**22
    sock.send(full)
    return [outcome(*call)[0] for call in (*tries, (sock.send, b"x"), (sock.sendall, full))]


@scenario
def test_a_timeout_that_runs_out(shop: Workshop):
    sock, _ = map(shop.keep, shop.module.socketpair())
    sock.settimeout(0.01)
    listener = shop.listening()
    listener.settimeout(0.01)
    full = b"x" * 2**22
    calls = [
        (sock.recv, 1),
        (sock.recv_into, bytearray(1)),
        (listener.accept,),
        (sock.sendall, full),
        (sock.send, b"x"),
    ]
    return [outcome(*call)[0] for call in calls]


@scenario
def test_connecting_without_waiting(shop: Workshop):
    port = NO_PEER.make(shop)
    first, second = shop.tcp(), shop.tcp()
    first.setblocking(False)
    second.settimeout(5)
    return outcome(second.connect_ex, port)[0], outcome(first.connect_ex, port)[0]


@scenario
def test_connecting_again(shop: Workshop):
    sock, listener = shop.tcp(), shop.listening()
    sock.connect(listener.getsockname())
    return outcome(sock.connect, listener.getsockname())[0], sock.connect_ex(listener.getsockname())


@scenario
def test_binding_again(shop: Workshop):
    sock = shop.tcp()
    sock.bind((HERE, 0))
    return outcome(sock.bind, (HERE, 0))[0]


@scenario
def test_peer_is_gone(shop: Workshop):
    sock, other = map(shop.keep, shop.module.socketpair())
    other.close()
    return sock.recv(1), sock.recv_into(bytearray(4)), outcome(sock.send, b"x")[0], outcome(sock.sendall, b"x")[0]


@scenario
def test_refusal_of_a_datagram(shop: Workshop):
    """The kernel tells the error of one call in the next, on a connected socket."""
    sock, deaf = shop.udp(), shop.udp()
    deaf.bind((HERE, 0))
    sock.connect(deaf.getsockname())
    deaf.close()
    sock.send(b"x")
    return outcome(sock.send, b"x")[0], sock.getsockopt(SOL_SOCKET, standard.SO_ERROR)


@scenario
def test_nothing_to_send_or_receive(shop: Workshop):
    sock, other = map(shop.keep, shop.module.socketpair())
    other.send(b"abc")
    return sock.send(b""), sock.sendall(b""), sock.recv(0), sock.recvfrom(0), sock.recv_into(bytearray()), sock.recv(9)


@scenario
def test_empty_datagrams(shop: Workshop):
    sock, other = map(shop.keep, shop.module.socketpair(type=shop.module.SOCK_DGRAM))
    sock.settimeout(1)
    sent = other.send(b""), other.sendall(b""), other.send(b"abc"), other.send(b"def")
    return (
        sent,
        sock.recv(9),
        sock.recvfrom(9),
        sock.recv(0),
        sock.recv_into(bytearray()),
        sock.recvfrom(0),
        sock.recv(2),
    )


@scenario
def test_receiving_nothing_does_not_wait(shop: Workshop):
    """`recv` of no bytes asks nobody, neither for data nor whether there is a descriptor."""
    sock, _ = map(shop.keep, shop.module.socketpair())
    sock.settimeout(0.01)
    return outcome(sock.recv, 0)[0], outcome(sock.recv_into, bytearray())[0], outcome(shop.closed().recv, 0)[0]


@scenario
def test_empty_datagrams_over_udp(shop: Workshop):
    sock, other = shop.udp(), shop.udp()
    sock.bind((HERE, 0))
    other.bind((HERE, 0))
    sock.settimeout(1)
    sent = [other.sendto(data, sock.getsockname()) for data in (b"", b"abc", b"")]
    received = [sock.recvfrom(9), sock.recvfrom(0), sock.recvfrom_into(bytearray(4))]
    return sent, [(data, sender == other.getsockname()) for data, sender in received]


@scenario
def test_a_datagram_longer_than_the_buffer(shop: Workshop):
    """With `MSG_TRUNC` the kernel tells the whole length. Behind the bytes that fit, the result is undefined.

    The standard module of Python 3.15 raises `ValueError` then, and the datagram is lost."""
    sock, other = map(shop.keep, shop.module.socketpair(type=shop.module.SOCK_DGRAM))
    for _ in range(6):
        other.send(b"x" * 20_000)
    truncated = shop.module.MSG_TRUNC

    def received(method, size):
        try:
            return method(size, truncated)
        except ValueError:
            if shop.module is not standard:
                raise
            return b"x" * 20_000

    results = [sock.recv(10), received(sock.recv, 10), received(lambda *args: sock.recvfrom(*args)[0], 10), received(sock.recv, 9_000)]
    sizes = [sock.recv_into(bytearray(10), 0, truncated), sock.recvfrom_into(bytearray(10), 0, truncated)]
    return [len(data) for data in results], [data[:10] for data in results], sizes


@pytest.mark.parametrize("method", ["recv", "recvfrom"])
def test_nobody_reads_foreign_memory(method: str):
    """The same call: behind the bytes that fit, litsock shows nothing of what else the process has in memory."""
    sock, other = litsock.socketpair(type=litsock.SOCK_DGRAM)
    with sock, other:
        other.send(b"x" * 2_000)
        found = getattr(sock, method)(10, litsock.MSG_TRUNC)
    data = found if method == "recv" else found[0]
    assert data == b"x" * 10 + bytes(1_990)


@scenario
def test_abstract_names(shop: Workshop):
    name = b"\0litsock \xff\0 " + str(os.getpid()).encode()
    sock, other, third = shop.unix_datagram(), shop.unix_datagram(), shop.unix_datagram()
    sock.bind(name)
    third.bind("\0ü" + str(os.getpid()))
    other.sendto(b"from nobody", name)
    third.sendto(b"from somebody", name)
    return sock.getsockname(), sock.recvfrom(99), sock.recvfrom(99), third.getsockname(), outcome(other.bind, name)[0]


@scenario
def test_a_name_that_the_kernel_chooses(shop: Workshop):
    sock = shop.unix_datagram()
    before = sock.getsockname()
    sock.bind("")
    name = sock.getsockname()
    return before, type(name), len(name), name[:1]


@scenario
def test_the_longest_names(shop: Workshop):
    sock, other, third = shop.unix_datagram(), shop.unix_datagram(), shop.unix_datagram()
    sock.bind("x" * 107)
    other.bind(b"\0" + b"y" * (107 - len(str(os.getpid()))) + str(os.getpid()).encode())
    third.bind(os.fsdecode(b"\xff\xfe"))
    third.sendto(b"x", "x" * 107)
    return sock.getsockname(), other.getsockname(), third.getsockname(), sock.recvfrom(9)


@scenario
def test_paths_of_other_types(shop: Workshop):
    kinds = b"a", bytearray(b"b"), memoryview(b"c"), array("B", b"d"), "e"
    socks = [shop.unix_datagram() for _ in kinds]
    return [outcome(sock.bind, kind)[0] for sock, kind in zip(socks, kinds)], [sock.getsockname() for sock in socks]


@scenario
def test_hosts_of_other_types(shop: Workshop):
    hosts = b"127.0.0.1", bytearray(b"127.0.0.1"), "127.1", "0x7f000001", "2130706433", "", "localhost"
    socks = [shop.tcp() for _ in hosts]
    return [outcome(sock.bind, (host, 0))[0] for sock, host in zip(socks, hosts)], [
        sock.getsockname()[0] for sock in socks
    ]


class Numeric:
    """An integer by courtesy."""

    def __init__(self, value: int):
        self.value = value

    def __index__(self) -> int:
        return self.value


class Failing:
    def __index__(self) -> int:
        raise LookupError("no number today")


@scenario
def test_numbers_by_courtesy(shop: Workshop):
    sock, pair = shop.tcp(), shop.pair()
    sock.bind((HERE, Numeric(0)))
    made = shop.module.socket(Numeric(INET), Numeric(STREAM), Numeric(0))
    with made:
        kind = made.family, made.type, made.proto
    calls = [
        (pair.recv, Numeric(1)),
        (pair.recv_into, bytearray(4), Numeric(2)),
        (pair.send, b"x", Numeric(0)),
        (sock.listen, Numeric(1)),
        (sock.settimeout, Numeric(3)),
        (sock.getsockopt, Numeric(1), Numeric(2)),
        (sock.setsockopt, 1, 2, Numeric(1)),
        (sock.shutdown, Numeric(2)),
    ]
    return kind, [outcome(*call)[0] for call in calls]


@scenario
def test_numbers_that_raise(shop: Workshop):
    sock, pair, bad = shop.tcp(), shop.pair(), Failing()
    calls = [
        (sock.bind, (HERE, bad)),
        (pair.recv, bad),
        (pair.recv_into, bytearray(4), bad),
        (pair.send, b"x", bad),
        (sock.listen, bad),
        (sock.settimeout, bad),
        (sock.getsockopt, 1, bad),
        (sock.setsockopt, 1, 2, bad),
        (sock.shutdown, bad),
        (shop.module.socket, bad),
        (shop.module.socket, INET, STREAM, 0, bad),
    ]
    return [outcome(*call)[0] for call in calls]


@scenario
def test_descriptors_by_other_numbers(shop: Workshop):
    """A `bool` is an integer. So that 0 is no socket, it is something else for a moment."""
    saved = os.dup(0)
    with open(os.devnull, "rb") as file:
        os.dup2(file.fileno(), 0)
    try:
        return [
            outcome(shop.module.socket, fileno=number)[0] for number in (False, Numeric(0), Numeric(-1), 0.0, Failing())
        ]
    finally:
        os.dup2(saved, 0)
        os.close(saved)


@scenario
def test_a_socket_out_of_a_descriptor(shop: Workshop):
    sock, listener = shop.udp(), shop.listening()
    answers = []
    for one in (sock, listener, shop.pair()):
        again = shop.keep(shop.module.socket(fileno=os.dup(one.fileno())))
        answers.append((int(again.family), int(again.type), again.proto))
    return answers


@scenario
def test_buffers_of_other_shapes(shop: Workshop):
    """Items of more than one byte, and more than one dimension: bytes count."""
    sock, other = map(shop.keep, shop.module.socketpair())
    numbers, buffer = array("i", [1, 2, 3]), array("i", [0] * 6)
    table = memoryview(bytes(range(12))).cast("B", [3, 4])
    sent = (
        other.send(numbers),
        other.sendall(numbers),
        other.send(table),
        other.sendall(table),
        other.send(bytearray(b"end")),
    )
    return (
        sent,
        sock.recv_into(buffer),
        buffer,
        sock.recv_into(memoryview(bytearray(8)).cast("B", [2, 4]), 5),
        sock.recv(99),
    )


@scenario
def test_sending_from_a_wrong_iterable(shop: Workshop):
    """What an iterable raises goes through. The standard module of Python 3.15 raises `TypeError` instead, as for what is no iterable."""
    sock = shop.pair()

    def failing():
        yield b"x"
        raise LookupError("no more")

    def told(*call):
        kind = outcome(*call)[0].kind
        return "LookupError" if shop.module is standard and kind == "TypeError" else kind

    return [
        told(sock.sendmsg, failing()),
        outcome(sock.recvmsg_into, (part for part in [bytearray(3), b"read-only"]))[0],
        told(sock.sendmsg, [b"x"], failing()),
        sock.recv(99),
    ]


@scenario
def test_messages_that_cannot_be_delivered(shop: Workshop):
    """Descriptors for which there is no room are closed, not lost."""
    sock, other = map(shop.keep, shop.module.socketpair())
    rights = SOL_SOCKET, standard.SCM_RIGHTS, array("i", [other.fileno()] * 3)
    for _ in range(3):
        other.sendmsg([b"x"], [rights])
    before = descriptors()
    answers = [
        sock.recvmsg(1)[1:3],
        outcome(sock.recvmsg_into, [b"read-only"], 64)[0],
        outcome(sock.recvmsg, -1, 64)[0],
        sock.recv(1),
    ]
    return answers, descriptors() == before


@scenario
def test_pickling(shop: Workshop):
    import copy
    import pickle

    sock = shop.tcp()
    return outcome(pickle.dumps, sock)[0], outcome(copy.copy, sock)[0], outcome(copy.deepcopy, sock)[0]


@scenario
def test_attributes_that_cannot_be_set(shop: Workshop):
    sock = shop.tcp()
    names = "family", "type", "proto", "timeout", "anything"
    return [outcome(setattr, sock, name, 1)[0] for name in names]


@scenario
def test_a_failed_socket_is_closed(shop: Workshop):
    """`__init__` fails: the object that is left has no descriptor."""
    sock = shop.module.socket.__new__(shop.module.socket)
    return outcome(sock.__init__, 999)[0], sock.fileno(), outcome(sock.recv, 1)[0]
