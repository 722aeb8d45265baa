"""A trace shows what was called: all of it, nothing else, whatever the threads, the errors and the signals do."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from array import array
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Barrier, Thread, Timer
from time import monotonic, sleep

import pytest

import litsock
from litsock import kernel
from litsock.kernel.contract import CALLS
from litsock.observe import recording, timeline

WINDOWS = sys.platform == "win32"
SOCKET, ACCEPT, CLOSE, IOCTL, WAIT = (  # what stands in a trace
    ("WSASocketW", "accept", "closesocket", "ioctlsocket", "select") if WINDOWS else ("socket", "accept4", "close", "ioctl", "ppoll")
)
NOT_NOW, REFUSED = ("WSAEWOULDBLOCK", "WSAECONNREFUSED") if WINDOWS else ("EAGAIN", "ECONNREFUSED")
SETTLED = 0.2 if WINDOWS else 0  # seconds: so long TCP, which makes the pairs on Windows, may take to bring what was sent
PACKAGE = Path(litsock.__file__).parent


def names(trace):
    return [record.call for record in trace.records]


# Every call passes by


def test_all_calls_have_a_signature():
    """Each function of the table that asks the kernel or the C library for something, and no other."""
    assert recording.SIGNATURES.keys() == {name for name, call in CALLS.items() if call.parameters}


KERNEL = PACKAGE / "kernel"  # here the calls are made


def sources():
    return sorted(path for path in PACKAGE.rglob("*.py") if KERNEL not in path.parents)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_holds_on_to_a_call(path):
    """`from litsock.kernel import recv`, or a look into the bindings, would escape the trace."""
    watched = set(recording.watched_names())
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.endswith("kernel"):
            assert watched.isdisjoint(alias.name for alias in node.names), f"line {node.lineno}"
        if isinstance(node, ast.Attribute) and node.attr.startswith("ls_"):
            raise AssertionError(f"line {node.lineno} calls {node.attr} past the module kernel")


def test_no_module_keeps_a_call_in_a_variable():
    """Nor may a function of `kernel` be stored where a later trace cannot reach it."""
    real = {id(getattr(kernel, name)): name for name in recording.watched_names()}
    for name, module in list(sys.modules.items()):
        if name.startswith("litsock") and not name.startswith("litsock.kernel"):
            kept = [key for key, value in vars(module).items() if id(value) in real]
            assert not kept, f"{name} holds {kept}"


def test_off_means_off(pair):
    """Before and after, `kernel` has the very same functions, also after nested traces and exceptions."""
    before = dict(vars(kernel))
    with litsock.trace(), litsock.trace():
        assert kernel.recv is not before["recv"]
    with pytest.raises(ZeroDivisionError), litsock.trace():
        1 / 0
    assert dict(vars(kernel)) == before


def test_a_replaced_function_stays(pair, monkeypatch):
    """What somebody else put into `kernel` meanwhile is not ours to take out."""
    with litsock.trace():
        mine = lambda fd: 0
        real = recording.ORIGINALS["listen"]
        kernel.listen = mine
    try:
        assert kernel.listen is mine
    finally:
        kernel.listen = real


# What a record says


def test_stream(pair):
    one, other = pair
    with litsock.trace() as t:
        one.sendall(b"hello")
        other.recv(3)
        other.recv_into(buffer := bytearray(10))
        buffer[:] = bytes(10)  # the record has its own copy
    sent, first, second = t.records
    assert (sent.call, sent.fd, sent.data, sent.size, sent.result, sent.error) == ("send", one.fileno(), b"hello", 5, 5, "")
    assert (first.call, first.fd, first.data, first.arguments["len"]) == ("recv", other.fileno(), b"hel", "3")
    assert (second.call, second.data, second.size) == ("recv", b"lo", 2)
    assert 0 <= sent.started <= first.started and sent.seconds > 0


def test_options_and_modes(pair):
    sock = pair[0]
    with litsock.trace() as t:
        sock.setsockopt(litsock.SOL_SOCKET, litsock.SO_LINGER, array("i", [1, 5]).tobytes())
        sock.setsockopt(litsock.SOL_SOCKET, litsock.SO_KEEPALIVE, 1)
        assert sock.getsockopt(litsock.SOL_SOCKET, litsock.SO_TYPE) == litsock.SOCK_STREAM
        sock.setblocking(False)
        sock.set_inheritable(False)
        sock.get_inheritable()
        with pytest.raises(BlockingIOError):
            sock.recv(10)
    fd = sock.fileno()
    assert [str(record) for record in t.records] == [
        f"setsockopt({fd}, SOL_SOCKET, SO_LINGER, {{l_onoff=1, l_linger=5}}, 8) = 0",
        f"setsockopt({fd}, SOL_SOCKET, SO_KEEPALIVE, 1, 4) = 0",
        f"getsockopt({fd}, SOL_SOCKET, SO_TYPE, SOCK_STREAM, 4) = 0",
        f"ioctl({fd}, FIONBIO, [1]) = 0",
        f"fcntl({fd}, F_SETFD, FD_CLOEXEC) = 0",
        f"fcntl({fd}, F_GETFD) = 1",
        f"recv({fd}, …, 10, {'MSG_DONTWAIT' if 'MSG_DONTWAIT' in t.text() else '0'}) = EAGAIN",
    ]
    assert t.records[-1].result == -1 and t.records[-1].data is None


def test_connection_refused():
    with litsock.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()
    with litsock.socket() as sock, litsock.trace() as t:
        with pytest.raises(ConnectionRefusedError):
            sock.connect(address)
    assert (t.records[-1].call, t.records[-1].error, t.records[-1].address) == ("connect", REFUSED, address)


def test_timeout_is_all_its_calls(pair):
    pair[0].settimeout(0.01)
    with litsock.trace() as t, pytest.raises(TimeoutError):
        pair[0].recv(10)
    assert names(t) == ["recv", WAIT]
    assert [record.error or record.result for record in t.records] == [NOT_NOW, 0]
    assert t.records[1].seconds >= 0.009


def test_interrupted_call_is_two(pair):
    """A signal handler that returns: the call is made again, and the trace has both."""
    one, other = pair

    def handler(*_):
        one.send(b"x")

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with litsock.trace() as t:
            Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            assert other.recv(1) == b"x"
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert [(record.call, record.error or record.size) for record in t.records] == [("recv", "EINTR"), ("send", 1), ("recv", 1)]


def test_what_asks_nobody_is_not_there(pair):
    with litsock.trace() as t:
        assert pair[0].recv(0) == b"" and pair[0].recv_into(bytearray()) == 0
        with pytest.raises(TypeError):
            pair[0].send("text")
        with pytest.raises(OverflowError):
            pair[0].recv(2**70)
        litsock.inet_aton("127.0.0.1")
        litsock.CMSG_LEN(4)
    assert len(t) == 0 and repr(t) == "no calls"


def test_descriptors_that_come_beside_data_read_into_a_buffer(pair):
    """`recvmsg_into` brings them as `recvmsg` does: a number that was used before is another socket from then on."""
    one, other = pair
    with litsock.trace() as t:
        litsock.send_fds(one, [b"x"], [one.fileno()])
        _, messages, _, _ = other.recvmsg_into([bytearray(1)], litsock.CMSG_SPACE(4))
        (fd,) = array("i", messages[0][2])
        litsock.socket(fileno=fd).close()
    received = next(call for call in t._calls() if call.signature.function == "recvmsg")
    assert recording.new_descriptors(received) == (fd,)
    assert t._sockets().kind((fd, 1)) == (0, 0, 0)


def test_descriptors_in_messages(pair):
    one, other = pair
    with litsock.trace() as t:
        litsock.send_fds(one, [b"a", b"bc"], [one.fileno()])
        _, (copy,), _, _ = litsock.recv_fds(other, 10, 1)
        litsock.close(copy)
    sent, received, closed = t.records
    assert sent.arguments["msg_control"] == f"[SCM_RIGHTS {one.fileno()}]" and sent.arguments["msg_iov"] == "[b'a', b'bc']"
    assert received.arguments["msg_control"] == f"[SCM_RIGHTS {copy}]" and received.data == b"abc"
    assert t.stable().text().splitlines()[2].startswith("close(s3)")
    assert str(closed) == f"close({copy}) = 0"


def test_rights_that_nobody_took(pair, monkeypatch):
    """An exception after `recvmsg`: the descriptors that it brought are closed, and that is a call too."""
    one, other = pair
    litsock.send_fds(one, [b"a"], [one.fileno()])
    monkeypatch.setattr("litsock.core.parse", lambda control: 1 / 0)
    with litsock.trace() as t, pytest.raises(ZeroDivisionError):
        other.recvmsg(1, litsock.CMSG_SPACE(4))
    received, closed = t.records
    assert closed.call == "close" and received.arguments["msg_control"] == f"[SCM_RIGHTS {closed.arguments['fd'].strip('[]')}]"


def test_datagrams():
    with litsock.socket(litsock.AF_INET6, litsock.SOCK_DGRAM) as sock, litsock.trace() as t:
        sock.bind(("::1", 0))
        address = sock.getsockname()
        sock.sendto(b"question", address)
        assert sock.recvfrom_into(bytearray(4), 4, litsock.MSG_TRUNC)[0] == 8
        sock.sendmsg([b"x"], [], 0, address)
        sock.recvmsg(10)
    sent, received, *messages = t.only(call=["sendto", "recvfrom", "sendmsg", "recvmsg"]).records
    assert sent.address == received.address == address == messages[0].address == messages[1].address
    assert received.arguments["flags"] == "MSG_TRUNC" and received.data == b"ques"


def test_many_messages_in_a_call():
    with litsock.socket(type=litsock.SOCK_DGRAM) as one, litsock.socket(type=litsock.SOCK_DGRAM) as other, litsock.trace() as t:
        for sock in (one, other):
            sock.bind(("127.0.0.1", 0))
        address = other.getsockname()
        one.sendmmsg([(b"first", address), (b"second", address), (b"third", address), (b"fourth", address)])
        assert len(other.recvmmsg(10)) == 4
    sent, received = t.only(call=["sendmmsg", "recvmmsg"]).records
    assert sent.result == received.result == 4 and sent.size == received.size == len(b"firstsecondthirdfourth")
    assert sent.arguments["msgvec"].startswith(f"[b'first' {address}, b'second' {address}") and sent.arguments["msgvec"].endswith(", …]")
    assert [one.label for one in timeline.deliveries_of(t)] == ["5 bytes", "6 bytes", "5 bytes", "6 bytes"]
    assert "msgvec[1]: 6 bytes" in t._repr_html_()
    gone, peer = litsock.socketpair(type=litsock.SOCK_DGRAM)
    peer.close()
    with litsock.trace(data=False) as t, gone:
        with pytest.raises(OSError):
            gone.sendmmsg([(b"secret", None)])
    assert b"secret" not in str(t._calls()).encode()


def test_row_of_rights_that_nobody_took():
    """An exception after `recvmmsg`: the same."""
    one, other = litsock.socketpair(type=litsock.SOCK_DGRAM)
    with one, other:
        for _ in range(2):
            litsock.send_fds(one, [b"a"], [one.fileno()])
        buffer = litsock.MessageBuffer(3, 10, litsock.CMSG_SPACE(4))
        with litsock.trace() as t:
            assert kernel.recvmmsg(other.fileno(), *buffer.arguments(), litsock.MSG_DONTWAIT) == 2
            buffer.close_rights()
    received, *closed = t.records
    assert received.call == "recvmmsg" and [record.call for record in closed] == ["close", "close"]


def test_names():
    with litsock.trace() as t:
        litsock.getaddrinfo("127.0.0.1", 80, type=litsock.SOCK_STREAM)
        with pytest.raises(litsock.gaierror):
            litsock.getaddrinfo("127.0.0.1", "no-such-service")  # needs no network to fail
        litsock.getnameinfo(("127.0.0.1", 80), litsock.NI_NUMERICHOST | litsock.NI_NUMERICSERV)
        with pytest.raises(OSError):
            litsock.if_nametoindex("no-such-one")
    found, failed, *rest = t.records
    assert found.arguments["res"] == "[('127.0.0.1', 80)]" and failed.error == "EAI_SERVICE"
    assert "getnameinfo" in [record.call for record in rest] and rest[-1].call == "if_nametoindex"


# Secrets, size, storage


def test_no_data(pair):
    one, other = pair
    with litsock.trace(data=False) as t:
        one.sendall(b"secret")
        other.recv(100)
        one.sendmsg([b"secret"])
        other.recvmsg(100)
        one.setsockopt(litsock.SOL_SOCKET, litsock.SO_LINGER, bytes(8))
    stored = t.text() + t._repr_html_() + repr(t.records) + repr(t._calls())
    assert "secret" not in stored and b"secret".hex() not in stored and b"secret".hex(" ") not in stored
    assert [record.size for record in t.records[:4]] == [6] * 4


def test_keys_are_never_kept(pair):
    """The key of a cipher, whatever the kernel thinks of it here: this socket knows no such option."""
    with litsock.trace() as t:
        for level, option in ((litsock.SOL_ALG, litsock.ALG_SET_KEY), (litsock.IPPROTO_TCP, litsock.TCP_MD5SIG)):
            with pytest.raises(OSError):
                pair[0].setsockopt(level, option, b"key")
    assert "key" not in t.text().replace("ALG_SET_KEY", "") and "6b 65 79" not in t._repr_html_()
    assert t.records[0].arguments["optval"] == "(3 bytes)"


def test_start_of_long_data(pair):
    one, other = pair
    with litsock.trace(data=4) as t:
        one.sendall(b"0123456789")
        other.recvmsg_into([bytearray(3), bytearray(3)])
    sent, received = t.records
    assert (sent.data, sent.size, sent.arguments["buf"]) == (b"0123", 10, "b'0123'…")
    assert (received.data, received.arguments["msg_iov"]) == (b"0123", "[b'012', b'3'…]")


def test_ring(pair):
    with litsock.trace(limit=10) as t:
        for number in range(25):
            pair[0].send(b"%d" % number)
    assert len(t) == 10 and t.dropped == 15 and t.records[0].data == b"15" and t.records[0].number == 16
    assert "15 earlier calls were dropped" in repr(t) and "15 earlier calls were dropped" in t._repr_html_()


def test_sums_outlive_the_ring(pair):
    """What was dropped is counted: calls, errors, bytes, by whatever thread."""
    one, other = pair
    other.setblocking(False)
    with litsock.trace(limit=3) as t:
        for _ in range(50):
            one.send(b"ab")
        worker = Thread(target=lambda: [one.send(b"ab") for _ in range(50)])
        worker.start()
        worker.join()
        sleep(SETTLED)
        other.recv(1000)
        for _ in range(4):
            with pytest.raises(BlockingIOError):
                other.recv(1000)
    sums = {one_sum.call: one_sum for one_sum in t.summary()}
    assert sums["send"][1:3] == (100, 0) and sums["send"].bytes == 200
    assert sums["recv"][1:3] == (5, 4) and sums["recv"].bytes == 200
    assert (len(t), t.dropped) == (3, 102)
    assert all(type(number) is int for one_sum in t.summary() for number in one_sum[1:3])


@pytest.mark.parametrize("given", [{"limit": 0}, {"limit": -1}, {"limit": "x"}, {"data": -1}, {"data": None}, {"data": "x"}])
def test_bounds_are_checked(given):
    with pytest.raises(ValueError, match=f"{next(iter(given))} must be"):
        litsock.trace(**given)


def test_filters_say_what_is_wrong(pair):
    """A misspelled call is an error, not an empty trace; `accept` and `poll` go by these names as by those in C."""
    with pytest.raises(ValueError, match="no call is named 'sned'; did you mean send"):
        litsock.trace(call="sned")
    with pytest.raises(TypeError, match="socket must be"):
        litsock.trace(socket="lo")
    with pytest.raises(TypeError, match="thread must be"):
        litsock.trace(thread=5)
    one, other = pair
    other.settimeout(0.01)
    with litsock.trace() as t, pytest.raises(TimeoutError):
        other.recv(1)
    assert names(t.only(call="poll")) == names(t.only(call=WAIT)) == [WAIT]


def test_unknown_control_data_is_data(pair, tmp_path):
    """Without data, of a control message that nobody knows only its size is kept; a known one says what it said."""
    one, _ = pair
    with litsock.trace(data=False) as t:
        one.sendmsg([b"x"], [(litsock.IPPROTO_IP, litsock.IP_RETOPTS, b"PASSWORD" * 3), (litsock.SOL_SOCKET, litsock.SCM_RIGHTS, b"\1\0\0\0")])
    t.save(tmp_path / "t.jsonl")
    shown = repr(t) + t._repr_html_() + repr(t.records) + (tmp_path / "t.jsonl").read_text() + repr(t._calls())
    assert "PASSWORD" not in shown and b"PASSWORD".hex(" ")[:11] not in shown
    assert "(24 bytes)" in shown and "SCM_RIGHTS 1" in shown


def test_errors_of_lookups():
    with litsock.trace() as t:
        with pytest.raises(OSError):
            litsock.if_indextoname(2**31 - 1)
        with pytest.raises(litsock.herror):
            litsock.gethostbyaddr("192.0.2.77")
        assert litsock.gethostbyaddr("127.0.0.1")
    by_call = {}
    for record in t.records:
        by_call.setdefault(record.call, []).append(record)
    assert (by_call["if_indextoname"][0].result, by_call["if_indextoname"][0].error) == (-1, "ENXIO")
    failed, found = by_call["gethostbyaddr_r"]
    assert failed.result == -1 and failed.error in ("HOST_NOT_FOUND", "TRY_AGAIN", "NO_RECOVERY", "NO_DATA")
    assert found.arguments["addr"] == "'127.0.0.1'" and found.error == ""


def test_save(pair, tmp_path):
    with litsock.trace() as t:
        pair[0].sendall(b"\xff\0")
        pair[0].getsockname()
    t.save(tmp_path / "trace.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "trace.jsonl").read_text().splitlines()]
    assert [line["call"] for line in lines] == ["send", "getsockname"]
    assert lines[0]["data"] == "ff00" and lines[0].keys() == set(t.records[0]._fields)


def test_table_for_pandas(pair):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    with litsock.trace() as t:
        pair[0].sendall(b"hello")
        pair[1].recv(10)
    frame = pandas.DataFrame(t.records)
    assert list(frame.call) == ["send", "recv"] and frame["size"].sum() == 10


# Threads, nesting, printing


def test_threads(pair):
    """Each thread under its name; nothing is lost."""
    ready, each = Barrier(8), 200

    def work():
        one, other = litsock.socketpair()
        ready.wait()
        with one, other:
            for _ in range(each):
                one.send(b"x")
                other.recv(1)

    threads = [Thread(target=work, name=f"worker {number}") for number in range(8)]
    with litsock.trace() as t:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for thread in threads:
        calls = [record.call for record in t.only(thread=thread).records]
        assert [call for call in calls if call in ("send", "recv")] == ["send", "recv"] * each
        assert calls[-2:] == [CLOSE] * 2
        assert WINDOWS or len(calls) == 3 + 2 * each and calls[0] == "socketpair"
    assert len(t) == sum(len(t.only(thread=thread)) for thread in threads)


def test_nesting(pair):
    one, other = pair
    with litsock.trace() as outer:
        one.send(b"1")
        with litsock.trace() as inner:
            one.send(b"2")
        one.send(b"3")
    assert [record.data for record in outer.records] == [b"1", b"2", b"3"] and [record.data for record in inner.records] == [b"2"]


def test_open_twice_is_an_error_and_again_goes_on(pair):
    t = litsock.trace()
    with t:
        pair[0].send(b"1")
        with pytest.raises(RuntimeError, match="open already"):
            t.__enter__()
        pair[0].send(b"2")
    with t:
        pair[0].send(b"3")
    assert [record.data for record in t.records] == [b"1", b"2", b"3"] and not recording.OPEN_TRACES


def test_a_call_that_hangs_is_seen(pair):
    """While it waits, and after the trace has closed without it."""
    waiting = Thread(target=pair[1].recv, args=(10,), daemon=True, name="waiter")
    with litsock.trace() as t:
        waiting.start()
        while not len(t):
            sleep(0.001)
        assert "recv" in t.text() and "has not returned" in t.text()
    pair[0].send(b"x")
    waiting.join()
    (record,) = t.records
    assert (record.call, record.fd, record.result, record.thread) == ("recv", pair[1].fileno(), None, "waiter")


def test_a_call_that_an_exception_ends(pair):
    """The handler of a signal raises: nobody knows the answer of `recv`, but that it was called."""

    def handler(*_):
        raise KeyError("no more")

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with litsock.trace() as t, pytest.raises(KeyError):
            Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            pair[0].recv(1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    (record,) = t.records
    assert (record.call, record.result, record.error) in (("recv", None, "KeyError"), ("recv", -1, "EINTR"))
    assert "has not returned" not in t.text() and "= ? (KeyError)" in t.text() or record.error == "EINTR"


def test_stream_printing(pair):
    out = io.StringIO()
    with litsock.trace(stream=out):
        pair[0].send(b"hello")
        assert out.getvalue().count("\n") == 1  # at once
        pair[1].recv(10)
    assert re.fullmatch(r"(\d+\.\d{6}  MainThread  \w+\(.*\) = 5  <.* µs>\n){2}", out.getvalue())


def test_printing_to_what_lacks_a_letter(pair):
    """An ASCII file has no µ: the line is written all the same, with `us`."""
    one, _ = pair
    raw = io.BytesIO()
    with litsock.trace(stream=io.TextIOWrapper(raw, "ascii")):
        one.send(b"first")
        one.send(b"second")
    assert raw.getvalue().count(b"\n") == 2 and b"second" in raw.getvalue() and b" us>" in raw.getvalue()
    with pytest.raises(TypeError, match="stream must be a text file"):
        litsock.trace(stream="trace.txt")


def test_printing_to_what_is_closed(pair):
    out = io.StringIO()
    out.close()
    with litsock.trace(stream=out) as t:
        pair[0].send(b"hello")
    assert names(t) == ["send"]


def test_printing_to_a_socket(pair):
    """What the trace itself sends is not traced, or it would never end."""
    one, other = litsock.socketpair()
    with one, other, one.makefile("w") as out, litsock.trace(stream=out) as t:
        pair[0].send(b"hello")
        pair[1].recv(100)
    assert names(t) == ["send", "recv"]


def test_filters(pair):
    one, other = pair
    with litsock.trace() as t:
        with litsock.trace(socket=other) as a_socket, litsock.trace(call="send") as a_call:
            one.send(b"x")
            other.recv(1)
    assert names(a_socket) == names(t.only(socket=other)) == ["recv"] and names(a_call) == names(t.only(call={"send"})) == ["send"]
    assert names(t.only(socket=[one.fileno(), other])) == ["send", "recv"] and names(t.only(thread="nobody")) == []
    with pytest.raises(ValueError, match="closed"):
        t.only(socket=closed())


def closed():
    with litsock.socket() as sock:
        return sock


def test_numbers_that_are_used_again():
    """Descriptor 5 is closed, and the next socket is 5 as well: two sockets, and the trace knows."""
    with litsock.trace() as t:
        for _ in range(3):
            with litsock.socket() as sock:
                number = sock.fileno()
    assert {record.fd for record in t.records} == {number}
    made = [line.split() for line in t.stable().text().splitlines()]
    assert [line[0] for line in made] == [word for name in ("s1", "s2", "s3") for word in (f"{SOCKET}(AF_INET,", f"{CLOSE}({name})")]
    assert [line[-1] for line in made] == ["s1", "0", "s2", "0", "s3", "0"]


def test_summary(pair):
    with litsock.trace() as t:
        for _ in range(3):
            pair[0].send(b"12345")
        pair[1].setblocking(False)
        sleep(SETTLED)
        pair[1].recv(100)
        with pytest.raises(BlockingIOError):
            pair[1].recv(100)
    found = {one.call: (one.calls, one.errors, one.bytes) for one in t.summary()}
    assert found == {"send": (3, 0, 15), "recv": (2, 1, 15), IOCTL: (1, 0, 0)}
    assert sum(one.seconds for one in t.summary()) == pytest.approx(sum(record.seconds for record in t.records))


# Pictures


def test_rows_open_to_bytes():
    with litsock.socket() as sock, litsock.trace() as t:
        sock.setsockopt(litsock.IPPROTO_TCP, litsock.TCP_NODELAY, 1)
        sock.bind(("127.0.0.1", 0))
    html = t._repr_html_()
    assert "<script" not in html and html.count("<details>") == 2
    for part in ("sin_family", "7f 00 00 01", "127.0.0.1", "TCP_NODELAY: send small pieces at once"):
        assert part in html


def test_live_tables_wrap(pair):
    """With times there are more columns: long calls take several lines, so that the last column stays on the screen."""
    one, _ = pair
    with litsock.trace() as t:
        one.send(b"x" * 100)
    assert "white-space: normal; min-width: 20em" in t._repr_html_()
    assert "white-space: normal" not in t.stable()._repr_html_()


def test_html_is_escaped(pair):
    with litsock.trace() as t:
        pair[0].send(b"<script>alert(1)</script>")
    assert "<script" not in t._repr_html_() and "<script" not in t.timeline()._repr_html_()


def conversation():
    """A client and a server in threads; answers with the trace."""
    with litsock.create_server(("127.0.0.1", 0)) as server, litsock.trace() as t:
        address = server.getsockname()

        def serve():
            connection, _ = server.accept()
            with connection:
                while data := connection.recv(100):
                    connection.sendall(data)

        def ask():
            with litsock.socket() as sock:
                sock.connect(address)
                for number in range(3):
                    sock.sendall(b"question %d" % number)
                    sock.recv(100)

        threads = [Thread(target=serve, name="server"), Thread(target=ask, name="client")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return t


def test_timeline_joins_sends_and_receives():
    t = conversation()
    found = [(one.sent.thread.name, one.sent.signature.function, one.received.signature.function, one.ending) for one in timeline.deliveries_of(t)]
    assert sorted(found) == sorted(
        [("client", "connect", ACCEPT, False), ("client", CLOSE, "recv", True)]
        + [("client", "send", "recv", False), ("server", "send", "recv", False)] * 3
    )
    for one in timeline.deliveries_of(t):
        assert one.sent.start < one.received.end
        if not one.ending and one.sent.signature.function == "send":
            assert one.sent.values[1] == one.received.values[1]


def test_stable_is_stable():
    """The same conversation, ten times, with other ports, descriptors and schedules."""
    pictures, tables = set(), set()
    for number in range(10):
        with litsock.socket() if number % 2 else nullcontext():
            t = conversation().only(thread=["client", "server"])
        pictures.add(t.stable().timeline()._repr_html_())
        tables.add(t.stable()._repr_html_())
    assert len(pictures) == 1 and len(tables) == 1


def test_timeline_of_datagrams():
    with litsock.socket(type=litsock.SOCK_DGRAM) as one, litsock.socket(type=litsock.SOCK_DGRAM) as other, litsock.trace() as t:
        for sock in (one, other):
            sock.bind(("127.0.0.1", 0))
        for data in (b"first", b"second", b"lost"):
            one.sendto(data, other.getsockname())
        other.sendto(b"back", one.getsockname())
        assert [other.recvfrom(100)[0], other.recv(3), one.recv(100)] == [b"first", b"sec", b"back"]
    found = [(one.sent.values[1].start, one.received.values[1].start) for one in timeline.deliveries_of(t)]
    assert sorted(found) == [(b"back", b"back"), (b"first", b"first"), (b"second", b"sec")]


def test_timeline_of_unnamed_pairs(pair):
    """Made before the trace, without names: found out by what was said."""
    with litsock.trace() as t:
        pair[0].sendall(b"hello, world")
        pair[1].recv(5)
        pair[1].recv(3, litsock.MSG_PEEK)
        pair[1].recv(100)
    found = [(one.label, one.received.values[1].start) for one in timeline.deliveries_of(t)]
    assert found == [("5 bytes", b"hello"), ("7 bytes", b", world")]


def test_arrows_among_many_lanes_spare_the_words():
    """Beside each of three lanes stand labels: an arrow must not begin or end at their height. And names do not run into each other."""
    from litsock.observe.svg import draw_lanes, lane_y

    bars = [(0, 0, 0, "send(b'one')", ""), (1, 1, 1, "recv() → b'one'", ""), (2, 2, 2, "send(b'two')", ""), (0, 2, 3, "recv()", "→ b'two'")]
    names = ["MainThread", "ThreadPoolExecutor-0_0", "ThreadPoolExecutor-0_1"]
    drawn = draw_lanes(names, bars, [(0, 0, 1, 1, False, ""), (2, 2, 0, 3, False, ""), (1, 1, 2, 1, False, "")], [], "")._repr_html_()
    arrows = re.findall(r'y1="(\d+)" x2="[\d.]+" y2="(\d+)" stroke="currentColor" marker', drawn)
    assert len(arrows) == 3
    assert all(abs(int(y) - lane_y(row)) >= 8 for arrow in arrows for y in arrow for row in range(4))
    starts = [float(x) for x in re.findall(r'<text x="([\d.]+)" y="16"', drawn)]
    assert all(right - left > 7 * len(name) for left, right, name in zip(starts, starts[1:], names))


def test_lanes(pair):
    with litsock.trace() as t:
        pair[0].sendall(b"x")
        pair[1].recv(1)
    for lanes in (None, "thread", "socket", {"left": pair[0], "right": [pair[1]]}):
        picture = t.timeline(lanes)._repr_html_()
        assert "send" in picture and "recv" in picture and "<script" not in picture
    assert "left" in picture
    with pytest.raises(ValueError, match="lanes"):
        t.timeline("lane")
    assert "no calls" in repr(t.only(call="listen").timeline())


# Honest


PROGRAM = '''
import json, os, sys
import litsock
from threading import Thread

def mark(word):
    try: os.stat(f"/trace-{word}")
    except OSError: pass

def serve():
    connection, _ = server.accept()
    with connection:
        while data := connection.recv(100):
            connection.sendall(data)

def talk():
    with litsock.create_connection(server.getsockname(), timeout=5) as sock:
        sock.setsockopt(litsock.IPPROTO_TCP, litsock.TCP_NODELAY, 1)
        for number in range(3):
            sock.sendall(b"question %d" % number)
            sock.recv(100)
        sock.settimeout(0.01)
        try: sock.recv(10)
        except TimeoutError: pass
        sock.settimeout(5)
        sock.shutdown(litsock.SHUT_WR)
        sock.recv(10)

def others():
    one, other = litsock.socketpair(type=litsock.SOCK_DGRAM)
    with one, other, litsock.socket(litsock.AF_INET6, litsock.SOCK_DGRAM) as sock:
        one.sendmsg([b"ab", b"c"], [(litsock.SOL_SOCKET, litsock.SCM_RIGHTS, sock.fileno().to_bytes(4, sys.byteorder))])
        data, control, *_ = other.recvmsg(10, 100)
        litsock.close(int.from_bytes(control[0][2], sys.byteorder))
        sock.bind(("::1", 0))
        sock.sendto(b"datagram", sock.getsockname())
        sock.recvfrom_into(bytearray(4))
        sock.getsockopt(litsock.SOL_SOCKET, litsock.SO_RCVBUF)
        sock.setblocking(False)
        for act in (lambda: sock.recv(10), lambda: sock.getpeername(), lambda: one.listen(3)):
            try: act()
            except OSError: pass
        sock.dup().close()
        sock.set_inheritable(True)

server = litsock.create_server(("127.0.0.1", 0))
server.getsockname(), litsock.inet_pton(litsock.AF_INET6, "::1")
t = litsock.trace()
with t:
    mark("begins")
    thread = Thread(target=serve)
    thread.start()
    talk()
    thread.join()
    others()
    mark("ends")
with open(sys.argv[1], "w") as file:
    for call, record in zip(t._calls(), t.records):
        print(json.dumps([call.thread.native_id, record.call, record.fd, record.result, record.error]), file=file)
server.close()
'''
SEEN = "socket,socketpair,bind,listen,accept4,connect,getsockname,getpeername,sendto,recvfrom,sendmsg,recvmsg,shutdown," \
    "getsockopt,setsockopt,close,ppoll,ioctl,fcntl,stat,newfstatat"  # fmt: skip
LINE = re.compile(r"^(?P<thread>\d+)\s+(?P<call>\w+)\((?P<first>.*?)[,)].*= (?P<result>-?\d+)(?: (?P<error>E\w+))?")


def strace_of(program, folder):
    """What strace saw between the two marks: thread, call, descriptor, result and error."""
    (folder / "program.py").write_text(program)
    command = ["strace", "-f", "-e", f"trace={SEEN}", "-e", "signal=none", "-o", folder / "strace.txt",
               sys.executable, folder / "program.py", folder / "trace.jsonl"]  # fmt: skip
    path = os.pathsep.join([str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": path})
    if "PTRACE" in done.stderr or "ptrace" in done.stderr:
        pytest.skip(f"strace may not watch processes here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    seen, begun, inside = [], {}, False
    for line in (folder / "strace.txt").read_text().splitlines():
        thread = line.split()[0]
        if "trace-begins" in line or "trace-ends" in line:
            inside = "begins" in line
        elif line.endswith("<unfinished ...>"):
            begun[thread] = line.removesuffix("<unfinished ...>")
        else:
            if match := re.match(r"\d+\s+<\.\.\. \w+ resumed>(.*)", line):
                line = begun.pop(thread) + match[1]
            if inside and (match := LINE.match(line)):
                seen.append(match.groupdict())
    return seen


def comparable(call, fd, result, error):
    """A call as both tell it: `send` is `sendto` to the kernel; ppoll's first argument is an array."""
    result = -1 if error else result
    return {"send": "sendto", "recv": "recvfrom"}.get(call, call), fd, result, error


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed (Debian: apt install strace)")
def test_same_as_strace(tmp_path):
    """strace watches the program from outside while it traces itself: thread by thread, both tell the same calls."""
    theirs: dict[int, list] = {}
    for seen in strace_of(PROGRAM, tmp_path):
        fd = re.search(r"fd=(\d+)", seen["first"]) if seen["call"] == "ppoll" else re.fullmatch(r"(\d+) *", seen["first"])
        number = int(fd[1]) if fd else None
        told = comparable(seen["call"], number, int(seen["result"]), seen["error"] or "")
        if seen["call"] not in ("stat", "newfstatat"):
            theirs.setdefault(int(seen["thread"]), []).append(told)
    ours: dict[int, list] = {}
    for line in (tmp_path / "trace.jsonl").read_text().splitlines():
        thread, call, fd, result, error = json.loads(line)
        if call != "getaddrinfo":
            fd = None if call in ("socket", "socketpair") else fd
            ours.setdefault(thread, []).append(comparable(call, fd, result, error))
    assert ours == theirs
    assert sum(map(len, ours.values())) > 40


