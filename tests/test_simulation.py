"""The simulated kernel answers as the real one: random calls on two connected sockets, over the real loopback and over a simulated one."""

from __future__ import annotations

import _thread
import errno
import hashlib
import os
import platform
import random
import re
import select
import signal
import subprocess
import sys
import threading
import time
from array import array
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import litsock
from litsock.observe.flows import Packets
from litsock.observe.packets import ICMP, RAW, ICMPv6, IPv4, IPv6, Packet
from litsock.simulation.clock import TASKS, Deadlock, sleep
from litsock.simulation.network import Host, Network

LENGTH, SEQUENCES = 25, 40

CALLS = {
    "send": lambda draw: (bytes(draw.choice((0, 1, 10, 3000))),),
    "recv": lambda draw: (draw.choice((0, 1, 7, 100, 5000)), *draw.choice(((), (litsock.MSG_PEEK,), (litsock.MSG_DONTWAIT,)))),
    "recv_into": lambda draw: (bytearray(draw.choice((1, 50))),),
    "recvfrom": lambda draw: (10,),
    "recvmsg": lambda draw: (10,),
    "sendmsg": lambda draw: ([b"ab", b"c"],),
    "shutdown": lambda draw: (draw.choice((litsock.SHUT_RD, litsock.SHUT_WR, litsock.SHUT_RDWR, 7)),),
    "getsockopt": lambda draw: (litsock.SOL_SOCKET, draw.choice((litsock.SO_ERROR, litsock.SO_TYPE, litsock.SO_ACCEPTCONN, litsock.SO_PROTOCOL))),
    "getpeername": lambda draw: (),
    "getsockname": lambda draw: (),
    "listen": lambda draw: (),
    "accept": lambda draw: (),
    "poll": lambda draw: (),
    "close": lambda draw: (),
}
WEIGHTS = [8, 8, 4, 2, 2, 2, 1, 2, 2, 1, 0.2, 0.2, 6, 0.4]


def sequence(seed: int) -> list[tuple[int, str, tuple]]:
    """Which of two sockets, which method, with what."""
    draw = random.Random(seed)
    names = draw.choices(list(CALLS), WEIGHTS, k=LENGTH)
    return [(draw.randrange(2), name, CALLS[name](draw)) for name in names]


TCP, UDP = (litsock.AF_INET, litsock.SOCK_STREAM), (litsock.AF_INET, litsock.SOCK_DGRAM)
UNIX = [(litsock.AF_UNIX, type) for type in (litsock.SOCK_STREAM, litsock.SOCK_DGRAM, litsock.SOCK_SEQPACKET)] if hasattr(litsock, "AF_UNIX") else []


def connected(kind: tuple[int, int]) -> list[litsock.socket]:
    if kind in UNIX:
        return list(litsock.socketpair(*kind))
    if kind == TCP:
        with litsock.create_server(("127.0.0.1", 0)) as listener:
            pair = [litsock.create_connection(listener.getsockname()), listener.accept()[0]]
        for sock in pair:
            sock.setsockopt(litsock.IPPROTO_TCP, litsock.TCP_NODELAY, 1)
        return pair
    pair = [litsock.socket(*kind) for _ in range(2)]
    for sock in pair:
        sock.bind(("127.0.0.1", 0))
    pair[0].connect(pair[1].getsockname())
    pair[1].connect(pair[0].getsockname())
    return pair


def outcome(sock: litsock.socket, name: str, arguments: tuple):
    """What a call came to, without what differs from run to run."""
    try:
        if name == "poll":
            return polled(sock)
        answer = getattr(sock, name)(*arguments)
    except OSError as error:
        return type(error).__name__, error.errno
    if name in ("getpeername", "getsockname"):
        return answer[:1]
    if name in ("recvfrom", "recvmsg"):
        return *answer[:-1], answer[-1] and answer[-1][0]
    return (answer, bytes(arguments[0])) if name == "recv_into" else answer


def polled(sock: litsock.socket) -> int:
    from litsock import kernel

    return kernel.poll(sock.fileno(), 0x2005, 0) if sock.fileno() >= 0 else -1


def played(seed: int, kind: tuple[int, int], settle) -> list:
    pair = connected(kind)
    try:
        for sock in pair:
            sock.setblocking(False)
        found = []
        for at, name, arguments in sequence(seed):
            found.append((at, name, arguments, outcome(pair[at], name, tuple(map(copied, arguments)))))
            settle()
        return found
    finally:
        for sock in pair:
            sock.close()


def copied(value):
    return bytearray(value) if isinstance(value, bytearray) else value


def simulated(seed: int, kind: tuple[int, int]) -> list:
    net = Network(seed)
    host = net.host("here")
    try:
        with host:
            return played(seed, kind, lambda: sleep(0.001))
    finally:
        net.close()


def kernel_version() -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", platform.release())[:2])


@pytest.mark.parametrize("kind", [TCP, UDP, *UNIX])
def test_same_as_the_real_kernel(kind):
    if kind in UNIX and kernel_version() < (6, 17):
        pytest.skip("Linux before 6.17 reports the end of a Unix socket's peer otherwise in some corners")
    for seed in range(SEQUENCES):
        real, ours = played(seed, kind, lambda: None), simulated(seed, kind)
        for step, (expected, found) in enumerate(zip(real, ours)):
            assert found == expected, f"sequence {seed}, step {step}"


EXAMPLE = """
import litsock
litsock.install()
import hashlib

def run(seed):
    net = litsock.Network(seed=seed)
    client, server = net.host("client"), net.host("server")
    net.link(client, server, latency=0.040, jitter=0.005, loss=0.05, bandwidth=10e6, queue=64)

    @server.program
    def serve():
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(bytes(100_000))

            def log_message(self, *arguments):
                pass

        ThreadingHTTPServer(("", 80), Answer).serve_forever()

    @client.program
    def ask():
        import urllib.request
        return urllib.request.urlopen("http://server/", timeout=5).read()

    net.at(0.2, net.partition, client, server)
    net.at(3.0, net.heal)
    net.run()
    assert len(ask.result) == 100_000
    assert not [packet for packet in net.packets if packet.problem or False in packet.checksums().values()]
    return hashlib.sha256(b"".join(packet.raw for packet in net.packets)).hexdigest(), net.now

runs = [run(seed) for seed in range(10)]
assert runs == [run(seed) for seed in range(10)]
assert len(set(runs)) == 10 and all(3 < now < 30 for _, now in runs)
print("the same")
"""


def test_same_seed_same_bytes():
    done = subprocess.run([sys.executable, "-c", EXAMPLE], capture_output=True, text=True, timeout=120)
    assert done.stdout == "the same\n", done.stderr


def network(**qualities) -> tuple[Network, Any, Any]:
    net = Network(seed=5)
    client, server = net.host("client"), net.host("server")
    net.link(client, server, **qualities)
    return net, client, server


def echo(server: Any) -> None:
    @server.program
    def serve():
        with litsock.create_server(("", 7)) as listener:
            while True:
                peer, _ = listener.accept()
                with peer:
                    while data := peer.recv(65536):
                        peer.sendall(data)


def failing(net: Network, client: Any, function) -> tuple[type, int | None, float]:
    """What a client's program raises, and when."""

    @client.program
    def ask():
        try:
            function()
        except OSError as error:
            return type(error), error.errno, round(net.now, 3)

    net.run()
    net.close()
    return ask.result


def test_refused_after_a_round_trip():
    net, client, _ = network(latency=0.1)
    found = failing(net, client, lambda: litsock.create_connection(("10.0.0.2", 7)))
    assert found == (ConnectionRefusedError, errno.ECONNREFUSED, 0.2)


