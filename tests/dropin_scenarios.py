"""What programs do with TLS, and with what goes wrong in it. An ordinary program: nothing in here knows of litsock.

    python dropin_scenarios.py FOLDER                        # over the standard module
    litsock run dropin_scenarios.py FOLDER      # over litsock

FOLDER holds `authority.pem` and `server.pem`, a certificate for localhost with its key. Prints a JSON object: what each
scenario came to. Nothing in it may depend on chance.
"""
import gc
import hashlib
import json
import os
import select
import socket
import ssl
import sys
import tempfile
import threading
import time
import warnings
import weakref
from contextlib import contextmanager

FOLDER = sys.argv[1]
AUTHORITY, SERVER = os.path.join(FOLDER, "authority.pem"), os.path.join(FOLDER, "server.pem")
LIMIT = 60  # seconds for anything that ought to happen at once
BLOCK = os.urandom(1024)
SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def contexts(version=None):
    """For a server and for a client that trusts it."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(SERVER)
    client = ssl.create_default_context(cafile=AUTHORITY)
    for context in (server, client) if version else ():
        context.minimum_version = context.maximum_version = version
    return server, client


def outcome(function, *arguments, **named):
    """What a call came to: its result, or the name of its exception, and what can be compared of it."""
    try:
        return function(*arguments, **named)
    except ssl.SSLError as error:
        return f"{type(error).__name__} {error.reason}"
    except OSError as error:
        return f"{type(error).__name__} {error.errno}"
    except Exception as error:
        return type(error).__name__


@contextmanager
def beside(function, *arguments):
    """Something done in a thread; the block gets a list that will hold what it came to."""
    results = []
    thread = threading.Thread(target=lambda: results.append(outcome(function, *arguments)), daemon=True)
    thread.start()
    yield results
    thread.join(LIMIT)
    if thread.is_alive():
        results.append("still running")


def tcp():
    """The two ends of a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    for end in (near, far):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):  # else the kernel makes them as large as it likes
            end.setsockopt(socket.SOL_SOCKET, buffer, 2**16)
    return near, far


@contextmanager
def pair(version=None, server_context=None, client_context=None, timeout=LIMIT, **named):
    """A client and a server that have shaken hands."""
    server_default, client_default = contexts(version)
    near, far = tcp()
    near.settimeout(timeout)
    far.settimeout(timeout)
    wrap = (server_context or server_default).wrap_socket
    with beside(wrap, far, True) as served:
        client = (client_context or client_default).wrap_socket(near, server_hostname="localhost", **named)
    with client, served[0] as server:
        yield client, server


def read_exactly(sock, size):
    data = b""
    while len(data) < size and (piece := sock.recv(size - len(data))):
        data += piece
    return data


def digest(data):
    return hashlib.sha256(data).hexdigest()


# The interface


@scenario
def what_it_is():
    with pair() as (client, server):
        client.sendall(b"x")
        server.recv(1)
        return [
            isinstance(client, ssl.SSLSocket), isinstance(client, socket.socket), type(client).__name__, client.server_side,
            server.server_side, client.server_hostname, client.version(), client.cipher()[1], client.compression(),
            client.selected_alpn_protocol(), client.session_reused, client.getpeercert()["subjectAltName"],
            len(client.getpeercert(True)) > 100, server.getpeercert(), client.context.check_hostname,
            sorted(server.shared_ciphers()) == sorted(set(server.shared_ciphers())), client.pending(),
        ]  # fmt: skip


@scenario
def every_way_to_send_and_receive():
    data = BLOCK * 64
    with pair() as (client, server), tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        found = []
        for send in (
            lambda: client.sendall(data), lambda: client.sendall(bytearray(data)), lambda: client.sendall(memoryview(data)[::1]),
            lambda: client.sendfile(file), lambda: [client.send(data[:1000]), client.write(data[1000:])],
        ):  # fmt: skip
            with beside(send) as sent:
                found.append(read_exactly(server, len(data)) == data)
            found.append(sent)
        buffer = bytearray(100)
        client.sendall(bytes(range(100)) * 4)
        found += [server.recv_into(buffer, 10), server.recv_into(buffer), server.read(5, buffer), len(server.read(7)), server.pending()]
        found += [outcome(server.recv, 0), outcome(server.recv, -1), outcome(server.recv_into, bytearray(0)), bytes(buffer)[:20].hex()]
        found += [outcome(client.send, b""), outcome(client.sendall, b""), outcome(client.send, "text"), outcome(client.send, 5)]
        found += [outcome(client.send, memoryview(data)[::2]), outcome(server.recv_into, b"constant")]
        return found


