"""The name services: litsock answers what the standard module answers, in eight threads at once, and tells the same hooks.

No test asks a name server. Hosts are numbers, or `localhost`, or nothing that could be a name.

    EXPLORE=1 pytest tests/test_names.py        # other random calls than the usual ones
"""

from __future__ import annotations

import errno
import os
import shutil
import socket as standard
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from common import PYPY
from hypothesis import given, settings
from hypothesis import strategies as st
from outcomes import Raised, outcome

import litsock
from litsock import kernel

EXPLORE = "EXPLORE" in os.environ
MANY = settings(max_examples=2000, derandomize=not EXPLORE, deadline=None, database=None, print_blob=EXPLORE)


def answer(module: Any, name: str, *arguments: Any, **named: Any) -> str:
    """What a call comes to, down to the types: an enum member is not its number."""
    return repr(shared(outcome(getattr(module, name), *arguments, **named)[0]))


def shared(value: Any) -> Any:
    """A value with a plain number for each enum member that only litsock has: it knows more families and types."""
    if isinstance(value, (litsock.AddressFamily, litsock.SocketKind)):
        return value if hasattr(standard, value.name) else int(value)
    if isinstance(value, Raised) and value.kind == "gaierror" and sys.platform == "win32":
        return value._replace(errno=None)  # of two mistakes, Wine's `GetAddrInfoW` names another than its `getaddrinfo`
    if type(value) in (list, tuple):
        return type(value)(map(shared, value))
    return value


def same(name: str, *arguments: Any, **named: Any) -> None:
    ours, theirs = (answer(module, name, *arguments, **named) for module in (litsock, standard))
    if PYPY and "Raised(" in ours + theirs:  # PyPy's module refuses other arguments than CPython's, and with other exceptions
        return
    assert ours == theirs


# What to call with

NO_NUMBERS = st.sampled_from([None, "1", b"1", 1.0, Decimal(1), [], (), 1j])
NO_TEXTS = st.sampled_from([None, 5, 1.5, [], (), bytearray(b"127.1"), memoryview(b"lo"), PurePosixPath("lo"), True])
BYTES = st.binary(max_size=20)
TEXTS = st.text(max_size=20) | st.text("abcxyz019.:%/-_ \0", max_size=20)
INTS = (
    st.integers(-3, 300)
    | st.integers(-(2**33), 2**33)
    | st.integers()
    | st.sampled_from([65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, -(2**31), -(2**31) - 1])
)
FITTING = INTS.filter(lambda number: abs(number) < 2**63)  # see test_ports_beyond_c

V4 = st.ip_addresses(v=4).map(str)
V6 = st.ip_addresses(v=6).map(str)
SCOPED = V6.map("{}%lo".format) | V6.map("{}%1".format) | V6.map("{}%nowhere".format)
OCTAL = [] if PYPY else ["0177.0.0.1"]  # PyPy's gethostbyname takes it for 177.0.0.1
OLD_V4 = st.sampled_from(["127.1", "127.0.1", "0x7f.1", *OCTAL, "2130706433", "0"])
NUMERIC = V4 | V6 | OLD_V4
NOT_QUITE = st.sampled_from(["1.2.3.256", "1.2.3.4.5", "1.2.3.4 ", "::1::", ":", "%lo", "0x", "1_0"])
NO_NAMES = st.sampled_from(["x" * 64, "a..b", ".a", "x" * 64 + ".a", "ü" * 80, "ü..b", "\udc80", b"x" * 64, b"a..b"])
ZEROS = st.sampled_from(["127.0.0.1\0", "\0", "localhost\0x", b"127.0.0.1\0x", b"\0"])  # the old functions refuse them
WRONG_HOSTS = NO_NAMES | st.sampled_from([5, 1.5, (), [], memoryview(b"127.0.0.1"), PurePosixPath("127.0.0.1")])


def as_bytes(hosts: Any) -> Any:
    """The same hosts as `str`, as `bytes` and as `bytearray`."""
    return hosts | hosts.map(str.encode) | hosts.map(lambda host: bytearray(host.encode()))


