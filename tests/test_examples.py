"""The example programs as their users meet them: as processes, with what they print and the status they end with."""

import os
import signal
import subprocess
import sys
from errno import EADDRINUSE

import pytest
from common import descriptors
from processes import LIMIT, beside, one_line, port_of, program, run

import litsock
from litsock import examples
from litsock.examples import __main__ as running

PROGRAMS = [program.__name__.replace("_", "-") for program in running.PROGRAMS]
ECHO = [program.__name__.replace("_", "-") for program in examples.PROGRAMS if "echo" in program.__name__]
SERVERS = [name for name in ECHO if "server" in name]
CLIENTS = [name for name in ECHO if "client" in name]
KILLED = 1 if sys.platform == "win32" else -signal.SIGKILL  # the status of a process that `kill()` has ended


@pytest.fixture
def listener():
    "A server that listens on a port that the kernel chose."
    with litsock.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(LIMIT)
        yield server


# Conversations


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("server", SERVERS)
def test_every_server_answers_every_client_over_ipv4(server, client):
    with program(server, "--host", "127.0.0.1", "--port", "0") as served:
        port = port_of(served)
        assert run(client, "--host", "127.0.0.1", "--port", port) == (0, "Received b'Hello, world'\n", "")
        said, complaints = served.communicate()
    assert (served.returncode, complaints) == (0, "")
    assert said.startswith("Connected by 127.0.0.1 port ") and said.count("\n") == 1


@pytest.mark.needs("ipv6")
@pytest.mark.parametrize("server", ["echo-server", "echo-server-both"])
def test_servers_answer_over_ipv6(server):
    with program(server, "--host", "::1", "--port", "0") as served:
        port = port_of(served)
        assert run("echo-client", "--host", "::1", "--port", port) == (0, "Received b'Hello, world'\n", "")
        said, complaints = served.communicate()
    assert (served.returncode, complaints) == (0, "")
    assert said.startswith("Connected by ::1 port ")


@pytest.mark.needs("ipv6")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_server_on_both_has_one_port_for_both(host):
    with program("echo-server-both", "--host", "", "--port", "0") as served:
        port = port_of(served)
        assert port_of(served) == port
        assert run("echo-client", "--host", host, "--port", port)[0] == 0
        assert served.communicate()[0].startswith(f"Connected by {host} port ")


@pytest.mark.parametrize("server", SERVERS)
def test_servers_stay_on_this_machine_unless_told_otherwise(server):
    with program(server, "--port", "0") as served:
        assert served.stdout.readline().split()[2] in ("127.0.0.1", "::1")


@pytest.mark.parametrize("message", ["", "häufig 🙂", "x" * 100_000, b"\xff\x80".decode(errors="surrogateescape")])
def test_messages_come_back_as_they_were(message):
    with program("echo-server", "--port", "0") as served:
        port = port_of(served)
        status, output, _ = run("echo-client", "--port", port, "--message", message)
    assert (status, output) == (0, f"Received {os.fsencode(message)}\n")


def test_a_long_message_does_not_get_stuck(listener):
    message = os.urandom(5_000_000)
    with beside(examples.echo_one_client, listener, lambda *_: None):
        assert examples.echo_client_ipv4(*listener.getsockname(), message) == message


# When things go wrong


@pytest.mark.parametrize("server", SERVERS)
def test_port_in_use(server, listener):
    host, port = listener.getsockname()
    status, output, complaint = run(server, "--host", host, "--port", str(port))
    assert (status, output) == (1, "")
    words = [] if sys.platform == "win32" else [os.strerror(EADDRINUSE)]  # Windows has its own
    assert one_line(complaint, server, host, str(port), *words)


@pytest.mark.parametrize("client", CLIENTS)
def test_refused(client):
    with litsock.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # nobody else gets this port, and nobody listens
        host, port = silent.getsockname()
        status, output, complaint = run(client, "--host", host, "--port", str(port))
    assert (status, output) == (1, "")
    assert one_line(complaint, client, host, str(port), "refused")


@pytest.mark.parametrize("host", ["no.such.host.invalid", "ä..invalid", "256.0.0.1", "fe80::1%no-such-link"])
@pytest.mark.parametrize("name", SERVERS + CLIENTS)
def test_unknown_host(name, host):
    status, output, complaint = run(name, "--host", host, "--port", "50007")
    assert (status, output) == (1, "")
    assert one_line(complaint, name, host)