@scenario
def what_it_refuses():
    with pair() as (client, server):
        return [
            outcome(call) for call in (
                lambda: client.recv(1, 1), lambda: client.send(b"", 1), lambda: client.sendall(b"", 1), lambda: client.sendto(b"", 1),
                lambda: client.recvfrom(1), lambda: client.recvfrom_into(bytearray(1)), lambda: client.recvmsg(1),
                lambda: client.sendmsg([b""]), lambda: client.recvmsg_into([bytearray(1)]), lambda: client.recv_into(bytearray(1), 1, 1),
                client.dup, lambda: ssl.SSLSocket(), lambda: client.get_channel_binding("no such"),
                lambda: client.get_channel_binding("tls-unique") and "binding", lambda: client.connect(("127.0.0.1", 1)),
            )
        ]  # fmt: skip


@scenario
def files_over_it():
    with pair() as (client, server), client.makefile("rw", encoding="utf-8") as here, server.makefile("rwb") as there:
        print("a line, žluťoučký", file=here, flush=True)
        lines = [there.readline().decode()]
        there.write(b"two\nlines\n")
        there.flush()
        return lines + [here.readline(), here.readline()]


@scenario
def before_and_after():
    server_context, client_context = contexts()
    sock = client_context.wrap_socket(socket.socket(), server_hostname="localhost")
    with sock:
        found = [sock.version(), sock.cipher(), sock.pending(), outcome(sock.do_handshake), outcome(sock.read), outcome(sock.send, b"x")]
        found += [outcome(sock.getpeercert), outcome(sock.unwrap)]
    with pair() as (client, server):
        client.close()
        found += [client.fileno(), outcome(client.recv, 1), outcome(client.send, b"x"), outcome(client.unwrap), outcome(client.do_handshake)]
        return found + [server.recv(1)]


@scenario
def connect_and_accept_wrapped():
    server_context, client_context = contexts()
    with server_context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True) as listener:
        with beside(listener.accept) as accepted, client_context.wrap_socket(socket.socket(), server_hostname="localhost") as client:
            client.connect(listener.getsockname())
            again = outcome(client.connect, listener.getsockname())
            client.sendall(b"hello")
        with accepted[0][0] as server:
            found = [again, type(server).__name__, outcome(client_context.wrap_socket, socket.socket())]
            return found + [server.recv(100), server.recv(100)]


@scenario
def what_it_does_not_wrap():
    server_context, client_context = contexts()
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams, socket.socket() as stream:
        found = [outcome(client_context.wrap_socket, datagrams, server_hostname="localhost")]
        found += [outcome(client_context.wrap_socket, stream, server_side=True, server_hostname="localhost")]
        found += [outcome(client_context.wrap_socket, "a socket"), stream.fileno() >= 0, datagrams.fileno() >= 0]
    near, far = tcp()
    with near, far:
        near.setblocking(False)
        return found + [outcome(client_context.wrap_socket, near, server_hostname="localhost")]


# Certificates


@scenario
def who_is_not_trusted():
    found = []
    _, trusting = contexts()
    for context, name in ((ssl.create_default_context(), "localhost"), (trusting, "example.org"), (trusting, "127.0.0.1")):
        near, far = tcp()
        with near, far, beside(contexts()[0].wrap_socket, far, True) as served:
            found.append(outcome(context.wrap_socket, near, server_hostname=name))
        found += served
    return found


