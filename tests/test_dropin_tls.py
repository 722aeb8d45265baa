"""TLS over litsock, compared with TLS over the standard module: the same program in two processes, scenario by scenario."""

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from common import PYPY
from processes import python

import litsock as sockets
from litsock.dropin import tls
from litsock.dropin.tls import Connection, body_length, missing

PROGRAM = Path(__file__).with_name("dropin_scenarios.py")
NAMES = re.findall(r"^@scenario\ndef (\w+)", PROGRAM.read_text(encoding="utf-8"), re.MULTILINE)
QUEUE = "PyPy's ssl leaves errors in OpenSSL's queue, and takes the oldest for the newest"
OTHERWISE = {  # on PyPy
    "every_way_to_send_and_receive": "PyPy's ssl takes text, and memory that is not contiguous",
    "bytes_that_somebody_changed": QUEUE,
    "no_cycle_and_a_warning": "needs CPython's reference counts",
}
if PYPY:
    NAMES = [name for name in NAMES if name not in OTHERWISE]
THREADS = {  # what the standard module gets right by good luck only, because OpenSSL's state is not made for two threads
    "one_thread_reads_another_writes": [True, True],
    "a_waiting_reader_does_not_stop_a_writer": ["question", "answer"],
    "several_writers": [64, 64, 64, 64],
    "several_readers": 8500,
}
UNREAD_TICKETS = {  # what the server reads at the end, of a client that closes before it has read the tickets of TLS 1.3
    "before_and_after": [""],
    "connect_and_accept_wrapped": ["hello", ""],
    "client_that_only_looks_in": [""],
    "descriptor_given_away": [""],
}
RESETS = "BrokenPipeError 32", "ConnectionResetError 104"  # what OpenSSL 3.6 makes of that instead, and Python's ssl with it, on any socket


