"""Everyday use: a connection or two, files over them, names, whole programs."""

from __future__ import annotations

import json
import os
import socket as standard
import subprocess
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache
from threading import Thread
from time import perf_counter
from typing import Any

from .table import case

MIB = 2**20
HOST = {"AF_INET": ("127.0.0.1", 0), "AF_INET6": ("::1", 0)}


# What several cases share


@contextmanager
def tcp_pair(module: Any, timeout: float | None = None) -> Iterator[tuple]:
    """Both ends of a connection over the loopback interface."""
    module, wrapped = maker(module)
    with module.socket() as listener:
        listener.bind(HOST["AF_INET"])
        listener.listen(1)
        near = module.socket()
        near.connect(listener.getsockname())
        far, _ = listener.accept()
    with near, far:
        near.settimeout(timeout)
        far.settimeout(timeout)
        yield wrapped(near), wrapped(far)


def maker(module: Any) -> tuple[Any, Callable]:
    """What makes the sockets, and what each is wrapped in: C methods that do nothing else cannot make one."""
    return (standard, module.Least) if hasattr(module, "Least") else (module, lambda sock: sock)


@contextmanager
def silence(module: Any) -> Iterator[Any]:
    """A listening socket whose queue is full: whoever connects to it gets no answer."""
    with ExitStack() as crowd:
        listener = crowd.enter_context(module.create_server(HOST["AF_INET"], backlog=0))
        answered = True
        while answered:
            client = crowd.enter_context(module.socket())
            client.settimeout(0.2)
            answered = client.connect_ex(listener.getsockname()) == 0
        yield listener


@contextmanager
def in_thread(work: Callable, *arguments: Any) -> Iterator[None]:
    """Do some work beside the body of the `with`, and wait for its end."""
    thread = Thread(target=work, args=arguments, daemon=True)
    thread.start()
    yield
    thread.join()


def ping_pong(near: Any, far: Any, count: int = 10_000) -> float:
    """64 bytes there and back: four calls."""
    data = bytes(64)
    start = perf_counter()
    for _ in range(count):
        near.send(data)
        far.recv(64)
        far.send(data)
        near.recv(64)
    return (perf_counter() - start) / count


def discard(sock: Any, size: int, piece: int) -> None:
    """Receive `size` bytes and forget them."""
    buffer = bytearray(piece)
    while size > 0:
        size -= sock.recv_into(buffer)


# Back and forth


def one_round_trip(timeout: float | None) -> Callable:
    @contextmanager
    def once(module: Any) -> Iterator[Callable]:
        with tcp_pair(module, timeout) as (near, far):
            yield lambda: ping_pong(near, far, 1)

    return once


@case("tcp-pingpong", "round trip", 1.05, once=one_round_trip(None), limit=True, method=True)
def tcp_pingpong(module: Any) -> float:
    with tcp_pair(module) as ends:
        return ping_pong(*ends)


@case("tcp-pingpong-timeout", "round trip", 1.4, once=one_round_trip(5), method=True)
def tcp_pingpong_timeout(module: Any) -> float:
    with tcp_pair(module, 5) as ends:
        return ping_pong(*ends)


@case("tcp-echo-thread", "round trip", 1.0)
def tcp_echo_thread(module: Any, timeout: float | None = None, count: int = 3_000) -> float:
    """The far end in a thread of its own: the switch between two threads is a part of what is measured."""
    data = bytes(64)

    def echo() -> None:
        for _ in range(count):
            far.send(far.recv(64))

    with tcp_pair(module, timeout) as (near, far), in_thread(echo):
        start = perf_counter()
        for _ in range(count):
            near.send(data)
            near.recv(64)
        return (perf_counter() - start) / count


@case("tcp-echo-thread-timeout", "round trip", 1.3)
def tcp_echo_thread_timeout(module: Any) -> float:
    """Here the data is never there at once, so trying first does not pay: send, receive, wait, receive again.

    The standard module makes as many calls: wait, send, wait, receive.
    """
    return tcp_echo_thread(module, 5)