@scenario
def certificate_of_the_client():
    found = []
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        server_context, client_context = contexts(version)
        server_context.verify_mode = ssl.CERT_REQUIRED
        server_context.load_verify_locations(AUTHORITY)
        client_context.load_cert_chain(SERVER)
        with pair(None, server_context, client_context) as (client, server):
            found.append(server.getpeercert()["subjectAltName"])
    return found


@scenario
def server_name_callback():
    seen = []
    other, _ = contexts()

    def chosen(sock, name, context):
        seen.extend([type(sock).__name__, isinstance(sock, socket.socket), name, sock.context is context, sock.fileno() >= 0])
        sock.context = other

    server_context, client_context = contexts()
    server_context.sni_callback = chosen
    with pair(None, server_context, client_context) as (client, server):
        seen += [server.context is other]
    server_context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_ACCESS_DENIED
    near, far = tcp()
    with near, far, beside(server_context.wrap_socket, far, True) as served:
        seen.append(outcome(client_context.wrap_socket, near, server_hostname="localhost"))
    return seen + served


@scenario
def protocols_and_sessions():
    found = []
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        server_context, client_context = contexts(version)
        server_context.set_alpn_protocols(["h2", "http/1.1"])
        client_context.set_alpn_protocols(["http/1.1"])
        session = None
        for attempt in range(2):
            with pair(None, server_context, client_context, session=session) as (client, server):
                server.sendall(b"x")
                client.recv(1)  # tickets come along with it
                session = client.session
                found += [client.selected_alpn_protocol(), server.selected_alpn_protocol(), client.session_reused, server.session_reused]
                found += [session.has_ticket, outcome(setattr, client, "session", session)]
                same = client.get_channel_binding() == server.get_channel_binding()
                found.append(same)
    return found


@scenario
def asking_for_a_certificate_later():
    server_context, client_context = contexts(ssl.TLSVersion.TLSv1_3)
    server_context.verify_mode, server_context.post_handshake_auth = ssl.CERT_OPTIONAL, True
    server_context.load_verify_locations(AUTHORITY)
    client_context.post_handshake_auth = True
    client_context.load_cert_chain(SERVER)
    with pair(None, server_context, client_context) as (client, server):
        found = [server.getpeercert() or None]
        server.verify_client_post_handshake()
        server.sendall(b"who are you?")
        found.append(client.recv(100))
        client.sendall(b"see for yourself")
        found.append(server.recv(100))
        return found + [server.getpeercert()["subjectAltName"], outcome(client.verify_client_post_handshake)]


# Ends


@scenario
def good_bye():
    found = []
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with pair(version) as (client, server):
            with beside(client.unwrap) as plain:
                found += [server.recv(100), server.unwrap() is server]
            found += [plain[0] is client, client.version(), client.cipher(), outcome(client.read), outcome(client.unwrap)]
            client.sendall(b"plain words")
            found.append(server.recv(100))
    return found


@scenario
def plain_words_right_behind():
    with pair() as (client, server):
        raw = socket.socket(fileno=os.dup(client.fileno()))
        with raw, beside(client.unwrap):
            server.recv(1)
            server.unwrap()
            server.sendall(b"plain at once")
        return client.recv(100)


@scenario
def end_without_good_bye():
    found = []
    for ragged in (True, False):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with pair(version, suppress_ragged_eofs=ragged) as (client, server):
                server.sendall(b"all there is")
                os.close(server.detach())
                found += [client.recv(100), outcome(client.recv, 100), outcome(client.recv_into, bytearray(9)), outcome(client.unwrap)]
    return found


@scenario
def end_in_the_handshake():
    found = []
    server_context, client_context = contexts()
    for words in (b"", b"\x16\x03\x03\x00\x50half a record", b"\x15\x03\x03\x00\x02\x02\x28"):
        for side in ("client", "server"):
            near, far = tcp()
            with near, far:
                far.sendall(words)
                far.shutdown(socket.SHUT_WR)
                context, named = (client_context, {"server_hostname": "localhost"}) if side == "client" else (server_context, {"server_side": True})
                found.append(outcome(context.wrap_socket, near, **named))
    return found


