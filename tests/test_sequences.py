"""The same random sequence of calls on one object of each module comes to the same at every step.

A step is a method of a socket, of its peer, of a file made from it or of its duplicate. Compared are what it answers with
or raises, and what the object says of itself afterwards. A sequence is made from a number, so it can be made again:

    pytest tests/test_sequences.py                  # a few thousand calls
    python tests/test_sequences.py 1000000          # so many calls, with what was called and how often it failed
    python tests/test_sequences.py --again 4711     # one sequence, step by step
"""

from __future__ import annotations

import argparse
import gc
import io
import itertools
import os
import random
import re
import signal
import socket as standard
import struct
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import litsock

# PyPy's module takes what CPython's refuses, has other errors, and closes the first descriptor of a second __init__ twice.
# There, two worlds of litsock must be the same, and lose no descriptor.
REFERENCE = litsock if sys.implementation.name == "pypy" else standard
LENGTH = 25  # steps of a sequence
SHORT = 0.001  # seconds: the timeout where there is one, and how long a blocking call waits, by SO_RCVTIMEO and SO_SNDTIMEO
LIMITS = struct.pack("ll", 0, 1000)
STUCK = 60  # seconds after which a sequence hangs
NUMBERS = itertools.count()  # so that no two names of sockets are the same
ADDRESS = re.compile(r"(laddr|raddr)=(\(.*?\)|b?'.*?'|[^,>]*)")


class Step(NamedTuple):
    """A call: of which object, which method, with what."""

    at: int
    method: str
    arguments: tuple = ()


# What is called, with what. A callable among the arguments is asked for its value in the world where the call is made.


def listener(world: World) -> Any:
    return world.places.get(world.family_of_main, world.places["AF_INET"])


def other_family(world: World) -> Any:
    return world.places["AF_UNIX" if world.family_of_main == "AF_INET" else "AF_INET"]


def own_name(world: World) -> bytes:
    return b"\0own %07d " % os.getpid() + world.module.__name__[:6].encode()


def buffer(size: int) -> Any:
    return lambda world: bytearray(b"?" * size)


def shared(size: int) -> Any:
    return lambda world: memoryview(bytearray(b"?" * size))


def memory(data: bytes) -> Any:
    return lambda world: io.BytesIO(data)


DATA = [b"", b"x", b"line\n", b"0123456789" * 7, b"z" * 5000, bytearray(b"array"), memoryview(b"view"), "text", None, 5]
SIZES = [0, 1, 3, 10, 100, 70_000, -1, "1", None, 2.0]
FLAGS = [0, 0, 0, 0, "MSG_PEEK", "MSG_DONTWAIT", "MSG_WAITALL", "MSG_OOB", "MSG_NOSIGNAL", -1, None, 2**40]
TIMEOUTS = [None, None, 0, 0.0, SHORT, SHORT, 0.002, 1e-9, True, False, -1, "1", 1e300, float("nan")]
PLACES = [listener, listener, listener, other_family, ("127.0.0.1", 1), ("127.0.0.1", 0), ("127.0.0.1", -1), ("127.0.0.1",), own_name, "", None, 5]
OPTIONS = [("SOL_SOCKET", "SO_TYPE"), ("SOL_SOCKET", "SO_KEEPALIVE"), ("SOL_SOCKET", "SO_ERROR"), ("SOL_SOCKET", "SO_ACCEPTCONN"), ("SOL_SOCKET", "SO_LINGER"), ("IPPROTO_TCP", "TCP_NODELAY"), (1, 9999), ("x", 1)]
VALUES = [0, 1, b"\1\0\0\0", bytes(8), None, "1", 2**31, -1]
MODES = ["r", "w", "rw", "rb", "wb", "rwb", "", "x", "b"]
BUFFERS = [buffer(0), buffer(1), buffer(4), buffer(80), shared(6), b"read-only", "text", None]