FAMILIES = st.sampled_from([0, standard.AF_INET, standard.AF_INET6]) | st.sampled_from([1, 2, 10, 16]) | INTS | NO_NUMBERS
KINDS = st.just(0) | st.sampled_from([standard.SOCK_STREAM, 1, 2, 3, 5, 2048 | 1]) | INTS | NO_NUMBERS
PROTOCOLS = st.just(0) | st.sampled_from([1, 6, 17, 132, 255]) | INTS | NO_NUMBERS
SERVICES = st.sampled_from(
    ["http", "https", "domain", "ssh", "www", "syslog", "HTTP", "no such service", "", "80", "080", " 80", "-1", "80\0x"]
)
PORTS = st.integers(0, 65535) | FITTING | SERVICES | SERVICES.map(str.encode) | TEXTS | NO_NUMBERS | st.just(True)
HINTS = st.just(0) | st.lists(
    st.sampled_from([getattr(standard, name) for name in dir(standard) if name.startswith("AI_")] + [1 << 20]), max_size=3
).map(lambda flags: sum(set(flags)))
NAME_FLAGS = st.lists(st.sampled_from([1, 2, 4, 8, 16, 32, 1 << 20]), max_size=3).map(lambda flags: sum(set(flags)))


# The same random call on both modules


@MANY
@given(
    host=NUMERIC | NUMERIC.map(str.encode) | SCOPED | NOT_QUITE | TEXTS | BYTES | WRONG_HOSTS | ZEROS | st.none(),
    port=PORTS,
    family=FAMILIES,
    kind=KINDS,
    protocol=PROTOCOLS,
    flags=HINTS | INTS | NO_NUMBERS,
)
def test_getaddrinfo(host: Any, port: Any, family: Any, kind: Any, protocol: Any, flags: Any):
    if isinstance(flags, int):
        flags |= standard.AI_NUMERICHOST
    same("getaddrinfo", host, port, family, kind, protocol, flags)


@MANY
@given(
    named=st.fixed_dictionaries(
        {"host": NUMERIC | st.none(), "port": st.integers(0, 65535) | SERVICES | st.none()},
        optional={"family": FAMILIES, "type": KINDS, "proto": PROTOCOLS, "flags": HINTS, "nonsense": st.just(1)},
    )
)
def test_getaddrinfo_by_keyword(named: dict):
    if named.get("flags"):
        named["flags"] |= standard.AI_NUMERICHOST
    same("getaddrinfo", **named)


NUMBER_PAIRS = st.tuples(NUMERIC | NOT_QUITE | WRONG_HOSTS | ZEROS | st.just("ü"), st.integers(0, 65535) | INTS | NO_NUMBERS)
FLOWS = st.integers(0, 0xFFFFF) | INTS | NO_NUMBERS
SOCKADDRS = (
    NUMBER_PAIRS
    | st.tuples(V6 | V4, st.integers(0, 65535), FLOWS)
    | st.tuples(V6, st.integers(0, 65535), st.integers(0, 0xFFFFF), st.integers(0, 3) | INTS | NO_NUMBERS)
    | st.tuples(V6, st.just(80), st.just(0), st.just(0), st.just(0))
    | st.tuples(V4)
    | st.sampled_from([None, (), "127.0.0.1", ["127.0.0.1", 80], 5])
)


@MANY
@given(
    question=st.tuples(st.tuples(st.just("127.0.0.1"), st.integers(0, 65535)), NAME_FLAGS)  # in every hosts file
    | st.tuples(SOCKADDRS, NAME_FLAGS.map(lambda flags: flags | 1) | NO_NUMBERS | st.sampled_from([2**31, 2**70, -(2**31) - 1]))
)
def test_getnameinfo(question: tuple):
    same("getnameinfo", *question)


SPECIAL = st.sampled_from(["", "localhost", "<broadcast>", "255.255.255.255"])


@MANY
@given(host=as_bytes(NUMERIC | SPECIAL) | WRONG_HOSTS | ZEROS | NO_TEXTS)
def test_gethostbyname(host: Any):
    same("gethostbyname", host)


DOTTED = V4 | st.sampled_from(["127.1", "127.0.1", "0", "localhost"])


@MANY
@given(host=as_bytes(DOTTED | V6 | SPECIAL) | WRONG_HOSTS | ZEROS | NO_TEXTS)
def test_gethostbyname_ex(host: Any):
    same("gethostbyname_ex", host)


@MANY
@given(host=as_bytes(st.sampled_from(["127.0.0.1", "127.1", "0x7f.1", "localhost", ""])) | WRONG_HOSTS | ZEROS | NO_TEXTS)
def test_gethostbyaddr(host: Any):
    same("gethostbyaddr", host)


def in_hosts_file(name: str) -> bool:
    try:
        lines = Path("/etc/hosts").read_text().splitlines()
    except OSError:
        return False
    return any(name in line.partition("#")[0].split() for line in lines)


HERE = ["", " ", "0.0.0.0", "::", b""] if in_hosts_file(standard.gethostname()) else []  # else a name server would be asked


KNOWN = st.sampled_from(["127.0.0.1", " 127.1\n", "localhost", b"localhost", bytearray(b"127.1"), *HERE])


