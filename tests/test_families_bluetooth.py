"""Bluetooth's addresses, byte for byte against the kernel's headers, on every machine; on real sockets where there are any."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import litsock
from litsock.families import codec_for, unpack
from litsock.families.bluetooth import Hci, L2cap, Rfcomm, Sco, bdaddr_bytes, bdaddr_text

FAMILY = litsock.AF_BLUETOOTH.to_bytes(2, sys.byteorder)
MAKER, MIRRORED = "00:1A:7D:DA:71:13", bytes.fromhex("13 71 da 7d 1a 00")
WHOLE = L2cap(channels=True)
CODECS: list[Any] = [L2cap(channels=False), WHOLE, Rfcomm(), Sco(), Hci()]
SIZES = {L2cap: 14, Rfcomm: 10, Sco: 8, Hci: 6}
NEEDED = {L2cap: 13, Rfcomm: 9, Sco: 8, Hci: 6}  # without padding at the end
MANY = settings(max_examples=5000, deadline=None, database=None, derandomize=True)


def native(number: int) -> bytes:
    return number.to_bytes(2, sys.byteorder)


def names(codec: object) -> str:
    return type(codec).__name__


# --- layouts: include/net/bluetooth/{l2cap,rfcomm,sco,hci_sock}.h

@pytest.mark.parametrize("codec, address, body", [
    (WHOLE, (MAKER, 0x1001), b"\x01\x10" + MIRRORED + b"\0\0" b"\0" b"\0"),
    (WHOLE, (MAKER, 0x1001, 0, litsock.BDADDR_BREDR), b"\x01\x10" + MIRRORED + b"\0\0" b"\0" b"\0"),
    (WHOLE, (MAKER, 0, 4, litsock.BDADDR_LE_PUBLIC), b"\0\0" + MIRRORED + b"\x04\0" b"\x01" b"\0"),
    (WHOLE, (MAKER, 0x80, 0, litsock.BDADDR_LE_RANDOM), b"\x80\0" + MIRRORED + b"\0\0" b"\x02" b"\0"),
    (WHOLE, (MAKER, 0xFFFF, 0x1234, 0xFF), b"\xff\xff" + MIRRORED + b"\x34\x12" b"\xff" b"\0"),
    (Rfcomm(), (MAKER, 30), MIRRORED + b"\x1e" b"\0"),
    (Sco(), MAKER, MIRRORED),
    (Sco(), MAKER.encode(), MIRRORED),
    (Hci(), 3, native(3) + native(0)),
    (Hci(), (3,), native(3) + native(0)),
    (Hci(), (3, litsock.HCI_CHANNEL_USER), native(3) + native(1)),
    (Hci(), litsock.HCI_DEV_NONE, native(0xFFFF) + native(0)),
    (Hci(), (litsock.HCI_DEV_NONE, litsock.HCI_CHANNEL_CONTROL), native(0xFFFF) + native(3)),
])
def test_layout(codec: Any, address: Any, body: bytes) -> None:
    raw = codec.pack(address)
    assert raw == FAMILY + body
    assert len(raw) == SIZES[type(codec)]
    assert codec.pack(codec.unpack(raw)) == raw


def test_the_names_that_bluetooth_needs_are_there() -> None:
    numbers = {name: getattr(litsock, name) for name in (
        "AF_BLUETOOTH", "BTPROTO_L2CAP", "BTPROTO_HCI", "BTPROTO_SCO", "BTPROTO_RFCOMM", "SOL_HCI", "SOL_L2CAP", "SOL_SCO",
        "SOL_RFCOMM", "HCI_FILTER", "HCI_TIME_STAMP", "HCI_DATA_DIR", "HCI_DEV_NONE", "HCI_CHANNEL_USER")}
    assert list(numbers.values()) == [31, 0, 1, 2, 3, 0, 6, 17, 18, 2, 3, 1, 0xFFFF, 1]
    assert (litsock.BDADDR_ANY, litsock.BDADDR_LOCAL) == ("00:00:00:00:00:00", "00:00:00:FF:FF:FF")


# --- the address of a device

@pytest.mark.parametrize("text", ["0:1a:7D:da:71:13", "000:1A:7D:DA:71:13", "0x0:0x1a:7d:da:71:13", " 0: 1a:\t7d:da:71:+13"])
def test_a_device_can_be_written_as_scanf_reads_it(text: str) -> None:
    assert bdaddr_bytes(text) == MIRRORED


@pytest.mark.parametrize("text", [
    "", ":", ":::::", "00:1A:7D:DA:71", "00:1A:7D:DA:71:13:00", "00:1A:7D:DA:71:", "g0:1A:7D:DA:71:13", "00-1A-7D-DA-71-13",
    "001A7DDA7113", "00:1A:7D:DA:71:113", "00:1A:7D:DA:71:-1", "00:1A:7D:DA:71:1_3", "00:1A:7D:DA:71:13 ", "00:1A:7D:DA:71 :13",
    "00:1A:7D:DA:71:13\n", "00:1A:7D:DA:71:13\0", "00:1A:7D:DA:71:１３", "00:1A:7D:DA:71:0x", "00:1A:7D:DA:71:\ud800", "0" * 10**6,
])
def test_a_bad_address_of_a_device_is_an_oserror_without_errno(text: str) -> None:
    for codec, address in ((WHOLE, (text, 1)), (Rfcomm(), (text, 1))):
        with pytest.raises(OSError, match="bad bluetooth address") as caught:
            codec.pack(address)
        assert caught.value.errno is None
        assert len(str(caught.value)) < 200


@given(st.binary(min_size=6, max_size=6))
@settings(MANY)
def test_devices_round_trip(raw: bytes) -> None:
    text = bdaddr_text(raw)
    assert len(text) == 17 and text == text.upper()
    assert bdaddr_bytes(text) == bdaddr_bytes(text.lower()) == raw


# --- bad input

class Number:
    "Stands for a number."

    def __index__(self) -> int:
        return 5


@pytest.mark.parametrize("codec, address, what", [
    (WHOLE, MAKER, "must be tuple, not str"),
    (WHOLE, [MAKER, 1], "must be tuple, not list"),
    (WHOLE, None, "must be tuple, not NoneType"),
    (WHOLE, (MAKER,), "tuple of 1"),
    (WHOLE, (MAKER, 1, 0, 0, 0), "tuple of 5"),
    (WHOLE, (MAKER.encode(), 1), "bdaddr must be str, not bytes"),
    (WHOLE, (5, 1), "bdaddr must be str, not int"),
    (WHOLE, (MAKER, "1"), "psm must be an integer, not str"),
    (WHOLE, (MAKER, 1.0), "psm must be an integer, not float"),
    (WHOLE, (MAKER, 1, 0, "1"), "bdaddr_type must be an integer, not str"),
    (Rfcomm(), (MAKER, None), "channel must be an integer, not NoneType"),
    (WHOLE, (MAKER, 2**31), "does not fit into a C int"),
    (Rfcomm(), (MAKER, -(10**30)), "does not fit into a C int"),
    (Hci(), 2**31, "does not fit into a C int"),
    (WHOLE, (MAKER, 1, None), "cid must be an integer, not NoneType"),
    (Rfcomm(), (MAKER, 1, 0), "tuple of 3"),
    (Rfcomm(), (MAKER.encode(), 1), "bdaddr must be str, not bytes"),
    (Sco(), (MAKER,), "must be str or bytes, not tuple"),
    (Sco(), bytearray(MAKER, "ascii"), "must be str or bytes, not bytearray"),
    (Sco(), "\xe9" + MAKER, "bad bluetooth address"),
    (Sco(), b"\xff" + MAKER.encode(), "bad bluetooth address"),
    (Sco(), b"", "bad bluetooth address"),
    (Hci(), MAKER, "device_id must be an integer, not str"),
    (Hci(), (), "tuple of 0"),
    (Hci(), (0, 0, 0), "tuple of 3"),
    (Hci(), (0, None), "channel must be an integer, not NoneType"),
])
def test_a_wrong_form_is_an_oserror_that_names_the_field(codec: Any, address: Any, what: str) -> None:
    with pytest.raises(OSError, match=what) as caught:
        codec.pack(address)
    assert caught.value.errno is None


@pytest.mark.parametrize("address", [MAKER + "\0", MAKER.encode() + b"\0", "\ud800" + MAKER])
def test_text_that_c_cannot_hold_is_a_valueerror_for_sco(address: str | bytes) -> None:
    with pytest.raises(ValueError):
        Sco().pack(address)


def test_whatever_stands_for_a_number_is_one() -> None:
    assert Rfcomm().pack((MAKER, Number())) == Rfcomm().pack((MAKER, 5))
    assert Hci().pack(Number()) == Hci().pack(5)
    assert Hci().pack(True) == Hci().pack(1)


@pytest.mark.parametrize("codec, address, reported", [
    (WHOLE, (MAKER, 0x11001), (MAKER, 0x1001)),
    (WHOLE, (MAKER, -1), (MAKER, 0xFFFF)),
    (WHOLE, (MAKER, 2**31 - 1), (MAKER, 0xFFFF)),
    (WHOLE, (MAKER, 0, 0x10004, 0x101), (MAKER, 0, 4, 1)),
    (Rfcomm(), (MAKER, 257), (MAKER, 1)),
    (Hci(), (-1,), 0xFFFF),
    (Hci(), (0x10000, 0x10001), (0, 1)),
])
def test_of_a_number_too_large_the_low_bits_count_as_in_the_standard_module(codec: Any, address: Any, reported: Any) -> None:
    assert codec.unpack(codec.pack(address)) == reported


@pytest.mark.parametrize("proto", [litsock.BTPROTO_BNEP, litsock.BTPROTO_ISO, 99, -1])
def test_a_protocol_without_a_format_says_so(proto: int) -> None:
    codec = codec_for(litsock.AF_BLUETOOTH, proto)
    with pytest.raises(OSError, match=f"unknown Bluetooth protocol {proto}"):
        codec.pack(litsock.BDADDR_ANY)
    assert codec.unpack(FAMILY + MIRRORED) == (litsock.AF_BLUETOOTH, MIRRORED)


# --- unpacking

ANY_ADDRESS = {
    L2cap: st.tuples(st.binary(min_size=12, max_size=12)).map(lambda parts: FAMILY + parts[0][:11] + b"\0"),
    Rfcomm: st.binary(min_size=7, max_size=7).map(lambda body: FAMILY + body + b"\0"),
    Sco: st.binary(min_size=6, max_size=6).map(lambda body: FAMILY + body),
    Hci: st.binary(min_size=4, max_size=4).map(lambda body: FAMILY + body),
}


@pytest.mark.parametrize("codec", CODECS[1:], ids=names)
def test_what_is_unpacked_packs_to_the_same_bytes(codec: Any) -> None:
    @given(ANY_ADDRESS[type(codec)])
    @settings(MANY)
    def check(raw: bytes) -> None:
        assert codec.pack(codec.unpack(raw)) == raw

    check()


@pytest.mark.parametrize("codec", CODECS, ids=names)
def test_random_bytes_are_an_address_or_a_valueerror(codec: Any) -> None:
    size = NEEDED[type(codec)]

    @given(st.binary(max_size=2 * size))
    @example(b"")
    @settings(MANY)
    def check(raw: bytes) -> None:
        if len(raw) >= size:
            assert codec.unpack(raw) == codec.unpack(raw[:size])  # bytes behind the struct change nothing
        else:
            with pytest.raises(ValueError, match=f"has {size} bytes, got {len(raw)}"):
                codec.unpack(raw)

    check()


def test_classic_addresses_are_pairs_as_before_python_3_14_and_others_are_whole() -> None:
    classic, low_energy = WHOLE.pack((MAKER, 0x1001, 0x40)), WHOLE.pack((MAKER, 0, 4, litsock.BDADDR_LE_PUBLIC))
    before = L2cap(channels=False)
    assert before.unpack(classic) == (MAKER, 0x1001)
    assert before.unpack(low_energy) == WHOLE.unpack(low_energy) == (MAKER, 0, 4, litsock.BDADDR_LE_PUBLIC)
    assert L2cap().unpack(classic) == (WHOLE if sys.version_info >= (3, 14) else before).unpack(classic)


def test_the_same_bytes_mean_what_the_protocol_says() -> None:
    raw = WHOLE.pack((MAKER, 0x1001))
    assert unpack(raw, litsock.BTPROTO_L2CAP) == (MAKER, 0x1001)
    assert unpack(raw, litsock.BTPROTO_HCI) == (0x1001, 0x7113)
    assert unpack(raw, litsock.BTPROTO_L2CAP) == (MAKER, 0x1001)


# --- real sockets

@pytest.mark.needs("BTPROTO_L2CAP", "BTPROTO_RFCOMM", "BTPROTO_SCO")
@pytest.mark.parametrize("kind, proto, address, reported", [
    ("SOCK_SEQPACKET", "BTPROTO_L2CAP", (litsock.BDADDR_ANY, 0x1003), (litsock.BDADDR_ANY, 0x1003)),
    ("SOCK_SEQPACKET", "BTPROTO_L2CAP", (litsock.BDADDR_ANY, 0, 4, 1), (litsock.BDADDR_ANY, 0, 4, 1)),
    ("SOCK_SEQPACKET", "BTPROTO_L2CAP", (litsock.BDADDR_LOCAL, 0x81, 0, 2), (litsock.BDADDR_LOCAL, 0x81, 0, 2)),
    ("SOCK_STREAM", "BTPROTO_RFCOMM", (litsock.BDADDR_ANY, 11), (litsock.BDADDR_ANY, 11)),
    ("SOCK_STREAM", "BTPROTO_RFCOMM", ("1:2:3:4:5:6", 0), ("01:02:03:04:05:06", 0)),
    ("SOCK_SEQPACKET", "BTPROTO_SCO", litsock.BDADDR_ANY, litsock.BDADDR_ANY),
    ("SOCK_SEQPACKET", "BTPROTO_SCO", MAKER.encode(), MAKER),
])
def test_a_socket_reports_the_address_it_was_bound_to(kind: str, proto: str, address: Any, reported: Any) -> None:
    with litsock.socket(litsock.AF_BLUETOOTH, getattr(litsock, kind), getattr(litsock, proto)) as sock:
        sock.bind(address)
        assert sock.getsockname() == reported
        assert repr(reported) in repr(sock)


@pytest.mark.needs("BTPROTO_HCI")
def test_an_hci_socket_sets_its_filter_and_misses_its_controller() -> None:
    with litsock.socket(litsock.AF_BLUETOOTH, litsock.SOCK_RAW, litsock.BTPROTO_HCI) as sock:
        wanted = bytes([0x10, 0, 0, 0, 0, 0x40, 0, 0]) + bytes(8)
        sock.setsockopt(litsock.SOL_HCI, litsock.HCI_FILTER, wanted)
        assert sock.getsockopt(litsock.SOL_HCI, litsock.HCI_FILTER, 16) == wanted
        with pytest.raises(OSError) as caught:
            sock.bind((0xFFFE,))
        assert caught.value.errno == 19  # ENODEV
        sock.bind((litsock.HCI_DEV_NONE,))