@case("pingpong-after-trace", "round trip", 1.0)
def pingpong_after_trace(module: Any) -> float:
    """The same as `tcp-pingpong` when a trace has been open before, and is closed: no trace of it may be left."""
    with getattr(module, "trace", nullcontext)():
        pass
    return tcp_pingpong(module)


@case("pingpong-traced", "round trip")
def pingpong_traced(module: Any) -> float:
    """The same while a trace is open, which the standard module lacks: the price of watching four calls."""
    with tcp_pair(module) as ends, getattr(module, "trace", nullcontext)():
        return ping_pong(*ends, 2_000)


@case("unix-pingpong", "round trip", 1.25, limit=True, method=True)
def unix_pingpong(module: Any) -> float:
    near, far = module.socketpair()
    with near, far:
        return ping_pong(near, far)


def one_recv(timeout: float | None, sent: bytes) -> Callable:
    @contextmanager
    def once(module: Any) -> Iterator[Callable]:
        near, far = module.socketpair()
        with near, far:
            near.sendall(sent)
            far.settimeout(timeout)
            yield lambda: attempt(far.recv, 64)

    return once


def attempt(call: Callable, *arguments: Any) -> Any:
    """A call that may have nothing to do, or not in time."""
    try:
        return call(*arguments)
    except (BlockingIOError, TimeoutError):
        return None


@case("recv-timeout-waiting", "call", 1.3, once=one_recv(5, bytes(64)))
def recv_timeout_waiting(module: Any, batches: int = 20) -> float:
    """`recv` on a socket with a timeout, when the data is there already."""
    near, far = module.socketpair()
    with near, far:
        far.settimeout(5)
        spent = 0.0
        for _ in range(batches):
            near.sendall(bytes(64 * 1000))
            start = perf_counter()
            for _ in range(1000):
                far.recv(64)
            spent += perf_counter() - start
        return spent / (batches * 1000)


@case("recv-timeout-over", "call", 1.3, once=one_recv(1e-3, b""))
def recv_timeout_over(module: Any, count: int = 1_000) -> float:
    """`recv` when nothing comes within 10 µs: how soon it is back."""
    near, far = module.socketpair()
    with near, far:
        far.settimeout(1e-5)
        return repeated(attempt, far.recv, 64, count=count)


@case("recv-nothing", "call", 1.0, once=one_recv(0, b""), limit=True)
def recv_nothing(module: Any, count: int = 20_000) -> float:
    """`recv` that never waits, when there is nothing: what an event loop expects now and then."""
    near, far = module.socketpair()
    with near, far:
        far.setblocking(False)
        start = perf_counter()
        for _ in range(count):
            try:
                far.recv(64)
            except BlockingIOError:
                pass
        return (perf_counter() - start) / count


@case("unix-pingpong-timeout", "round trip", 2.0, method=True)
def unix_pingpong_timeout(module: Any) -> float:
    """The same with a timeout; the data is always there already."""
    near, far = module.socketpair()
    with near, far:
        near.settimeout(5)
        far.settimeout(5)
        return ping_pong(near, far)


@case("small-calls", "six calls", 1.0)
def small_calls(module: Any, count: int = 10_000) -> float:
    """`settimeout`, `getsockopt`, `setsockopt`, `getsockname`, `fileno`, and a look at `family`."""
    level, option = module.SOL_SOCKET, module.SO_REUSEADDR
    with module.socket() as sock:
        start = perf_counter()
        for _ in range(count):
            sock.settimeout(5)
            sock.getsockopt(level, option)
            sock.setsockopt(level, option, 1)
            sock.getsockname()
            sock.fileno()
            sock.family  # noqa: B018
        return (perf_counter() - start) / count


@case("socket-close", "socket", 1.0)
def socket_close(module: Any) -> float:
    """`socket()` and `close()`."""
    return repeated(lambda: module.socket().close(), count=10_000)