@MANY
@given(name=KNOWN | WRONG_HOSTS | ZEROS | NO_TEXTS)
def test_getfqdn(name: Any):
    same("getfqdn", name)


@MANY
@given(
    arguments=st.tuples(SERVICES | TEXTS | NO_TEXTS)
    | st.tuples(SERVICES | TEXTS, st.sampled_from(["tcp", "udp", "sctp", "", "TCP", "no such", "tcp\0"]) | NO_TEXTS | TEXTS)
    | st.tuples(NO_TEXTS | st.just("http\0"), NO_TEXTS)
)
def test_getservbyname(arguments: tuple):
    same("getservbyname", *arguments)


@MANY
@given(
    arguments=st.tuples(st.integers(0, 1023) | INTS | NO_NUMBERS | st.just(True))
    | st.tuples(st.integers(0, 1023), st.sampled_from(["tcp", "udp", "sctp", "", "no such", "tcp\0"]) | NO_TEXTS | TEXTS)
    | st.tuples(INTS | NO_NUMBERS, NO_TEXTS)
)
def test_getservbyport(arguments: tuple):
    same("getservbyport", *arguments)


IP_PROTOCOLS = st.sampled_from(["ip", "icmp", "tcp", "udp", "ipv6", "ipv6-icmp", "TCP", "6", "tcp\0"])


@MANY
@given(name=IP_PROTOCOLS | TEXTS | NO_TEXTS | BYTES)
def test_getprotobyname(name: Any):
    same("getprotobyname", name)


INTERFACES = st.sampled_from(["lo", b"lo", "LO", "lo\0", b"lo\0", "lo ", "x" * 16, "\udcff"])


@MANY
@given(name=INTERFACES | TEXTS | BYTES | NO_TEXTS)
def test_if_nametoindex(name: Any):
    same("if_nametoindex", name)


@MANY
@given(number=st.integers(-2, 50) | st.integers(-(2**70), 2**32 - 1) | st.integers(2**64, 2**70) | NO_NUMBERS | st.booleans())
def test_if_indextoname(number: Any):
    same("if_indextoname", number)


@MANY
@given(name=st.sampled_from(["gethostname", "if_nameindex"]), arguments=st.lists(INTS | TEXTS | NO_TEXTS, max_size=2))
def test_nothing_to_give(name: str, arguments: list):
    same(name, *arguments)


TOO_LONG = TEXTS.map(lambda text: (text + "x" * 65)) | BYTES.map(lambda raw: raw + b"x" * 65)  # even for the administrator
NO_PATHS = NO_TEXTS.filter(lambda name: not isinstance(name, PurePosixPath))


@MANY
@given(name=TOO_LONG | NO_PATHS | st.sampled_from(["a\0", "\ud800"]))
def test_sethostname(name: Any):
    before = os.uname().nodename
    same("sethostname", name)
    assert os.uname().nodename == before


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7])
@pytest.mark.parametrize("name", [
    "getaddrinfo", "getnameinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getservbyname", "getservbyport",
    "getprotobyname", "if_nametoindex", "if_indextoname", "sethostname",
])  # fmt: skip
def test_number_of_arguments(name: str, count: int):
    same(name, *[None] * count)


# The errors, with their text


@pytest.mark.parametrize("arguments", [
    ("no number", 80), ("192.0.2.256", 80), ("::1%nowhere", 80), ("", 80), ("192.0.2.1", "no such service"),
    ("192.0.2.1", -1), ("192.0.2.1", 80, getattr(standard, "AF_UNIX", 1)), ("192.0.2.1", 80, 99), ("192.0.2.1", 80, standard.AF_INET6),
    ("::1", 80, standard.AF_INET), ("192.0.2.1", 80, 0, 99), ("192.0.2.1", 80, 0, 1, 17), ("192.0.2.1", 80, 0, 0, 99),
    ("192.0.2.1", 80, 0, 0, 0, 1 << 20), (None, None),
])  # fmt: skip
def test_every_gaierror(arguments: tuple):
    arguments = (*arguments, *[0] * (5 - len(arguments)), standard.AI_NUMERICHOST)[: max(6, len(arguments))]
    theirs, ours = (outcome(module.getaddrinfo, *arguments) for module in (standard, litsock))
    assert ours == theirs
    assert sys.platform == "win32" or theirs[0].kind == "gaierror"  # Windows has an answer to some of them


@pytest.mark.needs("cpython")  # PyPy's herror has a text and no number
def test_herror():
    with pytest.raises(standard.herror) as theirs:
        standard.gethostbyname_ex("")
    with pytest.raises(litsock.herror) as ours:
        litsock.gethostbyname_ex("")
    assert ours.value.args == theirs.value.args


