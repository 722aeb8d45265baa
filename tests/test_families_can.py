"""`AF_CAN`: addresses and frames byte for byte on any machine, and both modules side by side on a virtual bus."""

from __future__ import annotations

import os
import socket as standard
import struct
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import outcome
from test_bad_input import compare
from test_difference import BASE, settings

import litsock
from litsock import families
from litsock.families import addresses, can
from litsock.families.can import BcmMessage, Frame

MANY = settings(BASE, max_examples=50 if "LITSOCK_VM" in os.environ else 5000)  # emulation is slow
PROTOCOLS = "CAN_RAW", "CAN_BCM", "CAN_ISOTP", "CAN_J1939"
BUS = "vcan0"


class Interfaces(addresses.Resolver):
    """As many interfaces as one can count, each called by its number."""

    def interface(self, name: bytes) -> int:
        return int(name.removeprefix(b"if"))

    def interface_name(self, number: int) -> str:
        return f"if{number}"


CODECS = {name: kind(Interfaces()) for name, kind in can.KINDS.items()}


def sockaddr(number: int, rest: bytes = b"") -> bytes:
    """`struct sockaddr_can`, by `struct`: the family, an int, and a union that is aligned to 8 bytes."""
    return (struct.pack("=HxxI", standard.AF_CAN, number) + rest).ljust(24, b"\0")


# Addresses, byte for byte


@pytest.mark.parametrize(
    ("protocol", "address", "raw"),
    [
        ("CAN_RAW", ("if5",), sockaddr(5)),
        ("CAN_RAW", ("",), sockaddr(0)),
        ("CAN_BCM", ("if258",), sockaddr(258)),
        ("CAN_ISOTP", ("if5", 0x7E8, 0x7E0), sockaddr(5, struct.pack("=II", 0x7E8, 0x7E0))),
        ("CAN_ISOTP", ("", 0x98DAF110, 0x98DA10F1), sockaddr(0, struct.pack("=II", 0x98DAF110, 0x98DA10F1))),
        ("CAN_J1939", ("if5", 2**63 + 1, 0x3FFFF, 0xFE), sockaddr(5, struct.pack("=QIB", 2**63 + 1, 0x3FFFF, 0xFE))),
        ("CAN_J1939", ("", 0, 0x40000, 0xFF), sockaddr(0, struct.pack("=QIB", 0, 0x40000, 0xFF))),
    ],
)
def test_bytes(protocol: str, address: tuple, raw: bytes) -> None:
    assert CODECS[protocol].pack(address) == raw
    assert CODECS[protocol].unpack(raw) == address


def test_names_as_text_bytes_and_path() -> None:
    codec = CODECS["CAN_RAW"]
    assert codec.pack(("if7",)) == codec.pack((b"if7",)) == codec.pack((Path("if7"),))


def test_what_is_too_large_is_cut_off() -> None:
    assert CODECS["CAN_ISOTP"].unpack(CODECS["CAN_ISOTP"].pack(("", -1, 2**32 + 5))) == ("", 2**32 - 1, 5)
    assert CODECS["CAN_J1939"].unpack(CODECS["CAN_J1939"].pack(("", 2**64 + 1, -1, 0x1FF))) == ("", 1, 2**32 - 1, 0xFF)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_codec_of_a_socket(protocol: str) -> None:
    number = getattr(litsock, protocol)
    assert type(families.codec_for(litsock.AF_CAN, number)) is can.KINDS[protocol]
    assert families.codec_for(litsock.AF_CAN, number) is families.codec_for(litsock.AF_CAN, number)
    assert not families.codec_for(litsock.AF_CAN, number).cacheable


@pytest.mark.parametrize(("protocol", "size"), list(zip(PROTOCOLS, (8, 8, 16, 21))))
def test_truncated(protocol: str, size: int) -> None:
    codec, raw = CODECS[protocol], sockaddr(1, bytes(range(16)))
    assert codec.unpack(raw[:size]) == codec.unpack(raw) == codec.unpack(raw + b"more")
    for end in range(size):
        with pytest.raises(ValueError, match="sockaddr_can"):
            codec.unpack(raw[:end])


@MANY
@given(st.sampled_from(PROTOCOLS), st.binary(max_size=40))
def test_any_bytes(protocol: str, raw: bytes) -> None:
    codec = CODECS[protocol]
    try:
        address = codec.unpack(raw)
    except ValueError:
        return
    said = codec.struct.needed
    meant = raw[4:said]  # two bytes of padding stand before it
    if int.from_bytes(raw[4:8], sys.byteorder) == 0:
        assert address[0] == ""
    assert codec.pack(address)[4:said] == meant