@pytest.mark.parametrize("port", ["http", "65536", "-1", "1.5", "", "9" * 5000])
@pytest.mark.parametrize("name", ["echo-server", "echo-client-ipv4"])
def test_bad_port(name, port):
    status, output, complaint = run(name, f"--port={port}")
    assert (status, output) == (2, "")
    assert one_line(complaint, name, "--port")


def test_without_a_name_all_are_listed():
    assert run() == run("--help")


@pytest.mark.parametrize("words", ["telephone", "demo --loud", "echo-server now", "echo-client --port"])
def test_wrong_command_line(words):
    status, output, complaint = run(*words.split())
    assert (status, output) == (2, "")
    assert one_line(complaint, "--help")


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("rude", [False, True], ids=["closes", "resets"])
def test_the_server_vanishes(client, rude, listener):
    def vanish():
        connection, _ = listener.accept()
        with connection:
            connection.recv(4)
            connection.send(b"Hell")
            if not rude:
                connection.recv(1024)  # what is left unread would make a reset of the end

    host, port = listener.getsockname()
    with beside(vanish):
        status, output, complaint = run(client, "--host", host, "--port", str(port))
    assert (status, output) == (1, "")
    assert one_line(complaint, client, "vanished")


@pytest.mark.parametrize("server", SERVERS)
def test_the_client_vanishes(server):
    with program(server, "--host", "127.0.0.1", "--port", "0") as served:
        port = port_of(served)
        with litsock.create_connection(("127.0.0.1", int(port)), timeout=LIMIT) as client:
            client.sendall(b"Hello")
            assert client.recv(1024)
            at_once = (1).to_bytes(4, sys.byteorder) + bytes(4)  # struct linger: on, no time
            client.setsockopt(litsock.SOL_SOCKET, litsock.SO_LINGER, at_once)
        said, complaint = served.communicate()
    assert served.returncode == 1 and said.startswith("Connected by")
    assert one_line(complaint, server, "vanished")


@pytest.mark.parametrize("server", SERVERS)
def test_control_c_ends_a_server(server):
    with program(server, "--port", "0") as served:
        port_of(served)
        served.send_signal(signal.SIGINT)
        said, complaint = served.communicate()
    assert served.returncode == 130
    assert complaint == f"{server}: interrupted\n"


@pytest.mark.parametrize("client", CLIENTS)
def test_control_c_ends_a_client(client, listener):
    host, port = listener.getsockname()
    with program(client, "--host", host, "--port", str(port)) as asking:
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(1024)  # and never answer
            asking.send_signal(signal.SIGINT)
            said, complaint = asking.communicate()
    assert (asking.returncode, said, complaint) == (130, "", f"{client}: interrupted\n")


def test_a_server_ends_quietly_when_asked_to():
    with program("echo-server", "--port", "0") as served:
        port_of(served)
        served.terminate()
        assert served.communicate() == ("", "")
    assert served.returncode == 128 + signal.SIGTERM


# Help


def test_help_lists_all_programs():
    status, output, complaint = run("--help")
    assert (status, complaint) == (0, "")
    for name in PROGRAMS:
        assert name in output


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_of_each_program(name):
    status, output, complaint = run(name, "--help")
    assert (status, complaint) == (0, "")
    assert output.startswith(f"usage: python -m litsock.examples {name}")
    if name in ECHO:
        assert "--host" in output and ("--message" in output) == ("client" in name)


# The demonstration


def test_demo():
    status, output, complaint = run("demo")
    assert (status, complaint) == (0, "")
    assert output.count("Received b'Hello, world'") == 3 - ("skipped" in output)
    assert output.splitlines()[-1] == "Every message came back."


def test_demo_says_which_conversation_failed(monkeypatch, capsys):
    with litsock.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = str(silent.getsockname()[1])
        good = ("Good", "echo-server", "127.0.0.1", "echo-client", "127.0.0.1")
        lost = ("Lost", "echo-server", "127.0.0.1", "echo-client", "no.such.host.invalid")
        mute = ("Mute", "echo-client", "127.0.0.1", "echo-client", "127.0.0.1")
        monkeypatch.setattr(running, "CONVERSATIONS", [lost, good, mute])
        with pytest.raises(SystemExit) as end:
            running.main(["demo"])
    assert end.value.code == "demo: failed: Lost; Mute"
    output = capsys.readouterr().out
    assert "no.such.host.invalid port " in output and "Received b'Hello, world'" in output