def test_silent_port_after_127_seconds():
    net, client, server = network()
    server.silence(7)
    found = failing(net, client, lambda: litsock.create_connection(("10.0.0.2", 7)))
    assert found == (TimeoutError, errno.ETIMEDOUT, 127.0)


def test_timeout_in_virtual_time():
    net, client, server = network()
    server.silence(7)
    assert failing(net, client, lambda: litsock.create_connection(("10.0.0.2", 7), timeout=2.5)) == (TimeoutError, None, 2.5)


def test_no_link():
    net = Network()
    client, _ = net.host("client"), net.host("server")
    found = failing(net, client, lambda: litsock.create_connection(("10.0.0.2", 7)))
    assert found == (OSError, errno.ENETUNREACH, 0.0)


def test_unknown_and_unanswered_names():
    net, client, _ = network()
    assert failing(net, client, lambda: litsock.getaddrinfo("nobody", 7)) == (litsock.gaierror, litsock.EAI_NONAME, 0.0)
    net, client, _ = network()
    net.lookups_fail = True
    assert failing(net, client, lambda: litsock.getaddrinfo("server", 7)) == (litsock.gaierror, litsock.EAI_AGAIN, 10.0)


def test_datagram_to_nobody_is_refused():
    net, client, _ = network(latency=0.1)

    def ask():
        with litsock.socket(type=litsock.SOCK_DGRAM) as sock:
            sock.connect(("10.0.0.2", 9))
            sock.send(b"?")
            sock.recv(1)

    assert failing(net, client, ask) == (ConnectionRefusedError, errno.ECONNREFUSED, 0.2)


def test_crash_without_a_fin_then_reset_by_the_restarted_host():
    net, client, server = network(latency=0.01)
    echo(server)
    net.at(1, server.crash)
    net.at(2, server.restart)

    def ask():
        with litsock.create_connection(("10.0.0.2", 7)) as sock:
            sleep(3)
            sock.sendall(b"are you there?")
            sock.recv(10)

    assert failing(net, client, ask) == (ConnectionResetError, errno.ECONNRESET, 3.04)


def test_paused_programs_while_the_kernel_goes_on():
    net, client, server = network()
    echo(server)
    net.at(1, server.pause)
    net.at(5, server.resume)

    @client.program
    def ask():
        sleep(2)
        with litsock.create_connection(("10.0.0.2", 7)) as sock:
            connected_at = net.now
            sock.sendall(b"x")
            return connected_at, sock.recv(1), net.now

    net.run()
    net.close()
    assert ask.result == (2.0, b"x", 5.0)


def test_backpressure_and_loss():
    net, client, server = network(latency=0.01, loss=0.02, duplication=0.01, reordering=0.05, corruption=0.01, bandwidth=1e7)
    echo(server)
    sent = random.Random(1).randbytes(400_000)

    @client.program
    def ask():
        with litsock.create_connection(("server", 7)) as sock:
            import threading

            writer = threading.Thread(target=sock.sendall, args=[sent])
            writer.start()
            with sock.makefile("rb") as file:
                found = file.read(len(sent))
            writer.join()
            return found

    net.run()
    net.close()
    assert ask.result == sent


def test_deadlock_says_who_waits_for_what():
    net, client, _ = network()

    @client.program
    def ask():
        import threading

        threading.Lock().acquire() and threading.Event().wait()

    with pytest.raises(Deadlock, match="client.ask waits for a lock"):
        net.run()
    net.close()