@MANY
@given(st.sampled_from(PROTOCOLS), st.integers(0, 2**31 - 1), st.binary(min_size=13, max_size=13))
def test_there_and_back(protocol: str, number: int, rest: bytes) -> None:
    codec = CODECS[protocol]
    raw = sockaddr(number, rest[: codec.struct.needed - 8])
    assert codec.pack(codec.unpack(raw)) == raw


# Frames


@pytest.mark.parametrize(
    ("frame", "raw"),
    [
        (Frame(0x123, b"\1\2\3"), struct.pack("=IB3x8s", 0x123, 3, b"\1\2\3")),
        (Frame(0x7FF), struct.pack("=IB3x8x", 0x7FF, 0)),
        (Frame(0x98FEF100, bytes(8)), struct.pack("=IB3x8x", 0x98FEF100, 8)),
        (Frame(0x40000123, bytes(4)), struct.pack("=IB3x8x", 0x40000123, 4)),
        (Frame(0x20000004, bytes(8)), struct.pack("=IB3x8x", 0x20000004, 8)),
        (Frame(0x123, b"x" * 64, 5), struct.pack("=IBB2x64s", 0x123, 64, 5, b"x" * 64)),
        (Frame(0x123, b"short", 4), struct.pack("=IBB2x64s", 0x123, 5, 4, b"short")),
    ],
)
def test_frames(frame: Frame, raw: bytes) -> None:
    assert frame.pack() == raw
    assert Frame.unpack(raw) == frame


