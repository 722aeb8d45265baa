"""The socket object's life, its buffers and its descriptors: what CPython's own tests do not ask."""

import array
import copy
import errno
import gc
import io
import itertools
import json
import mmap
import os
import pickle
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from common import Struck, descriptors
from processes import python

import litsock
from litsock import kernel

pytestmark = pytest.mark.usefixtures("no_leak")
NO_SOCKET = errno.ENOTSOCK if sys.platform == "win32" else errno.EBADF  # what a call says of a number that was closed


def map_of(data):
    memory = mmap.mmap(-1, 4096)
    memory[: len(data)] = data
    return memoryview(memory)[: len(data)]


BUFFERS = {
    "bytes": bytes,
    "bytearray": bytearray,
    "array": lambda data: array.array("B", data),
    "array of shorts": lambda data: array.array("H", data),
    "slice": lambda data: memoryview(b"<<" + data + b">>")[2:-2],
    "mmap": map_of,
    "numpy": lambda data: pytest.importorskip("numpy").frombuffer(data, "uint8"),
    "numpy matrix": lambda data: pytest.importorskip("numpy").frombuffer(data, "uint16").reshape(2, -1),
    "numpy dates": lambda data: pytest.importorskip("numpy").frombuffer(data, "datetime64[s]"),  # of which there is no `memoryview`
}