# A whole program


WATCHED = """
import socket, sys
from threading import Thread
with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as near:
    far, _ = server.accept()
    with far:
        near.sendall(b"question")
        print(far.recv(100))
raise SystemExit(3)
"""


def watched(tmp_path, *words):
    (tmp_path / "program.py").write_text(WATCHED)
    path = os.pathsep.join([str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")])
    line = [sys.executable, "-m", "litsock", "run", *words, "program.py"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": path})
    assert (done.returncode, done.stdout) == (3, "b'question'\n"), done.stderr
    return done.stderr


def test_a_whole_program(tmp_path):
    lines = watched(tmp_path, "--trace").splitlines()
    assert [re.sub(r".*?(\w+)\(.*", r"\1", line) for line in lines][:4] == ["socket", "setsockopt", "bind", "listen"]
    assert any("send(" in line and "b'question'" in line for line in lines)


def test_the_sums_of_a_program(tmp_path):
    lines = watched(tmp_path, "--summary", "--output", "sums.txt").splitlines()
    assert lines == []
    sums = (tmp_path / "sums.txt").read_text().splitlines()
    assert sums[0].split() == ["call", "calls", "errors", "bytes", "time", "longest"]
    assert any(line.split()[:3] == ["send", "1", "8"] for line in sums)


def run(tmp_path, text, *words):
    (tmp_path / "program.py").write_text(text)
    path = os.pathsep.join([str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")])
    line = [sys.executable, "-m", "litsock", "run", *words, "program.py"]
    return subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": path})


def test_lines_and_sums(tmp_path):
    lines = watched(tmp_path, "--trace", "--summary").splitlines()
    heads = next(number for number, line in enumerate(lines) if line.split() == ["call", "calls", "errors", "bytes", "time", "longest"])
    assert any("send(" in line for line in lines[:heads]) and any(line.split()[:3] == ["send", "1", "8"] for line in lines[heads:])


def test_the_sums_of_a_long_program(tmp_path):
    done = run(tmp_path, "import socket\na, b = socket.socketpair()\nfor _ in range(6000): a.send(b'x'); b.recv(1)\na.close(); b.close()\n", "--summary")
    sums = {line.split()[0]: line.split()[1] for line in done.stderr.splitlines()}
    assert (sums["send"], sums["recv"]) == ("6000", "6000"), done.stderr


FORKING = """
import os, socket, sys
a, b = socket.socketpair()
a.send(b"parent")
if not os.fork():
    b.recv(100)
    sys.exit()
os.wait()
sys.exit()
"""


def test_a_child_is_told_from_its_parent(tmp_path):
    """And sockets that the program leaves open bring no complaint at the end, though `sys.exit` ended it."""
    done = run(tmp_path, FORKING, "--trace", "--summary")
    lines = done.stderr.splitlines()
    assert [bool(re.match(r"\[\d+\] ", line)) for line in lines if " recv(" in line] == [True]
    assert [bool(re.match(r"\[\d+\] ", line)) for line in lines if " send(" in line] == [False]
    assert sum(line.startswith("call ") for line in lines) == 1
    assert "Exception ignored" not in done.stderr


def test_where_nothing_can_be_written(tmp_path):
    done = run(tmp_path, "print('must not run')", "--trace", "--output", "nowhere/trace.txt")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "litsock: cannot write to nowhere/trace.txt: No such file or directory\n"


def test_a_program_without_its_data(tmp_path):
    said = watched(tmp_path, "--trace", "--no-data")
    assert "send(" in said and "question" not in said


HANGING = "import socket\none, other = socket.socketpair()\none.recv(10)\n"


@contextmanager
def hanging(folder, *options, program=HANGING):
    """A program that waits in `recv`, as soon as its trace says so; and the file that the trace is written to."""
    (folder / "program.py").write_text(program)
    path = os.pathsep.join([str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")])
    line = [sys.executable, "-m", "litsock", "run", "--trace", "--output", "trace.txt", *options, "program.py"]
    file = folder / "trace.txt"
    with subprocess.Popen(line, cwd=folder, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}) as child:
        until = monotonic() + 60
        while not file.exists() or "recv(" not in file.read_text(encoding="utf-8"):
            assert monotonic() < until and child.poll() is None
            sleep(0.01)
        yield child, file


def test_a_program_that_hangs_shows_where_at_once(tmp_path):
    with hanging(tmp_path) as (child, file):
        shown = file.read_text(encoding="utf-8")
        child.kill()
    assert re.search(r"^\d+\.\d{6}  MainThread  recv\(\d+, \Z", shown, re.M)


def test_a_program_that_is_interrupted(tmp_path):
    """The call that it hung in is the last line."""
    with hanging(tmp_path) as (child, file):
        child.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in child.communicate(timeout=60)[1]
    *_, last = [line for line in file.read_text(encoding="utf-8").splitlines() if "close(" not in line]
    assert re.search(r"recv\(\d+, …, 10, 0\) = \? \(KeyboardInterrupt\)$", last) and "has not returned" not in file.read_text(encoding="utf-8")


def test_a_program_that_is_terminated(tmp_path):
    """By SIGTERM, which ends a program without a word: the waiting call is there, and the sums."""
    with hanging(tmp_path, "--summary") as (child, file):
        child.terminate()
        child.communicate(timeout=60)
    said = file.read_text(encoding="utf-8")
    assert child.returncode == -signal.SIGTERM
    assert re.search(r"recv\(\d+, …, 10, 0\) = … has not returned$", said, re.M) and re.search(r"^recv +1 ", said, re.M)


def test_a_program_that_leaves_at_once(tmp_path):
    """`os._exit` runs no `finally`, but the sums come all the same."""
    done = run(tmp_path, "import os, socket\nsocket.socketpair()\nos._exit(7)\n", "--summary")
    assert done.returncode == 7 and re.search(r"^(socketpair|accept) +1 ", done.stderr, re.M)


def test_a_handler_of_the_program_stays(tmp_path):
    """What the program does on SIGTERM is its own business."""
    program = HANGING.replace("one.recv", "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\none.recv")
    with hanging(tmp_path, "--summary", program=program) as (child, file):
        child.terminate()
        child.communicate(timeout=60)
    assert child.returncode == 3 and re.search(r"^recv +1 ", file.read_text(encoding="utf-8"), re.M)


def test_two_threads_share_the_lines(pair):
    """A call that waits while another thread makes one is finished in a line of its own, as strace does it."""
    out = io.StringIO()
    with litsock.trace(stream=out):
        waiter = Thread(target=pair[1].recv, args=(10,), name="waiter")
        waiter.start()
        while "recv" not in out.getvalue():
            sleep(0.001)
        pair[0].shutdown(litsock.SHUT_RD)  # while the other waits
        pair[0].send(b"x", litsock.MSG_DONTWAIT)  # which never waits: it stands on one line, whoever writes first
        waiter.join()
    first, second, *rest = re.sub(r"\d+\.\d{6}|\(\d+|<\d.*>", "", out.getvalue()).splitlines()
    assert [first, second.strip()] == ["  waiter  recv,  <unfinished …>", "MainThread  shutdown, SHUT_RD) = 0"]
    assert {line.strip() for line in rest} == {"MainThread  send, b'x', 1, MSG_DONTWAIT) = 1", "waiter  <… recv resumed> b'x', 10, 0) = 1"}


def test_a_call_that_is_refused_is_not_left_open(pair):
    """Its line was begun; that it was never made is said there."""
    out = io.StringIO()
    with litsock.trace(stream=out) as t:
        with pytest.raises(TypeError):
            kernel.recv(pair[1].fileno(), "ten", 0)
    assert not t.records and out.getvalue().endswith("… not called\n")


class Number:
    """Has `__index__`, as numpy's numbers do, and counts how often that is asked for."""

    def __init__(self, number):
        self.number, self.asked = number, 0

    def __index__(self):
        self.asked += 1
        return self.number


def test_numbers_of_other_types(pair):
    """They are shown as numbers, and asked once."""
    one, other = pair
    one.sendall(b"x" * 20)
    numbers = [Number(5), Number(4), Number(3), Number(2)]
    with litsock.trace() as t:
        other.recv(numbers[0])
        other.recvfrom(numbers[1])
        other.recv_into(bytearray(10), numbers[2])
        other.recvmsg(numbers[3])
    assert [number.asked for number in numbers] == [1, 1, 1, 1]
    assert [record.size for record in t.records] == [5, 4, 3, 2] and [record.arguments.get("len") for record in t.records][:3] == ["5", "4", "3"]
    assert "not kept" not in t.text() + t._repr_html_()


def test_an_ascii_terminal(tmp_path):
    """Everything that shows itself can be printed there: traces, sums, lists, pictures, families."""
    program = """
import os, litsock
from litsock.observe.supported import supported
one, other = litsock.socketpair()
with litsock.trace() as t:
    one.send("naïve".encode())
    other.recv(100)
print(t, t.stable(), t.summary(), t.timeline(), t.records, litsock.sockets(os.getpid()), one.info(), supported(), litsock.draw_address("ö"))
"""
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, timeout=60)
    assert done.stderr == b"" and done.returncode == 0 and b" us" in done.stdout and b"..." not in done.stdout.splitlines()[0]


def use_everything(folder):
    """Each function of the table at least once, but those that nothing here can make happen."""
    one, other = litsock.socketpair(type=litsock.SOCK_DGRAM)
    with one, other:
        one.sendmmsg([(b"a", None), (b"b", None)])
        other.recvmmsg(2)
    (folder / "file").write_bytes(b"data")
    with litsock.create_server(("127.0.0.1", 0)) as server, litsock.socket() as client:
        client.settimeout(5)
        client.set_inheritable(True)
        client.get_inheritable()
        client.connect(server.getsockname())
        peer, _ = server.accept()
        with peer, client.dup() as copy, open(folder / "file", "rb") as file:
            assert peer.getpeername() == copy.getsockname()
            client.send(b"1")
            peer.recv(10)
            client.sendto(b"2", peer.getsockname())
            peer.recv_into(bytearray(10))
            client.sendmsg([b"3"])
            peer.recvfrom(10)
            client.sendfile(file)
            peer.recvfrom_into(bytearray(10))
            client.send(b"4")
            peer.recvmsg(10)
            client.send(b"5")
            peer.recvmsg_into([bytearray(10)])
            client.settimeout(0.01)
            with pytest.raises(TimeoutError):
                client.recv(1)
            client.setsockopt(litsock.SOL_SOCKET, litsock.SO_KEEPALIVE, 1)
            client.getsockopt(litsock.SOL_SOCKET, litsock.SO_KEEPALIVE)
            client.shutdown(litsock.SHUT_WR)
    litsock.gethostname()
    (number, name), *_ = litsock.if_nameindex()
    assert litsock.if_indextoname(number) == name and litsock.if_nametoindex(name) == number
    litsock.getaddrinfo("127.0.0.1", "http")
    litsock.getnameinfo(("127.0.0.1", 80), litsock.NI_NUMERICHOST)
    litsock.gethostbyname_ex("localhost")
    litsock.gethostbyaddr("127.0.0.1")
    for lookup, argument in ((litsock.getservbyname, "http"), (litsock.getservbyport, 80), (litsock.getprotobyname, "tcp")):
        with suppress(OSError):
            lookup(argument)
    with pytest.raises(OSError):
        litsock.sethostname("\udcff" * 70)


def test_every_function_of_the_table_is_seen(tmp_path):
    """Also where C does the plain case by itself: it steps aside."""
    with litsock.trace() as t:
        use_everything(tmp_path)
    assert {call.name for call in CALLS.values() if call.parameters} - {call.name for call in t._calls()} <= {"close_rights", "accept_unnamed"}
