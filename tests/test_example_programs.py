"""Every example program beyond the echo pairs: as a process of its own, with its real output."""

import os
import re
import signal
import subprocess
import sys
import time
from errno import EADDRINUSE
from pathlib import Path

import pytest
from processes import LIMIT, beside, one_line, port_of, program, run

import litsock
from litsock.examples import packets, streams
from litsock.examples.__main__ import main

LOOPBACK = "127.0.0.1"
NETWORK_SERVERS = "echo-server-many", "frame-server", "line-server", "receive-file", "udp-server"


def connected(port):
    return litsock.create_connection((LOOPBACK, int(port)), timeout=LIMIT)


def descriptors_of(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def eventually(true):
    "Wait until something becomes true, or `LIMIT` is over."
    end = time.monotonic() + LIMIT
    while not (answer := true()) and time.monotonic() < end:
        time.sleep(0.01)
    return answer


# A port in use, Ctrl-C


@pytest.mark.parametrize("server", NETWORK_SERVERS)
def test_port_in_use(server):
    kind = litsock.SOCK_DGRAM if server.startswith("udp") else litsock.SOCK_STREAM
    with litsock.socket(type=kind) as first:
        first.bind((LOOPBACK, 0))
        if kind == litsock.SOCK_STREAM:
            first.listen()
        status, output, complaint = run(server, "--port", str(first.getsockname()[1]))
    assert (status, output) == (1, "")
    words = [] if sys.platform == "win32" else [os.strerror(EADDRINUSE)]  # Windows has its own
    assert one_line(complaint, server, *words)


@pytest.mark.parametrize("server", [*NETWORK_SERVERS[1:], "found-server"])
def test_control_c(server):
    with program(server, "--port", "0") as served:
        port_of(served)
        served.send_signal(signal.SIGINT)
        assert served.communicate() == ("", f"{server}: interrupted\n")
    assert served.returncode == 130


@pytest.mark.parametrize("client", ["frame-client", "line-client", "send-file"])
def test_nobody_listens(client, tmp_path):
    (tmp_path / "song").write_bytes(b"la")
    what = [str(tmp_path / "song")] if client == "send-file" else []
    with litsock.socket() as silent:
        silent.bind((LOOPBACK, 0))
        port = str(silent.getsockname()[1])
        status, output, complaint = run(client, *what, "--port", port)
    assert (status, output) == (1, "")
    assert one_line(complaint, client, port, "refused")


def test_only_servers_let_the_kernel_choose_a_port(capsys):
    for name in ("echo-client", "frame-client", "line-client", "send-file", "udp-client", "find-servers", "wake"):
        with pytest.raises(SystemExit):
            main([name, "--help"])
        assert "lets the kernel choose" not in " ".join(capsys.readouterr().out.split()), name
    for name in (*NETWORK_SERVERS, "echo-server", "echo-server-ipv4", "echo-server-both", "forward", "found-server"):
        with pytest.raises(SystemExit):
            main([name, "--help"])
        assert "lets the kernel choose" in " ".join(capsys.readouterr().out.split()), name


def test_a_hundred_clients_that_connect_at_once_do_not_wait():
    """With a backlog of 1 the kernel drops their SYNs, and they try again after seconds."""
    with program("line-server", "--port", "0") as served:
        port, socks = port_of(served), [litsock.socket() for _ in range(100)]
        served.send_signal(signal.SIGSTOP)  # it does not accept
        try:
            for sock in socks:
                sock.settimeout(0.9)  # the first SYN is sent again after a second
                sock.connect((LOOPBACK, int(port)))
        finally:
            served.send_signal(signal.SIGCONT)
            for sock in socks:
                sock.close()


# One server, many clients


def test_many_clients_at_once_and_a_graceful_end():
    with program("echo-server-many", "--port", "0") as served:
        port = port_of(served)
        clients = [connected(port) for _ in range(100)]
        for number, client in enumerate(clients):
            client.sendall(b"%d" % number)
        for number, client in enumerate(clients):
            assert client.recv(100) == b"%d" % number
        for client in clients[1:]:
            client.close()
        served.send_signal(signal.SIGINT)
        assert eventually(lambda: refused(port))
        clients[0].sendall(b"still here")
        assert clients[0].recv(100) == b"still here"
        clients[0].close()
        said, complaints = served.communicate()
    assert (served.returncode, complaints) == (0, "")
    assert said.count("Connected by") == said.count("Served") >= 100  # and those who asked whether it still listens


def refused(port):
    with litsock.socket() as client:
        return client.connect_ex((LOOPBACK, int(port))) != 0


def test_a_second_control_c_ends_at_once():
    with program("echo-server-many", "--port", "0") as served:
        port = port_of(served)
        with connected(port) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            served.send_signal(signal.SIGINT)
            assert eventually(lambda: refused(port))
            served.send_signal(signal.SIGINT)
            complaints = served.communicate()[1]
    assert (served.returncode, complaints) == (130, "echo-server-many: interrupted\n")


def test_a_client_that_does_not_read_holds_up_nobody():
    with program("echo-server-many", "--port", "0") as served:
        port = port_of(served)
        with connected(port) as deaf, connected(port) as client:
            deaf.settimeout(0)
            with pytest.raises(BlockingIOError):
                while True:
                    deaf.send(b"x" * 65536)
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"
            with open(f"/proc/{served.pid}/statm") as statm:
                assert int(statm.read().split()[1]) * 4096 < 200e6  # what the deaf one sent is not piling up
        served.terminate()
        served.communicate()


def test_a_client_that_vanishes_is_reported_and_the_others_go_on():
    with program("echo-server-many", "--port", "0") as served:
        port = port_of(served)
        with connected(port) as client:
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"
            before = descriptors_of(served)
            with connected(port) as rude:
                rude.sendall(b"x")
                assert rude.recv(1) == b"x"
                rude.setsockopt(litsock.SOL_SOCKET, litsock.SO_LINGER, (1).to_bytes(4, sys.byteorder) + bytes(4))
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"
            assert eventually(lambda: descriptors_of(served) == before)
        served.send_signal(signal.SIGINT)
        said, complaints = served.communicate()
    assert served.returncode == 0 and complaints == ""
    assert said.count("Lost, Connection reset by peer: 127.0.0.1 port ") == 1


# Messages


@pytest.mark.parametrize("kind", ["frame", "line"])
def test_messages(kind):
    with program(f"{kind}-server", "--port", "0") as served:
        port = port_of(served)
        status, output, complaint = run(f"{kind}-client", "--port", port, "--messages", "one", "two words", "häufig")
        served.send_signal(signal.SIGINT)
        served.communicate()
    assert (status, complaint) == (0, "")
    assert output == f"Received b'ONE'\nReceived b'TWO WORDS'\nReceived {'häufig'.encode().upper()}\n"


@pytest.mark.parametrize(
    "sent, complaint",
    [
        (b"\xff\xff\xff\xff", "announces a frame of 4294967295 bytes"),
        (b"\0\0\0\5abc", "the peer has finished after 3 of 5 bytes"),
        (b"\0\0", "the peer has finished after 0 of 2 bytes"),
    ],
)
def test_frames_gone_wrong(sent, complaint):
    with program("frame-server", "--port", "0") as served:
        port = port_of(served)
        with connected(port) as client:
            client.sendall(sent)
            client.shutdown(litsock.SHUT_WR)
            assert client.recv(1) == b""
        line = served.stdout.readline()
        assert line.startswith("Lost, ") and complaint in line
        assert run("frame-client", "--port", port)[0] == 0  # the next one is served
        served.kill()


def test_a_line_without_end_is_refused():
    with program("line-server", "--port", "0") as served:
        port = port_of(served)
        with connected(port) as client, pytest.raises(OSError):
            while True:
                client.sendall(b"x" * 65536)
        assert "a line without an end" in served.stdout.readline()
        served.kill()


def test_frames_too_large_to_send():
    one, other = litsock.socketpair()
    with one, other, pytest.raises(ValueError, match="too many for one frame"):
        streams.send_frame(one, bytes(streams.LARGEST + 1))


# A forwarder


def test_forward():
    with program("line-server", "--port", "0") as behind, program("forward", LOOPBACK, port_of(behind), "--port", "0") as served:
        port = port_of(served)
        assert run("line-client", "--port", port, "--messages", "through") == (0, "Received b'THROUGH'\n", "")
        assert served.stdout.readline().startswith("Served 127.0.0.1 port ")
        assert descriptors_of(served) == 4  # standard input, output, error, and the listening socket
        behind.kill()
        behind.wait()
        with connected(port) as client:
            assert client.recv(1) == b""  # no server behind it: the connection ends at once
        assert served.stdout.readline().startswith("Lost, Connection refused: 127.0.0.1 port ")
        served.kill()


# Files


@pytest.mark.parametrize("size", [0, 1, 10_000_001])
def test_a_file_arrives(tmp_path, size):
    song = tmp_path / "sông 1"
    song.write_bytes(os.urandom(size))
    (tmp_path / "there").mkdir()
    with program("receive-file", "--folder", str(tmp_path / "there"), "--port", "0") as receiver:
        status, output, complaint = run("send-file", str(song), "--port", port_of(receiver))
        said, complaints = receiver.communicate()
    assert (status, output, complaint) == (0, f"Sent sông 1, {size} bytes\n", "")
    assert (receiver.returncode, complaints) == (0, "") and "Received sông 1 from 127.0.0.1" in said
    assert (tmp_path / "there" / "sông 1").read_bytes() == song.read_bytes()


def test_a_broken_transfer_leaves_nothing(tmp_path):
    with program("receive-file", "--folder", str(tmp_path), "--port", "0") as receiver:
        with connected(port_of(receiver)) as sender:
            streams.send_frame(sender, b"song")
            streams.send_frame(sender, (100).to_bytes(8, "big"))
            sender.sendall(b"la la")
        complaint = receiver.communicate()[1]
    assert receiver.returncode == 1 and one_line(complaint, "receive-file", "vanished", "95 bytes still to come")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [b"../song", b"/etc/passwd", b"..", b"", b"a\0b"])