def calls(pick: random.Random) -> dict[str, tuple[float, Any]]:
    """Each method: how often, and what makes its arguments."""
    one = pick.choice
    flags = lambda: [one(FLAGS)][: pick.random() < 0.3]  # noqa: E731
    return {
        "send": (6, lambda: [one(DATA), *flags()]),
        "sendall": (4, lambda: [one(DATA), *flags()]),
        "sendto": (2, lambda: [one(DATA), *[one(FLAGS[:9])][: pick.random() < 0.3], one(PLACES)]),
        "sendmsg": (3, lambda: [one([[b"a", b"b"], [], (bytearray(b"c"),), [b"x" * 300] * 3, ["text"], None, b"bytes"]), *[[]][: pick.random() < 0.3]]),
        "recv": (6, lambda: [one(SIZES), *flags()]),
        "recvfrom": (3, lambda: [one(SIZES), *flags()]),
        "recvmsg": (3, lambda: [one(SIZES), *[one([0, 64, -1])][: pick.random() < 0.5]]),
        "recv_into": (4, lambda: [one(BUFFERS), *[one([0, 1, 3, 100, -1, None])][: pick.random() < 0.4]]),
        "recvfrom_into": (3, lambda: [one(BUFFERS), *[one([0, 1, 3, 100, -1])][: pick.random() < 0.4]]),
        "recvmsg_into": (2, lambda: [one([room_list(1, 4), room_list(), room_list(0, 50), [b"read-only"], None]), *[one([0, 64])][: pick.random() < 0.3]]),
        "settimeout": (5, lambda: [one(TIMEOUTS)]),
        "setblocking": (3, lambda: [one([True, False, 0, 1, None, "x"])]),
        "gettimeout": (1, list),
        "getblocking": (1, list),
        "fileno": (1, list),
        "close": (1, list),
        "detach": (0.4, list),
        "dup": (1, list),
        "shutdown": (1, lambda: [one([0, 1, 2, 3, -1, "x"])]),
        "bind": (1.5, lambda: [one(PLACES[5:])]),
        "listen": (1.5, lambda: one([[], [1], [0], [-5], ["x"]])),
        "accept": (3, list),
        "connect": (2.5, lambda: [one(PLACES)]),
        "connect_ex": (2.5, lambda: [one(PLACES)]),
        "getsockname": (1, list),
        "getpeername": (1, list),
        "getsockopt": (2, lambda: [*one(OPTIONS), *[one([0, 4, 8, 1, 1025, -1])][: pick.random() < 0.4]]),
        "setsockopt": (2, lambda: [*one(OPTIONS), one(VALUES), *[4][: pick.random() < 0.1]]),
        "get_inheritable": (1, list),
        "set_inheritable": (1, lambda: [one([True, False, 0, None])]),
        "makefile": (2, lambda: [one(MODES), *[one([None, 0, 1, 7, -1])][: pick.random() < 0.4]]),
        "sendfile": (1.5, lambda: [one([memory(b"in memory"), memory(b""), document, document, "text"]), *one([[], [2], [0, 3], [0, 0], [-1], [1, "x"]])]),
        "__enter__": (0.5, list),
        "__exit__": (0.4, lambda: [None, None, None]),
        "__init__": (0.1, lambda: [one([2, 1, 10, -1, 999]), one([1, 2, -1])]),
        "_decref_socketios": (0.1, list),
        "_accept": (0.3, list),
        "forget": (0.3, list),  # not a method: the object is let go
        "attribute": (0.5, lambda: [one(["label", "timeout", "family", "_timeout", "_fd"]), one([1, "x"])]),
        "send_fds": (0.7, lambda: [one([[b"f"], [b""], []]), one([[0], [0, 1, 2], [], [-1], ["x"]])]),
        "recv_fds": (0.7, lambda: [one([10, 0, -1]), one([1, 3, 0])]),
        "default": (0.5, lambda: [one([None, None, SHORT, 0, -1])]),  # of the module, for objects to come
        "read": (3, lambda: one([[1], [5], [0], [0]])),
        "readline": (2, list),
        "readinto": (1, lambda: [buffer(3)]),
        "write": (2, lambda: [one([b"written\n", "written\n", b""])]),
        "flush": (1, list),
        "close_file": (1, list),
    }


OF_FILES = {"read", "readline", "readinto", "write", "flush", "close_file"}
DOCUMENT = b"what stands in a file on a disk"


def document(world: World) -> Any:
    world.document.seek(0)
    return world.document


def room_list(*sizes: int) -> Any:
    return lambda world: [bytearray(size) for size in sizes]


def sequence(number: int) -> tuple[str, str, list[Step]]:
    """What to begin with, which class, and the steps, all by a number."""
    pick = random.Random(number)
    table = calls(pick)
    names, weights = list(table), [weight for weight, _ in table.values()]
    steps = []
    for name in pick.choices(names, weights, k=LENGTH):
        at = pick.choice([0, 0, 0, 0, 1, 1, 2, 3])
        steps.append(Step(at, name, tuple(table[name][1]())))
    return pick.choice(list(BEGINNINGS)), pick.choice(list(CLASSES)), steps