@scenario
def not_tls_at_all():
    found = []
    server_context, client_context = contexts()
    for words in (b"GET / HTTP/1.0\r\n\r\n", b"220 mail ready\r\n", b"\x16\x03\x01\xff\xff" + bytes(100), bytes(200), b"\x80\x2e\x01\x03\x01" + bytes(50)):
        for side in ("client", "server"):
            near, far = tcp()
            near.settimeout(LIMIT)
            with near, far:
                far.sendall(words)
                context, named = (client_context, {"server_hostname": "localhost"}) if side == "client" else (server_context, {"server_side": True})
                found.append(outcome(context.wrap_socket, near, **named))
    return found


@scenario
def bytes_that_somebody_changed():
    with pair(ssl.TLSVersion.TLSv1_3) as (client, server):
        raw = socket.socket(fileno=os.dup(server.fileno()))
        with raw:
            raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
            return [outcome(client.recv, 100), outcome(client.recv, 100), outcome(client.send, b"x"), outcome(server.recv, 100)]


@scenario
def client_that_only_looks_in():
    """Closes after the handshake, with the server's tickets unread."""
    found = set()
    server_context, client_context = contexts(ssl.TLSVersion.TLSv1_3)
    for _ in range(20):
        near, far = tcp()
        with beside(server_context.wrap_socket, far, True) as served:
            client_context.wrap_socket(near, server_hostname="localhost").close()
        with served[0] as server:
            try:
                found.add(server.recv(100))
            except ConnectionResetError:  # the standard module may be too fast for the client
                found.add(b"")
    return sorted(found)


# Modes


@scenario
def time_is_up():
    found = []
    server_context, client_context = contexts()
    near, far = tcp()
    with near, far:
        near.settimeout(0.05)
        found.append(outcome(client_context.wrap_socket, near, server_hostname="localhost"))
    with pair() as (client, server):
        client.settimeout(0.05)
        start = time.monotonic()
        found += [outcome(client.recv, 1), outcome(client.recv_into, bytearray(1)), outcome(client.sendall, BLOCK * 32768)]
        found += [0.1 < time.monotonic() - start < LIMIT, client.gettimeout()]
    with pair() as (client, server):
        client.settimeout(0.05)
        found.append(outcome(client.unwrap))
        client.settimeout(LIMIT)
        server.sendall(b"")
        found.append(server.recv(10))
    return found


@scenario
def waiting_costs_no_time():
    with pair() as (client, server):
        client.settimeout(0.5)
        start = time.process_time()
        outcome(client.recv, 1)
        return time.process_time() - start < 0.25


@scenario
def never_waiting():
    found = []
    server_context, client_context = contexts()
    near, far = tcp()
    near.setblocking(False)
    far.setblocking(False)
    client = client_context.wrap_socket(near, server_hostname="localhost", do_handshake_on_connect=False)
    server = server_context.wrap_socket(far, server_side=True, do_handshake_on_connect=False)
    with client, server:
        for _ in range(2):
            found += [outcome(client.do_handshake), outcome(server.do_handshake)]
        found += [client.version() == server.version(), outcome(client.recv, 1), outcome(server.recv, 1)]
        data, got, refused = BLOCK * 4096, b"", 0
        while True:
            try:
                found.append(client.send(data))
                break
            except ssl.SSLWantWriteError:
                refused += 1
                select.select([server], [], [], LIMIT)
                try:
                    while True:
                        got += server.recv(65536)
                except ssl.SSLWantReadError:
                    continue
        while len(got) < len(data):
            select.select([server], [], [], LIMIT)
            try:
                got += server.recv(65536)
            except ssl.SSLWantReadError:
                continue
        found += [refused > 0, got == data, outcome(client.unwrap), server.recv(1), server.unwrap() is server, client.unwrap() is client]
    return found


@scenario
def reading_while_a_write_is_stuck():
    with pair() as (client, server):
        client.setblocking(False)
        data = BLOCK * 8192
        found = [outcome(client.send, data)]
        server.sendall(b"read me first")
        select.select([client], [], [], LIMIT)
        found += [client.recv(100), outcome(client.recv, 100)]
        with beside(read_exactly, server, len(data)) as got:
            client.setblocking(True)
            found.append(client.send(data))
        return found + [got[0] == data]


