"""Addresses of IPv4, IPv6 and Unix by the codecs and by the C of the fast path; and what every codec does with its arguments."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import litsock
from litsock import kernel
from litsock.families import codec_for, elsewhere
from litsock.families.addresses import INET, INET6, RESOLVER, UNIX, BoundedCache, Resolver

FAST: Any = getattr(kernel, "_fast", None)
needs_fast = pytest.mark.skipif(not hasattr(FAST, "pack_address"), reason="the fast path is not built, or switched off")
COUNTS = pytest.mark.skipif(sys.implementation.name == "pypy", reason="needs a gc.collect() that counts; PyPy's does not")
MANY = settings(max_examples=1000, deadline=None, database=None, derandomize=True)

PORTS = st.one_of(st.integers(0, 65535), st.integers(-2, 70000), st.booleans(), st.floats(0, 9))
HOSTS = st.one_of(
    st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str), st.ip_addresses(v=4).map(lambda host: str(host).encode()),
    st.sampled_from(["", "<broadcast>", "255.255.255.255", "127.1", "0x7f.1", "1.2.3.4 ", "01.2.3.4", "::1%lo", "::ffff:1.2.3.4", "1.2.3", "a\0b"]),
)
NUMBERS = st.one_of(st.integers(0, 0xFFFFF), st.integers(-2, 2**32 + 2))
PATHS = st.one_of(
    st.text(max_size=120), st.binary(max_size=120), st.binary(max_size=120).map(lambda name: b"\0" + name), st.binary(max_size=9).map(bytearray),
    st.sampled_from(["", "/tmp/s", "x" * 107, "x" * 108, "é" * 53, "é" * 54, "a\0b", "\0abstract", "\udcff", "\ud800", b"x" * 108]),
)


@pytest.fixture(autouse=True)
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    "No name of a host is looked up in these tests."

    def unknown(name: bytes, family: int) -> bytes:
        raise litsock.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(RESOLVER, "name", unknown)


def outcome(call: Any, *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except Exception as error:
        return type(error)


def check_packing(codec: Any, address: Any) -> None:
    "C packs what the codec packs, or leaves it to the codec."
    fast = FAST.pack_address(int(codec.family), address)
    assert fast is None or fast == outcome(codec.pack, address)


@needs_fast
@MANY
@given(HOSTS, PORTS)
def test_c_packs_ipv4_as_the_codec_does(host: Any, port: Any) -> None:
    check_packing(INET, (host, port))


@needs_fast
@MANY
@given(HOSTS, PORTS, st.lists(NUMBERS, max_size=3))
def test_c_packs_ipv6_as_the_codec_does(host: Any, port: Any, more: list[int]) -> None:
    check_packing(INET6, (host, port, *more))


@needs_fast
@MANY
@given(PATHS)
def test_c_packs_paths_as_the_codec_does(path: Any) -> None:
    check_packing(UNIX, path)


@needs_fast
@pytest.mark.parametrize(
    ("codec", "address"),
    [
        (INET, ("192.0.2.1", 80)), (INET, ("0.0.0.0", 0)), (INET, ("", 80)), (INET, ("255.255.255.255", 65535)),
        (INET6, ("2001:db8::7", 443)), (INET6, ("::", 0, 0, 0)), (INET6, ("", 80, 1, 2)),
        (INET6, ("fe80::1", 80, 0xABCDE, 3)), (UNIX, "/tmp/s"), (UNIX, "x" * 107),
    ],
)  # fmt: skip
def test_c_packs_the_plain_case_itself(codec: Any, address: Any) -> None:
    assert FAST.pack_address(int(codec.family), address) == codec.pack(address)
    assert FAST.unpack_address(codec.pack(address)) == codec.unpack(codec.pack(address))


@needs_fast
@pytest.mark.parametrize("codec", [INET, INET6, UNIX])
def test_c_unpacks_as_the_codec_does(codec: Any) -> None:
    head = int(codec.family).to_bytes(2, sys.byteorder)

    @MANY
    @given(st.one_of(st.binary(max_size=126), st.binary(min_size=14, max_size=14), st.binary(min_size=26, max_size=26)))
    @example(b"")
    @example(b"/tmp/s\0more")
    @example(b"/tmp/\xff")
    @example(bytes(26))
    def check(body: bytes) -> None:
        fast = FAST.unpack_address(head + body)
        slow = outcome(codec.unpack, head + body)
        assert fast is NotImplemented or (fast == slow and type(fast) is type(slow))

    check()


class Lo(Resolver):
    "Knows one interface."

    def interface(self, name: bytes) -> int:
        return 1


def packet(address: Any) -> bytes:
    from litsock.families.links import Packet

    return Packet(Lo()).pack(address)


def codecs() -> Iterator[tuple[Any, tuple]]:
    "`pack` of each codec, and an address whose numbers are those of the form."
    bluetooth = "00:1A:7D:DA:71:13"
    yield INET.pack, ("127.0.0.1", 80)
    yield INET6.pack, ("::1", 80, 5, 1)
    yield codec_for(litsock.AF_NETLINK).pack, (4711, 1)
    yield packet, ("lo", 3, 0, 1, b"")
    yield codec_for(litsock.AF_CAN, litsock.CAN_ISOTP).pack, ("", 1, 2)
    yield codec_for(litsock.AF_CAN, litsock.CAN_J1939).pack, ("", 1, 2, 3)
    yield codec_for(litsock.AF_BLUETOOTH, litsock.BTPROTO_L2CAP).pack, (bluetooth, 1, 2, 1)
    yield codec_for(litsock.AF_BLUETOOTH, litsock.BTPROTO_RFCOMM).pack, (bluetooth, 5)
    yield codec_for(litsock.AF_BLUETOOTH, litsock.BTPROTO_HCI).pack, (0, 1)
    yield codec_for(litsock.AF_TIPC).pack, (1, 18888, 0, 99, 2)
    yield codec_for(litsock.AF_VSOCK).pack, (2, 5000)
    yield codec_for(litsock.AF_QIPCRTR).pack, (1, 7)
    yield codec_for(litsock.AF_ALG).pack, ("hash", "sha256", 1, 2)
    yield elsewhere.System(lambda name: 7).pack, (7, 3)
    yield elsewhere.LINK.pack, ("en0", 4, 6, b"")
    yield elsewhere.FREEBSD["BTPROTO_RFCOMM"].pack, (bluetooth, 5)
    yield elsewhere.NETBSD["BTPROTO_L2CAP"].pack, (bluetooth, 5)
    yield elsewhere.WINDOWS_RFCOMM.pack, (bluetooth, 5)


CODECS = list(codecs())
each = pytest.mark.parametrize(("pack", "address"), CODECS, ids=[getattr(getattr(pack, "__self__", pack), "__class__", pack).__name__ for pack, _ in CODECS])


class Number:
    "Has `__index__` and nothing else, and counts how often it is called."

    def __init__(self, value: int):
        self.value, self.calls = value, 0

    def __index__(self) -> int:
        self.calls += 1
        return self.value


@each
def test_numbers_may_be_anything_with_index_which_is_called_once(pack: Any, address: tuple) -> None:
    numbers = [Number(field) if type(field) is int else field for field in address]
    assert pack(tuple(numbers)) == pack(address)
    assert [number.calls for number in numbers if type(number) is Number] == [1] * sum(type(field) is int for field in address)


@COUNTS
@each
@pytest.mark.parametrize("wrong", [None, "5", 5.0, b"5", -(2**40), 2**40, "\0", "x" * 500, ""])
def test_errors_hold_no_cycle(pack: Any, address: tuple, wrong: Any) -> None:
    """A frame that keeps the exception it raised keeps everything alive that it refers to."""
    gc.collect()
    gc.disable()
    try:
        for place in range(len(address)):
            outcome(pack, (*address[:place], wrong, *address[place + 1 :]))
        outcome(pack, (*address, 1, 2, 3, 4, 5))
        outcome(pack, wrong)
        assert gc.collect() == 0
    finally:
        gc.enable()


@COUNTS
@pytest.mark.parametrize(
    "call",
    [
        lambda: UNIX.pack("x" * 108), lambda: UNIX.pack("a\0b"), lambda: RESOLVER.interface(b"no-such-link"),
        lambda: codec_for(litsock.AF_PACKET).pack(("no-such-link", 3)), lambda: codec_for(litsock.AF_CAN, 1).pack(("no-such-bus",)),
        lambda: codec_for(litsock.AF_CAN, 1).pack(("a-bus-with-a-long-name",)), lambda: INET.pack(("a-name", 5)), lambda: INET.pack(("ü" * 80, 5)),
    ],
)  # fmt: skip
def test_errors_with_a_note_hold_no_cycle(call: Any) -> None:
    gc.collect()
    gc.disable()
    try:
        assert issubclass(outcome(call), Exception)
        assert gc.collect() == 0
    finally:
        gc.enable()


@COUNTS
def test_a_cycle_would_be_found() -> None:
    def keeps_its_error() -> None:
        error = OSError("kept")
        raise error

    gc.collect()
    gc.disable()
    try:
        outcome(keeps_its_error)
        assert gc.collect() > 0
    finally:
        gc.enable()


NO_IMPORTS = """
import sys
import litsock as s

