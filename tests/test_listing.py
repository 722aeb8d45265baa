"""`litsock.sockets()` finds what there is, by netlink and by the older tables."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from errno import EBADMSG
from random import Random

import pytest
from common import descriptors

import litsock
from litsock.observe import listing


def mine():
    """This process's sockets, by descriptor."""
    return {sock.fd: sock for sock in litsock.sockets(os.getpid())}


@pytest.fixture
def connection():
    with litsock.create_server(("127.0.0.1", 0)) as server, litsock.create_connection(server.getsockname()) as near:
        far, _ = server.accept()
        with far:
            yield server, near, far


def test_tcp(connection):
    server, near, far = connection
    near.sendall(b"hello")
    found = mine()
    listed = found[server.fileno()]
    assert (listed.name, listed.state, listed.local, listed.peer) == ("TCP", "LISTEN", server.getsockname(), None)
    listed = found[far.fileno()]
    assert (listed.state, listed.local, listed.peer, listed.recv_queue) == ("ESTABLISHED", far.getsockname(), near.getsockname(), 5)
    assert listed.uid == os.getuid() and listed.inode == os.fstat(far.fileno()).st_ino and listed.pid == os.getpid()
    far.recv(5)
    near.shutdown(litsock.SHUT_WR)
    far.recv(1)
    assert mine()[far.fileno()].state == "CLOSE_WAIT"


def test_ipv6_and_udp():
    with litsock.socket(litsock.AF_INET6, litsock.SOCK_DGRAM) as sock, litsock.socket(litsock.AF_INET6, litsock.SOCK_DGRAM) as near:
        sock.bind(("::1", 0))
        near.connect(sock.getsockname())
        found = mine()
        assert (found[sock.fileno()].name, found[sock.fileno()].state, found[sock.fileno()].local) == ("UDP6", "UNCONN", sock.getsockname())
        assert (found[near.fileno()].state, found[near.fileno()].peer) == ("ESTABLISHED", sock.getsockname())


def test_unix(tmp_path):
    path = str(tmp_path / "s")
    with litsock.socket(litsock.AF_UNIX) as server, litsock.socket(litsock.AF_UNIX) as near, litsock.socket(litsock.AF_UNIX) as named:
        server.bind(path)
        server.listen()
        near.connect(path)
        named.bind(b"\0litsock-test-%d" % os.getpid())
        found = mine()
        assert (found[server.fileno()].state, found[server.fileno()].local) == ("LISTEN", path)
        assert found[near.fileno()].state == "ESTABLISHED" and found[named.fileno()].local == named.getsockname()


def test_netlink():
    with litsock.socket(litsock.AF_NETLINK, litsock.SOCK_RAW, litsock.NETLINK_ROUTE) as sock:
        sock.bind((0, 1))
        listed = mine()[sock.fileno()]
        assert (listed.name, listed.local) == ("NETLINK ROUTE", sock.getsockname())


def test_everybody(connection):
    """The whole machine, and this process in it."""
    every = litsock.sockets()
    inodes = {sock.inode for sock in every}
    assert {os.fstat(sock.fileno()).st_ino for sock in connection} <= inodes
    assert any(owner.pid == os.getpid() for sock in every for owner in sock.owners)


def test_other_processes():
    """A child's socket, with its program and descriptor."""
    code = "import litsock, sys; s = litsock.create_server(('127.0.0.1', 0)); print(s.fileno(), s.getsockname()[1], flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        fd, port = map(int, child.stdout.readline().split())
        (listed,) = [sock for sock in litsock.sockets(child.pid) if sock.fd == fd]
        child.stdin.close()
    assert listed.local == ("127.0.0.1", port) and listed.owners[0].program.startswith("python")


def test_shared_sockets(connection):
    with connection[0].dup() as copy:
        listed = next(sock for sock in litsock.sockets(os.getpid()) if sock.inode == os.fstat(copy.fileno()).st_ino)
    assert {owner.fd for owner in listed.owners} == {connection[0].fileno(), copy.fileno() if copy.fileno() > 0 else listed.owners[-1].fd}


def test_no_such_process():
    assert litsock.sockets(2**22 + 1) == []


def test_nothing_is_left_open(connection):
    before = descriptors()
    litsock.sockets()
    assert descriptors() == before


KEYS = "family", "type", "state", "local", "peer", "inode"


