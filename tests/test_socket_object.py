"""The socket object's life, its buffers and its descriptors: what CPython's own tests do not ask."""

import array
import copy
import gc
import io
import itertools
import json
import mmap
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
import weakref

import numpy
import pytest

import litsock
from litsock import kernel


def descriptors():
    gc.collect()
    return sorted(os.listdir("/proc/self/fd"))


@pytest.fixture(autouse=True)
def no_leak():
    before = descriptors()
    yield
    assert descriptors() == before


@pytest.fixture
def pair():
    one, other = litsock.socketpair()
    with one, other:
        yield one, other


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
    "numpy": lambda data: numpy.frombuffer(data, numpy.uint8),
    "numpy matrix": lambda data: numpy.frombuffer(data, numpy.uint16).reshape(2, -1),
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
    for receive in (lambda room: other.recv_into(room), lambda room: other.recvfrom_into(room)[0], lambda room: other.recvmsg_into([room])[0]):
        room = make(bytes(16))
        one.send(b"sixteen bytes!!\n")
        assert receive(room) == 16
        assert bytes(room) == b"sixteen bytes!!\n"


def test_receives_into_numpy(pair):
    one, other = pair
    room = numpy.zeros((2, 4), numpy.int16)
    one.send(bytes(range(16)))
    assert other.recv_into(room) == 16
    assert room.tobytes() == bytes(range(16))


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


def test_a_held_buffer_cannot_shrink(pair):
    one, other = pair
    room = bytearray(10)
    waiting = threading.Thread(target=other.recv_into, args=(room,))
    waiting.start()
    time.sleep(0.05)
    with pytest.raises(BufferError):
        room.clear()
    one.send(b"x")
    waiting.join()
    room.clear()


@pytest.mark.parametrize("order", list(itertools.permutations(["socket", "reader", "writer"])))
def test_the_last_to_close_closes(order):
    one, other = litsock.socketpair()
    things = {"socket": one, "reader": one.makefile("rb"), "writer": one.makefile("wb")}
    fd = one.fileno()
    for name in order:
        os.fstat(fd)
        things[name].close()
    with pytest.raises(OSError):
        os.fstat(fd)
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
    assert seen == [b""] or seen[0].errno == 9


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
    os.close(sock.fileno())
    with pytest.raises(OSError) as caught:
        sock.close()
    assert caught.value.errno == 9
    sock.close()


def test_descriptors_received_are_closed_when_an_exception_passes_through(pair, monkeypatch):
    one, other = pair
    reading, writing = os.pipe()
    litsock.send_fds(one, [b"x"], [reading, writing])
    os.close(reading), os.close(writing)
    before = descriptors()
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


class Struck(Exception):
    pass


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
import json, sys, warnings
warnings.simplefilter("ignore")
name = sys.argv[1]
module = __import__(name)
heard, listening = [], False
def plain(value): return "the socket" if isinstance(value, module.socket) else value
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
    lambda: udp.dup(), lambda: module.fromfd(udp.fileno(), module.AF_INET, module.SOCK_DGRAM),
    lambda: module.socket(fileno=udp.detach()), lambda: module.socket(9999),
):
    try: attempt()
    except (OSError, TypeError): pass
listening = False
print(json.dumps(heard))
"""


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


def test_hot_and_slow_roads_agree():
    """The whole of this file again without the hot module."""
    if os.environ.get("LITSOCK_FAST") == "0":
        return
    environment = os.environ | {"LITSOCK_FAST": "0"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--deselect", "test_hot_and_slow_roads_agree", __file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
