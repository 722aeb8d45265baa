"""Many at once: datagrams, peers, connections, sockets."""

from __future__ import annotations

import os
import subprocess
import sys
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from time import perf_counter
from typing import Any

from .cases import HOST
from .table import case

TOGETHER = 128  # datagrams on their way at once: what Linux makes of one piece
PEERS = 64
SPARE = 100  # descriptors for everything else


@contextmanager
def descriptors(count: int) -> Iterator[int]:
    """Let this process have so many files open for a while, beside what it has; or as many as it may."""
    from resource import RLIMIT_NOFILE, getrlimit, setrlimit  # Windows has no such module, and imports this one

    before, most = getrlimit(RLIMIT_NOFILE)
    raised = min(max(before, count + SPARE), most)
    setrlimit(RLIMIT_NOFILE, (raised, most))
    try:
        yield raised - SPARE
    finally:
        setrlimit(RLIMIT_NOFILE, (before, most))


def datagram_socket(module: Any) -> Any:
    """A UDP socket with an address on this machine."""
    sock = module.socket(module.AF_INET, module.SOCK_DGRAM)
    sock.bind(HOST["AF_INET"])
    return sock


# Datagrams


@case("udp-segments", "datagram of 64 bytes", 12.0, limit=True)
def udp_segments(module: Any, size: int = 64, times: int = 200) -> float:
    """128 datagrams sent and received, with a look at each: litsock in one call each way, the standard module by loops."""
    data = bytes(size * TOGETHER)
    with datagram_socket(module) as near, datagram_socket(module) as far:
        address = far.getsockname()
        if not hasattr(far, "recv_segments"):
            work = partial(by_loops, near, far, address, data, size)
        else:
            buffer = module.SegmentBuffer()
            buffer.prepare(far)
            work = partial(by_segments, near, far, address, data, size, buffer)
        work()
        start = perf_counter()
        for _ in range(times):
            work()
        return (perf_counter() - start) / (times * TOGETHER)


def by_loops(near: Any, far: Any, address: Any, data: bytes, size: int) -> None:
    """The best that the standard module can do: a call for each."""
    for at in range(0, len(data), size):
        near.sendto(data[at : at + size], address)
    for _ in range(len(data) // size):
        _data, _sender = far.recvfrom(2048)


def by_segments(near: Any, far: Any, address: Any, data: bytes, size: int, buffer: Any) -> None:
    """A call each way; each datagram with its sender in hand."""
    near.send_segments(data, size, address=address)
    found = 0
    while found < TOGETHER:
        arrived = far.recv_segments_into(buffer)
        for _view, _sender in arrived:
            pass
        found += len(arrived)


def many_peers(module: Any, answer: Callable, times: int = 40) -> float:
    """A server of 64 peers: a datagram from each, an answer to each. What the peers do is not counted."""
    with ExitStack() as stack:
        server = stack.enter_context(datagram_socket(module))
        peers = [stack.enter_context(datagram_socket(module)) for _ in range(PEERS)]
        for peer in peers:
            peer.connect(server.getsockname())
        spent = 0.0
        for _ in range(times):
            for peer in peers:
                peer.send(bytes(64))
            start = perf_counter()
            answer(server)
            spent += perf_counter() - start
            for peer in peers:
                peer.recv(64)
        return spent / (times * PEERS)


@case("udp-many-peers", "datagram received and answered", 1.0)
def udp_many_peers(module: Any) -> float:
    """litsock in rows (`recvmmsg`, `sendmmsg`); the standard module, which has neither, one by one."""
    if not hasattr(module, "MessageBuffer"):
        return many_peers(module, one_by_one)
    buffer = module.MessageBuffer(PEERS)
    return many_peers(module, lambda server: in_rows(server, buffer))


@case("udp-many-peers-singly", "datagram received and answered", 1.0)
def udp_many_peers_singly(module: Any) -> float:
    """The same calls of both modules: `recvfrom` and `sendto`, one by one."""
    return many_peers(module, one_by_one)


def one_by_one(server: Any) -> None:
    for _ in range(PEERS):
        data, peer = server.recvfrom(2048)
        server.sendto(data, peer)


def in_rows(server: Any, buffer: Any) -> None:
    """All that is there in one call, all answers in another."""
    found = 0
    while found < PEERS:
        messages = server.recvmmsg_into(buffer)
        server.sendmmsg([(data, peer) for data, _, _, peer in messages])
        found += len(messages)


# Connections


@case("accept-storm", "connection accepted", 1.0)
def accept_storm(module: Any, timeout: float | None = None, count: int = 100, times: int = 5) -> float:
    """`accept` alone, with a hundred connections waiting in the queue."""
    spent = 0.0
    with module.socket() as listener:
        reset_at_close(module, listener)
        listener.bind(HOST["AF_INET"])
        listener.listen(count)
        listener.settimeout(timeout)
        for _ in range(times):
            with ExitStack() as stack:
                for _ in range(count):
                    client = stack.enter_context(module.socket())
                    client.connect(listener.getsockname())
                start = perf_counter()
                accepted = [listener.accept()[0] for _ in range(count)]
                spent += perf_counter() - start
                for sock in accepted:
                    sock.close()
    return spent / (times * count)


@case("accept-storm-timeout", "connection accepted", 1.3)
def accept_storm_timeout(module: Any) -> float:
    return accept_storm(module, 5)


def reset_at_close(module: Any, listener: Any) -> None:
    """No port stays behind in TIME-WAIT: there are fewer ports than rounds need. Accepted sockets inherit the option."""
    listener.setsockopt(module.SOL_SOCKET, module.SO_LINGER, array("i", [1, 0]).tobytes())


def grow(module: Any, count: int) -> float:
    """Make so many connections, echo a message over each, and close them all.

    They are all open at once, so that a cost that grows with their number would show. Where this process may not have
    that many descriptors, the oldest are closed when it comes to that.
    """
    data, open_now = bytes(64), deque()
    with descriptors(2 * count) as allowed, module.socket() as listener:
        reset_at_close(module, listener)
        listener.bind(HOST["AF_INET"])
        listener.listen(1)
        address = listener.getsockname()
        start = perf_counter()
        for number in range(count):
            if 2 * number > allowed:
                close(*open_now.popleft())
            near = module.socket()
            near.connect(address)
            far, _ = listener.accept()
            near.send(data)
            far.send(far.recv(64))
            near.recv(64)
            open_now.append((near, far))
        for near, far in open_now:
            close(near, far)
        return (perf_counter() - start) / count


def close(near: Any, far: Any) -> None:
    """The far end first: it resets the connection."""
    far.close()
    near.close()


GROWING = 100, 300, 1_000, 3_000, 10_000
for number in GROWING:
    case(f"connections-{number}", "connection made, used and closed", 1.0)(partial(grow, count=number))


# Memory

MEMORY = """
import os
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
COUNT = 10_000
for count in (10, COUNT):  # the first ones make what all share
    kept = [None] * count
    before = resident()
    for number in range(count):
        kept[number] = socket.socket()
    after = resident()
print((after - before) / COUNT)
"""


@case("memory", "socket, 10,000 of them open", 1.0, unit="bytes")
def memory(module: Any) -> float:
    """What a process grows by for each socket, in an interpreter of its own. The kernel's part is not in it."""
    with descriptors(10_000) as allowed:
        if allowed < 10_000:
            raise OSError("it takes 10,000 descriptors, and this process may not have so many (ulimit -Hn)")
        script = f"import {module.__name__} as socket" + MEMORY
        line = [sys.executable, "-c", script]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        return float(subprocess.run(line, check=True, capture_output=True, env=environment).stdout)