@pytest.mark.parametrize("make", BUFFERS.values(), ids=BUFFERS)
@pytest.mark.parametrize("method", ["send", "sendall", "sendto", "sendmsg"])
def test_sends_from_any_buffer(pair, make, method):
    one, other = pair
    data = b"sixteen bytes!!\n"
    if method == "sendmsg":
        one.sendmsg([make(data), make(data)])
        assert other.recv(100) == data * 2
    elif method == "sendto":
        with litsock.socket(litsock.AF_INET, litsock.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", 0))
            udp.sendto(make(data), udp.getsockname())
            assert udp.recv(100) == data
    else:
        getattr(one, method)(make(data))
        assert other.recv(100) == data


@pytest.mark.parametrize("make", [make for name, make in BUFFERS.items() if name in ("bytearray", "array", "array of shorts", "mmap")])
def test_receives_into_any_writable_buffer(pair, make):
    one, other = pair
    for receive in (lambda buffer: other.recv_into(buffer), lambda buffer: other.recvfrom_into(buffer)[0], lambda buffer: other.recvmsg_into([buffer])[0]):
        buffer = make(bytes(16))
        one.send(b"sixteen bytes!!\n")
        assert receive(buffer) == 16
        assert bytes(buffer) == b"sixteen bytes!!\n"


def test_receives_into_numpy(pair):
    one, other = pair
    buffer = pytest.importorskip("numpy").zeros((2, 4), "int16")
    one.send(bytes(range(16)))
    assert other.recv_into(buffer) == 16
    assert buffer.tobytes() == bytes(range(16))


def test_sends_all_dates_of_numpy_in_pieces(pair):
    """There is no `memoryview` of them; what is left after the first piece must go out all the same."""
    one, other = pair
    dates = pytest.importorskip("numpy").arange(500_000).astype("datetime64[s]")
    one.settimeout(20)
    with ThreadPoolExecutor(1) as thread:
        received = thread.submit(other.recv_exactly, dates.nbytes)
        one.sendall(dates)
        assert received.result() == dates.tobytes()
    one.setsockopt(litsock.SOL_SOCKET, litsock.SO_KEEPALIVE, dates[:1])


def test_refuses_to_receive_into_a_view_that_was_released(pair):
    one, other = pair
    one.send(b"abc")
    buffer = memoryview(bytearray(10))
    buffer.release()
    for method in ("recv_into", "recvfrom_into"):
        with pytest.raises(TypeError, match="read-write bytes-like object"):
            getattr(other, method)(buffer)
    assert other.recv(10) == b"abc"


@pytest.mark.parametrize("bad", ["text", 5, None, memoryview(bytes(10))[::2], [1, 2]])
def test_refuses_what_is_no_contiguous_buffer(pair, bad):
    import socket as standard

    theirs, _ = both = standard.socketpair()
    for method in ("send", "sendall"):
        with pytest.raises(Exception) as expected:
            getattr(theirs, method)(bad)
        with pytest.raises(expected.type):
            getattr(pair[0], method)(bad)
    for sock in both:
        sock.close()


@pytest.mark.parametrize("use", [
    lambda near, far, data: near.send(data), lambda near, far, data: near.sendall(data), lambda near, far, data: near.sendmsg([data]),
    lambda near, far, data: near.setsockopt(litsock.SOL_SOCKET, litsock.SO_SNDBUF, data),
    lambda near, far, data: far.recv_into(data), lambda near, far, data: far.recvfrom_into(data),
    lambda near, far, data: far.recvmsg_into([data]), lambda near, far, data: far.recv_exactly_into(data),
    lambda near, far, data: litsock.inet_ntoa(data), lambda near, far, data: litsock.inet_ntop(litsock.AF_INET, data),
], ids=["send", "sendall", "sendmsg", "setsockopt", "recv_into", "recvfrom_into", "recvmsg_into", "recv_exactly_into", "inet_ntoa", "inet_ntop"])  # fmt: skip
def test_a_buffer_can_be_resized_after_the_call(pair, use):
    """A garbage collector that comes later, PyPy's, must not hold it."""
    near, far = pair
    near.sendall(b"data")
    data = bytearray(4)
    use(near, far, data)
    data += b"more"


def test_a_held_buffer_cannot_shrink(pair):
    one, other = pair
    buffer = bytearray(10)
    waiting = threading.Thread(target=other.recv_into, args=(buffer,))
    waiting.start()
    time.sleep(0.05)
    with pytest.raises(BufferError):
        buffer.clear()
    one.send(b"x")
    waiting.join()
    buffer.clear()


def is_open(fd):
    return type(kernel.getsockname(fd)) is bytes  # `os.fstat` knows no sockets on Windows


@pytest.mark.parametrize("order", list(itertools.permutations(["socket", "reader", "writer"])))
def test_the_last_to_close_closes(order):
    one, other = litsock.socketpair()
    things = {"socket": one, "reader": one.makefile("rb"), "writer": one.makefile("wb")}
    fd = one.fileno()
    for name in order:
        assert is_open(fd)
        things[name].close()
    assert not is_open(fd)
    assert other.recv(1) == b""
    other.close()


def test_file_keeps_the_descriptor_when_the_socket_is_collected():
    one, other = litsock.socketpair()
    lines = one.makefile("r")
    del one
    gc.collect()
    other.sendall(b"still\n")
    assert lines.readline() == "still\n"
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        lines.close()
        del lines
        gc.collect()
    assert [str(w.message)[:8] for w in heard] == ["unclosed"]
    other.close()


def test_timeout_leaves_socket_usable_and_file_not(pair):
    one, other = pair
    one.settimeout(0.02)
    with one.makefile("rb") as file:
        with pytest.raises(TimeoutError):
            file.readline()
        with pytest.raises(OSError, match="timed out"):
            file.readline()
    other.send(b"late")
    assert one.recv(10) == b"late"


class Half(io.BytesIO):
    """A file that fails after its first piece."""

    def read(self, size=-1):
        if self.tell():
            raise OSError(5, "disk on fire")
        return super().read(size)


def test_sendfile_keeps_the_position_on_error(pair):
    file = Half(bytes(20000))
    with pytest.raises(OSError, match="fire"):
        pair[0].sendfile(file)
    assert file.tell() == 8192


def test_sendfile_regular_file_by_the_kernel(pair, monkeypatch):
    calls = []
    real = kernel.sendfile
    monkeypatch.setattr(kernel, "sendfile", lambda *a: calls.append(a) or real(*a))
    with tempfile.TemporaryFile() as file:
        file.write(bytes(range(256)) * 100)
        file.flush()
        assert pair[0].sendfile(file, offset=256, count=512) == 512
        assert file.tell() == 768
    assert len(calls) == 1
    assert pair[1].recv(1000) == bytes(range(256)) * 2


def test_close_in_one_thread_while_another_waits(pair):
    one, other = pair
    one.settimeout(5)
    seen = []

    def wait():
        try:
            seen.append(one.recv(1))
        except OSError as error:
            seen.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.05)
    one.close()
    other.shutdown(litsock.SHUT_RDWR)
    waiting.join(4)
    assert not waiting.is_alive()
    assert seen == [b""] or seen[0].errno == NO_SOCKET