def test_names_that_leave_the_folder(tmp_path, name):
    folder = tmp_path / "there"
    folder.mkdir()
    with program("receive-file", "--folder", str(folder), "--port", "0") as receiver:
        with connected(port_of(receiver)) as sender:
            streams.send_frame(sender, name)
            streams.send_frame(sender, (0).to_bytes(8, "big"))
            complaint = receiver.communicate()[1]
    assert receiver.returncode == 1 and one_line(complaint, "receive-file", "not a plain name")
    assert list(tmp_path.rglob("*")) == [folder]


def test_files_are_not_replaced(tmp_path):
    (tmp_path / "song").write_text("old")
    with program("receive-file", "--folder", str(tmp_path), "--port", "0") as receiver:
        with connected(port_of(receiver)) as sender:
            streams.send_frame(sender, b"song")
            streams.send_frame(sender, (3).to_bytes(8, "big"))
            complaint = receiver.communicate()[1]
    assert receiver.returncode == 1 and one_line(complaint, "receive-file", "song: File exists")
    assert (tmp_path / "song").read_text() == "old"


def test_no_such_file(tmp_path):
    status, output, complaint = run("send-file", str(tmp_path / "none"))
    assert (status, output) == (1, "") and one_line(complaint, "none: No such file or directory")


def test_the_receiver_vanishes(tmp_path):
    (tmp_path / "song").write_bytes(bytes(10_000_000))
    with litsock.create_server((LOOPBACK, 0)) as server:

        def vanish():
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)

        with beside(vanish):
            status, output, complaint = run("send-file", str(tmp_path / "song"), "--port", str(server.getsockname()[1]))
    assert (status, output) == (1, "") and one_line(complaint, "send-file", "vanished")


