"""`AF_NETLINK` and `AF_PACKET`: the codecs on any bytes, and beside the standard module on real sockets."""

import os
import socket
import struct

import pytest
from common import but_pypy
from hypothesis import given, settings
from hypothesis import strategies as st

import litsock
from litsock.families import codec_for
from litsock.families.addresses import RESOLVER
from litsock.families.links import Netlink, Packet

# In the virtual machine everything takes ten times as long, and what bytes mean is the same as outside.
MANY = settings(max_examples=100 if "LITSOCK_VM" in os.environ else 5000, deadline=None, database=None, derandomize=True)
NETLINK, PACKET = Netlink(), Packet(RESOLVER)
WORDS = st.integers(0, 2**32 - 1)


@MANY
@given(st.binary(max_size=64))
def test_any_bytes_unpack_or_are_refused(raw):
    for codec in (NETLINK, PACKET):
        try:
            address = codec.unpack(raw)
        except ValueError:
            continue
        assert isinstance(address, tuple)


@MANY
@given(WORDS, WORDS)
def test_netlink_round_trip(pid, groups):
    raw = NETLINK.pack((pid, groups))
    assert raw == struct.pack("HHII", socket.AF_NETLINK, 0, pid, groups)
    assert NETLINK.unpack(raw) == (pid, groups)
    assert NETLINK.unpack(raw + b"more") == (pid, groups)


@MANY
@given(st.integers(0, 0xFFFF), st.integers(0, 255), st.integers(0, 0xFFFF), st.binary(max_size=8))
def test_packet_round_trip(proto, pkttype, hatype, hardware):
    raw = PACKET.pack(("lo", proto, pkttype, hatype, hardware))
    index = litsock.if_nametoindex("lo")
    assert raw == struct.pack("HHiHBB8s", 17, socket.htons(proto), index, hatype, pkttype, len(hardware), hardware)
    assert PACKET.unpack(raw) == ("lo", proto, pkttype, hatype, hardware)


def test_fewer_fields():
    whole = PACKET.pack(("lo", 3, 0, 0, b""))
    assert PACKET.pack(("lo", 3)) == PACKET.pack(("lo", 3, 0)) == PACKET.pack(("lo", 3, 0, 0)) == whole


def test_truncated():
    raw = PACKET.pack(("lo", 3, 0, 0, b"123456"))
    for size in range(18):
        with pytest.raises(ValueError):
            PACKET.unpack(raw[:size])
    for size in range(12):
        with pytest.raises(ValueError):
            NETLINK.unpack(NETLINK.pack((1, 2))[:size])


WRONG_NETLINK = [None, 5, (), (1,), (1, 2, 3), ("1", 2), (1, None), (1.0, 2), [1, 2]]
WRONG_PACKET = [
    None, "lo", (), ("lo",), ("lo", 3, 0, 0, b"", 0), (b"lo", 3), (5, 3), ("lo", "3"), ("lo", 3.0), ("lo", -1), ("lo", 65536),
    ("lo", 3, "0"), ("lo", 3, 0, "0"), ("lo", 3, 0, 0, "addr"), ("lo", 3, 0, 0, b"123456789"), ("lo\0", 3), ("none", 3),
    ("x" * 100, 3), ("", 3), ("lo", 2**40), ("lo", 3, 2**40), ["lo", 3],
]


def outcome(call, address):
    "What a call does: what it raises, by type and errno."
    try:
        call(address)
    except OSError as error:
        return OSError, error.errno
    except Exception as error:
        return (type(error),)
    return None


def bound(module, address):
    "What becomes of a netlink socket that is to be bound."
    with module.socket(module.AF_NETLINK, module.SOCK_RAW) as sock:
        return outcome(sock.bind, address), sock.getsockname()[1]


TRIED = [*WRONG_NETLINK, (0, 0), (-1, 0), (2**40, 0)]
OTHERWISE = (), (1,), (1, 2, 3), [1, 2], (-1, 0)


@pytest.mark.needs("AF_NETLINK")
@pytest.mark.parametrize("address", but_pypy(TRIED, *OTHERWISE, why="PyPy's module takes a list, no -1, and says ValueError"), ids=repr)
def test_netlink_as_the_standard_module(address):
    assert bound(litsock, address) == bound(socket, address)


@pytest.mark.needs("AF_PACKET", "root")
@pytest.mark.parametrize("address", [*WRONG_PACKET, ("lo", 3), ("lo", 0x0800, 300, 70000, b"")], ids=repr)
def test_packet_as_the_standard_module(address):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as theirs:
        with litsock.socket(litsock.AF_PACKET, litsock.SOCK_RAW) as ours:
            assert outcome(ours.bind, address) == outcome(theirs.bind, address)
            assert ours.getsockname() == theirs.getsockname()


@pytest.mark.needs("AF_PACKET", "root")
def test_a_frame_on_the_loopback_as_the_standard_module_sees_it():
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as theirs:
        with litsock.socket(litsock.AF_PACKET, litsock.SOCK_RAW) as ours:
            for sock in (ours, theirs):
                sock.bind(("lo", 0x88B5))
                sock.settimeout(5)
            ours.send(bytes(12) + b"\x88\xb5" + os.urandom(20))
            assert ours.recvfrom(100) == theirs.recvfrom(100)
            ours.sendto(bytes(12) + b"\x88\xb5" + b"by address", ("lo", 0))
            assert theirs.recvmsg(100) == ours.recvmsg(100)


@pytest.mark.needs("AF_XDP", "root")
@pytest.mark.parametrize("address", [None, (), ("lo", 0), (44, b"1234567890"), b"\x2c\x00", "lo"], ids=repr)
def test_a_family_without_a_codec_takes_no_address(address):
    with socket.socket(litsock.AF_XDP, socket.SOCK_RAW) as theirs, litsock.socket(litsock.AF_XDP, litsock.SOCK_RAW) as ours:
        for name in ("bind", "connect", "connect_ex"):
            assert outcome(getattr(ours, name), address) == outcome(getattr(theirs, name), address) == (OSError, None)
        assert outcome(lambda to: ours.sendto(b"", to), address) == outcome(lambda to: theirs.sendto(b"", to), address)


def test_codecs_are_found():
    assert isinstance(codec_for(litsock.AF_NETLINK), Netlink) and isinstance(codec_for(litsock.AF_PACKET, 3), Packet)