# The classes


def plain(base: Any) -> Any:
    return base


def derived(base: Any) -> Any:
    return type("Derived", (base,), {})


def with_slots(base: Any) -> Any:
    return type("Slotted", (base,), {"__slots__": ("label",)})


def overriding(base: Any) -> Any:
    class Overriding(base):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self.count = 0

        def recv(self, *arguments: Any) -> Any:
            self.count += 1
            return super().recv(*arguments)

        def recv_into(self, *arguments: Any) -> Any:
            self.count += 1
            return super().recv_into(*arguments)

        def send(self, data: Any, *flags: Any) -> Any:
            self.count += 1
            return super().send(data, *flags)

        def settimeout(self, value: Any) -> None:
            self.count += 1
            super().settimeout(value)

        def close(self) -> None:
            self.count += 1
            super().close()

    return Overriding


CLASSES = {"plain": plain, "derived": derived, "slots": with_slots, "overriding": overriding}


# The two worlds


class World:
    """The objects of one module, and what was made from them."""

    def __init__(self, module: Any, beginning: str, kind: str):
        self.module = module
        self.places: dict[str, Any] = {}
        self.servers: list[Any] = []
        self.files: list[Any] = []
        self.cls = CLASSES[kind](module.socket)
        self.family_of_main = "AF_INET"
        self.document = open(DOCUMENT_PATH, "rb")
        self.listen("AF_INET", ("127.0.0.1", 0))
        self.listen("AF_UNIX", b"\0%07d %07d" % (os.getpid(), next(NUMBERS)))
        self.socks = BEGINNINGS[beginning](self)
        for sock in [*self.socks, *self.servers]:
            self.limit(sock)

    def listen(self, family: str, address: Any) -> None:
        server = self.module.socket(getattr(self.module, family), self.module.SOCK_STREAM)
        server.bind(address)
        server.listen(8)
        self.places[family] = server.getsockname()
        self.servers.append(server)

    def limit(self, sock: Any) -> None:
        """Nothing waits for ever, in whatever mode."""
        for option in (self.module.SO_RCVTIMEO, self.module.SO_SNDTIMEO):
            self.module.socket.setsockopt(sock, self.module.SOL_SOCKET, option, LIMITS)

    def own(self, sock: Any) -> Any:
        """The same socket as an object of the class that is tried."""
        return self.cls(fileno=sock.detach())

    def pair(self, kind: str) -> list:
        self.family_of_main = "AF_UNIX"
        return [self.own(sock) for sock in self.module.socketpair(self.module.AF_UNIX, getattr(self.module, kind))]

    def new(self, family: str, kind: str) -> list:
        self.family_of_main = family
        return [self.cls(getattr(self.module, family), getattr(self.module, kind))]

    def connected(self) -> list:
        near = self.cls()
        near.connect(self.places["AF_INET"])
        return [near, self.own(self.servers[0].accept()[0])]

    def datagrams(self) -> list:
        one, other = self.new("AF_INET", "SOCK_DGRAM") + self.new("AF_INET", "SOCK_DGRAM")
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        other.connect(one.getsockname())
        self.places["AF_INET"] = other.getsockname()
        return [one, other]

    def listening(self) -> list:
        sock = self.own(self.servers[0].dup())
        near = self.cls()
        near.connect(self.places["AF_INET"])
        return [sock, near]

    def take(self, step: Step) -> Any:
        """Make a call, and say what came of it."""
        arguments = [argument(self) if callable(argument) else self.constant(argument) for argument in step.arguments]
        try:
            found = self.owned(step.method, self.call(step, arguments))
        except Exception as error:
            found = type(error).__name__, getattr(error, "errno", None)
        buffers = [bytes(argument) for argument in arguments if isinstance(argument, (bytearray, memoryview))]
        return self.comparable(found), buffers

    def owned(self, method: str, found: Any) -> Any:
        """What a call answers with, without the number of a descriptor. One that the caller owns is closed."""
        if method == "fileno":
            return found >= 0
        if method == "detach":
            if found >= 0:
                self.module.close(found)
            return found >= 0
        if method == "_accept":
            self.module.close(found[0])
            return found[1]
        return found

    def constant(self, value: Any) -> Any:
        return getattr(self.module, value) if isinstance(value, str) and value.isupper() else value

    def call(self, step: Step, arguments: list) -> Any:
        if step.method in OF_FILES:
            if not self.files:
                return None
            file = self.files[step.at % len(self.files)]
            return getattr(file, step.method.removesuffix("_file"))(*arguments)
        if step.method == "default":
            return self.module.setdefaulttimeout(*arguments)
        at = step.at % len(self.socks)
        sock = self.socks[at]
        if step.method == "recvfrom" and arguments[0] == 0 and {self.module.MSG_PEEK, self.module.MSG_OOB, -1} & set(arguments[1:]):
            return None  # with urgent data in the queue of a pair, Linux 6.18 never comes back, or says that it wrote what it did not
        if step.method == "forget":
            if len(self.socks) > 1:
                del self.socks[at], sock
            return None
        if step.method == "attribute":
            return setattr(sock, *arguments)
        if step.method in ("send_fds", "recv_fds"):
            return getattr(self.module, step.method)(sock, *arguments)
        if step.method == "__init__":
            before = sock.fileno()
            try:
                return sock.__init__(*arguments)
            finally:
                if before >= 0 and sock.fileno() != before and os.path.exists(f"/proc/self/fd/{before}"):
                    self.module.close(before)  # the standard module loses it
                if sock.fileno() >= 0:
                    self.limit(sock)
        return getattr(sock, step.method)(*arguments)

    def comparable(self, found: Any) -> Any:
        """A value without what differs from world to world. A socket or a file is kept for later steps."""
        if isinstance(found, self.module.socket):
            if found not in self.socks:
                self.socks.append(found)
                self.limit(found)
                del self.socks[4:]
            return type(found).__name__, self.state(found)
        if isinstance(found, io.IOBase):
            self.files.append(found)
            del self.files[2:]
            return type(found).__name__, getattr(found, "mode", None)
        if isinstance(found, bool) or found is None:
            return found
        if isinstance(found, tuple):
            return tuple(self.comparable(part) for part in found)
        if isinstance(found, list):
            for part in found:
                if isinstance(part, int):  # descriptors that came with a message
                    os.close(part)
                elif isinstance(part, tuple) and part[:2] == (1, 1):
                    for (number,) in struct.iter_unpack("i", part[2][: len(part[2]) // 4 * 4]):
                        os.close(number)
            return len(found)
        if isinstance(found, bytes) and found.startswith(b"\0") and len(found) < 20:
            return "a name", len(found)
        if isinstance(found, int) and found > 1023 and found not in (5000, 70_000):
            return "a port or so"
        return found

    def state(self, sock: Any) -> tuple:
        """What an object says of itself, and what its descriptor is like."""
        number = sock.fileno()
        text = ADDRESS.sub(r"\1=…", repr(sock)).replace(f"fd={number},", "fd=…,").partition(" ")[2]
        mode = os.get_blocking(number) if number >= 0 else None
        return number >= 0, mode, sock.gettimeout(), sock.timeout, sock.getblocking(), int(sock.family), int(sock.type), sock.proto, text, getattr(sock, "count", 0)

    def states(self) -> list:
        return [self.state(sock) for sock in self.socks] + [file.closed for file in self.files]

    def end(self) -> None:
        self.module.setdefaulttimeout(None)
        for thing in [*self.files, *self.socks, *self.servers, self.document]:
            try:
                thing.close()
            except (OSError, ValueError):  # what a file had still to write does not go out any more
                pass
        for sock in self.socks:
            if sock.fileno() >= 0:
                self.module.close(sock.detach())
        self.files, self.socks, self.servers = [], [], []


BEGINNINGS = {
    "stream pair": lambda world: world.pair("SOCK_STREAM"),
    "datagram pair": lambda world: world.pair("SOCK_DGRAM"),
    "packet pair": lambda world: world.pair("SOCK_SEQPACKET"),
    "connection": World.connected,
    "listening": World.listening,
    "datagrams": World.datagrams,
    "new TCP": lambda world: world.new("AF_INET", "SOCK_STREAM"),
    "new UDP": lambda world: world.new("AF_INET", "SOCK_DGRAM"),
    "new path": lambda world: world.new("AF_UNIX", "SOCK_STREAM"),
    "new path for datagrams": lambda world: world.new("AF_UNIX", "SOCK_DGRAM"),
}
DOCUMENT_PATH = ""


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def differences(number: int, tell: Any = None, counted: Counter | None = None) -> Iterator[str]:
    """Go through a sequence in both worlds: what differs, at the first step where anything does."""
    beginning, kind, steps = sequence(number)
    before = descriptors()
    worlds = [World(module, beginning, kind) for module in (REFERENCE, litsock)]
    try:
        for at, step in enumerate(steps):
            found = []
            for world in worlds:
                found.append((world.take(step), world.states()))
            if counted is not None:
                counted[step.method] += 1
                counted["raised"] += isinstance(found[0][0][0], tuple) and found[0][0][0][:1] != () and str(found[0][0][0][0]).endswith("Error")
            if tell:
                tell(f"{at:2} {step.method}{step.arguments!r:.60} at {step.at}: {found[0][0]!r:.100}")
            if found[0] != found[1] and explained(*found):
                return
            if found[0] != found[1]:
                yield f"{number}: {kind} {beginning}, step {at}, {step.method}{step.arguments!r:.200} at {step.at}\n  standard: {found[0]}\n  litsock:  {found[1]}"
                return
    finally:
        for world in worlds:
            world.end()
    del worlds, world
    gc.collect(0)
    if descriptors() != before:
        gc.collect()
    if (left := descriptors() - before) > 0:
        yield f"{number}: {kind} {beginning}: {left} descriptors are left open"


def explained(expected: Any, found: Any) -> bool:
    """Whether it is one of the differences that docs/pages/differences.md speaks of.

    With a timeout, the standard module polls first, and so waits for what can only fail. litsock makes the call, and has the error.
    A socket that must not wait in the kernel does not either when the descriptor blocks, because its duplicate was made to.
    """
    answers, states = [each[0][0] for each in (expected, found)], found[1]
    names = [answer[0] if isinstance(answer, tuple) and answer else None for answer in answers]
    if names[1] in ("BlockingIOError", "TimeoutError") and found[0][0] != expected[0][0]:
        return any(blocks and timeout is not None for _, blocks, timeout, *_ in filter(None, (state if isinstance(state, tuple) else () for state in states)))
    return names[0] == "TimeoutError" and isinstance(names[1], str) and names[1].endswith("Error") and answers[1][1] is not None


def differs(number: int, counted: Counter | None = None) -> str | None:
    """What differs each time a sequence is tried. What happens once is chance: packets on the loopback interface have their own time."""
    signal.alarm(STUCK)
    try:
        for _ in range(3):
            said = next(differences(number, counted=counted), None)
            if not said:
                return None
        return said
    finally:
        signal.alarm(0)


def prepare() -> None:
    """The file that is sent, and quiet."""
    global DOCUMENT_PATH
    import tempfile

    DOCUMENT_PATH = tempfile.mkstemp()[1]
    Path(DOCUMENT_PATH).write_bytes(DOCUMENT)
    warnings.simplefilter("ignore", ResourceWarning)


def test_random_sequences() -> None:
    prepare()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        found = [said for number in range(300) if (said := differs(number))]
    os.unlink(DOCUMENT_PATH)
    assert not found, f"{len(found)} sequences differ:\n" + "\n".join(found[:5])


@pytest.mark.needs("cpython")  # on PyPy both worlds forget it
def test_a_difference_is_seen() -> None:
    """A module that forgets a timeout is found out."""
    prepare()
    real = litsock.socket.getblocking
    litsock.socket.getblocking = lambda self: True
    try:
        assert any(differs(number) for number in range(5))
    finally:
        litsock.socket.getblocking = real
        os.unlink(DOCUMENT_PATH)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calls", nargs="?", type=int, default=100_000)
    parser.add_argument("--from", dest="first", type=int, default=0, help="the number of the first sequence")
    parser.add_argument("--again", type=int, help="only the sequence of this number, and show each step")
    asked = parser.parse_args()
    prepare()
    if asked.again is not None:
        print(*differences(asked.again, tell=print), sep="\n")
        return 0
    counted: Counter = Counter()
    found, began, numbers = 0, time.monotonic(), 0
    for numbers in range(-(-asked.calls // LENGTH)):
        if said := differs(asked.first + numbers, counted):
            found += 1
            print(said, flush=True)
        if numbers % 1000 == 999:
            print(f"{numbers + 1} sequences, {time.monotonic() - began:.0f} s, {found} differ", file=sys.stderr, flush=True)
    raised = counted.pop("raised")
    print(f"{counted.total()} calls in {numbers + 1} sequences, {raised} of them raised, {found} sequences differ")
    print(", ".join(f"{name} {count}" for name, count in counted.most_common()))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