def played(certificates, *interpreter, names=(), **environment):
    "The program's whole report."
    command = [sys.executable, *interpreter, PROGRAM, certificates, *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=os.environ | environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def standard(certificates):
    report = played(certificates, names=[name for name in NAMES if name not in THREADS])
    assert report["sockets"] == "socket"
    return report["results"]


@pytest.fixture(scope="module", params=["natively", "through memory"])
def litsock(certificates, request):
    """Both ways. Without the C type there is no native one."""
    natively = request.param == "natively"
    if natively and sockets.kernel._fast is None:
        pytest.skip("needs litsock's type in C: without it, all goes through memory")
    names = [name for name in NAMES if name not in THREADS] if natively else NAMES
    report = played(certificates, "-X", "dev", "-m", "litsock", "run", names=names, LITSOCK_FAST="1" if natively else "0")
    assert report["sockets"] == "litsock"
    return request.param, report["results"]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_over_both(name, standard, litsock):
    way, results = litsock
    if name in UNREAD_TICKETS and standard[name] in RESETS and way == "through memory":
        assert results[name][-len(UNREAD_TICKETS[name]) :] == UNREAD_TICKETS[name]
    elif name in UNREAD_TICKETS and standard[name] in RESETS:
        assert results[name] in RESETS  # which, is a matter of when the client's end arrives
    elif name not in THREADS:
        assert results[name] == standard[name]
    elif way == "through memory":
        assert results[name] == THREADS[name]


def wrapped(*interpreter, before="", **environment):
    """Which module the connection under an `SSLSocket` comes from."""
    code = f"import socket, ssl; a, b = socket.socketpair(); {before}\n"
    code += "print(type(ssl._create_unverified_context().wrap_socket(a, do_handshake_on_connect=False)._sslobj).__module__)"
    done = subprocess.run([sys.executable, "-m", "litsock", "run", "-c", code], capture_output=True, text=True, timeout=60, env=os.environ | environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_which_way():
    memory = "litsock.dropin.tls"
    native = memory if sockets.kernel._fast is None else "_ssl"
    assert wrapped() == native
    assert wrapped(LITSOCK_FAST="0") == memory
    assert wrapped(before="import litsock; litsock.trace().__enter__()") == memory
    assert wrapped(before="import litsock; t = litsock.trace(); t.__enter__(); t.__exit__()") == native


@pytest.mark.parametrize("version, implementation", [((3, 16), "cpython"), ((3, 10), "cpython"), ((3, 11), "pypy")])
def test_a_layout_that_is_not_known_is_not_guessed(version, implementation, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (*version, 0, "final", 0))
    monkeypatch.setattr(sys.implementation, "name", implementation)
    assert not tls.takes_our_type()


NEW_SSL = """
import socket, ssl, sys, threading
def serve(context, far):
    try:
        with context.wrap_socket(far, server_side=True) as server: server.sendall(server.recv(100).upper())
    except Exception as error: print("server:", type(error), error)
def talk(serving, trusting):
    near, far = socket.socketpair()
    thread = threading.Thread(target=serve, args=(serving, far)); thread.start()
    with trusting.wrap_socket(near) as client:
        client.sendall(b"hello")
        print(client.recv(100), type(client) is trusting.sslsocket_class)
    thread.join()
def contexts(ssl):
    serving, trusting = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl._create_unverified_context()
    serving.load_cert_chain(sys.argv[1])
    return serving, trusting
old = contexts(ssl)
for names in (["ssl"], ["ssl", "_ssl"]):
    for name in names: del sys.modules[name]
    import ssl
    talk(*old)
    talk(*contexts(ssl))
"""


def on_litsock(program, certificates, fast):
    "Run a program that gets the server's certificate; `fast`: whether in C."
    return python("-m", "litsock", "run", "-c", program, certificates / "server.pem", env=os.environ | {"LITSOCK_FAST": fast})


@pytest.mark.parametrize("fast", "10")
def test_ssl_imported_anew(certificates, fast):
    done = on_litsock(NEW_SSL, certificates, fast)
    assert done == (0, "b'HELLO' True\n" * 4, "")


RESET = """
import socket, ssl, sys, struct, threading
serving, trusting = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl._create_unverified_context()
serving.load_cert_chain(sys.argv[1])
with socket.create_server(("127.0.0.1", 0)) as listener:
    near = socket.create_connection(listener.getsockname(), timeout=20)
    far, _ = listener.accept()
def serve():
    server = serving.wrap_socket(far, server_side=True)
    server.recv(1)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()
thread = threading.Thread(target=serve); thread.start()
client = trusting.wrap_socket(near)
client.sendall(b"x")
thread.join()
for _ in range(4):
    try: print(client.send(b"more"))
    except OSError as error: print("raised")
"""


@pytest.mark.parametrize("fast", "10")
def test_every_write_after_a_reset_raises(certificates, fast):
    done = on_litsock(RESET, certificates, fast)
    assert done == (0, "raised\n" * 4, "")


DEADLINE = """
import socket, ssl, sys, threading, time
serving, trusting = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl._create_unverified_context()
serving.load_cert_chain(sys.argv[1])
near, far = socket.socketpair()
def serve():
    with serving.wrap_socket(far, server_side=True) as server:
        while data := server.recv(100):
            for byte in data * 5: time.sleep(0.04); server.send(bytes([byte]))
thread = threading.Thread(target=serve, daemon=True); thread.start()
with trusting.wrap_socket(near) as client:
    client.sendall(b"hello")
    start, got = time.monotonic(), b""
    try:
        with client.deadline(0.3):
            while True: got += client.recv(1)
    except TimeoutError as error: print(error, 0.3 <= time.monotonic() - start < 2, 0 < len(got) < 25)
    try:
        with client.deadline(0): client.recv(1)
    except TimeoutError as error: print(error)
    while len(got) < 25: got += client.recv(100)
    print(got == b"hello" * 5, client.gettimeout(), type(client._sslobj).__name__ in ("_SSLSocket", "Connection"))
"""


@pytest.mark.parametrize("fast", "10")
def test_a_deadline_covers_an_ssl_socket(certificates, fast):
    done = on_litsock(DEADLINE, certificates, fast)
    late = "The read operation timed out"
    assert done == (0, f"{late} True True\n{late}\nTrue None True\n", "")


# What only litsock does. Both ends in this process, `Connection` on `Connection`, with the contexts of the standard `ssl`.


@contextmanager
def shaking_hands(certificates, **verify):
    "Two sockets, and TLS on them that has not begun."
    serving, trusting = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context(cafile=certificates / "authority.pem")
    serving.load_cert_chain(certificates / "server.pem")
    serving.minimum_version = ssl.TLSVersion.TLSv1_3
    for name, value in verify.items():
        setattr(serving, name, value)
    with sockets.create_server(("127.0.0.1", 0)) as listener:
        near = sockets.create_connection(listener.getsockname())
        far, _ = listener.accept()
    with near, far:
        near.settimeout(20)
        far.setblocking(False)
        yield Connection(ssl, trusting, near, False, "localhost", None), Connection(ssl, serving, far, True, None, None), near, far


@contextmanager
def talking(certificates):
    "The same, after the handshake."
    with shaking_hands(certificates) as (client, server, near, far):
        near.setblocking(False)
        for step in (client, server, client, server):
            try:
                step.do_handshake()
            except ssl.SSLWantReadError:
                continue
        near.settimeout(20)
        far.settimeout(20)
        yield client, server, near, far


def wait_for_reset(near):
    near.setblocking(True)
    assert sockets.kernel.poll(near.fileno(), 0, 20 * 10**9) > 0  # POLLHUP and POLLERR are reported unasked


@pytest.mark.skipif(PYPY, reason=QUEUE)
def test_a_write_that_fails_tells_the_alert(certificates):
    with shaking_hands(certificates, verify_mode=ssl.CERT_REQUIRED) as (client, server, near, far):
        near.setblocking(False)
        for step in (client, server, client):
            try:
                step.do_handshake()
            except ssl.SSLWantReadError:
                continue
        with pytest.raises(ssl.SSLError, match="certificate"):
            server.do_handshake()
        far.close()
        wait_for_reset(near)
        with pytest.raises(ssl.SSLError) as caught:
            client.write(b"hello?")
        assert caught.value.reason == "TLSV13_ALERT_CERTIFICATE_REQUIRED"
        assert isinstance(caught.value.__context__, ConnectionError)


def test_what_came_before_a_reset_can_be_read(certificates):
    with talking(certificates) as (client, server, near, far):
        client.write(b"a part of the upload")
        server.write(b"413 too large")
        far.close()  # with the upload unread
        wait_for_reset(near)
        for _ in range(2):
            with pytest.raises(ConnectionError):
                client.write(b"more of it")
        buffer = bytearray(4)
        assert client.pending() == 13
        assert client.read(2, buffer) == 2 and buffer == b"41\0\0"
        assert client.read(0, buffer) == 4 and buffer == b"3 to"
        assert client.read(100) == b"o large" and client.pending() == 0


def test_a_write_is_repeated_with_all_of_the_data(certificates):
    with talking(certificates) as (client, server, near, far):
        near.setblocking(False)
        data = bytes(2**23)
        with pytest.raises(ssl.SSLWantWriteError):
            client.write(data)
        with pytest.raises(ssl.SSLError, match="bad write retry"):
            client.write(data[:10])
        far.setblocking(False)
        received = 0
        while True:
            try:
                received += len(server.read(2**14))
            except ssl.SSLWantReadError:
                try:
                    sent = client.write(data)
                    break
                except ssl.SSLWantWriteError:
                    continue
        while received < sent:
            received += len(server.read(2**14))
        assert sent == received == len(data)


def test_nothing_is_received_beyond_a_record(certificates):
    with talking(certificates) as (client, server, near, far):
        server.write(b"one")
        server.write(b"two")
        client.read(1)
        kind, major, _, *length = near.recv(5, sockets.MSG_PEEK)
        assert (kind, major, client.pending()) == (23, 3, 2)
        assert client.read(9) + client.read(9) == b"netwo"


HARMLESS = {"deadline", "info"}  # methods that litsock's sockets have beyond the standard ones, and that TLS need not fear


def test_no_way_past_tls():
    beyond = {name for name in dir(sockets.socket) if name[0] != "_"} - set(dir(socket.socket))
    assert beyond == HARMLESS | set(sockets._bypassing_tls()), "a new method: does it send or receive by itself? Then TLS has to refuse it"
    code = f"""
import litsock; litsock.install()
import ssl
sock = ssl.SSLSocket.__new__(ssl.SSLSocket)
for name in {sockets._bypassing_tls()}:
    try: getattr(sock, name)(1)
    except NotImplementedError as error: assert str(error).startswith(f"{{name}} not allowed on instances of <class 'ssl.SSLSocket'>")
    else: raise AssertionError(name)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_deadline_covers_tls(certificates):
    with talking(certificates) as (client, server, near, far):
        near.settimeout(None)
        start = time.monotonic()
        with near.deadline(0.2), pytest.raises(TimeoutError, match="The read operation timed out"):
            client.read(1)
        with near.deadline(0), pytest.raises(TimeoutError):
            client.write(b"x")
        server.write(b"y")
        with near.deadline(20):
            assert client.read(1) == b"y"
        assert 0.2 <= time.monotonic() - start < 20


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 7, 1000])
def test_records_in_pieces(piece):
    stream = b"".join(bytes([23, 3, 3]) + size.to_bytes(2, "big") + bytes(size) for size in (0, 1, 2, 300, 2**14 + 256))
    record, at, complete = b"", 0, []
    while at < len(stream):
        size = min(piece, missing(record), len(stream) - at)
        record += stream[at : at + size]
        at += size
        if not missing(record):
            complete.append(len(record))
            record = b""
    assert complete == [5, 6, 7, 305, 5 + 2**14 + 256] and missing(record) == 5


@pytest.mark.parametrize("header, length", [
    (b"\x16\x03\x01\x00\x05", 5), (b"\x13\x03\x01\x00\x05", 0), (b"\x19\x03\x01\x00\x05", 0), (b"\x16\x02\x01\x00\x05", 0),
    (b"\x17\x03\x03\x48\x00", 2**14 + 2048), (b"\x17\x03\x03\x48\x01", 0),
])  # fmt: skip
def test_length_of_a_body(header, length):
    assert body_length(header) == length
