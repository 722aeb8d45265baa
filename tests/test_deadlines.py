"""Deadlines over several calls, `recv_exactly`, and the race of `create_connection` between addresses."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import threading
import time
import warnings

import pytest
from common import Struck, alarms, since, strike

import litsock
from bench.calls import recorded
from bench.cases import silence
from litsock import happy_eyeballs
from litsock.extras import deadlines

PLENTY = 20.0  # seconds: more than any of these operations should ever need
ONE_TIMER = pytest.mark.timeout(300, method="thread")  # the test needs the process's one timer for itself
pytestmark = pytest.mark.usefixtures("no_leak")


def later(seconds, call, *arguments):
    thread = threading.Timer(seconds, call, arguments)
    thread.start()
    return thread


# recv_exactly and recv_exactly_into


def exactly(sock, size):
    return sock.recv_exactly(size)


def exactly_into(sock, size):
    buffer = bytearray(b"?" * size)
    assert sock.recv_exactly_into(buffer) is None
    return bytes(buffer)


BOTH = pytest.mark.parametrize("receive", [exactly, exactly_into])
ANY = pytest.mark.parametrize("timeout", [None, PLENTY, 0.0])
WAITING = pytest.mark.parametrize("timeout", [None, PLENTY])


@BOTH
@ANY
def test_one_call_when_all_is_there(receive, timeout, pair):
    pair[1].send(b"0123456789")
    pair[0].settimeout(timeout)
    with recorded() as calls:
        assert receive(pair[0], 4) == b"0123"
    assert calls == ["recvfrom"]
    assert receive(pair[0], 6) == b"456789"


@BOTH
@WAITING
def test_much_in_small_pieces(receive, timeout, pair):
    pair[0].settimeout(timeout)
    data = os.urandom(3 * 2**20 + 5)

    def send():
        view = memoryview(data)
        while view:
            pair[1].sendall(view[:77777])
            view = view[77777:]

    thread = later(0, send)
    assert receive(pair[0], len(data)) == data
    thread.join()


@BOTH
@ANY
def test_nothing_asked_for(receive, timeout, pair):
    pair[0].settimeout(timeout)
    with recorded() as calls:
        assert receive(pair[0], 0) == b""
    assert not calls


@BOTH
@ANY
@pytest.mark.parametrize("sent", [b"", b"abc"])
def test_the_end_comes_first(receive, timeout, sent, pair):
    pair[0].settimeout(timeout)
    pair[1].sendall(sent)
    pair[1].shutdown(litsock.SHUT_WR)
    with pytest.raises(litsock.IncompleteReadError) as caught:
        receive(pair[0], 5)
    error = caught.value
    assert isinstance(error, EOFError)
    assert (error.partial, error.expected) == (sent, 5)
    assert str(error) == f"the peer has finished after {len(sent)} of 5 bytes"
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.partial, copy.expected, str(copy)) == (type(error), sent, 5, str(error))


@BOTH
@pytest.mark.parametrize("sent", [b"", b"abc"])
def test_the_time_is_over_first(receive, sent, pair):
    pair[1].sendall(sent)
    pair[0].settimeout(0.03)
    before = time.perf_counter()
    with recorded() as calls, pytest.raises(litsock.IncompleteReadTimeout, match="timed out") as caught:
        receive(pair[0], 5)
    assert since(before) >= 0.03
    assert (caught.value.partial, caught.value.expected) == (sent, 5)
    assert calls == ["recvfrom", "ppoll"]
    pair[1].sendall(b"de")
    assert receive(pair[0], 2) == b"de"  # the socket is as good as before


@BOTH
def test_one_deadline_for_the_whole(receive, pair):
    """A byte every 30 ms is soon enough for a timeout of 0.2 s, but ten of them are not."""
    pair[0].settimeout(0.2)
    stop = threading.Event()

    def send():
        while not stop.wait(0.03):
            pair[1].send(b"x")

    thread = later(0, send)
    before = time.perf_counter()
    with pytest.raises(TimeoutError) as caught:
        receive(pair[0], 10_000)
    took = since(before)
    stop.set()
    thread.join()
    assert took >= 0.2 and 0 < len(caught.value.partial) < 10_000


@BOTH
def test_a_socket_that_never_waits(receive, pair):
    pair[0].setblocking(False)
    pair[1].sendall(b"abc")
    with recorded() as calls, pytest.raises(BlockingIOError) as caught:
        receive(pair[0], 5)
    assert (caught.value.partial, caught.value.expected) == (b"abc", 5)
    assert set(calls) == {"recvfrom"}


@BOTH
@WAITING
@ONE_TIMER
def test_what_a_handler_raises_goes_through_as_it_is(receive, timeout, pair):
    pair[0].settimeout(timeout)
    pair[1].sendall(b"abc")
    with alarms(strike, 0.03), pytest.raises(Struck) as caught:
        receive(pair[0], 5)
    assert vars(caught.value) == {}


@ONE_TIMER
def test_the_buffer_has_what_came_before_a_handler_raised(pair):
    buffer = bytearray(5)
    pair[1].sendall(b"abc")
    with pytest.raises(Struck), alarms(strike, 0.03):
        pair[0].recv_exactly_into(buffer)
    assert buffer == b"abc\0\0"


class N:
    "A number that has only `__index__`."

    def __index__(self):
        return 3


def test_a_number_with_index_only(pair):
    pair[1].sendall(b"abcdef")
    assert pair[0].recv_exactly(N()) == b"abc"


@pytest.mark.parametrize("kind, base, number", [
    (litsock.IncompleteReadTimeout, TimeoutError, None), (litsock.IncompleteReadTimeout, TimeoutError, errno.ETIMEDOUT),
    (litsock.IncompleteReadBlocked, BlockingIOError, errno.EAGAIN), (litsock.IncompleteReadReset, ConnectionResetError, errno.ECONNRESET),
])  # fmt: skip
def test_the_kinds_are_what_recv_raises_and_more(kind, base, number):
    from litsock.extras.deadlines import incomplete

    original = base(number, "as it was") if number else base("timed out")
    error = incomplete(original, b"abc", 5)
    copy = pickle.loads(pickle.dumps(error))
    for one in (error, copy):
        assert type(one) is kind and isinstance(one, (base, litsock.IncompleteRead)) and isinstance(one, base)
        assert (one.partial, one.expected, one.errno) == (b"abc", 5, number)
        assert str(one) == (str(original) if number else "timed out after 3 of 5 bytes")
    other = OSError(errno.EBADF, "closed")
    assert incomplete(other, b"", 5) is other


@BOTH
@WAITING
@ONE_TIMER
def test_a_handler_that_returns_changes_nothing(receive, timeout, pair):
    pair[0].settimeout(timeout)
    ran = []

    def send():
        for byte in b"0123456789":
            time.sleep(0.01)
            pair[1].send(bytes([byte]))

    thread = later(0, send)
    with alarms(lambda *_: ran.append(1), 0.001, 0.001):
        assert receive(pair[0], 10) == b"0123456789"
    thread.join()
    assert ran


@BOTH
def test_a_connection_that_breaks_keeps_what_came(receive, keep):
    with litsock.create_server(("127.0.0.1", 0)) as server:
        client = keep(litsock.create_connection(server.getsockname()))
        connection, _ = server.accept()
    client.settimeout(PLENTY)
    connection.sendall(b"abc")
    reset = (1).to_bytes(4, "little") + bytes(4)

    def break_off():
        connection.setsockopt(litsock.SOL_SOCKET, litsock.SO_LINGER, reset)
        connection.close()

    thread = later(0.05, break_off)
    with pytest.raises(ConnectionResetError) as caught:
        receive(client, 5)
    thread.join()
    assert caught.value.partial == b"abc"


@pytest.mark.parametrize("kind", ["SOCK_DGRAM", "SOCK_SEQPACKET"])
@BOTH
def test_only_streams(receive, kind, keep):
    sock, _ = map(keep, litsock.socketpair(litsock.AF_UNIX, getattr(litsock, kind)))
    with pytest.raises(OSError, match=f"stream.*{kind}") as caught:
        receive(sock, 5)
    assert caught.value.errno == errno.EOPNOTSUPP


def test_wrong_sizes_and_buffers(pair):
    pair[1].send(b"0123")
    for wrong, error in ((-1, ValueError), (1.5, TypeError), ("1", TypeError), (2**70, OverflowError), (None, TypeError)):
        with pytest.raises(error):
            pair[0].recv_exactly(wrong)
    for wrong in (b"constant", "text", 5, None, memoryview(bytearray(10))[::2]):
        with pytest.raises((TypeError, BufferError)):
            pair[0].recv_exactly_into(wrong)
    assert pair[0].recv_exactly(4) == b"0123"


def test_a_huge_size_takes_no_memory_before_the_bytes_are_there(pair):
    pair[1].send(b"0123")
    pair[1].close()
    with pytest.raises(litsock.IncompleteReadError):
        pair[0].recv_exactly(2**62)


def test_into_any_buffer(pair):
    from array import array

    buffer = array("H", [0, 0])
    pair[1].send(b"01234567")
    pair[0].recv_exactly_into(buffer)
    assert buffer.tobytes() == b"0123"
    wide = memoryview(bytearray(4)).cast("B", (2, 2))
    pair[0].recv_exactly_into(wide)
    assert wide.tobytes() == b"4567"


def test_a_closed_socket(pair):
    pair[0].close()
    with pytest.raises(OSError) as caught:
        pair[0].recv_exactly(1)
    assert caught.value.errno == 9


# deadline


def state(sock):
    return sock.gettimeout(), sock.timeout, sock.getblocking(), os.get_blocking(sock.fileno())


OPERATIONS = {
    "recv": lambda sock: sock.recv(1),
    "recv_into": lambda sock: sock.recv_into(bytearray(1)),
    "recvfrom": lambda sock: sock.recvfrom(1),
    "recvfrom_into": lambda sock: sock.recvfrom_into(bytearray(1)),
    "recvmsg": lambda sock: sock.recvmsg(1),
    "recvmsg_into": lambda sock: sock.recvmsg_into([bytearray(1)]),
    "recv_exactly": lambda sock: sock.recv_exactly(1),
    "recv_exactly_into": lambda sock: sock.recv_exactly_into(bytearray(1)),
    "readline": lambda sock: sock.makefile("rb").readline(),
    "send": lambda sock: sock.send(b"x"),
    "sendall": lambda sock: sock.sendall(b"x"),
    "sendmsg": lambda sock: sock.sendmsg([b"x"]),
    "write": lambda sock: sock.makefile("wb", 0).write(b"x"),
}


def stuck(pair):
    """A socket from which nothing comes, and into which nothing goes."""
    with pytest.raises(BlockingIOError):
        pair[0].setblocking(False)
        while True:
            pair[0].send(bytes(2**16))
    with pytest.raises(BlockingIOError):
        while True:
            pair[0].send(b"x")
    pair[0].setblocking(True)
    return pair[0]


@pytest.mark.parametrize("timeout", [None, PLENTY])
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_deadline_ends_a_wait_and_goes(name, timeout, pair):
    sock = stuck(pair)
    sock.settimeout(timeout)
    before, began = state(sock), time.perf_counter()
    with pytest.raises(TimeoutError, match="timed out"), sock.deadline(0.03):
        OPERATIONS[name](sock)
    assert since(began) >= 0.03
    assert state(sock) == before


@pytest.mark.parametrize("timeout", [None, PLENTY, 0.0])
@pytest.mark.parametrize("name", OPERATIONS)
def test_after_the_deadline_nothing_is_even_tried(name, timeout, pair):
    """There is data and there is room; but the time is over."""
    sock = pair[0]
    pair[1].send(b"0123\n")
    sock.settimeout(timeout)
    with sock.deadline(0), recorded() as calls, pytest.raises(TimeoutError):
        OPERATIONS[name](sock)
    assert not calls
    assert sock.recv(10) == b"0123\n"


def test_the_other_calls_too(keep):
    listener = keep(litsock.create_server(("127.0.0.1", 0)))
    client = keep(litsock.socket())
    with client.deadline(0), pytest.raises(TimeoutError):
        client.connect(listener.getsockname())
    with client.deadline(0):
        assert client.connect_ex(listener.getsockname()) == 11  # EWOULDBLOCK, as for any timeout
    client.connect(listener.getsockname())
    with listener.deadline(0), pytest.raises(TimeoutError):
        listener.accept()
    with listener.deadline(PLENTY):
        connection = keep(listener.accept()[0])
    assert state(connection) == (None, None, True, True)  # a deadline is not handed down
    with listener.deadline(0.02), pytest.raises(TimeoutError):
        listener.accept()
    with open(__file__, "rb") as file, connection.deadline(0), pytest.raises(TimeoutError):
        connection.sendfile(file)


def test_it_spans_all_calls_of_the_block(pair):
    sock = pair[0]
    began, got = time.perf_counter(), []
    stop = threading.Event()

    def send():
        while not stop.wait(0.02):
            pair[1].send(b"x")

    thread = later(0, send)
    with pytest.raises(TimeoutError), sock.deadline(0.2):
        while True:
            got.append(sock.recv(1))
    stop.set()
    thread.join()
    assert since(began) >= 0.2 and got


def test_the_nearer_of_two_deadlines_holds(pair):
    sock = pair[0]
    for outer, inner in ((PLENTY, 0.02), (0.02, PLENTY), (0.02, None)):
        with sock.deadline(outer):
            began = time.perf_counter()
            with sock.deadline(inner), pytest.raises(TimeoutError):
                sock.recv(1)
            assert since(began) < PLENTY / 2
            if outer == PLENTY:  # and the outer one holds again
                pair[1].send(b"x")
                assert sock.recv(1) == b"x"
    assert state(sock) == (None, None, True, True)


def test_the_nearer_of_deadline_and_timeout_holds(pair):
    sock = pair[0]
    for timeout, deadline in ((0.02, PLENTY), (PLENTY, 0.02)):
        sock.settimeout(timeout)
        began = time.monotonic_ns()
        with sock.deadline(deadline), pytest.raises(TimeoutError):
            sock.recv(1)
        assert 20_000_000 <= time.monotonic_ns() - began < PLENTY / 2 * 1e9


@pytest.mark.parametrize("timeout", [None, 5.0, 0.0])
def test_the_mode_within_is_the_sockets_own_and_the_descriptor_does_not_block(timeout, pair):
    sock = pair[0]
    sock.settimeout(timeout)
    before = state(sock)
    with pytest.raises(Struck), sock.deadline(PLENTY):
        assert state(sock) == (timeout, timeout, timeout != 0, False)
        raise Struck
    assert state(sock) == before


def test_settimeout_within_holds_on(pair):
    sock = pair[0]
    for first in (None, 5.0, 0.0):
        for second in (None, 3.0, 0.0):
            sock.settimeout(first)
            with sock.deadline(0.02):
                sock.settimeout(second)
                assert state(sock) == (second, second, second != 0, False)
                with pytest.raises(BlockingIOError if second == 0 else TimeoutError):
                    sock.recv(1)
            assert state(sock) == (second, second, second != 0, second is None)
            sock.settimeout(None)
            with sock.deadline(PLENTY):
                sock.setblocking(False)
                sock.setblocking(True)
                assert state(sock) == (None, None, True, False)


def test_no_deadline_is_none(pair):
    with pair[0].deadline(None):
        pair[1].send(b"x")
        assert pair[0].recv(1) == b"x"
    assert state(pair[0]) == (None, None, True, True)


@pytest.mark.parametrize("wrong, error", [(-1, ValueError), (float("nan"), ValueError), ("1", TypeError), (1e300, OverflowError)])
def test_wrong_deadlines(wrong, error, pair):
    with pytest.raises(error):
        pair[0].deadline(wrong)
    assert state(pair[0]) == (None, None, True, True)


def test_a_closed_socket_and_one_that_is_closed_within(pair):
    sock, other = pair
    with sock.deadline(PLENTY):
        sock.close()
        with pytest.raises(OSError) as caught:
            sock.recv(1)
    assert caught.value.errno == 9
    with pytest.raises(OSError) as caught, sock.deadline(PLENTY):
        sock.recv(1)
    assert caught.value.errno == 9 and sock._litsock_until is None
    with other.deadline(PLENTY):
        litsock.close(other.detach())
    assert other._litsock_until is None


def test_one_context_manager_can_serve_again_and_within_itself(pair):
    sock = pair[0]
    short = sock.deadline(0.02)
    for _ in range(2):
        with pytest.raises(TimeoutError), short, short:
            sock.recv(1)
    assert sock._litsock_until is None
    assert state(sock) == (None, None, True, True)


def test_a_copy_has_no_deadline_and_works_on(pair):
    sock, other = pair
    with sock.deadline(0.05):
        copy = sock.dup()
        assert state(copy) == (None, None, True, False)
        thread = later(0.1, other.send, b"for the copy")
        assert copy.recv(20) == b"for the copy"  # it waits, though the descriptor does not block
        thread.join()
        with pytest.raises(TimeoutError):
            sock.recv(1)
    with copy:
        assert state(copy) == (None, None, True, True)
        thread = later(0.02, other.send, b"still")
        assert copy.recv(20) == b"still"
        thread.join()


def test_a_deadline_is_for_the_thread_that_set_it(pair):
    """A reader without a limit, and a writer in a hurry, on the same socket."""
    sock, other = pair
    got, waiting = [], threading.Event()

    def read():
        waiting.set()
        got.append(sock.recv(10))
        got.append(sock.recv(10))

    reader = threading.Thread(target=read)
    reader.start()
    waiting.wait()
    with sock.deadline(0.02):
        sock.sendall(b"hurry")
        other.send(b"first")
        with pytest.raises(TimeoutError):
            while True:
                sock.sendall(bytes(2**16))
    time.sleep(0.05)
    other.send(b"second")
    reader.join()
    assert got == [b"first", b"second"]
    assert state(sock) == (None, None, True, True)


def test_many_threads_with_deadlines_on_one_socket(pair):
    """Each keeps its own; when the last has left, the socket blocks as before."""
    sock, wrong = pair[0], []

    def hurry(seed):
        for number in range(150):
            seconds = 0.0001 * (1 + (seed + number) % 7)
            began = time.perf_counter()
            try:
                with sock.deadline(PLENTY), sock.deadline(seconds):
                    sock.recv(1)
                wrong.append("no timeout")
            except TimeoutError:
                if since(began) < seconds:
                    wrong.append("early")

    threads = [threading.Thread(target=hurry, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert state(sock) == (None, None, True, True) and sock._litsock_until is None


def test_a_file_that_missed_the_deadline_reads_no_more(pair):
    """As after any timeout: what its buffer held is gone."""
    with pair[0].makefile("rb") as file:
        pair[1].send(b"half a li")
        with pytest.raises(TimeoutError), pair[0].deadline(0.02):
            file.readline()
        with pytest.raises(OSError, match="timed out"):
            file.readline()


@ONE_TIMER
def test_handlers_that_raise_leave_no_deadline_behind(pair):
    sock = pair[0]
    for number in range(200):
        with pytest.raises(Struck), alarms(strike, 0.0005 + number % 10 * 0.0001):
            while True:
                with sock.deadline(PLENTY):
                    sock.recv(1)
        assert state(sock) == (None, None, True, True) and sock._litsock_until is None


def test_a_child_is_not_held_up_by_a_thread_it_does_not_have(pair):
    with deadlines.CHANGING:
        child = threading.Thread(target=fork_and_hurry, args=(pair[0], status := []))
        child.start()
        child.join()
    assert status == [0]


def fork_and_hurry(sock, status):
    if not (child := os.fork()):
        signal.alarm(10)
        with sock.deadline(0.01):
            os._exit(0)
    status.append(os.waitpid(child, 0)[1])


def test_unused_it_costs_no_import(tmp_path):
    import subprocess
    import sys

    script = "import sys, litsock; a, b = litsock.socketpair(); a.settimeout(1); b.sendall(b'x'); a.recv(1); print('litsock.extras.deadlines' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, capture_output=True, text=True).stdout == "False\n"


# The race


def refusing(family=litsock.AF_INET):
    with litsock.socket(family) as sock:
        sock.bind(("::1" if family == litsock.AF_INET6 else "127.0.0.1", 0))
        return sock.getsockname()


@pytest.fixture
def names(monkeypatch):
    """Lets a name stand for addresses of our choice."""

    def stand_for(*addresses):
        found = [
            (litsock.AF_INET6 if len(address) == 4 else litsock.AF_INET, litsock.SOCK_STREAM, 0, "", address)
            for address in addresses
        ]
        monkeypatch.setattr(litsock, "getaddrinfo", lambda *arguments: found)

    return stand_for


def connect(**named):
    return litsock.create_connection(("a name", 1), **named)


def test_families_take_turns():
    entries = [(family, number) for number, family in enumerate([6, 6, 6, 4, 4, 9])]
    assert [entry[0] for entry in happy_eyeballs.interleaved(entries)] == [6, 4, 9, 6, 4, 6]
    assert [entry[1] for entry in happy_eyeballs.interleaved(entries)] == [0, 3, 5, 1, 4, 2]
    assert happy_eyeballs.interleaved([]) == []


@pytest.mark.parametrize("timeout", [{}, {"timeout": None}, {"timeout": PLENTY}])
def test_an_address_that_never_answers_holds_nobody_up(timeout, keep, names):
    good = keep(litsock.create_server(("127.0.0.1", 0)))
    names(keep(silence(litsock)).getsockname(), good.getsockname())
    began = time.perf_counter()
    sock = keep(connect(happy_eyeballs_delay=0.05, **timeout))
    assert 0.05 <= since(began) < PLENTY / 2
    assert sock.getpeername() == good.getsockname()
    wanted = timeout.get("timeout")
    assert state(sock) == (wanted, wanted, True, wanted is None)


def test_the_default_timeout_is_taken(keep, names):
    good = keep(litsock.create_server(("127.0.0.1", 0)))
    names(good.getsockname())
    litsock.setdefaulttimeout(PLENTY)
    try:
        assert state(keep(connect(happy_eyeballs_delay=0.05))) == (PLENTY, PLENTY, True, False)
    finally:
        litsock.setdefaulttimeout(None)


def test_without_the_delay_they_are_tried_one_after_the_other(keep, names):
    good = keep(litsock.create_server(("127.0.0.1", 0)))
    names(keep(silence(litsock)).getsockname(), good.getsockname())
    began = time.perf_counter()
    keep(connect(timeout=0.3))
    assert since(began) >= 0.3


def test_one_that_fails_costs_no_delay(keep, names):
    good = keep(litsock.create_server(("127.0.0.1", 0)))
    names(refusing(), refusing(), good.getsockname())
    began = time.perf_counter()
    assert keep(connect(happy_eyeballs_delay=PLENTY)).getpeername() == good.getsockname()
    assert since(began) < PLENTY / 2


def test_the_first_to_answer_wins_though_it_began_later(keep, names):
    slow, good = keep(silence(litsock)), keep(litsock.create_server(("127.0.0.1", 0)))
    names(slow.getsockname(), slow.getsockname(), good.getsockname())
    assert keep(connect(happy_eyeballs_delay=0.01)).getpeername() == good.getsockname()


def test_the_first_is_given_its_time(keep, names):
    one, other = (keep(litsock.create_server(("127.0.0.1", 0))) for _ in range(2))
    names(one.getsockname(), other.getsockname())
    for _ in range(20):
        assert keep(connect(happy_eyeballs_delay=PLENTY)).getpeername() == one.getsockname()


def test_both_families(keep, names):
    try:
        six = keep(litsock.create_server(("::1", 0), family=litsock.AF_INET6))
    except OSError as error:
        pytest.skip(f"no IPv6 on the loopback interface: {error}")
    names(keep(silence(litsock)).getsockname(), six.getsockname())
    assert keep(connect(happy_eyeballs_delay=0.01)).family == litsock.AF_INET6


def test_errors_are_those_of_the_plain_way(keep, names):
    addresses = refusing(), refusing()
    names(*addresses)
    for named in ({}, {"happy_eyeballs_delay": 0.05}):
        with pytest.raises(ConnectionRefusedError) as caught:
            connect(**named)
        assert repr(addresses[1]) in caught.value.__notes__[0]
        with pytest.raises(ExceptionGroup, match="create_connection failed") as several:
            connect(all_errors=True, **named)
        assert [type(error) for error in several.value.exceptions] == [ConnectionRefusedError] * 2
    names()
    for named in ({}, {"happy_eyeballs_delay": 0.05}):
        with pytest.raises(OSError, match="empty"):
            connect(**named)


def test_the_timeout_is_for_the_whole_race(keep, names):
    nowhere = keep(silence(litsock)).getsockname()
    names(nowhere, refusing(), nowhere, nowhere)
    began = time.perf_counter()
    with pytest.raises(TimeoutError, match="timed out") as caught:
        connect(happy_eyeballs_delay=0.02, timeout=0.2)
    assert 0.2 <= since(began) < 0.6 + PLENTY / 4
    assert repr(nowhere) in caught.value.__notes__[0]
    with pytest.raises(ExceptionGroup) as several:
        connect(happy_eyeballs_delay=0.02, timeout=0.2, all_errors=True)
    assert [type(error) for error in several.value.exceptions] == [ConnectionRefusedError, *[TimeoutError] * 3]
    with pytest.raises(TimeoutError):
        connect(happy_eyeballs_delay=0.02, timeout=0)


def test_a_source_address(keep, names):
    good = keep(litsock.create_server(("127.0.0.1", 0)))
    names(good.getsockname())
    assert keep(connect(happy_eyeballs_delay=0.05, source_address=("127.0.0.1", 0))).getsockname()[0] == "127.0.0.1"
    with pytest.raises(OSError) as caught:
        connect(happy_eyeballs_delay=0.05, source_address=("192.0.2.1", 0))
    assert caught.value.errno == 99  # EADDRNOTAVAIL


@pytest.mark.parametrize("wrong, error", [(-1, ValueError), (float("nan"), ValueError), ("1", TypeError)])
def test_wrong_delays(wrong, error, keep, names):
    names(keep(litsock.create_server(("127.0.0.1", 0))).getsockname())
    with pytest.raises(error):
        connect(happy_eyeballs_delay=wrong)


@ONE_TIMER
def test_a_handler_that_raises_leaves_no_descriptor(keep, names):
    nowhere = keep(silence(litsock)).getsockname()
    names(*[nowhere] * 5)
    before = sorted(os.listdir("/proc/self/fd"))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for number in range(30):
            with pytest.raises(Struck), alarms(strike, 0.005 + number * 0.001):
                connect(happy_eyeballs_delay=0.01)
            assert sorted(os.listdir("/proc/self/fd")) == before


@ONE_TIMER
def test_signals_do_not_disturb_the_race(keep, names):
    good = keep(litsock.create_server(("127.0.0.1", 0)))
    names(keep(silence(litsock)).getsockname(), good.getsockname())
    ran = []
    with alarms(lambda *_: ran.append(1), 0.001, 0.001):
        for _ in range(20):
            with connect(happy_eyeballs_delay=0.02) as sock:
                assert sock.getpeername() == good.getsockname()
    assert ran