@pytest.mark.parametrize("call", [
    lambda module: module.getservbyname("carrier-pigeon", "tcp"), lambda module: module.getservbyport(1, "carrier-pigeon"),
    lambda module: module.getprotobyname("carrier-pigeon"),
    pytest.param(lambda module: module.if_nametoindex("carrier-pigeon"), marks=pytest.mark.needs("cpython")),  # PyPy has words of its own
])  # fmt: skip
def test_a_note_says_what_was_not_found(call: Any):
    """The message is the standard module's, for programs that compare it."""
    with pytest.raises(OSError) as theirs:
        call(standard)
    with pytest.raises(OSError) as ours:
        call(litsock)
    assert ours.value.args == theirs.value.args and "carrier-pigeon" in ours.value.__notes__[0]


@pytest.mark.parametrize("call", [
    lambda module: module.getaddrinfo("nowhere.invalid", 80), lambda module: module.gethostbyname("nowhere.invalid"),
    lambda module: module.create_connection(("nowhere.invalid", 80)), lambda module: module.socket().connect(("nowhere.invalid", 80)),
])  # fmt: skip
def test_a_note_says_which_host_was_looked_up(call: Any):
    with pytest.raises(standard.gaierror) as theirs:
        call(standard)
    with pytest.raises(litsock.gaierror) as ours:
        call(litsock)
    assert ours.value.args == theirs.value.args and "host 'nowhere.invalid'" in ours.value.__notes__[0]


# Where litsock differs, or where versions of Python do


@pytest.mark.parametrize("port", [2**63, -(2**63) - 1, 2**70])
def test_ports_beyond_c(port: int):
    """Python 3.11 says OverflowError. Later ones hand the digits to the C library, which may make some other port of them."""
    same("getaddrinfo", "127.0.0.1", port)


@pytest.mark.parametrize("number", [2**32, 2**32 + 1, 2**64 - 1])
def test_no_interface_has_this_number(number: int):
    """Python 3.11 takes the lowest 32 bits, and finds an interface that was not asked for; 3.13 says OverflowError, and so does Windows'."""
    with pytest.raises((OSError, OverflowError)) as caught:
        litsock.if_indextoname(number)
    if sys.version_info >= (3, 13) or sys.platform == "win32":
        assert caught.type is OverflowError
    else:
        assert caught.value.errno == errno.ENXIO


def test_names_that_are_no_utf8(monkeypatch):
    """The standard module has no answer at all then. A name is bytes, and comes as a file name would (PEP 383)."""
    found = [(2, 1, 6, b"\xff", bytes([2, 0, 0, 80, 127, 0, 0, 1, *[0] * 8]))]
    monkeypatch.setattr(kernel, "getaddrinfo", lambda *question: (0, found))
    assert litsock.getaddrinfo("x", 80)[0][3] == "\udcff"
    monkeypatch.setattr(kernel, "gethostbyaddr", lambda *question: (0, (b"\xfe", [b"\xff"], 2, [bytes(4)])))
    assert litsock.gethostbyaddr("x") == ("\udcfe", ["\udcff"], ["0.0.0.0"])


# What Hypothesis does not reach


def test_canonical_name():
    for host, family in (("localhost", 0), ("127.1", 0), ("::1", standard.AF_INET6), (None, 0)):
        same("getaddrinfo", host, 80, family, 0, 0, standard.AI_CANONNAME)
    same("getaddrinfo", "192.0.2.1", 80, standard.AF_INET6, 0, 0, standard.AI_V4MAPPED | standard.AI_ALL)
    assert litsock.getaddrinfo("localhost", 80, flags=litsock.AI_CANONNAME)[0][3]


def test_international_names(monkeypatch):
    """They reach the C library in their disguise; all of them, not only the host of an address."""
    asked = []
    monkeypatch.setattr(kernel, "getaddrinfo", lambda host, *rest: asked.append(host) or (litsock.EAI_NONAME, 0))
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getfqdn"):
        rest = [80] if name == "getaddrinfo" else []
        outcome(getattr(litsock, name), "Bücher.example", *rest)
    assert asked == ["Bücher.example".encode("idna")] * 5


@pytest.mark.needs("netbase")
def test_the_answer_needs_a_larger_buffer(monkeypatch):
    """Sixteen bytes are too few for any of them, so each must come back with a larger one."""
    questions = {
        "gethostbyname_ex": ["192.0.2.1"], "gethostbyaddr": ["127.0.0.1"], "getservbyname": ["http", "tcp"],
        "getservbyport": [80], "getprotobyname": ["icmp"],
    }  # fmt: skip
    from litsock.kernel import cffi_calls

    sizes, allocate = [], cffi_calls.allocate
    monkeypatch.setattr(cffi_calls, "allocate", lambda kind, *size: sizes.extend(size) or allocate(kind, *size))
    monkeypatch.setattr(cffi_calls, "BUFFER_SIZES", (16, 1 << 15))
    for name, arguments in questions.items():
        call = name.removesuffix("_ex")
        monkeypatch.setattr(kernel, call, getattr(cffi_calls, call))
        del sizes[:]
        same(name, *arguments)
        assert sizes[-2:] == [16, 1 << 15], name