@pytest.mark.parametrize("question", list(listing.questions()), ids=lambda question: f"{question.family}-{question.proto}")
def test_tables_say_the_same(question, connection, tmp_path):
    """The tables in /proc/net, which stand in where the kernel does not answer, beside its answers: our own sockets."""
    kinds = [(family, type) for family in (litsock.AF_INET, litsock.AF_INET6) for type in (litsock.SOCK_STREAM, litsock.SOCK_DGRAM)]
    with ExitStack() as stack:
        made = [stack.enter_context(litsock.socket(*kind)) for kind in [*kinds, (litsock.AF_UNIX, litsock.SOCK_STREAM)]]
        for sock in made:
            sock.bind(str(tmp_path / "s") if sock.family == litsock.AF_UNIX else ("", 0))
            if sock.type == litsock.SOCK_STREAM:
                sock.listen()  # one that is bound and nothing more is not in the tables
        found, answered = listing.answered(question)
        if not answered:
            pytest.skip(f"this kernel has no answer for family {question.family}, protocol {question.proto}")
        told = question.table(question.family, question.proto)
        ours = {os.fstat(sock.fileno()).st_ino for sock in [*made, *connection]}
    assert keys_of(found, ours) == keys_of(told, ours)


def keys_of(found, inodes):
    """What both sources tell. The table of Unix sockets names no peers."""
    ours = [sock for sock in found if sock.inode in inodes]
    return {tuple(getattr(sock, key) for key in KEYS if key != "peer" or sock.family != litsock.AF_UNIX) for sock in ours}


def test_errors_fall_back(monkeypatch, connection):
    """A kernel without any of the modules."""

    def refuse(request):
        raise FileNotFoundError(2, "no such module")

    monkeypatch.setattr(listing, "dump", refuse)
    found = mine()
    assert found[connection[0].fileno()].state == "LISTEN" and found[connection[1].fileno()].peer == connection[0].getsockname()


def test_answers_cut_short(monkeypatch):
    """Half an answer is an error that says so: never a `KeyError`, never half a list, never an endless loop."""
    for question in listing.questions():
        try:
            bodies = listing.dump(question.request)
        except OSError:
            continue
        for body in bodies[:3]:
            whole = (16 + len(body)).to_bytes(4, sys.byteorder) + (20).to_bytes(2, sys.byteorder) + bytes(10) + body
            assert [found for _, _, found in listing.messages(whole)] == [body]
            for size in range(1, len(whole)):
                with pytest.raises(OSError, match="cut short") as caught:
                    list(listing.messages(whole[:size]))
                assert caught.value.errno == EBADMSG
            for size in range(len(body)):
                monkeypatch.setattr(listing, "dump", lambda request, size=size: [body[:size]])
                try:
                    listing.answered(question)
                except OSError as error:
                    assert error.errno == EBADMSG
            monkeypatch.undo()


def test_random_answers(monkeypatch):
    """What a broken kernel might say."""
    luck = Random(7)
    for _ in range(3000):
        question = luck.choice(list(listing.questions()))
        body = luck.randbytes(luck.randrange(120))
        monkeypatch.setattr(listing, "dump", lambda request, body=body: [body])
        try:
            listing.answered(question)
        except OSError as error:
            assert error.errno == EBADMSG


def test_selection(connection):
    server, near, far = connection
    port = server.getsockname()[1]
    fds = lambda **only: {sock.fd for sock in litsock.sockets(os.getpid(), **only)}
    ours = {sock.fileno() for sock in connection}
    assert fds(port=port) == fds(kind="tcp", port=port) == fds(kind="TCP", port=port) == ours
    assert fds(port=port, listening=True) == fds(port=port, state="listen") == {server.fileno()}
    assert fds(kind="udp", port=port) == set() and not ours & fds(kind="unix")
    with litsock.socket(type=litsock.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        assert fds(kind="udp", port=sock.getsockname()[1], listening=True) == {sock.fileno()}


def test_pictures(connection):
    found = litsock.sockets(os.getpid())
    assert "LISTEN" in repr(found) and "<script" not in found._repr_html_() and str(connection[0].getsockname()[1]) in found._repr_html_()


@pytest.mark.skipif(not shutil.which("ss"), reason="ss is not installed (Debian: apt install iproute2)")
def test_same_as_ss(connection):
    """The program that everybody uses, about our own TCP sockets."""
    shown = subprocess.run(["ss", "-tanHp"], capture_output=True, text=True, check=True).stdout
    theirs = set()
    for line in shown.splitlines():
        state, receiving, sending, local, peer, *rest = line.split(maxsplit=5)
        for fd in re.findall(rf"pid={os.getpid()},fd=(\d+)", "".join(rest)):
            theirs.add((int(fd), state.replace("-", "_").replace("ESTAB", "ESTABLISHED"), local))
    if not theirs:
        pytest.skip("ss shows no process here")
    ours = {(sock.fd, sock.state, "%s:%d" % sock.local) for sock in litsock.sockets(os.getpid()) if sock.name == "TCP" and sock.state != "CLOSE"}
    assert ours == theirs


def test_long_lists_are_cut_on_display(connection):
    """A busy machine has tens of thousands of sockets; a table that long would stop the browser."""
    found = litsock.sockets(os.getpid())
    many = type(found)(found[:1] * 5000)
    assert repr(many).endswith("4800 more: text() has all") and len(repr(many).splitlines()) == 202
    assert many._repr_html_().count("<tr>") == 201 and "4800 more" in many._repr_html_()
    assert repr(type(found)()).endswith("no sockets")