def test_unix_server_by_path_and_descriptors_passed(tmp_path):
    net, client, server = network()
    path = str(tmp_path / "server")

    def serve():
        with litsock.socket(litsock.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            with listener.accept()[0] as peer:
                _, fds, _, _ = litsock.recv_fds(peer, 10, 2)
                with litsock.socket(fileno=fds[0]) as passed:
                    passed.sendall(b"through the socket that was passed")

    def ask():
        one, other = litsock.socketpair()
        with litsock.socket(litsock.AF_UNIX) as sock, one, other:
            while True:
                try:
                    sock.connect(path)
                    break
                except OSError:
                    sleep(0.1)
            litsock.send_fds(sock, [b"here"], [one.fileno()])
            one.close()
            return other.recv(100), other.recv(100)

    server.program(serve)
    asked = server.program(ask)
    net.run()
    net.close()
    assert asked.result == (b"through the socket that was passed", b"")
    with pytest.raises(OSError):  # the node is a real one, behind which nobody listens any more
        litsock.socket(litsock.AF_UNIX).connect(path)


def test_two_unix_sockets_never_share_a_node(tmp_path):
    net, _, server = network()
    path, before = str(tmp_path / "server"), set(os.listdir("/dev/fd"))
    with server, litsock.socket(litsock.AF_UNIX) as first, litsock.socket(litsock.AF_UNIX) as second:
        first.bind(path)
        number = os.stat(path).st_ino
        os.unlink(path)
        second.bind(path)
        assert os.stat(path).st_ino != number  # asyncio asks for it before it removes the path of a server that it closes
    net.close()
    assert set(os.listdir("/dev/fd")) == before


def test_time_limits_in_options():
    net, client, server = network()
    import struct

    with client:
        sock = litsock.socket(type=litsock.SOCK_DGRAM)
        sock.bind(("", 9))
        sock.setsockopt(litsock.SOL_SOCKET, litsock.SO_RCVTIMEO, struct.pack("@ll", 2, 500_000))
        before = net.now
        with pytest.raises(BlockingIOError):
            sock.recv(1)
        assert net.now - before == 2.5
        with pytest.raises(OSError) as caught:
            sock.setsockopt(litsock.SOL_SOCKET, 9999, 1)
        assert caught.value.errno == errno.ENOPROTOOPT
    net.close()


@pytest.mark.parametrize("option, seconds", [("keepalive", 5 + 3 * 2), ("user timeout", 4)])
def test_a_peer_that_is_gone_is_noticed(option, seconds):
    net, client, server = network()

    @server.program
    def serve():
        litsock.create_server(("", 80)).accept()[0].recv(1)

    @client.program
    def ask():
        sock = litsock.create_connection(("server", 80))
        if option == "keepalive":
            sock.setsockopt(litsock.SOL_SOCKET, litsock.SO_KEEPALIVE, 1)
            for number, value in ((litsock.TCP_KEEPIDLE, 5), (litsock.TCP_KEEPINTVL, 2), (litsock.TCP_KEEPCNT, 3)):
                sock.setsockopt(litsock.IPPROTO_TCP, number, value)
        else:
            sock.setsockopt(litsock.IPPROTO_TCP, litsock.TCP_USER_TIMEOUT, 4000)
        net.partition(client, server)
        began = net.now
        if option != "keepalive":
            sock.send(b"?")
        with pytest.raises(TimeoutError):
            sock.recv(1)
        return net.now - began

    net.at(60, server.crash)  # else its program would wait for ever
    net.run()
    net.close()
    assert abs(ask.result - seconds) < 0.3


def test_datagrams_for_a_group_and_for_everybody():
    net = Network()
    one, *others = [net.host(name) for name in ("one", "two", "three")]
    for other in others:
        net.link(one, other, latency=0.01)

    def member(join):
        with litsock.socket(type=litsock.SOCK_DGRAM) as sock:
            sock.bind(("", 5000))
            if join:
                group = litsock.inet_aton("224.1.2.3") + bytes(4)
                sock.setsockopt(litsock.IPPROTO_IP, litsock.IP_ADD_MEMBERSHIP, group)
            return sock.recv(10)

    programs = [others[0].program(lambda: member(True)), others[1].program(lambda: member(False))]

    @one.program
    def send():
        sleep(1)
        with litsock.socket(type=litsock.SOCK_DGRAM) as sock:
            with pytest.raises(PermissionError):
                sock.sendto(b"all", ("255.255.255.255", 5000))
            sock.sendto(b"group", ("224.1.2.3", 5000))
            sock.setsockopt(litsock.SOL_SOCKET, litsock.SO_BROADCAST, 1)
            sleep(1)
            sock.sendto(b"all", ("255.255.255.255", 5000))

    net.run()
    net.close()
    assert [program.result for program in programs] == [b"group", b"all"]


def test_processes_are_refused():
    net, client, _ = network()
    with client, pytest.raises(RuntimeError, match="starts a process"):
        subprocess.run(["true"])
    net.close()
    assert subprocess.run(["true"]).returncode == 0


def test_threads_outside_keep_the_real_kernel():
    net, client, _ = network()
    real, start_outside = _thread.allocate_lock(), _thread.start_new_thread  # those of `threading` and of `_thread` change
    real.acquire()
    with client:
        import threading

        found = []

        def outside():
            with litsock.socket() as sock:
                found.extend((sock.fileno() < 1 << 20, litsock.timeouts.monotonic() > 1, threading.Lock is not None))
            real.release()

        start_outside(outside, ())
        real.acquire()
        with litsock.socket() as sock:
            assert sock.fileno() >= 1 << 20 and litsock.timeouts.monotonic() == 0
    assert found == [True, True, True]
    with litsock.socket() as sock:
        assert sock.fileno() < 1 << 20


NEEDED = {"requests": "requests", "aiohttp": "aiohttp", "redis": "redis", "dnspython": "dns", "websockets": "websockets"}
PROGRAMS = [*NEEDED, "urllib", "retries", "smtplib", "socketserver", "executors", "streams"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_unmodified_programs(name):
    if name in NEEDED:
        pytest.importorskip(NEEDED[name])
    program = Path(__file__).with_name("simulated_programs.py")
    done = subprocess.run([sys.executable, program, name], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("done\n", "")


EARLIER = """
import asyncio, http.server, socket, ssl, sys, urllib.request
import litsock

standard = socket, socket.socket, urllib.request.socket, sys.modules["_socket"]
net = litsock.Network(seed=1)
client, server = net.host("client"), net.host("server")
net.link(client, server, latency=0.01)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()
    def log_message(self, *parts):
        pass

@server.program
def serve():
    http.server.ThreadingHTTPServer(("", 80), Handler).serve_forever()

@client.program
def ask():
    return urllib.request.urlopen("http://server/", timeout=5).status, socket.gethostname()

@client.program
async def ask_too():
    reader, writer = await asyncio.open_connection("server", 80)
    writer.write(b"GET / HTTP/1.0\\r\\n\\r\\n")
    return (await reader.readline())[-16:]

net.run()
print(ask.result, ask_too.result)
with client:
    sock = socket.create_connection(("server", 80))
    try:
        ssl.create_default_context().wrap_socket(sock, server_hostname="server")
    except RuntimeError as error:
        print(type(error).__name__, str(error)[:22])
    sock.close()
net.close()
print(standard == (socket, socket.socket, urllib.request.socket, sys.modules["_socket"]), sys.modules["socket"] is socket)
with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()) as near:
    print(near.fileno() < 1000, type(near) is socket.socket)
"""


def test_programs_that_have_imported_socket_before():
    done = subprocess.run([sys.executable, "-c", EARLIER], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["(204, 'client') b'204 No Content\\r\\n'", "NotSimulated TLS on a simulated net", "True True", "True True"]


def test_what_is_kept_has_a_limit():
    """The last packets and calls are kept, and what was pushed out is counted and named, also in the drawing."""
    net = Network(seed=1, keep=20)
    client, server = net.host("client"), net.host("server")
    net.link(client, server, latency=0.01)

    echo(server)

    @client.program
    def ask():
        with litsock.create_connection(("server", 7)) as sock:
            for _ in range(50):
                sock.sendall(b"x")
                sock.recv(1)

    net.run()
    assert len(net.packets) == 20 and len(net.history.records) <= 20 and len(net.history.steps) <= 40
    assert net.history.dropped > 60 and net.history.records[-1].number == net.history.count
    forgotten = net.sent - 20
    assert forgotten > 60 and f"{forgotten} packets before these are no longer kept" in repr(net.packets)
    assert f"{forgotten} packets and {net.history.dropped} calls before this are no longer kept" in str(net.timeline())
    assert "FIN" in str(net.timeline())
    assert "sends for" in str(net.plot())


def talk_for_three_seconds(speed):
    net = Network(seed=5, speed=speed)
    client, server = net.host("client"), net.host("server")
    net.link(client, server, latency=0.05, jitter=0.02, loss=0.1)

    echo(server)

    @client.program
    def ask():
        with litsock.create_connection(("server", 7)) as sock:
            for _ in range(6):
                sleep(0.5)
                sock.sendall(b"x")
                sock.recv(1)

    begun = time.monotonic()
    net.run()
    net.close()
    return net.now, time.monotonic() - begun, [(packet.time, packet.raw) for packet in net.packets]


def test_in_real_time_the_same_happens():
    """A speed makes a run last as long as it says, and changes nothing else."""
    virtual, _, packets = talk_for_three_seconds(None)
    same, seconds, in_real_time = talk_for_three_seconds(20)
    assert same == virtual > 3 and packets == in_real_time
    assert seconds >= virtual / 20 - 0.01


def test_ctrl_c_in_real_time_loses_nothing():
    """An interrupt while time passes ends `run`; the next one goes on where it was."""
    net = Network(seed=1, speed=1)
    host = net.host("one")

    @host.program
    def wait():
        sleep(0.5)
        return "over"

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            net.run()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    net.run()
    assert wait.result == "over"
    net.close()


def in_place() -> list:
    """What a network replaces while it runs, as it is now."""
    places = [(time, "sleep"), (threading.Thread, "start"), (threading, "Lock"), (litsock.kernel, "getaddrinfo"), (litsock.kernel, "socket")]
    return [vars(place)[name] for place, name in places] + [sys.modules.get("socket")]


class Interrupted(BaseException):
    """As a signal's handler raises it."""


def interrupted_at(function, number: int, lines: set) -> tuple[bool, Any]:
    """Call a function, and interrupt it where it comes to its `number`-th new line of these modules; whether it came so far, and where."""
    seen: dict = {}
    where = None

    def trace(frame, event, argument):
        nonlocal where
        code = frame.f_code
        if code.co_name == "captured" or not code.co_filename.endswith(("simulation/network.py", "simulation/standard_library.py")):
            return None
        if code is Host.__exit__.__code__:
            return None
        at = frame.f_code.co_filename, frame.f_lineno
        if event == "line" and at not in seen:
            seen[at] = None
            if len(seen) == number:
                sys.settrace(None)
                lines.add(where := at)
                raise Interrupted
        return trace

    sys.settrace(trace)
    try:
        function()
    except Interrupted:
        return True, where
    finally:
        sys.settrace(None)
    return False, None


def test_an_interrupt_leaves_nothing_half_done():
    """Wherever Ctrl-C comes while `run` puts the simulation in place or takes it away: all is as before, and the next `run` is whole."""
    before, lines = in_place(), set()
    for number in range(1, 1000, 3):
        net = Network(seed=1)
        host, began = net.host("one"), time.monotonic()

        @host.program
        def wait():
            thread = threading.Thread(target=time.sleep, args=(3600,))
            thread.start()
            thread.join()

        came, where = interrupted_at(net.run, number, lines)
        assert in_place() == before, where
        net.run()
        assert net.now == 3600 and time.monotonic() - began < 5
        assert wait.result is None
        net.close()
        assert in_place() == before and _thread.get_ident() not in TASKS and net.thread is None
        if not came:
            break
    assert len(lines) > 20


def test_an_interrupt_while_a_host_is_entered_or_left():
    """Neither the thread nor the kernel stays behind."""
    before, lines = in_place(), set()
    for number in range(1, 1000, 3):
        net = Network(seed=1)
        first, second = net.host("first"), net.host("second")

        def visit():
            with first:
                with second:
                    assert litsock.gethostname() == "second"
                assert litsock.gethostname() == "first"

        came, where = interrupted_at(visit, number, lines)
        assert in_place() == before and _thread.get_ident() not in TASKS and net.thread is None, where
        visit()
        net.close()
        if not came:
            break
    assert len(lines) > 20


REAL = (_thread.allocate_lock, _thread.start_new_thread)  # in a tuple, where a network does not replace them


def test_one_thread_lets_time_pass():
    """Another one is refused, and so is a program of the network."""
    net, other = Network(seed=1), Network(seed=2)
    host, elsewhere, errors = net.host("one"), other.host("elsewhere"), []

    def attempt():
        for enter in net.run, net.close, host.__enter__:
            try:
                enter()
            except RuntimeError as error:
                errors.append(str(error))

    with host:
        ended = REAL[0]()
        ended.acquire()
        REAL[1](lambda: (attempt(), ended.release()), ())
        assert ended.acquire(timeout=10)
        assert errors == ["another thread runs this network, or has entered a host of it"] * 3
    errors.clear()

    @host.program
    def nested():
        attempt()
        with elsewhere:
            return litsock.gethostname()

    net.run()
    assert errors == ["one.nested is part of the network, and cannot run it, close it or enter a host"] * 3
    assert nested.result == "elsewhere"
    net.close()
    other.close()


@pytest.mark.parametrize("address", ["10.0.0.4", "fd00::4"])
@pytest.mark.parametrize("hole", [False, True])
def test_a_narrow_link_behind_routers(address, hole):
    """Path MTU discovery finds what fits, and the next connection knows; where a firewall drops the messages, nothing long ever arrives."""
    net = Network(seed=3)
    client, first, second, server = net.host("client"), net.router("first"), net.router("second"), net.host("server")
    entry = net.link(client, first, latency=0.01)
    net.link(first, second, latency=0.01, mtu=1300)
    net.link(second, server, latency=0.01)
    if hole:
        entry.drop(lambda packet: type(packet.last) in (ICMP, ICMPv6))

    @server.program(daemon=True)
    def count():
        with litsock.create_server(("", 9), family=litsock.AF_INET6, dualstack_ipv6=True) as listener:
            counts = []
            while len(counts) < 2:
                peer, _ = listener.accept()
                with peer:
                    counts.append(sum(map(len, iter(lambda: peer.recv(10_000), b""))))
            return counts

    @client.program
    def send():
        for _ in range(2):
            with litsock.create_connection((address, 9)) as sock:
                sock.setsockopt(litsock.IPPROTO_TCP, litsock.TCP_USER_TIMEOUT, 20_000)
                sock.sendall(bytes(20_000))
                sock.shutdown(litsock.SHUT_WR)
                assert sock.recv(1) == b""

    if hole:
        with pytest.raises(TimeoutError):
            net.run()
        assert [packet.comment for packet in net.packets].count("too big") > 3
        return net.close()
    net.run()
    assert count.result == [20_000, 20_000]
    packets = net.packets
    too_big = [at for at, packet in enumerate(packets) if packet.comment == "too big"]
    assert too_big and all(packets[at].flow.number == 1 for at in too_big), "the second connection knew"
    assert max(len(packet) for packet in packets if not packet.comment) == 1300
    net.close()


def test_how_routers_pass_on():
    """Over the fewest links, a hop less each; a loop of hops ends with a message; where there is no way, somebody says so."""
    net = Network(seed=1)
    client, server, alone = net.host("client"), net.host("server"), net.host("alone")
    routers = [net.router(f"router {number}") for number in range(5)]
    for chain in ([client, *routers[:3], server], [client, *routers[3:], server]):
        for one, other in zip(chain, chain[1:]):
            net.link(one, other, latency=0.01)
    found = []

    @server.program
    def listen():
        with litsock.socket(type=litsock.SOCK_DGRAM) as sock:
            sock.bind(("", 5))
            sock.setsockopt(litsock.IPPROTO_IP, litsock.IP_RECVTTL, 1)
            while True:
                data, control, _, address = sock.recvmsg(100, 100)
                found.append((data, control[0][2][0], net.now))
                sock.sendto(b"answer", address)

    @client.program
    def ask():
        with litsock.socket(type=litsock.SOCK_DGRAM) as sock:
            sock.sendto(b"question", ("10.0.0.2", 5))
            assert sock.recv(100) == b"answer"
            sock.setsockopt(litsock.IPPROTO_IP, litsock.IP_TTL, 2)
            sock.sendto(b"too far", ("10.0.0.2", 5))
        with litsock.socket(type=litsock.SOCK_DGRAM) as sock, pytest.raises(OSError) as caught:
            sock.sendto(b"nobody", (alone.addresses[0], 5))
        return caught.value.errno

    net.run()
    assert found == [(b"question", 62, 0.03)] and ask.result == errno.ENETUNREACH
    assert [(packet.comment, packet.payload) for packet in net.packets if packet.comment] == [("too many hops", b"too far")]
    assert [packet.last[:2] for packet in net.packets if type(packet.last) is ICMP] == [(11, 0)]
    net.close()


def bytes_of_a_run(seed):
    """All packets with their times, and the states that they led to, of threads that talk over a bad link."""
    net = Network(seed)
    client, server = net.host("client"), net.host("server")
    net.link(
        client, server, latency=0.02, jitter=0.005, loss=0.05, duplication=0.01, reordering=0.02, corruption=0.01, bandwidth=5e6, queue=30
    )

    def answer(peer):
        try:
            with peer, peer.makefile("rwb", buffering=0) as file:
                while line := file.readline():
                    file.write(line * 50)
        except (OSError, SystemExit):  # the network is closed while a client that is gone has not been noticed
            return

    @server.program(daemon=True)
    def serve():
        with litsock.create_server(("", 7)) as listener:
            while True:
                threading.Thread(target=answer, args=(listener.accept()[0],)).start()

    def talk(number):
        with litsock.create_connection(("server", 7), timeout=60) as sock, sock.makefile("rwb") as file:
            for line in range(5):
                file.write(b"%d %d\n" % (number, line))
                file.flush()
                for _ in range(50):
                    file.readline()

    @client.program
    def ask():
        threads = [threading.Thread(target=talk, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    net.at(0.3, net.partition, client, server)
    net.at(1.1, net.heal)
    net.run()
    packets = b"".join(packet.time.to_bytes(12, "big") + packet.raw for packet in net.packets)
    steps = [  # without the calls: the addresses that litsock remembers are looked up once in a process
        (step.kind, step.nanoseconds, step.host.name, step.view and tuple(step.view))
        for step in net.history.steps
        if step.kind in ("sent", "arrived")
    ]
    net.close()
    assert len(packets) > 5000
    return packets + repr(steps).encode()


def test_the_same_bytes_on_each_python():
    """A hundred seeds, as CPython 3.11 to 3.13, with C and without, and PyPy have them. A change of TCP's rules changes the digest; the Python that runs it must not."""
    digest = hashlib.sha256(b"".join(bytes_of_a_run(seed) for seed in range(100))).hexdigest()
    assert digest == "3dfc34974c953f14bd4d4191b21d36e2cbb4551bcf960c4a7d922a09b53647fd"


def talk_of_everything():
    """TCP and UDP over both versions of IP, through routers: with losses, resets, pieces that are too big, hops that run out, and ports where nobody is."""
    net = Network(seed=4)
    client, first, second, server = net.host("client"), net.router("first"), net.router("second"), net.host("server")
    net.link(client, first, latency=0.01, jitter=0.002, loss=0.03, duplication=0.02, reordering=0.02, corruption=0.01)
    net.link(first, second, latency=0.01, mtu=1300, bandwidth=5e6, queue=30)
    net.link(second, server, latency=0.01)

    @server.program
    def serve():
        with litsock.create_server(("", 7), family=litsock.AF_INET6, dualstack_ipv6=True) as listener:
            while True:
                peer, _ = listener.accept()
                with peer:
                    peer.sendall(peer.recv(1))
                    sleep(1)  # then it closes, and what it has not read is answered with RST

    @server.program
    def mirror():
        with litsock.socket(litsock.AF_INET6, litsock.SOCK_DGRAM) as sock:
            sock.bind(("", 7))
            while True:
                data, address = sock.recvfrom(2000)
                sock.sendto(data[::-1], address)

    @client.program
    def ask():
        for family, address, level, hops in (
            (litsock.AF_INET, "10.0.0.4", litsock.IPPROTO_IP, litsock.IP_TTL),
            (litsock.AF_INET6, "fd00::4", litsock.IPPROTO_IPV6, litsock.IPV6_UNICAST_HOPS),
        ):
            for size in (1, 20_000):
                with litsock.create_connection((address, 7)) as sock:
                    sock.sendall(bytes(size))
                    try:
                        while sock.recv(1000):
                            pass
                    except ConnectionResetError:
                        pass
            with pytest.raises(OSError):
                litsock.create_connection((address, 8))
            with litsock.socket(family, litsock.SOCK_DGRAM) as sock:
                sock.settimeout(1)
                for port, limit, data in [(7, 64, b""), (7, 64, b"odd"), (7, 64, bytes(1000)), (7, 1, b"too far")] + [(8, 64, b"nobody")] * 3:
                    sock.setsockopt(level, hops, limit)
                    sock.sendto(data, (address, port))
                    try:
                        sock.recv(2000)
                    except OSError:
                        pass

    net.run()
    net.close()
    return net.packets


def lend(call, kind) -> None:
    """Let a call have a buffer of each kind, and make that larger at once, as its owner may."""
    for buffer in kind(bytes(8)), kind(bytes(8)):
        call(buffer)
        buffer.append(0)


@pytest.mark.parametrize("kind", [TCP, UDP, *UNIX])
def test_a_buffer_is_free_after_each_call(kind):
    """Its owner may resize it, also on PyPy, which frees views of it later than CPython, and while an exception is kept that passed through the call."""
    net = Network(seed=1)
    with net.host("here"):
        one, other = connected(kind)
        for buffers in bytearray, partial(array, "H"):
            for give in one.send, one.sendall, lambda buffer: one.sendmsg([buffer, buffer]):
                for take in other.recv_into, other.recvfrom_into, lambda buffer: other.recvmsg_into([buffer]):
                    lend(give, buffers)
                    lend(take, buffers)
                    sleep(0.1)
            lend(lambda buffer: one.setsockopt(litsock.SOL_SOCKET, litsock.SO_LINGER, buffer), buffers)
            if kind == TCP:
                buffer, kept = buffers(bytes(8)), []
                for take in other.recv_into, other.recvfrom_into, lambda buffer, size, flags: other.recvmsg_into([buffer], size, flags):
                    with pytest.raises(OSError, match="urgent") as caught:
                        take(buffer, 0, litsock.MSG_OOB)
                    kept.append(caught)
                    buffer.append(0)
        one.close()
        other.close()
    net.close()


class Unread(dict):
    """A dictionary in which single things can be looked up."""

    def __iter__(self):
        raise AssertionError("somebody looks at all of it")

    keys = values = items = __iter__


@pytest.mark.parametrize("ip", ["10.0.0.4", "255.255.255.255"])
def test_what_a_packet_costs_does_not_grow_with_the_number_of_links(ip):
    """A host looks at its own links: in a network where each host has one to each, there are half as many as hosts by hosts."""
    net = Network(seed=1)
    client, router, *others = [net.host("client"), net.router("router"), *(net.host(f"host{number}") for number in range(10))]
    for other in (client, *others):
        net.link(router, other)
    net.link(client, others[0])
    assert net.link_to(client, others[0].addresses[0])
    net.links = Unread(net.links)

    @others[1].program
    def listen():
        with litsock.socket(type=litsock.SOCK_DGRAM) as sock:
            sock.bind(("", 9))
            return sock.recv(10)

    @(router if ip == "255.255.255.255" else client).program
    def ask():
        with litsock.socket(type=litsock.SOCK_DGRAM) as sock:
            sock.setsockopt(litsock.SOL_SOCKET, litsock.SO_BROADCAST, 1)
            sleep(1)
            sock.sendto(b"hello", (ip, 9))

    net.run()
    assert listen.result == b"hello"
    net.close()


def pair_of_hosts(**qualities) -> tuple[Network, Host, Host, Any]:
    net = Network(seed=1)
    client, server = net.host("client"), net.host("server")
    return net, client, server, net.link(client, server, **qualities)


DISCOVERY = {4: (litsock.IPPROTO_IP, litsock.IP_MTU_DISCOVER, litsock.IP_MTU), 6: (litsock.IPPROTO_IPV6, 23, 24)}  # IPV6_MTU_DISCOVER, IPV6_MTU
FAMILIES = {4: litsock.AF_INET, 6: litsock.AF_INET6}
LONGEST = {4: 1472, 6: 1452}  # data of a datagram that an MTU of 1500 takes whole


def datagrams(host: Host, version: int) -> Any:
    """A program that gathers datagrams."""

    def gather():
        found = []
        with litsock.socket(FAMILIES[version], litsock.SOCK_DGRAM) as sock:
            sock.bind(("", 9))
            sock.settimeout(5)
            with suppress(TimeoutError):
                while True:
                    found.append(sock.recv(70000))
        return found

    return host.program(gather, daemon=False)


@pytest.mark.parametrize("version", [4, 6])
def test_datagrams_longer_than_the_link_takes(version):
    """`IP_MTU_DISCOVER` decides, as on Linux over a loopback interface with an MTU of 1500; each fragment is a packet with a header."""
    net, client, server, _ = pair_of_hosts(jitter=0.01, latency=0.02, reordering=0.5, duplication=0.2)
    gather, (level, discover, mtu), most = datagrams(server, version), DISCOVERY[version], LONGEST[version]
    sizes = 1000, most, most + 1, 5000, 65507
    sent = [bytes([mode]) + random.Random(size).randbytes(size - 1) for mode in range(6) for size in sizes]

    @client.program
    def ask():
        refused = []
        for data in sent:
            with litsock.socket(FAMILIES[version], litsock.SOCK_DGRAM) as sock:
                sock.setsockopt(level, discover, data[0])
                try:
                    sock.sendto(data, (server.addresses[version == 6], 9))
                except OSError as error:
                    assert error.errno == errno.EMSGSIZE
                    refused.append((data[0], len(data)))
                sleep(0.1)
        with litsock.socket(FAMILIES[version], litsock.SOCK_DGRAM) as sock:
            with pytest.raises(OSError) as caught:
                sock.getsockopt(level, mtu)
            assert caught.value.errno == errno.ENOTCONN
            sock.connect((server.addresses[version == 6], 9))
            assert sock.getsockopt(level, mtu) == 1500
            if version == 6:
                sock.setsockopt(level, 62, 1)  # IPV6_DONTFRAG
                with pytest.raises(OSError) as caught:
                    sock.send(bytes(5000))
                assert caught.value.errno == errno.EMSGSIZE
        return refused

    net.run()
    assert ask.result == [(mode, size) for mode in (2, 3, 4) for size in sizes if size > most]
    assert set(gather.result) == {data for data in sent if data[0] not in (2, 3, 4) or len(data) <= most}
    assert {packet.ip.dont_fragment for packet in net.packets if packet.payload[:1] == b"\0" and version == 4} <= {False}
    assert max(packet.size for packet in net.packets) in (1496, 1500)
    assert len([packet for packet in net.packets if packet.fragment]) == 3 * (2 + 4 + 45 + (version == 6))
    assert not [packet for packet in net.packets if packet.problem or False in packet.checksums().values()]
    net.close()


@pytest.mark.parametrize(("version", "seconds", "kind"), [(4, 30, (2, 11, 1)), (6, 60, (3, 3, 1))])
def test_a_lost_fragment_loses_the_datagram(version, seconds, kind):
    """The others are kept for a while; then the sender is told."""
    net, client, server, link = pair_of_hosts()
    gather, (level, *_) = datagrams(server, version), DISCOVERY[version]
    finish = link.drop(lambda packet: packet.fragment and 0 < packet.fragment.offset < 2000)

    @client.program
    def ask():
        with litsock.socket(FAMILIES[version], litsock.SOCK_DGRAM) as sock:
            sock.setsockopt(level, litsock.IP_RECVERR if version == 4 else litsock.IPV6_RECVERR, 1)
            sleep(1)
            sock.sendto(bytes(5000), (server.addresses[version == 6], 9))
            finish()
            sock.sendto(b"again" * 1000, (server.addresses[version == 6], 9))
            begun = net.now
            sock.settimeout(100)
            with pytest.raises(OSError) as caught:
                sock.recv(10)
            _, [(_, _, error)], _, _ = sock.recvmsg(10, 200, litsock.MSG_ERRQUEUE)
            return caught.value.errno, round(net.now - begun, 3), tuple(error[4:7]), len(server.fragments)

    net.run()
    assert ask.result == (errno.EHOSTUNREACH, seconds, kind, 0)
    assert gather.result == [b"again" * 1000]
    assert [packet.comment for packet in net.packets if packet.comment] == ["dropped"]
    net.close()


@pytest.mark.parametrize("version", [4, 6])
def test_datagrams_over_a_way_that_is_narrower_further_on(version):
    """A router cuts what may be cut; of anything else it says what would fit, and the sender cuts from then on."""
    net = Network(seed=1)
    client, router, server = net.host("client"), net.router("router"), net.host("server")
    net.link(client, router, latency=0.01)
    net.link(router, server, latency=0.01, mtu=1280)
    gather, (level, discover, mtu) = datagrams(server, version), DISCOVERY[version]

    @client.program
    def ask():
        with litsock.socket(FAMILIES[version], litsock.SOCK_DGRAM) as sock:
            sock.setsockopt(level, discover, 0)  # IP_PMTUDISC_DONT
            sock.connect((server.addresses[version == 6], 9))
            sleep(1)
            sock.send(b"1" * 4000)
            sleep(1)
            sock.setsockopt(level, discover, 1)  # IP_PMTUDISC_WANT, the default
            sock.send(b"2" * 1400)
            sleep(1)
            error = sock.getsockopt(litsock.SOL_SOCKET, litsock.SO_ERROR)
            sock.send(b"3" * 1400)
            sleep(1)
            return error, sock.getsockopt(level, mtu)

    net.run()
    told = version == 4  # of IPv6 the first was in fragments of 1500 bytes, which the router has complained of already
    assert ask.result == (errno.EMSGSIZE if told else 0, 1280)
    expected = [b"1" * 4000, b"3" * 1400] if told else [b"2" * 1400, b"3" * 1400]
    assert gather.result == expected
    assert {packet.comment for packet in net.packets if packet.comment} == {"too big"}
    assert all(packet.size <= 1280 for packet in net.packets if packet.interface == "router–server")
    net.close()


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("version", [4, 6])
def test_tshark_puts_fragments_together(tmp_path, version):
    net, client, server, _ = pair_of_hosts()
    data = random.Random(1).randbytes(5000)

    @client.program
    def ask():
        with litsock.socket(FAMILIES[version], litsock.SOCK_DGRAM) as sock:
            sock.sendto(data, (server.addresses[version == 6], 9))

    net.run()
    path = str(tmp_path / "run.pcapng")
    net.packets.pcapng(path)
    command = ["tshark", "-n", "-r", path, "-o", "udp.check_checksum:TRUE", "-Y", f"udp && !icmp && !icmpv6 && ip{'v6' * (version == 6)}.reassembled.length"]
    found = subprocess.run(
        [*command, "-T", "fields", "-e", "udp.checksum.status", "-e", "udp.length", "-e", "udp.payload"], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["1", "5008", data.hex()]
    net.close()


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyboardInterrupt(), pytest.fail.Exception("failed"), GeneratorExit(), SystemExit(3), SystemExit("why")])
def test_whatever_a_program_raises_is_raised_by_run(error):
    """Also what is no `Exception`: `pytest.fail` in a program fails the test."""
    net = Network(seed=1)

    @net.host("here").program
    def program():
        raise error

    with pytest.raises(type(error)) as caught:
        net.run()
    assert caught.value is error
    with pytest.raises(type(error)):
        program.result
    net.close()


@pytest.mark.parametrize("status", [None, 0])
def test_a_program_that_exits_has_ended(status):
    net = Network(seed=1)
    program = net.host("here").program(lambda: sys.exit(status))
    net.run()
    assert program.result is None
    net.close()


ENDLESS = """
import litsock, sys
net = litsock.Network(seed=1)
host = net.host("here")

@host.program
def compute():
    print("begun", flush=True)
    try:
        while True:
            pass
    finally:
        print("cleaned up", flush=True)

try:
    net.run() if sys.argv[1] == "run" else host.__enter__().network.scheduler.block("nothing", until=10**9)
except KeyboardInterrupt:
    print("interrupted", flush=True)
net.close()
print("closed", flush=True)
"""


@pytest.mark.skipif(platform.python_implementation() == "PyPy", reason="PyPy cannot raise an exception in another thread")
@pytest.mark.parametrize("way", ["run", "enter"])
def test_ctrl_c_ends_a_program_that_never_waits(way):
    with subprocess.Popen([sys.executable, "-c", ENDLESS, way], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout and process.stdout.readline() == "begun\n"
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=60)[0].split("\n") == ["cleaned up", "interrupted", "closed", ""]
        finally:
            process.kill()


def test_a_program_that_catches_everything_is_left_behind():
    """The others end, and so does `close`."""
    net = Network(seed=1)
    host, ended = net.host("here"), []

    @host.program
    def stubborn():
        while True:
            try:
                sleep(1)
            except BaseException:
                pass

    @host.program
    def gentle():
        try:
            sleep(1000)
        finally:
            ended.append(net.now)

    with pytest.raises(TimeoutError):
        net.run(5)
    net.close()
    assert ended == [5]
    assert [task.done for task in net.scheduler.tasks] == [True, True]


def test_the_end_of_a_thread_is_no_news(monkeypatch):
    """Threads that outlive their program end with the network; `threading.excepthook` hears of their own exceptions only."""
    heard = []
    monkeypatch.setattr(threading, "excepthook", lambda news: heard.append(news.exc_value))
    net = Network(seed=1)

    @net.host("here").program
    def program():
        threading.Thread(target=time.sleep, args=(1e9,)).start()
        threading.Thread(target=[].pop).start()

    net.run()
    net.close()
    assert list(map(type, heard)) == [IndexError]


def test_ctrl_c_that_another_thread_gets():
    """The kernel may give a signal to any thread, and then nothing wakes the main one, in which Python looks for it."""
    net = Network(seed=1)

    @net.host("here").program
    def program():
        signal.raise_signal(signal.SIGINT)
        while True:
            sleep(1)

    with pytest.raises(KeyboardInterrupt):
        net.run(10**7)
    assert net.now < 5 * 10**6
    net.close()


@pytest.mark.needs("tshark")
def test_tshark_finds_nothing_malformed(tmp_path):
    packets = talk_of_everything()
    kinds = {(type(packet.last), *packet.last[:2]) for packet in packets if isinstance(packet.last, ICMP)}
    assert kinds >= {(ICMP, 3, 3), (ICMP, 3, 4), (ICMP, 11, 0), (ICMPv6, 1, 4), (ICMPv6, 2, 0), (ICMPv6, 3, 0)}
    assert {type(packet.ip) for packet in packets if type(packet.last).__name__ == "UDP"} == {IPv4, IPv6}
    path = str(tmp_path / "run.pcapng")
    packets.pcapng(path)
    checking = [word for name in ("ip", "tcp", "udp") for word in ("-o", f"{name}.check_checksum:TRUE")]
    sums = " || ".join(f"{name}.checksum.status == 0" for name in ("ip", "icmp", "icmpv6"))
    quoted = "(icmp || icmpv6)"  # only the beginning of a packet, whose own checksum cannot be verified
    bad = f"_ws.malformed || _ws.short || {sums} || !{quoted} && (tcp.checksum.status == 0 || udp.checksum.status == 0 || _ws.expert.severity == 8388608)"

    def numbers(*options):  # of the packets that tshark chooses
        command = ["tshark", "-n", "-r", path, *checking, *options, "-T", "fields", "-e", "frame.number"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    assert numbers("-Y", bad) == []
    assert len(numbers()) == len(packets) > 150
    damaged = bytearray(packets[0].raw)
    damaged[-1] ^= 1
    Packets([Packet(bytes(damaged), RAW, time=1)]).pcapng(path)
    assert numbers("-Y", bad) == ["1"]


def queued_errors(family: int) -> list:
    """What a socket with `IP_RECVERR` is told of a port that nobody has."""
    here = "::1" if family == litsock.AF_INET6 else "127.0.0.1"
    level, option = ((litsock.IPPROTO_IP, litsock.IP_RECVERR), (litsock.IPPROTO_IPV6, litsock.IPV6_RECVERR))[family == litsock.AF_INET6]
    with litsock.socket(family, litsock.SOCK_DGRAM) as nobody:
        nobody.bind((here, 0))
        port = nobody.getsockname()[1]
    found: list = []

    def note(function, *arguments):
        try:
            answer = function(*arguments)
        except OSError as error:
            answer = errno.errorcode[error.errno or 0]
        found.append((function.__name__, answer))

    for asked, connected in ((0, True), (1, True), (1, False)):
        with litsock.socket(family, litsock.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.setsockopt(level, option, asked)
            if connected:
                sock.connect((here, port))
            for data in (b"one", b"two", b"three"):
                note(*((sock.send, data) if connected else (sock.sendto, data, (here, port))))
                litsock.kernel.poll(sock.fileno(), 0, 200)  # a busy kernel brings the error somewhat later
                note(lambda: polled(sock))
            for size in (2, 100, 100):
                note(sock.recvmsg, size, 100, litsock.MSG_ERRQUEUE)
                note(lambda: polled(sock))
            note(sock.recvmsg, 100, 0, litsock.MSG_ERRQUEUE)
            note(sock.recv, 100)
    return eval(repr(found).replace(str(port), "'port'"))


@pytest.mark.parametrize("family", [litsock.AF_INET, pytest.param(litsock.AF_INET6, marks=pytest.mark.needs("ipv6"))])
def test_queued_errors_as_of_the_real_kernel(family):
    net = Network(1)
    host = net.host("here")
    with host:
        ours = queued_errors(family)
    net.close()
    real = queued_errors(family)
    assert ours == real and sum(isinstance(answer, tuple) for _, answer in ours) >= 4


def test_tracing_the_way_to_a_host():
    """Datagrams with few hops, and the errors that come back: no root, no raw socket."""
    net = Network(seed=1)
    client, first, second, server = net.host("client"), net.router("first"), net.router("second"), net.host("server")
    for one, other in ((client, first), (first, second), (second, server)):
        net.link(one, other, latency=0.01)

    @client.program
    def trace():
        found = []
        with litsock.socket(litsock.AF_INET6, litsock.SOCK_DGRAM) as sock:
            sock.setsockopt(litsock.IPPROTO_IPV6, litsock.IPV6_RECVERR, 1)
            for hops in (1, 2, 3):
                sock.setsockopt(litsock.IPPROTO_IPV6, litsock.IPV6_UNICAST_HOPS, hops)
                sock.sendto(b"?", (server.addresses[1], 33434))
                sleep(0.1)
                data, [(_, _, error)], flags, address = sock.recvmsg(10, 200, litsock.MSG_ERRQUEUE)
                assert (data, flags, address[:2]) == (b"?", litsock.MSG_ERRQUEUE, (server.addresses[1], 33434))
                found.append((int.from_bytes(error[:4], sys.byteorder), litsock.inet_ntop(litsock.AF_INET6, error[24:40])))
        return found

    net.run()
    net.close()
    assert trace.result == [
        (errno.EHOSTUNREACH, first.addresses[1]),
        (errno.EHOSTUNREACH, second.addresses[1]),
        (errno.ECONNREFUSED, server.addresses[1]),
    ]


def test_what_a_router_says_ends_a_handshake_and_nothing_later():
    net = Network(seed=1)
    client, router, server = net.host("client"), net.router("router"), net.host("server")
    net.link(client, router, latency=0.01)
    last = net.link(router, server, latency=0.01)
    echo(server)

    def unplug():
        del net.links[frozenset((router, server))]
        net.rewired()
        client_way = net.links[frozenset((client, router))]
        net.routes[client, "10.0.0.3"] = client_way, router, "client–router"  # the client does not know

    def plug_in():
        net.links[frozenset((router, server))] = last
        net.rewired()

    @client.program
    def ask():
        with litsock.create_connection(("10.0.0.3", 7)) as sock:
            unplug()
            begun = net.now
            with pytest.raises(OSError) as caught:
                litsock.create_connection(("10.0.0.3", 7))
            waited = round(net.now - begun, 3)
            sock.sendall(b"still there?")
            net.at(net.now + 5, plug_in)
            return caught.value.errno, waited, sock.recv(100)

    net.run()
    net.close()
    assert ask.result == (errno.ENETUNREACH, 0.02, b"still there?")


def test_one_way_is_cut():
    """What is sent arrives, and no answer comes back."""
    net, client, server = network(latency=0.01)
    heard = []

    @server.program
    def listen():
        with litsock.socket(type=litsock.SOCK_DGRAM) as sock:
            sock.bind(("", 5))
            while True:
                data, address = sock.recvfrom(10)
                heard.append(data)
                sock.sendto(b"answer", address)

    @client.program
    def ask():
        with litsock.socket(type=litsock.SOCK_DGRAM) as sock:
            sock.connect(("10.0.0.2", 5))
            sock.settimeout(1)
            sock.send(b"one")
            with pytest.raises(TimeoutError):
                sock.recv(10)
            net.heal()
            sock.send(b"two")
            return sock.recv(10)

    net.at(0, net.partition, server, client, True)
    net.run()
    net.close()
    assert heard == [b"one", b"two"] and ask.result == b"answer"


def test_what_name_servers_say():
    net, client, _ = network()
    net.names |= {"server": ["10.0.0.9"], "www": ["10.0.0.2"], "client": []}
    net.lookup_time = 1

    @client.program
    def ask():
        found = [litsock.gethostbyname("server"), litsock.gethostbyname("www"), litsock.gethostbyname_ex("www"), net.now]
        for function in (litsock.gethostbyname, litsock.gethostbyname_ex):
            for name in ("client", "nobody"):
                with pytest.raises(litsock.gaierror) as caught:
                    function(name)
                found.append(caught.value.errno == litsock.EAI_NONAME)
        return found

    net.run()
    net.close()
    assert ask.result == ["10.0.0.9", "10.0.0.2", ("www", [], ["10.0.0.2"]), 4.0, True, True, True, True]


@pytest.mark.parametrize("kind", [TCP, UDP, *UNIX])
def test_nothing_to_read_with_control_messages(kind):
    """A buffer for control messages into which none came is no list of messages."""
    net = Network(1)
    with net.host("here"):
        pair = connected(kind)
        pair[0].setblocking(False)
        for flags in (0, litsock.MSG_PEEK, litsock.MSG_ERRQUEUE):
            assert outcome(pair[0], "recvmsg", (10, 100, flags)) == ("BlockingIOError", errno.EAGAIN)
            assert outcome(pair[0], "recvmsg_into", ([bytearray(10)], 100, flags)) == ("BlockingIOError", errno.EAGAIN)
        pair[1].send(b"something")
        sleep(0.1)
        assert outcome(pair[0], "recvmsg", (10, 100))[:3] == (b"something", [], 0)
        for sock in pair:
            sock.close()
    net.close()


def after_the_listener_stops():
    """What becomes of a listening socket whose receiving side is shut down, and of a client that waits there."""
    found = []
    with litsock.create_server(("127.0.0.1", 0)) as server, litsock.create_connection(server.getsockname()) as client:
        client.settimeout(5)
        for how in (litsock.SHUT_WR, litsock.SHUT_RD):
            found.append((outcome(server, "shutdown", (how,)), server.getsockopt(litsock.SOL_SOCKET, litsock.SO_ACCEPTCONN)))
        found += [outcome(client, "recv", (1,)), outcome(server, "accept", ())]
        found.append(litsock.socket().connect_ex(server.getsockname()))
        server.listen()
        with litsock.create_connection(server.getsockname()):
            server.accept()[0].close()
    return found


def test_a_listener_is_shut_down():
    net = Network(1)
    with net.host("here", "127.0.0.1"):
        simulated = after_the_listener_stops()
    net.close()
    assert simulated == after_the_listener_stops()
    assert simulated[3] == ("OSError", errno.EINVAL)


def test_calls_at_the_same_moment_stand_below_each_other():
    """In virtual time a conversation may take none: its picture has a row for each call all the same, and arrows that point downwards."""
    from litsock.observe.timeline import real_rows

    net = Network(seed=1)
    with net.host("host"):
        with litsock.create_server(("127.0.0.1", 0)) as server, litsock.create_connection(server.getsockname()) as client:
            connection, _ = server.accept()
            with connection, litsock.trace() as calls:
                client.send(b"ping")
                connection.recv(4)
                connection.send(b"pong")
                client.recv(4)
    rows, times = real_rows(calls._calls(), calls._start)
    assert [rows[call] for call in calls._calls()] == [(number, number) for number in range(4)] and len(times) == 4
    net.close()


@pytest.mark.parametrize("send", [lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1), lambda: os.kill(os.getpid(), signal.SIGUSR1)])
def test_a_signal_comes_where_the_main_thread_waits(send):
    """At once, by virtual time, and the handler may use locks; then the main thread waits on."""
    net = Network(seed=1)
    with net.host("host"):
        near, far = litsock.socketpair()
        came, began = threading.Event(), time.monotonic()
        before = signal.signal(signal.SIGUSR1, lambda *_: came.set())

        def strike():
            for _ in range(10):
                came.clear()
                send()
                assert came.wait(5)
            far.send(b"at last")

        thread = threading.Thread(target=strike)
        thread.start()
        try:
            assert near.recv(10) == b"at last"
        finally:
            thread.join()
            signal.signal(signal.SIGUSR1, before)
            near.close()
            far.close()
        assert time.monotonic() - began < 1
    net.close()


def test_what_is_not_simulated_says_so():
    """Urgent data, and many datagrams in one call: not silently as ordinary data, and not as a closed socket."""
    net = Network(seed=1)
    with net.host("host"), litsock.create_server(("", 7)) as listener, litsock.create_connection(("host", 7)) as near:
        far = listener.accept()[0]
        with far, litsock.socket(litsock.AF_INET, litsock.SOCK_DGRAM) as datagrams:
            for urgent in lambda: near.send(b"!", litsock.MSG_OOB), lambda: far.recv(1, litsock.MSG_OOB):
                with pytest.raises(OSError, match=r"a simulated network has no urgent data \(MSG_OOB\)") as caught:
                    urgent()
                assert caught.value.errno == errno.EOPNOTSUPP
            for name, arguments in (("sendmmsg", [(b"x", ("10.0.0.1", 9))]), ("recvmmsg", 4)):
                if hasattr(litsock.kernel, name):
                    with pytest.raises(OSError, match=f"a simulated network has no {name}"):
                        getattr(datagrams, name)(arguments, *(100,) * (name == "recvmmsg"))
            near.send(b"ordinary")
            assert far.recv(100) == b"ordinary"
    net.close()


@pytest.mark.parametrize("mistake, kind, said", [
    (lambda net, one, other: net.host("one"), ValueError, "'one' already"),
    (lambda net, one, other: net.link("one", other), TypeError, "'one' is none"),
    (lambda net, one, other: net.partition(one, other), ValueError, "no link between"),
    (lambda net, one, other: net.link(one, other, loss=5), ValueError, "loss is a share"),
    (lambda net, one, other: net.link(one, other, latency=-1), ValueError, "latency"),
    (lambda net, one, other: net.at("soon", net.heal), ValueError, "soon"),
])  # fmt: skip
def test_mistakes_in_a_network_are_met_where_they_are_made(mistake, kind, said):
    net = litsock.Network()
    one, other = net.host("one"), net.host("other")
    with pytest.raises(kind, match=said):
        mistake(net, one, other)
    assert list(net.hosts) == ["one", "other"] and not net.links
    assert repr(net) == "<network of one, other, after 0 s>"