def test_getfqdn_takes_the_first_name_with_a_dot(monkeypatch):
    def entry(*names: str) -> Any:
        name, *aliases = map(str.encode, names)
        return lambda *question: (0, (name, aliases, litsock.AF_INET, [bytes(4)]))

    for names, full in ((["a", "b.c", "d.e"], "b.c"), (["a.b", "c.d"], "a.b"), (["a", "b"], "a"), (["a"], "a")):
        monkeypatch.setattr(kernel, "gethostbyaddr", entry(*names))
        assert litsock.getfqdn("127.0.0.1") == full


# Eight threads, each with its own question


def test_eight_threads_get_their_own_answers():
    def ask(number: int) -> bool:
        host, port = f"192.0.2.{number % 256}", number % 1024
        return (
            litsock.gethostbyname_ex(host) == (host, [], [host])
            and litsock.getaddrinfo(host, port, type=litsock.SOCK_STREAM)[0][4] == (host, port)
            and litsock.getnameinfo((host, port), litsock.NI_NUMERICHOST | litsock.NI_NUMERICSERV) == (host, str(port))
            and services[port] == outcome(litsock.getservbyport, port)[0]
        )

    services = {port: outcome(litsock.getservbyport, port)[0] for port in range(1024)}
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(2048)))


# The plain case in C, and the Python function behind it

PLAIN: dict[str, list[tuple]] = {
    "gethostname": [()],
    "gethostbyname": [("192.0.2.1",), ("127.1",)],
    "gethostbyname_ex": [("192.0.2.1",), ("127.1",)],
    "gethostbyaddr": [("127.0.0.1",), ("::1",), ("192.0.2.1.",)],
    "getnameinfo": [
        (("192.0.2.1", 80), 3), (("::1", 80), 3), (("fe80::1", 0xFFFF, 0xFFFFF, 1), 3), (("::1", 80, 0, 2**32 - 1), 3), (("192.0.2.1", 80, 0), 3),
        (("192.0.2.1", 80), 1 << 20), (("192.0.2.1", 65536), 3), (("::1", -1), 3), (("::1", 1, 1 << 20), 3), (("192.0.2.1", 80), 11),
        (("", 80), 3), (("", 80), 0), (("", 80, 0), 3), (("", 80, 0, 2), 3), (("",), 3), ((), 3),
    ],
    "getservbyname": [("http",), ("http", "tcp"), ("carrier-pigeon",), ("http", "carrier-pigeon"), ("http\0",), ("http", None)],
    "getservbyport": [(80,), (80, "tcp"), (True,), (1, "carrier-pigeon"), (65536,), (-1,)],
    "getprotobyname": [("tcp",), ("carrier-pigeon",), ("tcp\0",)],
    "if_nameindex": [()],
    "if_nametoindex": [("lo",), (b"lo",), (PurePosixPath("lo"),), ("nosuch0",), (b"lo\0",), ("x" * 99,)],
    "if_indextoname": [(1,), (2**31 - 1,), (0,), (2**31,), (-1,)],
}  # fmt: skip
in_c = pytest.mark.skipif(kernel._fast is None, reason="needs the fast path, which is switched off or not built")


@in_c
@pytest.mark.parametrize("name, arguments", [(name, one) for name, cases in PLAIN.items() for one in cases], ids=repr)
def test_c_says_what_python_says(name: str, arguments: tuple):
    """The same value, or the same exception with the same note; and whoever replaces a function of the kernel meets Python."""
    found = answer(litsock, name, *arguments), notes(getattr(litsock, name), arguments)
    python = kernel.IN_PYTHON[name]
    assert found == (repr(shared(outcome(python, *arguments)[0])), notes(python, arguments))
    with replaced("monotonic"):
        assert found == (answer(litsock, name, *arguments), notes(getattr(litsock, name), arguments))


def notes(call: Any, arguments: tuple) -> list[str]:
    """The notes of the exception that a call raises."""
    try:
        call(*arguments)
    except Exception as error:
        return getattr(error, "__notes__", [])
    return []


@contextmanager
def replaced(name: str, function: Any = None) -> Iterator[None]:
    """A function of the kernel in the place of another; by default one that does the same."""
    before = getattr(kernel, name)
    setattr(kernel, name, function or (lambda *arguments: before(*arguments)))
    yield
    setattr(kernel, name, before)