made = []
for name in ("AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET", "AF_CAN", "AF_ALG", "AF_VSOCK", "AF_TIPC", "AF_QIPCRTR"):
    family = getattr(s, name)
    for kind in (s.SOCK_RAW, s.SOCK_DGRAM, s.SOCK_SEQPACKET):
        try:
            made.append(s.socket(family, kind, 1 if name == "AF_CAN" else 0))
        except OSError:
            pass
addresses = {
    s.AF_INET: ("127.0.0.1", 0), s.AF_INET6: ("::1", 0), s.AF_UNIX: "", s.AF_NETLINK: (0, 0), s.AF_PACKET: ("lo", 3), s.AF_CAN: ("lo",),
    s.AF_ALG: ("hash", "sha256"), s.AF_VSOCK: (1, 2), s.AF_TIPC: (1, 5, 0, 9), s.AF_QIPCRTR: (1, 2),
}
assert {s.AF_UNIX, s.AF_NETLINK} <= {sock.family for sock in made}
sys.meta_path.clear(), sys.path_hooks.clear(), sys.path.clear(), sys.path_importer_cache.clear()
for sock in made:
    for call in (lambda: sock.bind(addresses[sock.family]), sock.getsockname, sock.getpeername, lambda: sock.sendto(b"x", addresses[sock.family])):
        try:
            call()
        except OSError:
            pass
"""


def test_a_socket_that_exists_imports_nothing_for_its_addresses() -> None:
    """As after a chroot, or when the interpreter ends."""
    done = subprocess.run([sys.executable, "-c", NO_IMPORTS], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_bounded_cache_forgets() -> None:
    cache: BoundedCache = BoundedCache()
    for number in range(3 * cache.limit):
        assert cache.remember(number, str(number)) == str(number)
        assert len(cache) <= cache.limit
