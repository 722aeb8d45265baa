"""Addresses of macOS, the BSDs and Windows, byte for byte against the layouts of their headers."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from litsock import kernel
from litsock.families import elsewhere
from litsock.families.addresses import UnknownFamily
from litsock.families.elsewhere import (
    FREEBSD, FREEBSD_HCI, NETBSD, WINDOWS_RFCOMM, Hyperv, Link, System, codec, find_control, guid_bytes,
)

MAKER, MIRRORED = "00:1A:7D:DA:71:13", bytes.fromhex("13 71 da 7d 1a 00")
GUID = "00112233-4455-6677-8899-aabbccddeeff"
GUID_RAW = bytes.fromhex("33221100 5544 7766 8899aabbccddeeff")
HARDWARE = b"\x00\x1a\x7d\xda\x71\x13"
SYSTEM, LINK, HYPERV = System({b"utun": 7}.__getitem__), Link(), Hyperv()
MANY = settings(max_examples=5000, deadline=None, database=None, derandomize=True)


def n(number: int, size: int) -> bytes:
    return number.to_bytes(size, sys.byteorder)


@pytest.mark.parametrize("codec, address, raw", [
    (SYSTEM, (7, 3), b"\x20\x20" + n(2, 2) + n(7, 4) + n(3, 4) + bytes(20)),
    (SYSTEM, "utun", b"\x20\x20" + n(2, 2) + n(7, 4) + n(0, 4) + bytes(20)),
    (LINK, ("en0", 4, 6, HARDWARE), b"\x14\x12" + n(4, 2) + b"\x06\x03\x06\x00" b"en0" + HARDWARE + bytes(3)),
    (LINK, ("", 0, 0, b""), b"\x14\x12" + bytes(18)),
    (LINK, ("bridge100", 4, 6, HARDWARE), b"\x17\x12" + n(4, 2) + b"\x06\x09\x06\x00" b"bridge100" + HARDWARE),
    (Link(46), ("em0", 1, 6, HARDWARE), b"\x36\x12" + n(1, 2) + b"\x06\x03\x06\x00" b"em0" + HARDWARE + bytes(37)),
    (FREEBSD["BTPROTO_L2CAP"], (MAKER, 0x1001), b"\x0e\x24\x01\x10" + MIRRORED + b"\0\0\0\0"),
    (FREEBSD["BTPROTO_L2CAP"], (MAKER, 0, 4, 2), b"\x0e\x24\0\0" + MIRRORED + b"\x04\0\x02\0"),
    (FREEBSD["BTPROTO_RFCOMM"], (MAKER, 5), b"\x09\x24" + MIRRORED + b"\x05"),
    (FREEBSD["BTPROTO_SCO"], MAKER, b"\x08\x24" + MIRRORED),
    (FREEBSD_HCI, "ubt0hci", b"\x22\x24ubt0hci" + bytes(25)),
    (FREEBSD_HCI, "x" * 32, b"\x22\x24" + b"x" * 32),
    (NETBSD["BTPROTO_L2CAP"], (MAKER, 0x1001), b"\x10\x1f" + MIRRORED + n(0x1001, 2) + bytes(6)),
    (NETBSD["BTPROTO_RFCOMM"], (MAKER, 5), b"\x10\x1f" + MIRRORED + b"\0\0\x05" + bytes(5)),
    (NETBSD["BTPROTO_SCO"], MAKER, b"\x10\x1f" + MIRRORED + bytes(8)),
    (NETBSD["BTPROTO_HCI"], MAKER, b"\x10\x1f" + MIRRORED + bytes(8)),
    (WINDOWS_RFCOMM, (MAKER, 0x12345678), n(32, 2) + MIRRORED + bytes(18) + n(0x12345678, 4)),
    (HYPERV, (Hyperv.guids["HV_GUID_CHILDREN"], GUID),
     n(34, 2) + b"\0\0" + bytes.fromhex("898bdb90 350d 794f 8ce949ea0ac8b7cd") + GUID_RAW),
])
def test_layout(codec: Any, address: Any, raw: bytes) -> None:
    assert codec.pack(address) == raw
    assert codec.pack(codec.unpack(raw)) == raw


@pytest.mark.parametrize("codec, address, error, what", [
    (SYSTEM, None, TypeError, "must be a str or a pair"),
    (SYSTEM, (7,), TypeError, "must be a str or a pair"),
    (SYSTEM, (7, 0, 0), TypeError, "must be a str or a pair"),
    (SYSTEM, ("utun", 0), TypeError, "id must be an integer, not str"),
    (SYSTEM, b"utun", TypeError, "must be a str or a pair"),
    (SYSTEM, "x" * 97, ValueError, "too long"),
    (SYSTEM, "utun\0", ValueError, "null"),
    (LINK, "en0", TypeError, "must be tuple, not str"),
    (LINK, ("en0", 4, 6), TypeError, "tuple of 3"),
    (LINK, ("en0", "4", 6, b""), TypeError, "index must be an integer"),
    (LINK, ("en0", 4, None, b""), TypeError, "type must be an integer"),
    (LINK, ("en0", 4, 6, "00"), TypeError, "address is bytes"),
    (LINK, ("x" * 248, 4, 6, b""), ValueError, "247"),
    (FREEBSD["BTPROTO_L2CAP"], (MAKER,), OSError, "tuple of 1"),
    (FREEBSD["BTPROTO_RFCOMM"], (MAKER, "5"), OSError, "channel must be an integer"),
    (FREEBSD["BTPROTO_SCO"], 5, OSError, "must be str or bytes"),
    (FREEBSD_HCI, b"ubt0hci", OSError, "must be a str"),
    (FREEBSD_HCI, "ubt0\0", OSError, "null"),
    (FREEBSD_HCI, "x" * 33, ValueError, "node too long"),
    (NETBSD["BTPROTO_L2CAP"], MAKER, OSError, "must be tuple, not str"),
    (NETBSD["BTPROTO_RFCOMM"], (MAKER, None), OSError, "channel must be an integer"),
    (NETBSD["BTPROTO_HCI"], 0, OSError, "bdaddr must be str, not int"),
    (NETBSD["BTPROTO_SCO"], "ubt0", OSError, "bad bluetooth address"),
    (WINDOWS_RFCOMM, (MAKER,), OSError, "tuple of 1"),
    (WINDOWS_RFCOMM, (MAKER.encode(), 5), OSError, "bdaddr must be str, not bytes"),
    (HYPERV, GUID, TypeError, "must be tuple, not str"),
    (HYPERV, (GUID,), TypeError, "must be a str tuple"),
    (HYPERV, (GUID, 2), TypeError, "must be a str tuple"),
    (HYPERV, ("00", GUID), ValueError, "vm_id is not a valid UUID"),
    (HYPERV, (GUID, "{" + GUID + "}"), ValueError, "service_id is not a valid UUID"),
    (HYPERV, (GUID, GUID.replace("f", "g")), ValueError, "service_id is not a valid UUID"),
    (HYPERV, (GUID, GUID.replace("-", "")), ValueError, "service_id is not a valid UUID"),
    (HYPERV, (GUID, GUID.replace("ff", " f")), ValueError, "service_id is not a valid UUID"),
    (HYPERV, (GUID, GUID.replace("ff", "１１")), ValueError, "service_id is not a valid UUID"),
])
def test_bad_input(codec: Any, address: Any, error: type[Exception], what: str) -> None:
    with pytest.raises(error, match=what):
        codec.pack(address)


CODECS = [SYSTEM, LINK, *FREEBSD.values(), FREEBSD_HCI, *NETBSD.values(), WINDOWS_RFCOMM, HYPERV]
SIZES = [12, 8, 14, 9, 8, 34, 11, 11, 11, 11, 30, 36]  # without padding at the end


@pytest.mark.parametrize("codec, size", list(zip(CODECS, SIZES)))
def test_random_bytes_are_an_address_or_a_valueerror_and_addresses_round_trip(codec: Any, size: int) -> None:
    @given(st.binary(max_size=2 * size))
    @example(b"")
    @settings(MANY)
    def check(raw: bytes) -> None:
        if len(raw) < size:
            with pytest.raises(ValueError, match=f"has {size} bytes, got {len(raw)}"):
                codec.unpack(raw)
            return
        try:
            address = codec.unpack(raw)
        except ValueError:  # more bytes than there are, or no text
            assert codec in (LINK, FREEBSD_HCI)
            return
        again = codec.pack(address)
        assert codec.unpack(again) == address
        assert codec.pack(codec.unpack(again)) == again

    check()


@given(st.binary(min_size=16, max_size=16))
@settings(MANY)
def test_guids_are_written_as_uuid_does(raw: bytes) -> None:
    from uuid import UUID

    assert guid_bytes(str(UUID(bytes_le=raw)).upper(), "vm_id") == raw


def test_numbers_lose_their_upper_bits_as_in_the_standard_module() -> None:
    assert SYSTEM.unpack(SYSTEM.pack((2**32 + 7, -1))) == (7, 0xFFFFFFFF)
    assert WINDOWS_RFCOMM.unpack(WINDOWS_RFCOMM.pack((MAKER, 2**32 + 5))) == (MAKER, 5)


def test_families_and_protocols_choose_their_codec() -> None:
    assert type(codec(System.family, System.protocol)) is System
    assert type(codec(Hyperv.family, Hyperv.protocol)) is Hyperv
    assert type(codec(Link.family, 0)) is type(codec(Link.family, 7)) is Link
    for family in (System.family, Hyperv.family):
        assert type(codec(family, 77)) is UnknownFamily
    assert codec(Link.family, 0) is codec(Link.family, 0)


class Mac:
    "What macOS would do: one kernel control, of number 7."

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        fcntl = pytest.importorskip("fcntl")
        self.closed: list[int] = []
        self.asked: list[tuple[Any, ...]] = []
        monkeypatch.setattr(kernel, "socket", self.socket)
        monkeypatch.setattr(kernel, "close", self.closed.append)
        monkeypatch.setattr(fcntl, "ioctl", self.ioctl)

    def socket(self, family: int, kind: int, proto: int, at: Any) -> int:
        self.asked.append((family, kind, proto))
        at._litsock_fd = 99
        return 99

    def ioctl(self, fd: int, request: int, info: bytes) -> bytes:
        self.asked.append((fd, request, len(info)))
        if info[4:].rstrip(b"\0") != b"utun":
            raise OSError(2, "No such file or directory")
        return n(7, 4) + info[4:]


def test_a_control_is_looked_up_on_a_socket_that_is_closed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    mac = Mac(monkeypatch)
    assert System(find_control).pack("utun") == SYSTEM.pack((7, 0))
    assert mac.asked == [(32, 2, 2), (99, 0xC0644E03, 100)]  # AF_SYSTEM, SOCK_DGRAM, SYSPROTO_CONTROL; sizeof(struct ctl_info)
    with pytest.raises(OSError, match="cannot find kernel control with provided name 'firewall'"):
        find_control(b"firewall")
    assert mac.closed == [99, 99]


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has controls")
def test_where_there_are_no_controls_the_kernel_says_so() -> None:
    with pytest.raises(OSError):
        elsewhere.CODECS[System.family, System.protocol].pack("utun")