@pytest.mark.parametrize("name, of_kernel, arguments, found, expected", [
    ("gethostname", "gethostname", (), b"elsewhere", "elsewhere"),
    ("gethostbyname_ex", "gethostbyname", ("192.0.2.1",), (0, (b"a", [], 2, [bytes(4)])), ("a", [], ["0.0.0.0"])),
    ("gethostbyaddr", "gethostbyaddr", ("192.0.2.1",), (0, (b"a", [], 2, [bytes(4)])), ("a", [], ["0.0.0.0"])),
    ("getnameinfo", "getnameinfo", (("192.0.2.1", 80), 3), (0, (b"a", b"b")), ("a", "b")),
    ("getservbyname", "getservbyname", ("http", "tcp"), litsock.htons(1), 1),
    ("getservbyport", "getservbyport", (80, "tcp"), b"a", "a"),
    ("getprotobyname", "getprotobyname", ("tcp",), 77, 77),
    ("if_nameindex", "if_nameindex", (), [(7, b"a")], [(7, "a")]),
    ("if_nametoindex", "if_nametoindex", ("lo",), 7, 7),
    ("if_indextoname", "if_indextoname", (1,), b"a", "a"),
])  # fmt: skip
def test_a_replaced_function_of_the_kernel_is_asked(name: str, of_kernel: str, arguments: tuple, found: Any, expected: Any):
    with replaced(of_kernel, lambda *_: found):
        assert getattr(litsock, name)(*arguments) == expected


# A C library that lets a lookup wait until it is told to go on. It is put between litsock and the real one.

HELD = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int lists_made, lists_freed;

static int is_on(const char *variable, const char *name) {
    const char *value = getenv(variable);
    return value && strcmp(value, name) == 0;
}

static void hold(const char *name) {
    char byte = 0;
    if (!is_on("HELD", name)) return;
    if (write(atoi(getenv("ARRIVED")), &byte, 1) != 1 || read(atoi(getenv("RELEASE")), &byte, 1) != 1) abort();
}

#define FAIL if (is_on("FAIL", "EAI_SYSTEM")) { errno = EMFILE; return EAI_SYSTEM; }
#define HOLD(name, parameters, arguments) \
    int name parameters { int (*real) parameters = dlsym(RTLD_NEXT, #name); FAIL hold(#name); return real arguments; }

HOLD(getnameinfo, (const struct sockaddr *a, socklen_t l, char *h, socklen_t hl, char *s, socklen_t sl, int f),
     (a, l, h, hl, s, sl, f))
HOLD(gethostbyname_r, (const char *n, struct hostent *e, char *b, size_t s, struct hostent **f, int *h), (n, e, b, s, f, h))
HOLD(gethostbyaddr_r, (const void *a, socklen_t l, int t, struct hostent *e, char *b, size_t s, struct hostent **f, int *h),
     (a, l, t, e, b, s, f, h))
HOLD(getservbyname_r, (const char *n, const char *p, struct servent *e, char *b, size_t s, struct servent **f),
     (n, p, e, b, s, f))
HOLD(getservbyport_r, (int n, const char *p, struct servent *e, char *b, size_t s, struct servent **f), (n, p, e, b, s, f))
HOLD(getprotobyname_r, (const char *n, struct protoent *e, char *b, size_t s, struct protoent **f), (n, e, b, s, f))

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
    FAIL
    hold("getaddrinfo");
    int result = real(host, service, hints, found);
    if (result == 0) lists_made++;
    return result;
}

void freeaddrinfo(struct addrinfo *found) {
    void (*real)(struct addrinfo *) = dlsym(RTLD_NEXT, "freeaddrinfo");
    lists_freed++;
    real(found);
}
"""


@pytest.fixture(scope="module")
def between(tmp_path_factory) -> Path:
    """The library, compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        pytest.skip("needs a C compiler, to put a library of our own between litsock and the C library")
    folder = tmp_path_factory.mktemp("between")
    source, library = folder / "held.c", folder / "held.so"
    source.write_text(HELD)
    subprocess.run([compiler, "-shared", "-fPIC", "-Wall", source, "-o", library, "-ldl"], check=True)
    return library


def run(script: str, **environment: str) -> str:
    """What a script prints, in a process of its own. One that hangs is ended after a minute, and fails."""
    paths = {"PYTHONPATH": os.pathsep.join(path for path in [str(Path(litsock.__file__).parent.parent), *sys.path] if path)}
    child = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | paths | environment, capture_output=True, text=True, timeout=60
    )
    assert child.returncode == 0, child.stderr
    return child.stdout


