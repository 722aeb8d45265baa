"""A test freezes Python's clocks, in every module that has one. Timeouts end by the kernel's clock all the same."""

import io
import os
import signal
import socket
import sys
import tempfile
import time
import unittest.mock

genuine = time.monotonic
NAMES = ("monotonic", "time", "perf_counter", "monotonic_ns", "time_ns", "perf_counter_ns", "clock_gettime", "clock_gettime_ns")


class Frozen:
    """Replaces the clocks in `time` and, as test tools do, wherever a module holds one of them under any name."""

    def __init__(self, value):
        self.value = value

    def __enter__(self):
        clocks = {id(getattr(time, name)): name for name in NAMES}
        self.saved = []
        for module in list(sys.modules.values()):
            for name, held in list(getattr(module, "__dict__", {}).items()):
                if id(held) in clocks and module is not sys.modules["__main__"]:
                    self.saved.append((module, name, held))
        for module, name, held in self.saved:
            setattr(module, name, lambda *_: self.value)

    def __exit__(self, *_):
        for module, name, held in self.saved:
            setattr(module, name, held)


def late(*_):
    os.write(2, f"{label} has not returned\n".encode())
    os._exit(1)


def full(sock):
    sock.setblocking(False)
    try:
        while True:
            sock.send(bytes(100_000))
    except BlockingIOError:
        pass
    return sock


def busy_server():
    """A server whose queue is full: nobody can connect any more."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    for _ in range(4):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(server.getsockname())
        kept.append(sock)
    return server


kept = []
signal.signal(signal.SIGALRM, late)
near, far = socket.socketpair()
one, other = socket.socketpair()
full(one)
server = socket.create_server(("127.0.0.1", 0))
busy = busy_server()
document = tempfile.TemporaryFile()
document.write(bytes(10**6))
document.flush()
CALLS = {
    "recv": (near, lambda: near.recv(1)),
    "recv_into": (near, lambda: near.recv_into(bytearray(1))),
    "recvfrom": (near, lambda: near.recvfrom(1)),
    "recvmsg": (near, lambda: near.recvmsg(1, 10)),
    "recvmsg_into": (near, lambda: near.recvmsg_into([bytearray(1)])),
    "read": (near, lambda: near.makefile("rb", buffering=0).read(1)),
    "accept": (server, server.accept),
    "send": (one, lambda: one.send(bytes(100_000))),
    "sendall": (one, lambda: one.sendall(bytes(10**7))),
    "sendmsg": (one, lambda: one.sendmsg([bytes(100_000)])),
    "sendfile": (one, lambda: one.sendfile(document)),
    "sendfile of memory": (one, lambda: one.sendfile(io.BytesIO(bytes(10**6)))),
}


def try_all(clock):
    global label
    for name, (sock, call) in CALLS.items():
        label = f"{name}, {clock}"
        sock.settimeout(0.05)
        signal.alarm(25)
        began = genuine()
        try:
            call()
            print(label, "returned")
        except TimeoutError:
            print(label, "timed out")
        assert genuine() - began > 0.04, "too early"
    for name, connect in {
        "connect": lambda sock: sock.connect(busy.getsockname()),
        "connect_ex": lambda sock: sock.connect_ex(busy.getsockname()),
    }.items():
        label = f"{name}, {clock}"
        with socket.socket() as sock:
            sock.settimeout(0.05)
            signal.alarm(25)
            try:
                print(label, connect(sock))
            except TimeoutError:
                print(label, "timed out")
    label = f"create_connection, {clock}"
    signal.alarm(25)
    try:
        socket.create_connection(busy.getsockname(), 0.05)
    except TimeoutError:
        print(label, "timed out")
    signal.alarm(0)


for value in (0, 1e9, -1e9, 2.0**62):
    with Frozen(value):
        try_all(f"frozen at {value}")
with unittest.mock.patch("time.monotonic", return_value=5.0), unittest.mock.patch("time.time", return_value=5.0):
    try_all("patched")

# A wait that begins while the clock is frozen, with interruptions by signals, and one with data that comes
signal.signal(signal.SIGUSR1, lambda *_: None)
near.settimeout(0.6)
if not os.fork():
    for _ in range(8):
        time.sleep(0.05)
        os.kill(os.getppid(), signal.SIGUSR1)
    os._exit(0)
label = "recv amid signals"
signal.alarm(25)
with Frozen(7):
    began = genuine()
    try:
        near.recv(1)
    except TimeoutError:
        print(label, "timed out", 0.5 < genuine() - began)
os.wait()
near.settimeout(20)
with Frozen(7):
    far.send(b"x" * 10)
    print(near.recv(10))

# A clock that jumps or raises
import itertools

jumps = itertools.count(0, 1e6)
near.settimeout(0.3)
for replacement in (lambda: next(jumps), lambda: -next(jumps)):
    signal.alarm(25)
    with unittest.mock.patch("time.monotonic", replacement):
        began = genuine()
        try:
            near.recv(1)
        except TimeoutError:
            print("a clock that jumps: timed out", genuine() - began > 0.25)
with unittest.mock.patch("time.monotonic", side_effect=LookupError("no clock")):
    try:
        near.recv(1)
    except TimeoutError:
        print("no clock: timed out")
signal.alarm(0)