# A page from the web

ANSWERS = {
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more": "hello",
    b"HTTP/1.0 200 OK\r\n\r\nhello": "hello",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: x\r\n\r\n": "hello",
    b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n": "",
}
BROKEN = {
    b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello": "vanished",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello": "vanished",
    b"220 mail.example\r\n": "not HTTP",
    b"": "not HTTP",
}


def fetched(answer):
    "What the program makes of an answer."
    with litsock.create_server((LOOPBACK, 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection:
                request = b""
                while not request.endswith(b"\r\n\r\n"):
                    request += connection.recv(1000)
                assert request.startswith(b"GET /a/page?q=1 HTTP/1.1\r\nHost: 127.0.0.1:")
                connection.sendall(answer)

        with beside(serve):
            return run("fetch", f"http://{LOOPBACK}:{server.getsockname()[1]}/a/page?q=1#here")


@pytest.mark.parametrize("answer", ANSWERS)
def test_fetch(answer):
    status, output, told = fetched(answer)
    assert (status, output) == (0, ANSWERS[answer])
    assert told.startswith(answer.partition(b"\r\n")[0].decode())


@pytest.mark.parametrize("answer", BROKEN)
def test_fetch_from_a_server_that_fails(answer):
    status, output, complaint = fetched(answer)
    assert (status, output) == (1, "") and one_line(complaint, "fetch", BROKEN[answer])


@pytest.mark.parametrize("url", ["https://example.invalid/", "example.invalid", "http://", "http://[", "http://h:port/"])
def test_fetch_what_is_no_web_address(url):
    status, output, complaint = run("fetch", url)
    assert (status, output) == (1, "") and one_line(complaint, "fetch")


# On one machine


def test_unix_server(tmp_path):
    path = tmp_path / "server.sock"
    with program("unix-server", "--path", str(path)) as served:
        assert served.stdout.readline() == f"Listening at {path}\n"
        status, output, complaint = run("unix-client", "--path", str(path), "--message", "hi")
        assert (status, complaint) == (0, "") and output.endswith(" says: hi'\n")
        busy = run("unix-server", "--path", str(path))
        assert busy[:2] == (1, "") and one_line(busy[2], str(path), os.strerror(EADDRINUSE))
        assert path.exists()  # the second one did not take it away
        served.send_signal(signal.SIGINT)
        assert served.communicate() == ("", "unix-server: interrupted\n")
    assert not path.exists()


def test_unix_server_after_a_crash(tmp_path):
    path = tmp_path / "server.sock"
    with program("unix-server", "--path", str(path)) as crashed:
        crashed.stdout.readline()
        crashed.kill()
        crashed.wait()
    assert path.exists()
    with program("unix-server", "--path", str(path)) as served:
        assert served.stdout.readline() == f"Listening at {path}\n"


def test_unix_server_leaves_files_alone(tmp_path):
    path = tmp_path / "precious"
    path.write_text("data")
    status, output, complaint = run("unix-server", "--path", str(path))
    assert (status, output) == (1, "") and one_line(complaint, str(path), os.strerror(EADDRINUSE))
    assert path.read_text() == "data"


def test_unix_client_without_server(tmp_path):
    status, output, complaint = run("unix-client", "--path", str(tmp_path / "none"))
    assert (status, output) == (1, "") and one_line(complaint, f"{tmp_path}/none: No such file or directory")


def test_pass_file(tmp_path):
    (tmp_path / "poem").write_text("one\ntwo\n")
    told = "Another process was given poem: 2 lines\n"
    assert run("pass-file", "--path", str(tmp_path / "poem")) == (0, told, "")
    assert run("pass-file", "--path", str(tmp_path / "none"))[0] == 1


def test_scatter():
    output = "Received b'HI'\nReceived b'\\x00\\x00\\x00*'\nReceived b'Hello, world'\n"
    assert run("scatter") == (0, output, "")


# Datagrams


def test_udp():
    with program("udp-server", "--port", "0") as served:
        port = port_of(served)
        assert run("udp-client", "--port", port) == (0, "Received b'Hello, world'\n", "")
        assert served.stdout.readline().startswith("Asked by 127.0.0.1 port ")
        served.kill()
        served.wait()
        status, output, complaint = run("udp-client", "--port", port)
    assert (status, output) == (1, "") and one_line(complaint, "udp-client", port, "refused")


def test_udp_without_an_answer():
    with litsock.socket(type=litsock.SOCK_DGRAM) as silent:
        silent.bind((LOOPBACK, 0))
        status, output, complaint = run("udp-client", "--port", str(silent.getsockname()[1]))
        silent.settimeout(0)
        for _ in range(3):
            assert silent.recv(100) == b"Hello, world"
    assert (status, output) == (1, "") and one_line(complaint, "no answer after asking 3 times")


def test_discovery():
    with program("found-server", "--name", "printer", "--port", "0") as served:
        port = port_of(served)
        status, output, complaint = run("find-servers", "--port", port, "--wait", "0.5")
        served.kill()
    assert (status, complaint) == (0, "")
    assert output.startswith("Found printer at 127.0.0.1 port ")


def test_discovery_without_an_answer():
    status, output, complaint = run("find-servers", "--group", "239.255.50.14", "--port", "9", "--wait", "0.1")
    assert (status, output) == (1, "")
    assert complaint == "find-servers: 239.255.50.14 port 9: no server answered within 0.1 s\n"


def test_wake():
    with litsock.socket(type=litsock.SOCK_DGRAM) as card:
        card.bind((LOOPBACK, 0))
        address = ["--host", LOOPBACK, "--port", str(card.getsockname()[1])]
        assert run("wake", "00:11:22:33:44:55", *address) == (0, "Sent the magic packet for 00:11:22:33:44:55\n", "")
        assert card.recv(1000) == b"\xff" * 6 + bytes.fromhex("001122334455") * 16
    for wrong in ("00:11:22:33:44", "00:11:22:33:44:5g", "", "00:11:22:33:44:55:66"):
        status, output, complaint = run("wake", wrong)
        assert (status, output) == (1, "") and one_line(complaint, "wake", "hardware address")


def test_ping():
    try:
        litsock.socket(litsock.AF_INET, litsock.SOCK_DGRAM, litsock.IPPROTO_ICMP).close()
    except PermissionError:
        status, output, complaint = run("ping", LOOPBACK)
        assert (status, output) == (1, "") and one_line(complaint, "ping_group_range")
        return
    status, output, complaint = run("ping", LOOPBACK, "--count", "2")
    assert (status, complaint) == (0, "")
    assert output.splitlines()[-1].startswith("2 of 2 came back")


# Packets


def test_sniff():
    try:
        packets.tap("lo").close()
    except PermissionError:
        status, output, complaint = run("sniff", "--count", "1")
        assert (status, output) == (1, "") and one_line(complaint, "sniff", "CAP_NET_RAW")
        return
    with litsock.socket(type=litsock.SOCK_DGRAM) as sock:
        sock.bind((LOOPBACK, 0))
        port = sock.getsockname()[1]
        with program("sniff", "--only-port", str(port), "--count", "2") as sniffer:

            def send_until_seen():
                sock.sendto(b"hello", sock.getsockname())
                return sniffer.poll() is not None

            assert eventually(send_until_seen)
            said, complaints = sniffer.communicate()
    assert (sniffer.returncode, complaints) == (0, "")
    assert said.count(f"127.0.0.1:{port} → 127.0.0.1:{port} UDP") == len(said.splitlines()) == 2


@pytest.mark.parametrize("interface", ["no-such-link", "x" * 16])
def test_sniff_where_there_is_no_interface(interface):
    status, output, complaint = run("sniff", "--interface", interface)
    assert (status, output) == (1, "") and one_line(complaint, "sniff")


def test_can_programs():
    try:
        litsock.socket(litsock.AF_CAN, litsock.SOCK_RAW, litsock.CAN_RAW).close()
    except OSError as error:
        for words in (["can-dump"], ["can-send", "123", "0102"]):
            status, output, complaint = run(*words)
            assert (status, output) == (1, "") and one_line(complaint, words[0], os.strerror(error.errno))
        return
    if "vcan0" not in [name for _, name in litsock.if_nameindex()]:
        subprocess.run(["ip", "link", "add", "vcan0", "type", "vcan"], check=True)
        subprocess.run(["ip", "link", "set", "vcan0", "up"], check=True)
    with program("can-dump", "--count", "2") as dump:
        assert eventually(lambda: re.search("^ *vcan0 .* raw$", Path("/proc/net/can/rcvlist_all").read_text(), re.M))  # it is bound
        for can_id in ("123", "1abcdef0"):
            assert run("can-send", can_id, "0102ff") == (0, "", "")
        said, complaints = dump.communicate()
    assert said == "vcan0  123  [3]  01 02 ff\nvcan0  1ABCDEF0  [3]  01 02 ff\n"