EIGHT = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
import litsock

arrived, arrive = os.pipe()
release, go_on = os.pipe()
os.environ.update(ARRIVED=str(arrive), RELEASE=str(release), HELD={held!r})
ask = lambda number: {question}
with ThreadPoolExecutor(8) as threads:
    futures = [threads.submit(ask, number) for number in range(8)]
    inside = 0
    while inside < 8:
        inside += len(os.read(arrived, 8))
    assert not any(future.done() for future in futures)     # eight are in the C library, and this thread runs
    os.write(go_on, bytes(8))
    print([future.result() for future in futures])
"""
QUESTIONS = [
    ("getaddrinfo", "litsock.getaddrinfo(f'192.0.2.{number}', 80)[0][4][0]", [f"192.0.2.{n}" for n in range(8)]),
    ("getaddrinfo", "litsock.gethostbyname(f'192.0.{number}')", [f"192.0.0.{n}" for n in range(8)]),
    ("getnameinfo", "litsock.getnameinfo((f'192.0.2.{number}', 80), 3)[0]", [f"192.0.2.{n}" for n in range(8)]),
    ("gethostbyname_r", "litsock.gethostbyname_ex(f'192.0.2.{number}')[2]", [[f"192.0.2.{n}"] for n in range(8)]),
    ("gethostbyaddr_r", "litsock.gethostbyaddr('127.0.0.1')[2]", [["127.0.0.1"]] * 8),
    ("getservbyname_r", "litsock.getservbyname(['http', 'https'][number % 2])", [80, 443] * 4),
    ("getservbyport_r", "litsock.getservbyport([80, 443][number % 2])", ["http", "https"] * 4),
    ("getprotobyname_r", "litsock.getprotobyname(['tcp', 'udp'][number % 2])", [6, 17] * 4),
]


@pytest.mark.needs("netbase")
@pytest.mark.parametrize("held, question, expected", QUESTIONS, ids=[f"{held}-{n}" for n, (held, *_) in enumerate(QUESTIONS)])
def test_a_slow_lookup_holds_up_nobody(between: Path, held: str, question: str, expected: list):
    """Each lookup waits until all eight are under way and the main thread has let them go."""
    assert run(EIGHT.format(held=held, question=question), LD_PRELOAD=str(between)).strip() == repr(expected)


LISTS = """
import ctypes
from contextlib import suppress
import litsock
from litsock import kernel
library = ctypes.CDLL({library!r})
count = lambda: (ctypes.c_int.in_dll(library, "lists_made").value, ctypes.c_int.in_dll(library, "lists_freed").value)
litsock.getaddrinfo("192.0.2.1", 80)
with suppress(litsock.gaierror): litsock.getaddrinfo("192.0.2.1", 80, 99)
assert count() == (1, 1), count()
def interrupted(entry): raise KeyboardInterrupt
kernel.entries = interrupted
with suppress(KeyboardInterrupt): litsock.getaddrinfo("192.0.2.1", 80)
assert count() == (2, 2), count()
"""


def test_the_list_is_given_back(between: Path):
    run(LISTS.format(library=str(between)), LD_PRELOAD=str(between))


SYSTEM = """
import {module} as socket
for call in (lambda: socket.getaddrinfo("127.0.0.1", 80), lambda: socket.getnameinfo(("127.0.0.1", 80), 3)):
    try: call()
    except OSError as error: print(type(error).__name__, error.errno, error.strerror)
"""


@pytest.mark.needs("cpython")  # PyPy's module has a gaierror without the number
def test_a_system_call_that_fails_on_the_way(between: Path):
    said = [run(SYSTEM.format(module=name), LD_PRELOAD=str(between), FAIL="EAI_SYSTEM") for name in ("socket", "litsock")]
    assert said[1] == said[0] == f"OSError {errno.EMFILE} {os.strerror(errno.EMFILE)}\n" * 2


# Audit hooks (PEP 578)

AUDIT = """
import pathlib, sys
from contextlib import suppress
import {module} as socket