@case("recv-into", "round trip", 1.15, limit=True, method=True)
def recv_into(module: Any, count: int = 10_000) -> float:
    """The same as `unix-pingpong`, into memory that is there already."""
    data, buffer = bytes(64), bytearray(64)
    near, far = module.socketpair()
    with near, far:
        start = perf_counter()
        for _ in range(count):
            near.send(data)
            far.recv_into(buffer)
            far.send(data)
            near.recv_into(buffer)
        return (perf_counter() - start) / count


def recv_little(module: Any, size: int, batches: int = 100) -> float:
    """A buffer of so many bytes, where messages have 64."""
    near, far = module.socketpair(type=module.SOCK_DGRAM)
    with near, far:
        spent = 0.0
        for _ in range(batches):
            for _ in range(10):  # the queue is no longer, by default
                near.send(bytes(64))
            start = perf_counter()
            for _ in range(10):
                far.recv(size)
            spent += perf_counter() - start
        return spent / (batches * 10)


@case("recv-65536", "call", 1.0)
def recv_65536(module: Any) -> float:
    """`recv(65536)`, as many programs have it, where messages have 64 bytes."""
    return recv_little(module, 65536)


@case("recv-262144", "call", 1.0)
def recv_262144(module: Any) -> float:
    """The same with 262,144 bytes: what `asyncio` asks for whenever it reads."""
    return recv_little(module, 262_144)


# Much at once


