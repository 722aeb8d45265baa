"""Many datagrams in one call: what arrives, what is reported when it does not work, and that nothing is lost or leaks."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
import warnings
from array import array
from errno import EAGAIN, EBADF, EDESTADDRREQ, EINVAL, EIO, EMSGSIZE, EOPNOTSUPP
from unittest.mock import patch

import pytest
from common import descriptors

import litsock
from litsock import kernel
from litsock.extras import fast_udp
from litsock.extras.fast_udp import OFFERS, MessageBuffer, MessageRow, SegmentBuffer

HOSTS = {litsock.AF_INET: "127.0.0.1", litsock.AF_INET6: "::1"}
FAMILIES = [
    pytest.param(litsock.AF_INET, id="inet"),
    pytest.param(litsock.AF_INET6, id="inet6", marks=pytest.mark.needs("ipv6")),
]
pytestmark = pytest.mark.usefixtures("no_leak")


@pytest.fixture(autouse=True)
def unexpected_fallback():
    """A fallback warns, and a test that does not expect it fails. What was learned of the kernel is forgotten."""
    with warnings.catch_warnings(), patch.dict(OFFERS):
        warnings.simplefilter("error", RuntimeWarning)
        yield


def udp(family=litsock.AF_INET, address=True):
    sock = litsock.socket(family, litsock.SOCK_DGRAM)
    if address:
        sock.bind((HOSTS[family], 0))
    sock.settimeout(5)
    return sock


@pytest.fixture(params=FAMILIES)
def udp_pair(request, keep):
    return keep(udp(request.param)), keep(udp(request.param))


@pytest.fixture
def inet(keep):
    return keep(udp()), keep(udp())


@pytest.fixture
def letters():
    """A pair of connected datagram sockets of AF_UNIX: descriptors can travel there."""
    near, far = litsock.socketpair(type=litsock.SOCK_DGRAM)
    with near, far:
        near.settimeout(5)
        far.settimeout(5)
        yield near, far


def received(sock, count, buffer=None):
    """So many datagrams."""
    found = []
    while len(found) < count:
        found += [(bytes(data), address) for data, address in (sock.recv_segments() if buffer is None else sock.recv_segments_into(buffer))]
    assert len(found) == count
    return found


def pieces(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


def some(length):
    """Bytes of which no two neighbours of a page are alike."""
    return b"".join(number.to_bytes(4, "big") for number in range(-(-length // 4)))[:length]


# Segments


@pytest.mark.parametrize(
    "length, size",
    [(1, 1), (1, 1000), (7, 3), (64, 64), (65, 64), (127, 1), (128, 1), (129, 1), (64 * 128, 64), (64 * 129 + 5, 64),
     (60_000, 1_200), (100_000, 1_472), (65_507, 65_507), (65_508, 65_507), (65_507, 32_753), (65_508, 32_754)],
)  # fmt: skip
def test_what_is_sent_arrives_piece_by_piece(udp_pair, length, size):
    near, far = udp_pair
    data = some(length)
    assert near.send_segments(data, size, address=far.getsockname()) == length
    assert received(far, -(-length // size)) == [(piece, near.getsockname()) for piece in pieces(data, size)]


def test_others_see_ordinary_datagrams(inet):
    near, far = inet
    near.send_segments(b"aaabbbc", 3, address=far.getsockname())
    assert [far.recv(100) for _ in range(3)] == [b"aaa", b"bbb", b"c"]


def test_ordinary_datagrams_are_segments_too(inet):
    near, far = inet
    for data in (b"one", b"", b"three"):
        near.sendto(data, far.getsockname())
    assert received(far, 3) == [(data, near.getsockname()) for data in (b"one", b"", b"three")]


def test_nothing_to_send(inet):
    near, far = inet
    assert near.send_segments(b"", 100, address=far.getsockname()) == 0
    far.setblocking(False)
    with pytest.raises(BlockingIOError):
        far.recv_segments()


def test_to_the_connected_peer(inet):
    near, far = inet
    near.connect(far.getsockname())
    assert near.send_segments(some(100), 10) == 100
    assert [data for data, _ in received(far, 10)] == pieces(some(100), 10)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda data: array("H", data)])
def test_any_buffer(inet, kind):
    near, far = inet
    near.send_segments(kind(some(100)), 30, address=far.getsockname())
    assert [data for data, _ in received(far, 4)] == pieces(some(100), 30)


def test_the_buffer_is_let_go(inet):
    near, far = inet
    data = bytearray(100)
    near.send_segments(data, 10, address=far.getsockname())
    data += b"more"  # BufferError while somebody holds it


def test_most_of_it_is_one_call(inet, monkeypatch):
    near, far = inet
    calls = []
    sendmsg = kernel.sendmsg
    monkeypatch.setattr(kernel, "sendmsg", lambda *arguments: calls.append(1) or sendmsg(*arguments))
    buffer = SegmentBuffer()
    buffer.prepare(far)  # before anything arrives: what is in the queue already is not joined any more
    near.send_segments(bytes(64 * 64), 64, address=far.getsockname())
    assert len(calls) == 1
    assert len(far.recv_segments_into(buffer)) == 64


def test_a_buffer_serves_again(inet):
    near, far = inet
    buffer = SegmentBuffer()
    first = None
    for data, size in ((b"abcdef", 2), (b"ghijkl", 2), (b"mnopqrst", 3), (b"u", 1), (b"vwxy", 2)):
        near.send_segments(data, size, address=far.getsockname())
        assert [found for found, _ in received(far, -(-len(data) // size), buffer)] == pieces(data, size)
    near.send_segments(b"1234", 2, address=far.getsockname())
    first = [view for view, _ in far.recv_segments_into(buffer)]
    assert first == [b"12", b"34"]
    near.send_segments(b"5678", 2, address=far.getsockname())
    far.recv_segments_into(buffer)
    assert first == [b"56", b"78"], "what comes next overwrites what came before"


def test_a_buffer_serves_another_socket(inet):
    near, far = inet
    buffer = SegmentBuffer()
    with udp() as third:
        for sock in (far, third, far):
            near.send_segments(some(100), 10, address=sock.getsockname())
            assert [data for data, _ in received(sock, 10, buffer)] == pieces(some(100), 10)


def test_a_buffer_does_not_keep_its_socket(inet):
    near, far = inet
    buffer = SegmentBuffer()
    buffer.prepare(far)
    assert buffer.prepared() is far
    sock = udp()
    buffer.prepare(sock)
    sock.close()
    del sock
    gc.collect()
    assert buffer.prepared() is None


# What else is reported


def tos(family, value):
    level, kind = (litsock.IPPROTO_IP, litsock.IP_TOS)
    if family == litsock.AF_INET6:
        level, kind = (litsock.IPPROTO_IPV6, litsock.IPV6_TCLASS)
    return level, kind, value.to_bytes(4, sys.byteorder)


@pytest.mark.parametrize("mark", range(4))
def test_ecn(udp_pair, mark):
    near, far = udp_pair
    buffer = SegmentBuffer(ecn=True)
    buffer.prepare(far)
    near.send_segments(some(100), 10, [tos(far.family, mark)], 0, far.getsockname())
    found = far.recv_segments_into(buffer)
    assert (len(found), found.ecn, found.destination) == (10, mark, None)


def test_destination(udp_pair):
    near, far = udp_pair
    buffer = SegmentBuffer(destination=True)
    buffer.prepare(far)
    near.send_segments(some(100), 10, address=far.getsockname())
    found = far.recv_segments_into(buffer)
    assert found.destination.destination == HOSTS[far.family]
    assert found.destination.interface == litsock.if_nametoindex("lo")
    assert found.ecn is None


@pytest.mark.needs("ipv6")
def test_ipv4_on_a_socket_of_ipv6():
    with udp(litsock.AF_INET6, address=False) as far, udp() as near:
        far.setsockopt(litsock.IPPROTO_IPV6, litsock.IPV6_V6ONLY, 0)
        far.bind(("::", 0))
        buffer = SegmentBuffer(ecn=True, destination=True)
        buffer.prepare(far)
        near.send_segments(some(100), 10, [tos(near.family, 2)], 0, ("127.0.0.1", far.getsockname()[1]))
        found = far.recv_segments_into(buffer)
    assert (len(found), found.ecn, found.address[0]) == (10, 2, "::ffff:127.0.0.1")
    assert found.destination.destination == "::ffff:127.0.0.1"


def test_nobody_asked(inet):
    near, far = inet
    near.sendto(b"x", far.getsockname())
    found = far.recv_segments()
    assert (found.ecn, found.destination, found.ancdata, found.flags) == (None, None, (), 0)


def test_other_control_messages_are_handed_on(inet):
    near, far = inet
    far.setsockopt(litsock.IPPROTO_IP, litsock.IP_RECVTTL, 1)
    buffer = SegmentBuffer(ecn=True)
    buffer.prepare(far)
    near.send_segments(b"abcd", 2, address=far.getsockname())
    found = far.recv_segments_into(buffer)
    assert (litsock.IPPROTO_IP, litsock.IP_TTL) in [message[:2] for message in found.ancdata]
    assert found.ecn == 0


# Where the kernel cannot


def sent_one_by_one(near, far, reason):
    with pytest.warns(RuntimeWarning, match=f"one datagram at a time: .*{reason}") as warned:
        assert near.send_segments(some(1_000), 100, address=far.getsockname()) == 1_000
    assert warned[0].filename == __file__, "the warning names the line of the caller"
    assert [data for data, _ in received(far, 10)] == pieces(some(1_000), 100)


def test_the_kernel_refuses(inet):
    """The kernel splits only what gets a checksum (see udp(7)). Then it answers EINVAL, and it is not pretended."""
    near, far = inet
    near.setsockopt(litsock.SOL_SOCKET, litsock.SO_NO_CHECK, 1)
    sent_one_by_one(near, far, "Invalid argument")
    assert OFFERS[litsock.UDP_SEGMENT] == 128, "a refusal of one socket says nothing about others"


def test_an_old_kernel(inet, monkeypatch):
    near, far = inet
    asked = []
    OFFERS.clear()
    monkeypatch.setattr(kernel, "getsockopt", lambda fd, level, option, size: asked.append(option) or -92)
    sent_one_by_one(near, far, "UDP_SEGMENT")
    with pytest.warns(RuntimeWarning):
        near.send_segments(b"ab", 1, address=far.getsockname())
    assert [data for data, _ in received(far, 2)] == [b"a", b"b"]
    assert sorted(asked) == [litsock.UDP_SEGMENT, litsock.UDP_GRO], "each is asked for once"


def refusing(monkeypatch, errno, more_than):
    """A kernel that refuses to split into more than so many."""
    sendmsg, tried = kernel.sendmsg, []

    def strict(fd, pieces, control, address, flags):
        segment = next((int.from_bytes(data, sys.byteorder) for level, kind, data in fast_udp.parse(control)), None)
        count = -(-len(pieces[0]) // segment) if segment else 1
        tried.append(count)
        return -errno if count > more_than else sendmsg(fd, pieces, control, address, flags)

    monkeypatch.setattr(kernel, "sendmsg", strict)
    return tried


def test_a_kernel_that_splits_into_64(inet, monkeypatch):
    near, far = inet
    OFFERS[litsock.UDP_SEGMENT] = 128
    SegmentBuffer().prepare(far)
    tried = refusing(monkeypatch, EINVAL, 64)
    assert near.send_segments(some(200), 1, address=far.getsockname()) == 200
    assert tried == [128, 64, 64, 64, 8]
    assert near.send_segments(some(100), 1, address=far.getsockname()) == 100
    assert tried == [128, 64, 64, 64, 8, 64, 36], "it is learned"
    assert b"".join(data for data, _ in received(far, 300)) == some(200) + some(100)


@pytest.mark.parametrize("errno", [EIO, EINVAL, EMSGSIZE])
def test_a_road_without_checksums(inet, monkeypatch, errno):
    """Older kernels answer EIO where the network card computes no checksums; EMSGSIZE: a segment exceeds the path MTU."""
    near, far = inet
    refusing(monkeypatch, errno, 1)
    sent_one_by_one(near, far, os.strerror(errno))


# Errors


@pytest.mark.parametrize("wrong", [0, -1, -(2**31)])
def test_wrong_segment_size(inet, wrong):
    near, far = inet
    with pytest.raises(ValueError, match="segment_size"):
        near.send_segments(b"x", wrong, address=far.getsockname())


@pytest.mark.parametrize("wrong", [1.5, "1", None, b"1"])
def test_segment_size_of_a_wrong_type(inet, wrong):
    near, far = inet
    with pytest.raises(TypeError):
        near.send_segments(b"x", wrong, address=far.getsockname())
    with pytest.raises(OverflowError):
        near.send_segments(b"x", 2**31, address=far.getsockname())


@pytest.mark.parametrize("wrong", ["text", 5, None, [b"x"]])
def test_wrong_data(inet, wrong):
    near, far = inet
    with pytest.raises(TypeError):
        near.send_segments(wrong, 10, address=far.getsockname())
    with pytest.raises(TypeError):
        near.sendmmsg([(wrong, far.getsockname())])


@pytest.mark.parametrize("size", [65_508, 100_000, 2**31 - 1])
def test_oversize_is_what_sendto_says(inet, size):
    near, far = inet
    with pytest.raises(OSError) as ours:
        near.send_segments(bytes(200_000), size, address=far.getsockname())
    with pytest.raises(OSError) as plain:
        near.sendto(bytes(65_508), far.getsockname())
    assert ours.value.errno == plain.value.errno == EMSGSIZE


def test_nobody_to_send_to(inet):
    near, _ = inet
    for send in (near.send_segments, lambda data, size: near.sendmmsg([(data, None)])):
        with pytest.raises(OSError) as error:
            send(b"xyz", 1)
        assert error.value.errno == EDESTADDRREQ


@pytest.mark.parametrize("wrong", [("127.0.0.1",), ("127.0.0.1", 70_000), "127.0.0.1", ("127.0.0.1", "http"), 5])
def test_wrong_address(inet, wrong):
    near, _ = inet
    for send in (lambda: near.send_segments(b"x", 1, address=wrong), lambda: near.sendmmsg([(b"x", wrong)])):
        with pytest.raises((TypeError, OverflowError)) as ours:
            send()
        with pytest.raises((TypeError, OverflowError)) as plain:
            near.sendto(b"x", wrong)
        assert type(ours.value) is type(plain.value)


@pytest.mark.parametrize("family, kind", [("AF_INET", "SOCK_STREAM"), ("AF_UNIX", "SOCK_DGRAM"), ("AF_UNIX", "SOCK_STREAM")])
def test_other_sockets(family, kind):
    with litsock.socket(getattr(litsock, family), getattr(litsock, kind)) as sock:
        for call in (lambda: sock.send_segments(b"x", 1), sock.recv_segments):
            with pytest.raises(OSError, match="UDP") as error:
                call()
            assert error.value.errno == EOPNOTSUPP


def test_closed_socket(inet):
    near, far = inet
    address = far.getsockname()
    near.close()
    buffer = MessageBuffer(2)
    row = MessageRow(near, [(b"x", address)])
    OFFERS.update({litsock.UDP_SEGMENT: 128, litsock.UDP_GRO: 128})
    calls = [
        lambda: near.send_segments(b"x", 1, address=address), near.recv_segments, lambda: near.sendmmsg(row),
        lambda: near.recvmmsg(2), lambda: near.recvmmsg_into(buffer),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(OSError) as error:
            call()
        assert error.value.errno == EBADF


# How long it waits


CALLS = {
    "recv_segments": lambda sock: sock.recv_segments(),
    "recvmmsg": lambda sock: sock.recvmmsg(4),
    "recvmmsg_into": lambda sock: sock.recvmmsg_into(MessageBuffer(4)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_timeout(inet, call):
    _, far = inet
    far.settimeout(0.05)
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        call(far)
    assert time.monotonic() - start >= 0.05


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_never_waits(inet, call):
    _, far = inet
    far.setblocking(False)
    with pytest.raises(BlockingIOError):
        call(far)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_deadline(inet, call):
    _, far = inet
    with pytest.raises(TimeoutError), far.deadline(0.05):
        call(far)


@pytest.mark.parametrize("timeout", [None, 5], ids=["blocking", "timeout"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_waits_for_the_first(inet, call, timeout):
    """One datagram is enough: the others that there might be room for are not waited for."""
    near, far = inet
    far.settimeout(timeout)
    thread = threading.Timer(0.05, near.sendto, (b"x", far.getsockname()))
    thread.start()
    assert len(call(far)) == 1
    thread.join()


def busy(monkeypatch, name, after):
    """A kernel that has no room from some call on."""
    real, calls = getattr(kernel, name), []

    def full(*arguments):
        calls.append(arguments)
        return -EAGAIN if len(calls) > after else real(*arguments)

    monkeypatch.setattr(kernel, name, full)
    return calls


@pytest.mark.parametrize("timeout", [0, 0.05], ids=["never waits", "timeout"])
def test_part_of_it_went_out(inet, monkeypatch, timeout):
    near, far = inet
    near.settimeout(timeout)
    OFFERS[litsock.UDP_SEGMENT] = 64
    busy(monkeypatch, "sendmsg", 1)
    assert near.send_segments(some(100), 1, address=far.getsockname()) == 64
    with pytest.raises(BlockingIOError if timeout == 0 else TimeoutError):
        near.send_segments(some(100)[64:], 1, address=far.getsockname())
    assert b"".join(data for data, _ in received(far, 64)) == some(100)[:64]


def test_the_timeout_covers_the_whole(inet, monkeypatch):
    near, far = inet
    near.settimeout(0.1)
    real, start = kernel.sendmsg, time.monotonic()
    monkeypatch.setattr(kernel, "sendmsg", lambda *arguments: time.sleep(0.04) or -EAGAIN)
    with pytest.raises(TimeoutError):
        near.send_segments(some(1_000), 1, address=far.getsockname())
    assert 0.1 <= time.monotonic() - start < 3
    assert real


# Many peers


def test_each_to_an_address_of_its_own(udp_pair):
    near, far = udp_pair
    with udp(far.family) as third:
        messages = [(b"to far", far.getsockname()), (bytearray(b"to third"), third.getsockname()), (b"", far.getsockname())]
        assert near.sendmmsg(messages) == 3
        me = near.getsockname()
        assert far.recvmmsg(8) == [(b"to far", [], 0, me), (b"", [], 0, me)]
        assert third.recvmmsg(8) == [(b"to third", [], 0, me)]


def test_no_more_than_asked_for(inet):
    near, far = inet
    near.sendmmsg([(b"%d" % number, far.getsockname()) for number in range(5)])
    assert [data for data, *_ in far.recvmmsg(3)] == [b"0", b"1", b"2"]
    assert [data for data, *_ in far.recvmmsg(3)] == [b"3", b"4"]


def test_no_messages(inet):
    assert inet[0].sendmmsg([]) == 0


def test_a_row_is_sent_again(inet):
    near, far = inet
    row = MessageRow(near, [(b"a", far.getsockname()), (b"b", far.getsockname()), (b"c", far.getsockname())])
    assert (len(row), len(row[1:]), len(row[3:]), len(row[1:][1:])) == (3, 2, 0, 1)
    assert [near.sendmmsg(part) for part in (row, row, row[2:], row[3:])] == [3, 3, 1, 0]
    assert b"".join(data for data, *_ in far.recvmmsg(10)) == b"abcabcc"
    for wrong in (slice(0, 2), slice(None, None, 2), slice(None, None, -1)):
        with pytest.raises(ValueError, match="only the end"):
            row[wrong]


def test_what_did_not_go_out(inet):
    """The second message is too large: the first goes out, and the error waits until nothing else has happened."""
    near, far = inet
    row = MessageRow(near, [(b"fine", far.getsockname()), (bytes(70_000), far.getsockname()), (b"never", far.getsockname())])
    assert near.sendmmsg(row) == 1
    with pytest.raises(OSError) as error:
        near.sendmmsg(row[1:])
    assert error.value.errno == EMSGSIZE
    assert far.recvmmsg(5) == [(b"fine", [], 0, near.getsockname())]


def test_more_than_the_kernel_takes(inet):
    """The kernel takes 1024 at a time (UIO_MAXIOV), and says so by the number it answers."""
    near, far = inet
    far.setsockopt(litsock.SOL_SOCKET, litsock.SO_RCVBUF, 2**22)
    row = MessageRow(near, [(b"x", far.getsockname())] * 1_500)
    assert near.sendmmsg(row) == 1_024
    assert near.sendmmsg(row[1_024:]) == 476


def test_truncated(inet):
    near, far = inet
    near.sendmmsg([(b"0123456789", far.getsockname()), (b"abc", far.getsockname())])
    found = [(data, flags) for data, _, flags, _ in far.recvmmsg(2, 4)]
    assert found == [(b"0123", litsock.MSG_TRUNC), (b"abc", 0)]


def test_truncated_with_its_length(inet):
    near, far = inet
    near.sendmmsg([(b"0123456789", far.getsockname())])
    assert far.recvmmsg(1, 4, 0, litsock.MSG_TRUNC)[0][0] == b"0123"


def test_messages_land_in_a_buffer(inet):
    near, far = inet
    buffer = MessageBuffer(3, 10)
    near.sendmmsg([(b"abc", far.getsockname()), (b"0123456789", far.getsockname())])
    found = far.recvmmsg_into(buffer)
    assert [bytes(data) for data, *_ in found] == [b"abc", b"0123456789"]
    near.sendmmsg([(b"xyz", far.getsockname())])
    far.recvmmsg_into(buffer)
    assert found[0][0] == b"xyz", "the view shows what the buffer holds now"


@pytest.mark.parametrize("wrong", [(0,), (-1,), (1, -1), (1, 1, -1)])
def test_wrong_buffer(wrong):
    with pytest.raises(ValueError):
        MessageBuffer(*wrong)


@pytest.mark.parametrize("wrong", [(1.5,), ("1",), (1, None)])
def test_buffer_of_a_wrong_type(wrong):
    with pytest.raises(TypeError):
        MessageBuffer(*wrong)


def test_control_messages_of_each(udp_pair):
    near, far = udp_pair
    SegmentBuffer(ecn=True).prepare(far)
    near.sendmmsg([(b"%d" % mark, [tos(far.family, mark)], 0, far.getsockname()) for mark in range(4)])
    found = far.recvmmsg(4, 100, litsock.CMSG_SPACE(64))
    assert [(data, litsock.read_ancdata(ancdata)[0].ecn) for data, ancdata, _, _ in found] == [
        (b"%d" % mark, mark) for mark in range(4)
    ]


def test_what_is_received_can_be_sent(inet):
    near, far = inet
    near.sendmmsg([(b"one", far.getsockname()), (b"two", far.getsockname())])
    assert far.sendmmsg(far.recvmmsg(1)) == 1
    assert far.sendmmsg([far.recvfrom(10)]) == 1
    assert [data for data, *_ in near.recvmmsg(1) + near.recvmmsg(1)] == [b"one", b"two"]


@pytest.mark.parametrize("wrong", [(b"x",), (b"x", [], 0), (b"x", [], 0, None, None), 5])
def test_wrong_message(inet, wrong):
    with pytest.raises(TypeError):
        inet[0].sendmmsg([wrong])


def rights(*fds):
    return [(litsock.SOL_SOCKET, litsock.SCM_RIGHTS, array("i", fds))]


def test_descriptors(letters):
    near, far = letters
    near.sendmmsg([(b"one", rights(near.fileno()), 0, None), (b"none", None), (b"two", rights(0, 1), 0, None)])
    found = far.recvmmsg(5, 100, litsock.CMSG_SPACE(8))
    fds = [fd for _, ancdata, _, _ in found for _, _, data in ancdata for fd in array("i", data)]
    assert [data for data, *_ in found] == [b"one", b"none", b"two"] and len(fds) == 3
    assert {flags for *_, flags, _ in found} == {0}
    assert not any(map(os.get_inheritable, fds))
    for fd in fds:
        os.close(fd)


def test_descriptors_are_closed_when_something_goes_wrong(letters, monkeypatch):
    near, far = letters
    buffer = MessageBuffer(5, 100, litsock.CMSG_SPACE(8))
    near.sendmmsg([(b"one", rights(near.fileno()), 0, None)])
    kept = array("i", far.recvmmsg_into(buffer)[0][1][0][2])
    before = descriptors()
    near.sendmmsg([(b"one", rights(near.fileno()), 0, None), (b"two", rights(0, 1), 0, None)])
    monkeypatch.setattr(fast_udp, "parse", lambda control: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        far.recvmmsg_into(buffer)
    assert descriptors() == before, "what came is closed, and nothing else"
    with pytest.raises(BlockingIOError):
        far.setblocking(False)
        far.recvmmsg_into(buffer)
    assert descriptors() == before, "what came earlier is the caller's"
    os.close(kept[0])


def test_every_call_passes_through_the_kernel_module(inet, monkeypatch):
    near, far = inet
    seen = []
    for name in ("sendmsg", "recvmsg_into", "sendmmsg", "recvmmsg"):
        real = getattr(kernel, name)
        watch = lambda *arguments, name=name, real=real: seen.append(name) or real(*arguments)
        monkeypatch.setattr(kernel, name, watch)
    near.send_segments(b"ab", 1, address=far.getsockname())
    far.recv_segments()
    near.sendmmsg([(b"ab", far.getsockname())])
    far.recvmmsg(1)
    assert seen == ["sendmsg", "recvmsg_into", "sendmmsg", "recvmmsg"]
