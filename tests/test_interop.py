"""litsock at one end, and at the other something that we did not write: Python's own `socket`, and its web server."""

import os
import subprocess

import pytest
from processes import LIMIT, started

import litsock
from litsock import examples


STANDARD_CLIENT = """
import socket, sys
host, port = sys.argv[1:]
with socket.create_connection((host, int(port)), timeout=20) as client, client.makefile("rb") as incoming:
    for message in (b"Is anybody there?", bytes(range(256)), b"x" * 3000):
        client.sendall(message)
        assert incoming.read(len(message)) == message
    client.shutdown(socket.SHUT_WR)
    assert incoming.read() == b""
assert "litsock" not in sys.modules
print("well served")
"""

STANDARD_SERVER = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
with socket.create_server((sys.argv[1], 0), family=family) as server:
    print(server.getsockname()[1], flush=True)
    connection, address = server.accept()
    with connection, connection.makefile("rb", buffering=0) as incoming:
        while data := incoming.read(5000):
            connection.sendall(data)
assert "litsock" not in sys.modules
print("well asked")
"""


def process(*command):
    "A Python process; what it says, complaints too, is in `stdout`."
    return started("-u", *command, stderr=subprocess.STDOUT)


@pytest.mark.parametrize("server, host", [
    ("echo-server-ipv4", "127.0.0.1"),
    ("echo-server", "127.0.0.1"),
    ("echo-server-both", "127.0.0.1"),
    pytest.param("echo-server", "::1", marks=pytest.mark.needs("ipv6")),
    pytest.param("echo-server-both", "::1", marks=pytest.mark.needs("ipv6")),
])
def test_a_standard_client_and_our_server(server, host):
    with process("-m", "litsock.examples", server, "--host", host, "--port", "0") as ours:
        port = ours.stdout.readline().split()[-1]
        with process("-c", STANDARD_CLIENT, host, port) as theirs:
            assert theirs.stdout.read() == "well served\n"
        assert ours.stdout.read().startswith(f"Connected by {host} port ")
        assert ours.wait() == 0


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=pytest.mark.needs("ipv6"))])
def test_our_client_and_a_standard_server(host):
    with process("-c", STANDARD_SERVER, host) as theirs:
        port = theirs.stdout.readline().strip()
        message = "Is anybody there? " * 200
        words = "-m", "litsock.examples", "echo-client", "--host", host, "--port", port, "--message", message
        with process(*words) as ours:
            assert ours.stdout.read() == f"Received {message.encode()}\n"
        assert theirs.stdout.read() == "well asked\n"


def test_our_ipv4_client_and_a_standard_server():
    with process("-c", STANDARD_SERVER, "127.0.0.1") as theirs:
        port = int(theirs.stdout.readline())
        message = os.urandom(100_000)
        assert examples.echo_client_ipv4("127.0.0.1", port, message) == message
        assert theirs.stdout.read() == "well asked\n"


@pytest.fixture
def website(tmp_path):
    "A standard web server: where it listens, and the page it has."
    page = os.urandom(1_000_000)
    (tmp_path / "page.bin").write_bytes(page)
    with process("-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(tmp_path)) as server:
        first = server.stdout.readline()  # Serving HTTP on 127.0.0.1 port 40000 (http://…
        yield ("127.0.0.1", int(first.split(" port ")[1].split()[0])), page


@pytest.mark.parametrize("timeout", [None, LIMIT])
def test_a_page_comes_over_byte_for_byte(website, timeout):
    address, page = website
    with litsock.create_connection(address, timeout=timeout) as sock:
        sock.sendall(b"GET /page.bin HTTP/1.0\r\nHost: localhost\r\n\r\n")
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 ")
    assert body == page


def test_a_page_comes_over_through_a_file(website):
    address, page = website
    with litsock.create_connection(address, timeout=LIMIT) as sock, sock.makefile("rwb") as stream:
        stream.write(b"GET /page.bin HTTP/1.0\r\nHost: localhost\r\n\r\n")
        stream.flush()
        assert stream.readline().startswith(b"HTTP/1.0 200 ")
        fields = dict(line.split(b": ", 1) for line in iter(lambda: stream.readline().strip(), b""))
        assert int(fields[b"Content-Length"]) == len(page)
        assert stream.read() == page