calls = [
    ("getaddrinfo", "127.0.0.1", b"80", socket.AF_INET, socket.SOCK_STREAM), ("getaddrinfo", None, "http"),
    ("getaddrinfo", b"127.0.0.1", None, 0, 0, 17, 4), ("getaddrinfo", "no number", 80, 0, 0, 0, 4),
    ("getaddrinfo", "x" * 64, 80), ("getaddrinfo", 5, 80), ("getaddrinfo", None, 1.5), ("getaddrinfo", None, 80, "2"),
    ("getnameinfo", ("127.0.0.1", 80), 3), ("getnameinfo", ("::1", 80, 0, 1), 3), ("getnameinfo", ("127.0.0.1", 80, 0), 3),
    ("getnameinfo", ("no number", 80), 3), ("getnameinfo", ("::1", 80, 2**20), 3), ("getnameinfo", 5, 3),
    ("getnameinfo", (b"127.0.0.1", 80), 3), ("getnameinfo", ("127.0.0.1", 80), "3"),
    ("getservbyname", "http"), ("getservbyname", "http", "tcp"), ("getservbyname", "no such", "tcp"),
    ("getservbyname", "http\\0"), ("getservbyname", "http", None), ("getservbyname", b"http"),
    ("getservbyport", 80), ("getservbyport", True, "tcp"), ("getservbyport", 1, "no such"), ("getservbyport", 65536),
    ("getservbyport", -1), ("getservbyport", 80, None), ("getprotobyname", "tcp"), ("getprotobyname", "no such"),
    ("gethostname",), ("getfqdn", "127.0.0.1"), ("getfqdn", "x" * 64), ("if_nameindex",), ("if_nametoindex", "lo"),
    ("if_indextoname", 1), ("sethostname", "x" * 65), ("sethostname", b"x" * 65), ("sethostname", pathlib.Path("x" * 65)),
    ("sethostname", "a\\0"), ("sethostname", 5),
]
for name in ("gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
    calls += [(name, host) for host in ("127.0.0.1", b"127.0.0.1", bytearray(b"127.1"), "localhost", "x" * 64, "a\\0b", 5, None)]

heard = []
sys.addaudithook(lambda event, arguments: heard.append((event, arguments)) if event.startswith("socket.") else None)
for name, *arguments in calls:
    heard.clear()
    with suppress(Exception): getattr(socket, name)(*arguments)
    print(name, arguments, heard)
"""


@pytest.mark.needs("cpython")  # PyPy's getnameinfo tells no hook of some addresses
def test_audit_events():
    theirs, ours = (run(AUDIT.format(module=name)).splitlines() for name in ("socket", "litsock"))
    assert sum("('socket." in line for line in theirs) > 25
    assert ours == theirs


VETO = """
import sys
import {module} as socket
def veto(event, arguments):
    if event.startswith("socket."): raise PermissionError(event)
sys.addaudithook(veto)
for name, *arguments in [
    ("getaddrinfo", "no number", 80), ("getnameinfo", ("no number", 80), 0), ("gethostbyname", "no number"),
    ("gethostbyname_ex", "no number"), ("gethostbyaddr", "no number"), ("getservbyname", "no such"),
    ("getservbyport", 1, "no such"), ("gethostname",), ("sethostname", "renamed"), ("getfqdn", "no number"), ("getfqdn",),
]:
    try: print(name, getattr(socket, name)(*arguments))
    except Exception as error: print(name, repr(error))
"""


@pytest.mark.needs("cpython")  # PyPy's getfqdn tells hooks of another lookup
def test_a_hook_can_forbid_a_lookup():
    theirs, ours = (run(VETO.format(module=name)) for name in ("socket", "litsock"))
    assert ours == theirs


# Renaming the machine: refused to all but the administrator, and tried in a name space of its own

REFUSED = """
import os
import {module} as socket          # before this process is somebody who may not be able to read it
if os.geteuid() == 0:
    try: os.setgroups([]); os.setgid(65534); os.setuid(65534)
    except OSError: raise SystemExit(print("still root"))
try: socket.sethostname("renamed")
except OSError as error: print(type(error).__name__, error.errno, error.strerror)
"""


def test_sethostname_without_the_privilege():
    before = os.uname().nodename
    theirs, ours = (run(REFUSED.format(module=name)) for name in ("socket", "litsock"))
    if theirs == "still root\n":
        pytest.skip("needs root to be able to become somebody else")
    assert ours == theirs == f"PermissionError {errno.EPERM} {os.strerror(errno.EPERM)}\n"
    assert os.uname().nodename == before


RENAME = """
import os, sys
sys.path[:0] = {paths!r}
import litsock
for name in ("litsock-test", b"litsock-bytes", "x" * 64):
    litsock.sethostname(name)
    assert litsock.gethostname() == os.uname().nodename == os.fsdecode(name)
"""


def test_sethostname_in_a_name_space_of_its_own():
    before = os.uname().nodename
    unshare = shutil.which("unshare")
    if not unshare:
        pytest.skip("needs the program unshare, of util-linux")
    command = [unshare, "--uts", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
    if subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("needs leave to make a UTS name space")
    script = RENAME.format(paths=[str(Path(litsock.__file__).parent.parent), *sys.path])
    subprocess.run([*command, sys.executable, "-c", script], check=True, timeout=60)
    assert os.uname().nodename == before
