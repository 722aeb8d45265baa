"""A type checker sees litsock as it sees the standard module: names, members of enums, and what methods return."""

import subprocess
import sys

import pytest

pytest.importorskip("mypy", reason="mypy is not installed")
pytestmark = pytest.mark.needs("cpython")  # mypy refuses to run on PyPy

PROGRAM = """
import litsock as socket

def talk(host: str, port: int) -> bytes:
    with socket.create_connection((host, port), timeout=5, happy_eyeballs_delay=0.25) as sock, sock.deadline(2.5):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(bytearray(b"x"))
        family: socket.AddressFamily = sock.family
        peer, address = sock.accept()
        data, ancillary, flags, sender = peer.recvmsg(1, socket.CMSG_SPACE(4))
        level, kind, payload = ancillary[0]
        number: int = level + flags
        buffer = bytearray(4)
        peer.recv_exactly_into(buffer)
        try:
            payload += peer.recv_exactly(number)
        except socket.IncompleteRead as error:
            payload += error.partial + bytes(error.expected)
        return data + payload + peer.dup().recv(number)

def lookup(host: str) -> list[str]:
    try:
        return [address[0] for family, kind, proto, name, address in socket.getaddrinfo(host, "http")]
    except socket.gaierror as error:
        return [str(error.errno)]
    except socket.timeout:
        return []
"""

WRONG = """
import litsock as socket
socket.socket(socket.AF_INET).send("text").upper()
socket.no_such_name
"""


def mypy(program):
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.stderr, done.stderr
    return done.stdout.strip().splitlines()


def test_a_strict_program_is_accepted():
    assert mypy(PROGRAM) == []


def test_mistakes_are_found():
    found = mypy(WRONG)
    assert len(found) == 2
    assert '"int" has no attribute "upper"' in found[0]
    assert 'has no attribute "no_such_name"' in found[1]