@scenario
def select_tells_the_truth():
    """A program that sleeps in `select` whenever nothing is pending gets every record."""
    with pair() as (client, server):
        for letter in (b"a", b"b", b"c"):
            server.sendall(letter * 1000)
        got = b""
        while len(got) < 3000 and select.select([client], [], [], LIMIT)[0]:
            got += client.recv(100)
            while client.pending():
                got += client.recv(100)
        return [got.count(letter) for letter in (b"a", b"b", b"c")]


# Threads. The standard module lets OpenSSL's state be changed by two threads at once, so it does not always manage these.


@scenario
def one_thread_reads_another_writes():
    size = 8 * 2**20
    data = BLOCK * (size // len(BLOCK))
    with pair() as (client, server):
        with beside(client.sendall, data), beside(server.sendall, data), beside(read_exactly, server, size) as there:
            here = read_exactly(client, size)
        return [digest(here) == digest(data), digest(there[0]) == digest(data)]


@scenario
def a_waiting_reader_does_not_stop_a_writer():
    with pair() as (client, server):
        with beside(client.recv, 100) as got:
            time.sleep(0.1)
            client.sendall(b"question")
            found = [server.recv(100)]
            server.sendall(b"answer")
        return found + got


@scenario
def several_writers():
    with pair() as (client, server):
        with beside(read_exactly, server, 4 * 64 * 1000) as got:
            threads = [threading.Thread(target=lambda c=c: [client.sendall(c * 1000) for _ in range(64)]) for c in (b"a", b"b", b"c", b"d")]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(LIMIT)
        pieces = [got[0][at : at + 1000] for at in range(0, len(got[0]), 1000)]
        return [pieces.count(letter * 1000) for letter in (b"a", b"b", b"c", b"d")]


@scenario
def several_readers():
    with pair() as (client, server):
        got, lock = [], threading.Lock()

        def work():
            while data := client.recv(10):
                with lock:
                    got.append(data)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(500):
            server.sendall(b"x" * 17)
        server.shutdown(socket.SHUT_WR)
        for thread in threads:
            thread.join(LIMIT)
        return sum(map(len, got))


# Ownership


@scenario
def nothing_stays_behind():
    def descriptors():
        return sorted(os.listdir("/proc/self/fd"))

    gc.collect()
    before = descriptors()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with pair(version) as (client, server):
            reference = weakref.ref(client)
            client.sendall(b"x")
            server.recv(1)
        del client, server
    who_is_not_trusted()
    time_is_up()
    end_in_the_handshake()
    gc.collect()
    return [descriptors() == before, reference() is None]


@scenario
def no_cycle_and_a_warning():
    server_context, client_context = contexts()
    near, far = tcp()
    client = client_context.wrap_socket(near, server_hostname="localhost", do_handshake_on_connect=False)
    reference = weakref.ref(client)
    gc.disable()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del client
        categories = [warning.category.__name__ for warning in caught]
        del caught
        with far:
            return [reference() is None, categories, far.recv(1)]
    finally:
        gc.enable()


@scenario
def descriptor_given_away():
    with pair() as (client, server):
        os.close(client.detach())
        return [client.fileno(), server.recv(10)]


@scenario
def tls_in_memory():
    """What asyncio does: TLS without any socket of `ssl`."""
    server_context, client_context = contexts()
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(down, up, server_hostname="localhost")
    server = server_context.wrap_bio(up, down, server_side=True)
    found = [outcome(step) for step in (client.do_handshake, server.do_handshake) * 2]
    client.write(b"in memory")
    return found + [server.read(100), client.version() == server.version()]


def in_json(value):
    return value.decode("latin-1") if isinstance(value, bytes) else repr(value)


if __name__ == "__main__":
    chosen = {name: SCENARIOS[name] for name in sys.argv[2:] or SCENARIOS}
    results = {name: outcome(function) for name, function in chosen.items()}
    print(json.dumps({"sockets": socket.__spec__.name, "results": results}, default=in_json))