@case("bulk", "256 MiB", 1.0)
def bulk(module: Any, timeout: float | None = None, size: int = 256 * MIB, piece: int = 64 * 1024) -> float:
    """`sendall` on one side, `recv_into` in a thread on the other."""
    data = bytes(piece)
    with tcp_pair(module, timeout) as (near, far):
        start = perf_counter()
        with in_thread(discard, far, size, piece):
            for _ in range(size // piece):
                near.sendall(data)
        return perf_counter() - start


@case("bulk-timeout", "256 MiB", 1.3)
def bulk_timeout(module: Any) -> float:
    return bulk(module, 5)


@cache
def sparse_file(size: int) -> Any:
    """A file of zeros that takes no space on the disk; gone when the process ends."""
    file = tempfile.TemporaryFile()
    file.truncate(size)
    return file


@case("sendfile", "1 GiB", 1.0, "socket.sendfile")
def sendfile(module: Any, size: int = 1024 * MIB) -> float:
    with tcp_pair(module) as (near, far):
        start = perf_counter()
        with in_thread(discard, far, size, MIB):
            near.sendfile(sparse_file(size))
        return perf_counter() - start


@case("makefile", "1,000,000 lines", 1.0, "socket.makefile")
def makefile(module: Any, count: int = 1_000_000) -> float:
    """`readline` on a text file over a socket, short lines."""
    lines = b"a short line\n" * 10_000

    def write() -> None:
        for _ in range(count // 10_000):
            near.sendall(lines)

    near, far = module.socketpair()
    with near, far, far.makefile() as file, in_thread(write):
        start = perf_counter()
        for _ in range(count):
            file.readline()
        return perf_counter() - start


# A connection for a moment


def one_connection(timeout: float | None) -> Callable:
    @contextmanager
    def once(module: Any) -> Iterator[Callable]:
        with module.socket() as listener, module.socket() as near:
            listener.bind(HOST["AF_INET"])
            listener.listen(1)
            listener.settimeout(timeout)
            near.settimeout(timeout)
            address = listener.getsockname()
            yield lambda: (near.connect(address), listener.accept()[0].close())

    return once


@case("connect", "connection", 1.05, once=one_connection(None), limit=True)
def connect(module: Any, timeout: float | None = None, count: int = 1_000) -> float:
    """A new socket, `connect`, `accept`, and `close` at both ends."""
    with module.socket() as listener:
        # Accepted sockets inherit the option. The end that closes first then resets the connection, and no port
        # stays behind in TIME-WAIT: there are fewer ports than rounds need.
        listener.setsockopt(module.SOL_SOCKET, module.SO_LINGER, array("i", [1, 0]).tobytes())
        listener.bind(HOST["AF_INET"])
        listener.listen(1)
        listener.settimeout(timeout)
        address = listener.getsockname()
        start = perf_counter()
        for _ in range(count):
            near = module.socket()
            if timeout is not None:
                near.settimeout(timeout)
            near.connect(address)
            far, _ = listener.accept()
            far.close()
            near.close()
        return (perf_counter() - start) / count


@case("connect-timeout", "connection", 1.3, once=one_connection(5))
def connect_timeout(module: Any) -> float:
    return connect(module, 5)


@case("create-connection", "connection", 1.05)
def create_connection(module: Any, count: int = 500) -> float:
    """`create_connection` by the number of a host, with a timeout, as most clients have it."""
    with module.create_server(HOST["AF_INET"]) as listener:
        listener.setsockopt(module.SOL_SOCKET, module.SO_LINGER, array("i", [1, 0]).tobytes())
        address = listener.getsockname()
        start = perf_counter()
        for _ in range(count):
            near = module.create_connection(address, 5)
            far, _ = listener.accept()
            far.close()
            near.close()
        return (perf_counter() - start) / count


@case("connect-timeout-over", "call", 1.3, needs="create_server", limit=True)
def connect_timeout_over(module: Any, count: int = 20) -> float:
    """`connect` to somebody who never answers, with a timeout of 1 ms."""

    def give_up() -> None:
        with module.socket() as sock:
            sock.settimeout(0.001)
            attempt(sock.connect, address)

    with silence(module) as listener:
        address = listener.getsockname()
        return repeated(give_up, count=count)


# Datagrams


def datagrams(module: Any, family: str, timeout: float | None = None, count: int = 20_000) -> float:
    """`sendto` and `recvfrom`, 64 bytes each."""
    data = bytes(64)
    module, wrapped = maker(module)
    with (
        tempfile.TemporaryDirectory() as folder,
        module.socket(getattr(module, family), module.SOCK_DGRAM) as near,
        module.socket(getattr(module, family), module.SOCK_DGRAM) as far,
    ):
        near.bind(HOST.get(family, f"{folder}/near"))
        far.bind(HOST.get(family, f"{folder}/far"))
        address = far.getsockname()
        near.settimeout(timeout)
        far.settimeout(timeout)
        near, far = wrapped(near), wrapped(far)
        start = perf_counter()
        for _ in range(count):
            near.sendto(data, address)
            far.recvfrom(64)
        return (perf_counter() - start) / count


@case("udp-inet", "datagram", 1.05, limit=True)
def udp_inet(module: Any) -> float:
    return datagrams(module, "AF_INET")


@case("udp-inet6", "datagram", 1.05, method=True)
def udp_inet6(module: Any) -> float:
    return datagrams(module, "AF_INET6")


@case("datagram-unix", "datagram", 1.05)
def datagram_unix(module: Any) -> float:
    return datagrams(module, "AF_UNIX")


@case("udp-inet-timeout", "datagram", 1.5, method=True)
def udp_inet_timeout(module: Any) -> float:
    return datagrams(module, "AF_INET", 5)


@case("udp-inet6-timeout", "datagram", 1.5, method=True)
def udp_inet6_timeout(module: Any) -> float:
    return datagrams(module, "AF_INET6", 5)


@case("datagram-unix-timeout", "datagram", 1.5)
def datagram_unix_timeout(module: Any) -> float:
    return datagrams(module, "AF_UNIX", 5)


@case("sendmsg-recvmsg", "message", 1.0, "socket.sendmsg socket.recvmsg")
def sendmsg_recvmsg(module: Any, count: int = 10_000) -> float:
    """64 bytes in one buffer, and no control message."""
    near, far = module.socketpair()
    with near, far:
        data = [bytes(64)]
        start = perf_counter()
        for _ in range(count):
            near.sendmsg(data)
            far.recvmsg(64)
        return (perf_counter() - start) / count


@case("sendmsg-descriptor", "message", 1.0, "socket.sendmsg socket.recvmsg CMSG_SPACE")
def sendmsg_descriptor(module: Any, count: int = 5_000) -> float:
    """One byte and one descriptor, which the receiver closes again."""
    near, far = module.socketpair()
    with near, far:
        rights = [(module.SOL_SOCKET, module.SCM_RIGHTS, array("i", [near.fileno()]))]
        space = module.CMSG_SPACE(4)
        start = perf_counter()
        for _ in range(count):
            near.sendmsg([b"x"], rights)
            _, messages, _, _ = far.recvmsg(1, space)
            os.close(int.from_bytes(messages[0][2], sys.byteorder))
        return (perf_counter() - start) / count


# Names


def repeated(call: Callable, *arguments: Any, count: int) -> float:
    """The seconds of one call."""
    start = perf_counter()
    for _ in range(count):
        call(*arguments)
    return (perf_counter() - start) / count


@case("getaddrinfo", "call", 1.0, "getaddrinfo")
def getaddrinfo(module: Any) -> float:
    """A host written as a number: nobody is asked."""
    kind = module.SOCK_STREAM
    return repeated(module.getaddrinfo, "192.0.2.1", 80, 0, kind, 0, module.AI_NUMERICHOST, count=5_000)


@case("getaddrinfo-localhost", "call", 1.0)
def getaddrinfo_localhost(module: Any) -> float:
    """A name that stands in a file, /etc/hosts: what most of the time goes into is the C library's."""
    return repeated(module.getaddrinfo, "localhost", 80, 0, module.SOCK_STREAM, count=300)


@case("inet_pton", "call", 1.0, "inet_pton")
def inet_pton(module: Any) -> float:
    return repeated(module.inet_pton, module.AF_INET6, "2001:db8::1", count=200_000)


@case("inet_ntop", "call", 1.0, "inet_ntop")
def inet_ntop(module: Any) -> float:
    return repeated(module.inet_ntop, module.AF_INET6, bytes(range(16)), count=200_000)


@case("gethostbyname", "call", 1.0)
def gethostbyname(module: Any) -> float:
    """A host written as a number."""
    return repeated(module.gethostbyname, "192.0.2.1", count=5_000)


@case("getnameinfo", "call", 1.0)
def getnameinfo(module: Any) -> float:
    """An address to numbers, as text."""
    flags = module.NI_NUMERICHOST | module.NI_NUMERICSERV
    return repeated(module.getnameinfo, ("192.0.2.1", 80), flags, count=5_000)


@case("getservbyname", "call", 1.0, "getservbyname")
def getservbyname(module: Any) -> float:
    return repeated(module.getservbyname, "http", "tcp", count=2_000)


@case("gethostname", "call", 1.0, "gethostname")
def gethostname(module: Any) -> float:
    return repeated(module.gethostname, count=50_000)


@case("if_nametoindex", "call", 1.0, "if_nametoindex")
def if_nametoindex(module: Any) -> float:
    """The loopback interface, which every machine has."""
    return repeated(module.if_nametoindex, "lo", count=5_000)


# Import

CHILD = """
import sys, time
sys.path += [place for place in {path} if place not in sys.path]
start = time.perf_counter()
import {name}
print(time.perf_counter() - start)
"""


@case("import", "import", 1.0)
def import_(module: Any) -> float:
    """The time that the import statement takes in a fresh interpreter, by that interpreter's own clock.

    The interpreter starts with `-I -S`, so that no start-up file has imported a part of either module before; what it
    needs to find both is added to its path. Its start and its end are not counted.
    """
    script = CHILD.format(path=json.dumps([os.path.abspath(place) for place in sys.path]), name=module.__name__)
    return float(subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True, capture_output=True).stdout)