def test_fork_shares_the_conversation(pair):
    one, other = pair
    child = os.fork()
    if child == 0:
        one.sendall(b"from the child")
        os._exit(0)
    assert other.recv(100) == b"from the child"
    assert os.waitpid(child, 0)[1] == 0


def test_weak_references_copies_and_pickles(pair):
    one, _ = pair
    assert weakref.ref(one)() is one
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot pickle"):
            attempt(one)


@pytest.mark.needs("cpython")
def test_dies_at_once_without_a_cycle():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sock = litsock.socket()
        gone = weakref.ref(sock)
        gc.disable()
        try:
            del sock
            assert gone() is None
        finally:
            gc.enable()


def test_subclass_with_its_own_constructor():
    class Named(litsock.socket):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            self.label = "mine"

    with Named() as sock, sock.dup() as copy_of:
        assert copy_of.label == "mine" and type(copy_of) is Named


def test_half_made_object_can_be_shown_and_collected():
    class Failing(litsock.socket):
        def __init__(self):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        Failing()
    assert "fd=-1" in repr(litsock.socket.__new__(litsock.socket))


def test_close_reports_what_the_system_says():
    sock = litsock.socket()
    litsock.close(sock.fileno())
    with pytest.raises(OSError) as caught:
        sock.close()
    assert caught.value.errno == NO_SOCKET
    sock.close()