def test_demo_without_ipv6(monkeypatch, capsys):
    monkeypatch.setattr(running, "ipv6_works", lambda: False)
    assert running.main(["demo"]) == 0
    output = capsys.readouterr().out
    assert "skipped" in output and output.count("Received") == 2


def test_children_end_with_the_block():
    with pytest.raises(ZeroDivisionError):
        with running.running("echo-server", "--port", "0") as child:
            child.stdout.readline()
            1 / 0
    assert child.returncode == KILLED


def test_control_c_ends_the_demo_and_its_children():
    code = """if True:
        import sys
        from litsock.examples import __main__ as running
        running.CONVERSATIONS = [("Deaf", "echo-server", "localhost", "echo-server-both", "localhost")]
        class Note(running.Timer):
            def start(self):
                super().start()
                print("child", self.function.__self__.pid, flush=True)
        running.Timer = Note
        sys.exit(running.main(["demo"]))
    """
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        children = []
        while len(children) < 2 and (line := demo.stdout.readline()):
            children += [int(line.split()[1])] if line.startswith("child") else []
        demo.send_signal(signal.SIGINT)
        complaint = demo.communicate(timeout=LIMIT)[1]
    assert (demo.returncode, complaint) == (130, "demo: interrupted\n")
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_children_end_after_a_while(monkeypatch):
    monkeypatch.setattr(running, "LIMIT", 0.01)
    with running.running("echo-server", "--port", "0") as child:
        child.stdout.read()
        assert child.wait() == KILLED


# The functions


def two_addresses(monkeypatch, port):
    "A host with an IPv6 and an IPv4 address, both loopback."
    found = [
        (litsock.AF_INET6, litsock.SOCK_STREAM, 0, "", ("::1", port, 0, 0)),
        (litsock.AF_INET, litsock.SOCK_STREAM, 0, "", ("127.0.0.1", port)),
    ]
    monkeypatch.setattr(litsock, "getaddrinfo", lambda *_: found)


def test_the_client_tries_the_next_address(monkeypatch, listener):
    port = listener.getsockname()[1]
    two_addresses(monkeypatch, port)
    with beside(examples.echo_one_client, listener, lambda *_: None):
        assert examples.echo_client("two.invalid", port, b"Hello") == b"Hello"


def test_the_last_problem_is_told_and_nothing_stays_open(monkeypatch):
    with litsock.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        two_addresses(monkeypatch, port)
        before = descriptors()
        with pytest.raises(ConnectionRefusedError):
            examples.echo_client("two.invalid", port)
        assert descriptors() == before


@pytest.mark.needs("ipv6")
@pytest.mark.parametrize("server", [examples.echo_server, examples.echo_server_both])
def test_a_server_does_not_move_when_the_port_is_taken(monkeypatch, server):
    with litsock.create_server(("::1", 0), family=litsock.AF_INET6) as first:
        two_addresses(monkeypatch, first.getsockname()[1])
        before = descriptors()
        with pytest.raises(OSError) as error:
            server("two.invalid", first.getsockname()[1])
        assert error.value.errno == EADDRINUSE
        assert descriptors() == before


@pytest.mark.skipif(sys.platform != "linux", reason="the rule of another kernel")
@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("after", [0, 1])
def test_linux_wants_the_consent_of_both(before, after):
    address = examples.make_time_wait(before)
    with litsock.socket() as again:
        again.setsockopt(litsock.SOL_SOCKET, litsock.SO_REUSEADDR, after)
        if before and after:
            again.bind(address)
            return
        with pytest.raises(OSError) as error:
            again.bind(address)
        assert error.value.errno == EADDRINUSE


def test_a_port_stays_behind_and_the_cure():
    status, output, complaint = run("time-wait")
    assert (status, complaint) == (0, "")
    without, cured = output.split("With SO_REUSEADDR:")
    assert without.count("TIME_WAIT: True") == cured.count("TIME_WAIT: True") == 1
    assert "to that port: EADDRINUSE" in without
    assert "to that port: bound" in cured


def test_no_other_socket_module_is_loaded():
    code = "import sys, litsock.examples; print({'socket', '_socket'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