def test_sizes_are_those_of_the_header() -> None:
    assert can.FRAME_SIZE == can.CAN_FRAME.size == litsock.CAN_MTU and can.FD_FRAME_SIZE == can.CANFD_FRAME.size == litsock.CANFD_MTU


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        (Frame(0x800), "id"),
        (Frame(-1), "id"),
        (Frame(2**32), "id"),
        (Frame(0x40000800), "id"),
        (Frame(1, bytes(9)), "data"),
        (Frame(1, bytes(65), 4), "data"),
        (Frame(1, b"", 1), "flags"),
        (Frame(1, b"", 0x104), "flags"),
        (Frame(1, b"", -4), "flags"),
    ],
)
def test_impossible_frames(frame: Frame, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        frame.pack()


@MANY
@given(st.one_of(st.binary(max_size=80), *(st.binary(min_size=size, max_size=size) for size in (16, 72))))
def test_any_bytes_as_a_frame(raw: bytes) -> None:
    try:
        frame = Frame.unpack(raw)
    except ValueError:
        return
    assert raw[8:].startswith(frame.data) and len(frame.data) == raw[4]
    try:
        again = frame.pack()
    except ValueError:  # an identifier that nobody may send
        return
    assert Frame.unpack(again) == frame and len(again) == len(raw)


# The broadcast manager's messages

NATIVE = "@3I4l2I0q"  # struct bcm_msg_head, as the C compiler lays it out


def test_an_order() -> None:
    frames = Frame(1, b"a"), Frame(2, b"b")
    order = BcmMessage(litsock.CAN_BCM_TX_SETUP, 0x123, frames, flags=3, times=7, interval1=1.25, interval2=0.5)
    head = struct.pack(NATIVE, 1, 3, 7, 1, 250_000, 0, 500_000, 0x123, 2)
    assert order.pack() == head + frames[0].pack() + frames[1].pack()
    assert BcmMessage.unpack(order.pack()) == order
    long = BcmMessage(1, 1, (Frame(1, bytes(20), 4),), flags=litsock.CAN_BCM_CAN_FD_FRAME)
    assert BcmMessage.unpack(long.pack()) == long


@pytest.mark.parametrize("interval", [-1, float("nan"), 2**31, float("inf")])
def test_an_impossible_interval(interval: float) -> None:
    with pytest.raises(ValueError, match="interval2"):
        BcmMessage(1, 1, interval2=interval).pack()


@MANY
@given(st.binary(max_size=200), st.integers(0, 4))
def test_any_bytes_as_a_message(raw: bytes, count: int) -> None:
    at = [at for at, _, _ in can.BCM_HEAD.values][-1]  # of nframes
    for raw in (raw, raw[:at] + count.to_bytes(4, sys.byteorder) + raw[at + 4 :]):
        try:
            message = BcmMessage.unpack(raw)
        except ValueError:
            continue
        assert len(message.frames) == int.from_bytes(raw[at : at + 4], sys.byteorder)


# What is refused. The kernel need not know CAN: a socket object believes what it is told about its family.

LONG_NAME = "x" * 16


def on_a_datagram_socket(module: Any, protocol: int, address: Any, method: str) -> Any:
    """What a socket that claims to be of `AF_CAN` says to an address."""
    with module.socket(module.AF_INET, module.SOCK_DGRAM) as plain:
        with module.socket(module.AF_CAN, module.SOCK_RAW, protocol, fileno=plain.detach()) as sock:
            call = getattr(sock, method)
            return outcome(call, b"data", address) if method == "sendto" else outcome(call, address)


@pytest.mark.skipif(not hasattr(standard, "CAN_J1939"), reason="needs a standard module with CAN, which PyPy's lacks")
@pytest.mark.parametrize("method", ["bind", "connect", "connect_ex", "sendto"])
@pytest.mark.parametrize(
    ("protocol", "address"),
    [
        *((p, (name, *numbers)) for p, numbers in (("CAN_RAW", ()), ("CAN_ISOTP", (1, 2)), ("CAN_J1939", (1, 2, 3)))
          for name in (None, 5, bytearray(b"lo"), "a\0b", b"a\0b", "no-such-if", LONG_NAME, "é" * 8, "\ud800")),
        *(("CAN_RAW", address) for address in ((), ("lo", 1), "lo", ["lo"], None, b"lo")),
        ("CAN_BCM", ("lo", 1)),
        *(("CAN_ISOTP", address) for address in ((), ("lo",), ("lo", 1), ("lo", 1, 2, 3), ("lo", "1", 2), ("lo", 1, 2.0))),
        *(("CAN_ISOTP", address) for address in (("lo", None, 2), ("no-such-if", "x", 2), (LONG_NAME, "x", 2))),
        *(("CAN_J1939", address) for address in (("lo",), ("lo", 1, 2), ("lo", 1, 2, 3, 4), ("lo", "1", 2, 3))),
        *(("CAN_J1939", address) for address in (("lo", 1, "2", 3), ("lo", 1, 2, "3"), ("lo", 1, 2, 3.0))),
        *((None, address) for address in (("lo",), "lo", None, ("lo", 1, 2))),
    ],
)
def test_refused(protocol: str | None, address: Any, method: str) -> None:
    number = getattr(standard, protocol) if protocol else 0
    compare(lambda module: on_a_datagram_socket(module, number, address, method))


@pytest.mark.parametrize("protocol", ["CAN_ISOTP", "CAN_J1939"])
@pytest.mark.parametrize("address", ["lo", None, ["lo", 1, 2], 5])
def test_what_is_no_tuple(protocol: str, address: Any) -> None:
    """The standard module ends in a `SystemError` here, which is a mistake of its own."""
    (raised, message) = on_a_datagram_socket(litsock, getattr(litsock, protocol), address, "bind")
    assert raised.kind == "TypeError" and "must be tuple" in message


def test_messages_name_the_field() -> None:
    codec = CODECS["CAN_J1939"]
    for wrong, field in ((("", "1", 2, 3), "name"), (("", 1, "2", 3), "pgn"), (("", 1, 2, "3"), "addr"), ((5, 1, 2, 3), "interface")):
        with pytest.raises(TypeError, match=field):
            codec.pack(wrong)


# On a bus, both modules side by side

on_the_bus = pytest.mark.needs("AF_CAN", BUS)
MODULES = pytest.mark.parametrize(("here", "there"), [(standard, litsock), (litsock, standard), (litsock, litsock)])


@pytest.fixture
def closing():
    with ExitStack() as stack:
        yield stack.enter_context


def opened(closing: Any, module: Any, protocol: str, *address: Any) -> Any:
    kind = module.SOCK_RAW if protocol == "CAN_RAW" else module.SOCK_DGRAM
    sock = closing(module.socket(module.AF_CAN, kind, getattr(module, protocol)))
    sock.settimeout(20)
    if address:
        sock.bind(address)
    return sock


@on_the_bus
@MODULES
def test_raw(closing: Any, here: Any, there: Any) -> None:
    one, other = opened(closing, here, "CAN_RAW", BUS), opened(closing, there, "CAN_RAW", "")
    frame = Frame(0x123, b"12345678").pack()
    one.send(frame)
    assert other.recvfrom(100) == (frame, (BUS,))
    other.sendto(frame, (BUS,))
    assert one.recvmsg(100, 100) == (frame, [], litsock.MSG_DONTROUTE, (BUS,))
    assert (one.getsockname(), other.getsockname()) == ((BUS,), ("",))
    buffer = bytearray(100)
    one.send(frame)
    assert other.recvfrom_into(buffer) == (16, (BUS,)) and buffer.startswith(frame)


@on_the_bus
@pytest.mark.parametrize("size", [0, 1, 12])
def test_options(closing: Any, size: int) -> None:
    filters = struct.pack("=2I", 0x123, 0x7FF) * size
    found = []
    for module in (standard, litsock):
        sock = opened(closing, module, "CAN_RAW", BUS)
        sock.setsockopt(module.SOL_CAN_RAW, module.CAN_RAW_FILTER, filters)
        values = [sock.getsockopt(module.SOL_CAN_RAW, option) for option in (3, 4, 5)]
        sock.setsockopt(module.SOL_CAN_RAW, module.CAN_RAW_FD_FRAMES, 1)
        found.append((values, sock.getsockopt(module.SOL_CAN_RAW, module.CAN_RAW_FILTER, 100), sock.getsockopt(101, 5)))
    assert found[0] == found[1] == ([1, 0, 0], filters[:100], 1)


@pytest.mark.needs("CAN_BCM", BUS)
@MODULES
def test_broadcast_manager(closing: Any, here: Any, there: Any) -> None:
    manager, listener = opened(closing, here, "CAN_BCM"), opened(closing, there, "CAN_RAW", BUS)
    manager.connect((BUS,))
    manager.send(BcmMessage(litsock.CAN_BCM_TX_SEND, 0x321, (Frame(0x321, b"once"),)).pack())
    assert listener.recvfrom(100) == (Frame(0x321, b"once").pack(), (BUS,))
    manager.send(BcmMessage(litsock.CAN_BCM_RX_SETUP, 0x300, flags=litsock.CAN_BCM_RX_FILTER_ID).pack())
    listener.send(Frame(0x300, b"seen").pack())
    raw, address = manager.recvfrom(200)
    assert BcmMessage.unpack(raw).frames == (Frame(0x300, b"seen"),) and address == (BUS,)


@pytest.mark.needs("CAN_ISOTP", BUS)
@MODULES
@pytest.mark.parametrize("size", [1, 7, 8, 300, 4095])
def test_isotp(closing: Any, here: Any, there: Any, size: int) -> None:
    one = opened(closing, here, "CAN_ISOTP", BUS, 0x7E8, 0x7E0)
    other = opened(closing, there, "CAN_ISOTP", BUS, 0x7E0, 0x7E8)
    assert one.getsockname() == (BUS, 0x7E8, 0x7E0) and other.getsockname() == (BUS, 0x7E0, 0x7E8)
    message = bytes(number % 251 for number in range(size))
    one.send(message)
    data, sender = other.recvfrom(5000)
    assert data == message and sender[0] == BUS  # some kernels leave the identifiers out


@pytest.mark.needs("CAN_J1939", BUS)
@MODULES
@pytest.mark.parametrize("size", [1, 8, 9, 100])
def test_j1939(closing: Any, here: Any, there: Any, size: int) -> None:
    one = opened(closing, here, "CAN_J1939", BUS, 0, litsock.J1939_NO_PGN, 0x20)
    other = opened(closing, there, "CAN_J1939", BUS, 0, litsock.J1939_NO_PGN, 0x30)
    assert one.getsockname() == (BUS, 0, litsock.J1939_NO_PGN, 0x20)
    message = bytes(range(size))
    one.sendto(message, (BUS, 0, 0x12300, 0x30))
    data, sender = other.recvfrom(1000)
    assert data == message and sender[1:] == (0, 0x12300, 0x20)
    one.connect((BUS, 0, 0x12300, 0x30))
    assert one.getpeername() == (BUS, 0, 0x12300, 0x30)
    one.send(message)
    data, control, flags, sender = other.recvmsg(1000, 1000)
    assert data == message and sender[1:] == (0, 0x12300, 0x20)
    assert flags in (0, litsock.MSG_DONTROUTE)  # in one frame: sent on this machine
    assert (litsock.SOL_CAN_J1939, litsock.SCM_J1939_PRIO, b"\6") in control


@on_the_bus
@pytest.mark.parametrize("protocol", [p if p == "CAN_RAW" else pytest.param(p, marks=pytest.mark.needs(p)) for p in PROTOCOLS])
def test_what_the_kernel_says(protocol: str) -> None:
    """Calls that a new socket of that kind takes or refuses: both modules come to the same."""
    numbers = {"CAN_ISOTP": (1, 2), "CAN_J1939": (0, 0x40000, 0x20)}.get(protocol, ())

    def case(module: Any, call: str) -> Any:
        with ExitStack() as stack:
            sock = opened(stack.enter_context, module, protocol)
            sock.settimeout(0)
            calls = {
                "getsockname": (sock.getsockname,),
                "getpeername": (sock.getpeername,),
                "bind to all": (sock.bind, ("", *numbers)),
                "bind to lo": (sock.bind, ("lo", *numbers)),
                "connect": (sock.connect, (BUS, *numbers)),
                "connect_ex": (sock.connect_ex, ("lo", *numbers)),
                "sendto": (sock.sendto, Frame(1).pack(), (BUS, *numbers)),
                "send": (sock.send, Frame(1).pack()),
                "send less": (sock.send, b"abc"),
                "recv": (sock.recv, 100),
                "recvmsg": (sock.recvmsg, 100, 100),
                "listen": (sock.listen,),
                "accept": (sock.accept,),
            }
            return outcome(*calls[call]) if call else list(calls)

    for call in case(litsock, ""):
        compare(lambda module: case(module, call))  # noqa: B023