def test_descriptors_received_are_closed_when_an_exception_passes_through(pair, monkeypatch):
    one, other = pair
    reading, writing = os.pipe()
    litsock.send_fds(one, [b"x"], [reading, writing])
    os.close(reading), os.close(writing)
    before = descriptors()
    receive = kernel.recvmsg
    monkeypatch.setattr(kernel, "recvmsg", lambda *arguments: receive(*arguments))  # so that Python does it
    monkeypatch.setattr("litsock.core.parse", lambda control: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        other.recvmsg(10, litsock.CMSG_SPACE(8))
    assert descriptors() == before


def test_descriptors_received_are_not_inheritable(pair):
    one, other = pair
    litsock.send_fds(one, [b"x"], [0, 1])
    _, fds, flags, _ = litsock.recv_fds(other, 10, 2)
    assert flags == 0
    for fd in fds:
        assert not os.get_inheritable(fd)
        os.close(fd)


def test_descriptors_sent_to_an_address():
    with litsock.socket(litsock.AF_UNIX, litsock.SOCK_DGRAM) as here, litsock.socket(litsock.AF_UNIX, litsock.SOCK_DGRAM) as there:
        there.bind("")
        there.settimeout(5)
        litsock.send_fds(here, [b"x"], [0], 0, there.getsockname())
        _, (fd,), _, _ = litsock.recv_fds(there, 10, 1)
        os.close(fd)


@pytest.mark.needs("cpython")  # on PyPy a handler may raise at the beginning of a `with`, which makes a TypeError of it
@pytest.mark.timeout(120, method="thread")  # the test needs the process's one timer for itself
def test_exceptions_from_signal_handlers_lose_no_descriptor():
    """A handler that raises wherever it may strike: between any two steps of making a socket, nothing stays open."""

    def strike(number, frame):
        raise Struck

    before = descriptors()
    previous = signal.signal(signal.SIGALRM, strike)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            struck = sum(strike_at(0.00001 + attempt % 97 * 0.000002) for attempt in range(1500))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert struck > 100
    assert descriptors() == before


def strike_at(delay):
    """Make sockets in every way, with an alarm after `delay` seconds. Whether it struck."""
    with litsock.create_server(("127.0.0.1", 0)) as server:
        where = server.getsockname()
        struck = False
        try:
            signal.setitimer(signal.ITIMER_REAL, delay)
            client = litsock.create_connection(where, timeout=2)
            connection, _ = server.accept()
            one, other = litsock.socketpair()
            time.sleep(0.001)
        except Struck:
            struck = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        client = connection = one = other = None
    return struck


AUDIT = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
name = sys.argv[1]
module = __import__(name)
heard, listening = [], False
def plain(value):
    if isinstance(value, tuple) and value[1] not in (0, 9): return value[0]  # the system chose the port
    return "the socket" if isinstance(value, module.socket) else value
def hook(event, arguments):
    if listening and event.startswith("socket."):
        heard.append([event, [plain(value) for value in arguments]])
sys.addaudithook(hook)
listening = True
udp = module.socket(module.AF_INET, module.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
for attempt in (
    lambda: udp.sendto(b"x", ("127.0.0.1", 9)), lambda: udp.sendto(b"x", 0, ("127.0.0.1", 9)),
    lambda: udp.sendmsg([b"x"], [], 0, ("127.0.0.1", 9)), lambda: udp.sendmsg([b"x"]),
    lambda: udp.connect(("127.0.0.1", 9)), lambda: udp.connect_ex(("127.0.0.1", 9)),
    lambda: udp.connect(("127.0.0.1", "9")), lambda: udp.bind("nonsense"), lambda: module.socketpair(),
    lambda: module.fromshare(udp.share(os.getpid())), lambda: udp.dup(), lambda: module.fromfd(udp.fileno(), module.AF_INET, module.SOCK_DGRAM),
    lambda: module.socket(fileno=udp.detach()), lambda: module.socket(9999),
):
    try: attempt()
    except (OSError, TypeError, AttributeError): pass  # no `sendmsg` on Windows, no `share` elsewhere
listening = False
print(json.dumps(heard))
"""


@pytest.mark.needs("cpython")  # PyPy has a ValueError for an address that is none
def test_audit_events_are_the_standard_modules():
    heard = [
        json.loads(subprocess.run([sys.executable, "-c", AUDIT, name], capture_output=True, text=True, check=True).stdout)
        for name in ("socket", "litsock")
    ]
    assert len(heard[0]) > 10
    assert heard[1] == heard[0]


def test_replacing_a_name_replaces_it_everywhere(monkeypatch):
    made = []

    class Watched(litsock.socket):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            made.append(self)

    with litsock.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(litsock, "socket", Watched)
        litsock.create_connection(server.getsockname()).close()
        monkeypatch.undo()
        litsock.create_connection(server.getsockname()).close()
    assert len(made) == 1


# What programs met in use


class Handled(Exception):
    """Raised by a signal handler."""


def in_process(text, *flags):
    """Run a program on litsock in a process of its own; answers with what it printed and what it complained of."""
    code, printed, complaints = python(*flags, "-c", text)
    return code, printed.split(), complaints


FORGOTTEN = """
import litsock, gc
class Socket(litsock.socket):
    {body}
left, right = litsock.socketpair()
sock = Socket(fileno=left.detach())
right.settimeout(5)
del sock
gc.collect()
print(right.recv(1))
right.close()
"""


@pytest.mark.parametrize("body", ["pass", "def __repr__(self): raise ValueError('no name')", "def getpeername(self): raise ValueError('nobody')"])
@pytest.mark.parametrize("flags", [(), ("-W", "error"), ("-W", "always")])
def test_a_forgotten_socket_is_closed_whatever_the_warning_does(body, flags):
    code, printed, _ = in_process(FORGOTTEN.format(body=body), *flags)
    assert (code, printed) == (0, ["b''"])


STORM = """
import fcntl, litsock, os, signal, sys, time, warnings

class Handled(Exception):
    pass

armed = False

def handle(*_):
    if armed:
        raise Handled

def storm(work):
    "Do it again and again for a while; a handler raises wherever it likes."
    global armed
    signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        try:
            armed = True
            while True:
                work()
        except Handled:
            pass
        finally:
            armed = False
        check()
    signal.setitimer(signal.ITIMER_REAL, 0)

def forget():
    litsock.socket(litsock.AF_UNIX)

def change():
    sock.settimeout(None), sock.settimeout(1.5), sock.setblocking(False)

def check():
    if work is change:
        nonblocking = fcntl.fcntl(sock.fileno(), fcntl.F_GETFL) & os.O_NONBLOCK
        assert bool(nonblocking) == (sock.gettimeout() is not None)

warnings.simplefilter("ignore")
sys.unraisablehook = lambda *_: None
signal.signal(signal.SIGALRM, handle)
sock = litsock.socket()
work = {work}
before = len(os.listdir("/proc/self/fd"))
try:
    storm(work)
except Handled:
    pass
signal.setitimer(signal.ITIMER_REAL, 0)
print(len(os.listdir("/proc/self/fd")) - before)
"""
in_python = kernel._fast is None


@pytest.mark.skipif(in_python, reason="Python runs signal handlers before the first line of a finaliser")
def test_a_forgotten_socket_is_closed_though_signal_handlers_raise():
    code, printed, complaints = in_process(STORM.replace("{work}", "forget"))
    assert (code, printed) == (0, ["0"]), complaints


def test_state_and_descriptor_agree_when_a_signal_handler_raises():
    code, printed, complaints = in_process(STORM.replace("{work}", "change"))
    assert (code, printed) == (0, ["0"]), complaints


NAMES = (
    "_timeout _kind _fd _until _connect _pack _send_message _receive_message _at_once _take _begin_mode _choose_mode _send_rest"
    " _option_bytes _accept_into deadline timeout info recv_exactly send_segments recvmmsg state codec fd kind until closed name"
).split()


def test_a_subclass_owns_its_names():
    """Every name as an attribute that nobody can call or calculate with; the conversation goes on as if they were not there."""
    Own = type("Own", (litsock.socket,), {name: "mine" for name in NAMES})

    def settimeout(self, value):
        litsock.socket.setblocking(self, value is None)
        litsock.socket.settimeout(self, value)

    Own.settimeout = settimeout
    with Own() as server, Own() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.settimeout(5)
        client.connect(server.getsockname())
        peer, _ = server.accept()
        with peer, Own(fileno=peer.detach()) as far, client.dup() as copy:
            far.settimeout(5)
            client.sendall(b"a"), copy.send(b"b"), client.sendmsg([b"c"])
            buffer = bytearray(1)
            while len(far.recv(3, litsock.MSG_PEEK)) < 3:
                pass
            assert (far.recv(1), far.recv_into(buffer), far.recvmsg(1)[0], bytes(buffer)) == (b"a", 1, b"c", b"b")
            with far.makefile("rwb") as file:
                file.write(b"line\n")
                file.flush()
                assert client.recvfrom(10)[0] == b"line\n"
            with tempfile.TemporaryFile() as file:
                file.write(b"file")
                file.seek(0)
                client.sendfile(file)
            assert far.recvfrom_into(bytearray(10))[0] == 4
            assert client.getpeername() == far.getsockname() and client.gettimeout() == 5
            client.shutdown(litsock.SHUT_WR)
            assert "Own" in repr(client) and client.getsockopt(litsock.SOL_SOCKET, litsock.SO_ERROR) == 0
            assert [getattr(client, name) for name in NAMES] == ["mine"] * len(NAMES)


@pytest.mark.parametrize("timeout", [None, 5.0])
@pytest.mark.parametrize("method", ["recv_into", "recvfrom_into", "recvmsg_into"])
def test_a_buffer_is_held_while_a_call_waits(pair, method, timeout):
    one, other = pair
    other.settimeout(timeout)
    buffer, answers, receive = bytearray(10), [], getattr(other, method)
    thread = threading.Thread(target=lambda: answers.append(receive([buffer] if method == "recvmsg_into" else buffer)))
    thread.start()
    end = time.monotonic() + 5
    while time.monotonic() < end:  # until the thread has begun
        try:
            buffer.clear()
            buffer.extend(bytes(10))
        except BufferError:
            break
    time.sleep(0.02)
    with pytest.raises(BufferError):
        buffer.clear()
    one.send(b"xyz")
    thread.join(5)
    assert (answers[0] if method == "recv_into" else answers[0][0]) == 3
    buffer.clear()


def test_what_is_sent_is_held_while_a_call_waits(pair):
    one, other = pair
    one.settimeout(5)
    one.setsockopt(litsock.SOL_SOCKET, litsock.SO_SNDBUF, 4096)
    data = bytearray(2**20)
    thread = threading.Thread(target=one.sendall, args=(data,))
    thread.start()
    time.sleep(0.05)
    with pytest.raises(BufferError):
        data.clear()
    got = 0
    while got < 2**20:
        got += len(other.recv(2**20))
    thread.join(5)
    data.clear()


@pytest.mark.parametrize("arguments", [(2**40, 1), (1, 2**40), (1, 1, 2**40), ("x", 1)])
def test_a_duplicate_is_not_lost(pair, arguments):
    with pytest.raises((OverflowError, TypeError)):
        litsock.fromfd(pair[0].fileno(), *arguments)


def test_a_duplicate_is_closed_once(pair):
    class Late(litsock.socket):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            raise KeyError("late")

    left, right = litsock.socketpair()
    sock = Late.__new__(Late)
    litsock.socket.__init__(sock, fileno=left.detach())
    with sock, right, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(KeyError):
            sock.dup()
        gc.collect()


def refuse(call, *arguments):
    try:
        call(*arguments)
    except Exception as error:
        del call  # this frame is in the error's traceback
        return error
    raise AssertionError("it did not fail")


@pytest.mark.needs("cpython")
@pytest.mark.parametrize("timeout", [None, 0.01])
def test_no_exception_holds_its_own_frame(timeout):
    """With the collector off, an exception that is forgotten is gone, and so is the socket whose method raised it."""
    calls = {
        "connect": [("127.0.0.1", 1)], "bind": [("192.0.2.1", 0)], "recv": [10], "send": [b"x"], "sendto": [b"x", ("nowhere.invalid", 1)],
        "setsockopt": [1, 9999, 1], "getsockopt": [1, 9999], "accept": [], "shutdown": [2], "getpeername": [], "connect_ex": ["text"],
        "recv_into": [bytearray(1)], "sendmsg": [[b"x"]], "recvmsg": [1],
    }  # fmt: skip
    gc.collect()
    gc.disable()
    try:
        for name, arguments in calls.items():
            sock = litsock.socket()
            sock.settimeout(timeout)
            known = weakref.ref(sock)
            error = refuse(getattr(sock, name), *arguments)
            sock.close()
            del sock, error
            assert known() is None, name
        sock = litsock.socket(litsock.AF_UNIX)
        known = weakref.ref(sock)
        for address in ("x" * 200, "a\0b", 5, "/nowhere/at all"):
            refuse(sock.bind, address), refuse(sock.connect, address)
        sock.close()
        del sock
        assert known() is None
    finally:
        gc.enable()


@pytest.mark.skipif(in_python, reason="the frames of Python methods hold the socket")
def test_a_kept_exception_keeps_no_socket():
    calls = {
        "connect": [("127.0.0.1", 1)], "bind": [5], "recv": [10], "sendall": [b"x"], "sendto": [b"x", ("127.0.0.1", 99999)], "listen": ["x"],
        "send": ["x"], "sendmsg": [["x"]], "setsockopt": [1, 9999, 1], "getsockopt": [1, 9999], "shutdown": [2], "settimeout": ["x"], "recvmsg": [-1], "recv_into": [b"x"],
    }  # fmt: skip
    kept = []
    for name, arguments in calls.items():
        sock = litsock.socket()
        known = weakref.ref(sock)
        kept.append(refuse(getattr(sock, name), *arguments))
        sock.close()
        del sock
        assert known() is None, name


@pytest.mark.skipif(in_python, reason="Python methods show their lines")
def test_a_traceback_shows_the_program_and_its_signal_handlers_only(pair):
    import traceback

    def handle(*_):
        raise Handled

    old = signal.signal(signal.SIGALRM, handle)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Handled) as caught:
            pair[0].recv(1)
    finally:
        signal.signal(signal.SIGALRM, old)
    names = [line.name for line in traceback.extract_tb(caught.value.__traceback__)]
    assert names == ["test_a_traceback_shows_the_program_and_its_signal_handlers_only", "handle"]


def test_an_option_is_never_longer_than_was_asked_for():
    with litsock.socket(litsock.AF_NETLINK, litsock.SOCK_RAW, 0) as sock:
        for group in (1, 200, 1000):
            try:
                sock.setsockopt(270, 1, group)  # SOL_NETLINK, NETLINK_ADD_MEMBERSHIP
            except OSError:  # the kernel knows fewer groups
                pass
        for size in (1, 4, 8, 64):
            answer = sock.getsockopt(270, 9, size)  # NETLINK_LIST_MEMBERSHIPS
            assert len(answer) <= size
        assert isinstance(sock.getsockopt(270, 9), int)


def test_a_filter_is_asked_for_by_instructions():
    """Each has eight bytes; the kernel counts them, and does not look how much room there is."""
    import ctypes
    import struct

    code = struct.pack("HBBI", 0x06, 0, 0, 0xFFFF) * 200  # return: accept
    memory = ctypes.create_string_buffer(code)
    with litsock.socket(litsock.AF_INET, litsock.SOCK_DGRAM) as sock:
        sock.setsockopt(litsock.SOL_SOCKET, 26, struct.pack("HL", 200, ctypes.addressof(memory)))
        for size in (0, 4, 8, 64, 1024):
            try:
                answer = sock.getsockopt(litsock.SOL_SOCKET, 26, size)
            except OSError:
                continue
            assert isinstance(answer, int) if size == 0 else len(answer) <= size


def test_truncated_stream_shows_zeros():
    """With MSG_TRUNC, TCP throws the bytes away and says how many there were: nothing that was somebody's comes instead."""
    with litsock.create_server(("127.0.0.1", 0)) as server, litsock.create_connection(server.getsockname()) as client:
        far, _ = server.accept()
        with far:
            for size in (100, 20_000):
                client.sendall(b"s" * size)
                got = b""
                while len(got) < size:
                    got += far.recv(100_000)
                client.sendall(b"t" * size)
                time.sleep(0.05)
                got = far.recv(size, litsock.MSG_TRUNC)
                assert got == bytes(len(got)) and got


@pytest.mark.parametrize("method", ["recvmsg", "recvmsg_into"])
def test_index_is_called_once(pair, method):
    class Number:
        def __init__(self, value):
            self.value, self.asked = value, 0

        def __index__(self):
            self.asked += 1
            return self.value

    one, other = pair
    one.send(b"abc"), one.send(b"def")
    size, flags, buffer = Number(64), Number(0), bytearray(10)
    assert getattr(other, method)([buffer] if method == "recvmsg_into" else 10, size, flags)[1:] == ([], 0, None)
    assert (size.asked, flags.asked) == (1, 1)
    one.send(b"abc")
    for name, arguments in {"recv": [Number(1), Number(0)], "recvfrom": [Number(1), Number(0)], "recv_into": [buffer, Number(1), Number(0)]}.items():
        getattr(other, name)(*arguments)
        assert [number.asked for number in arguments if number is not buffer] == [1] * (2), name


@pytest.mark.parametrize("method, kind", [("listen", litsock.SOCK_STREAM), ("shutdown", litsock.SOCK_DGRAM)])
def test_a_number_that_makes_another_socket_of_it(method, kind):
    """The call is about the descriptor that the socket has when the arguments have been read, not about the one before."""

    class Number:
        def __index__(self):
            sock.__init__(litsock.AF_INET, kind)
            sock.bind(("127.0.0.1", 0))
            if kind == litsock.SOCK_DGRAM:
                sock.connect(sock.getsockname())
            return 1

    with litsock.socket(litsock.AF_INET6, litsock.SOCK_STREAM) as sock:
        assert getattr(sock, method)(Number()) is None
        assert (sock.family, sock.type) == (litsock.AF_INET, kind)


@pytest.mark.parametrize("wrong", [dict(encoding="no such encoding"), dict(errors="x", newline="y"), dict(buffering=2**62), dict(buffering=0)], ids=repr)
def test_a_file_that_cannot_be_made_holds_no_socket(wrong):
    with litsock.socket() as sock:
        with pytest.raises((LookupError, ValueError, MemoryError, OverflowError)) as caught:
            sock.makefile(**wrong)
        assert sock._io_refs == 0, caught.value  # whose frames are still there


@pytest.mark.needs("cpython")  # on PyPy every object has them
def test_the_lower_type_has_no_weak_references():
    class Weak(litsock.SocketType):
        __slots__ = ("__weakref__", "_io_refs", "_closed")

    with pytest.raises(TypeError):
        weakref.ref(litsock.SocketType())
    sock = Weak(litsock.AF_INET)
    assert weakref.ref(sock)() is sock
    sock._io_refs, sock._closed = "any", "thing"
    sock.close()


def test_a_filter_length_that_does_not_fit():
    with litsock.socket() as sock, pytest.raises(OSError):
        sock.setsockopt(litsock.SOL_SOCKET, litsock.SO_REUSEADDR, None, 2**32)


@pytest.mark.parametrize("value", ["text", 1.5, {}])
def test_what_is_no_option(value):
    with litsock.socket() as sock, pytest.raises(TypeError, match="socket option should be int, bytes-like object or None, not"):
        sock.setsockopt(litsock.SOL_SOCKET, litsock.SO_REUSEADDR, value)


def test_signatures_can_be_asked_for():
    import inspect
    import typing

    assert in_python or str(inspect.signature(litsock.socket)) == "(family=-1, type=-1, proto=-1, fileno=None)"
    for name in dir(litsock.socket):
        value = getattr(litsock.socket, name, None)  # dir() names methods that are not available everywhere
        if callable(value) and not name.startswith("__") and not name.startswith("_litsock"):
            inspect.signature(value)
    assert typing.get_type_hints(litsock.socket.accept)
    assert "def makefile" in inspect.getsource(litsock.socket.makefile)


INTERRUPTED = """
import litsock, os, signal, tempfile, threading
path = os.path.join(tempfile.mkdtemp(), "s")
server = litsock.socket(litsock.AF_UNIX); server.bind(path); server.listen(0)
first = litsock.socket(litsock.AF_UNIX); first.connect(path)
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
threading.Timer(0.3, server.accept).start()
second = litsock.socket(litsock.AF_UNIX); second.connect(path)
print(second.getpeername() == path, flush=True)
os._exit(0)
"""


def test_an_interrupted_unix_connect_connects():
    assert in_process(INTERRUPTED)[1] == ["True"]


def test_only_the_mark_means_no_timeout():
    """Any other object without a number in it is refused, as by the standard module."""
    import socket as standard

    for module in (litsock, standard):
        with pytest.raises(TypeError):
            module.create_connection(("127.0.0.1", 1), object())


@pytest.mark.parametrize("address, kind", [("127.0.0.1", ValueError), (("127.0.0.1",), ValueError), (80, TypeError), (None, TypeError)])
def test_an_address_that_is_no_pair(address, kind):
    import socket as standard

    with pytest.raises(kind) as theirs:
        standard.create_connection(address)
    with pytest.raises(kind, match=re.escape(f"address must be a pair (host, port), not {address!r}")) as ours:
        litsock.create_connection(address)
    assert ours.type is theirs.type
