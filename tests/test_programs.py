"""Programs as people run them, from PyPI and from Python itself, on litsock, with real servers at the other end.

Nothing in `programs/` knows of litsock, `witness.py` apart, which runs the others and tells of which classes their sockets
were. Servers listen on the loopback interface, keep everything in a temporary folder, and end with the test that wanted them.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

import litsock

HERE = Path(__file__).with_name("programs")
HOME = str(Path(litsock.__file__).parents[1])
LIMIT = 120  # seconds, after which a program that hangs is killed, and its test fails
MISLEADING = re.compile(r".*_proxy|.*CA_BUNDLE|SSL_CERT_.*|PYTHON.*|LITSOCK.*", re.IGNORECASE)  # where else than to the loopback interface
ENVIRONMENT = {name: value for name, value in os.environ.items() if not MISLEADING.fullmatch(name)} | {"PYTHONPATH": HOME}


@contextmanager
def process(*command, **options):
    "A program that runs beside the test, and is made to end with it."
    with subprocess.Popen([*map(str, command)], env=ENVIRONMENT, text=True, **options) as child:
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()


PACKAGES = {"use_aiohttp.py": "aiohttp", "use_dnspython.py": "dns", "use_paramiko.py": "paramiko", "use_requests.py": "requests"}
PACKAGES |= {"use_redis.py": "redis", "use_pymysql.py": "pymysql"}


def needs(program):
    "Skip the test where the package that a program imports is not installed."
    module = PACKAGES.get(program)
    if module and not find_spec(module):
        pytest.skip(f"needs {module}: pip install 'litsock[dev]'")


class Tried:
    "Runs programs with a witness, and keeps for the table at the end what became of them."

    def __init__(self, rows, folder):
        self.rows, self.report = rows, folder / "report.json"

    @contextmanager
    def __call__(self, name, does):
        "The row of a program, which has failed unless the block comes to its end."
        self.rows[name] = row = {"does": does, "sockets": "", "result": "FAILED"}
        try:
            yield row
        except pytest.skip.Exception as skipped:
            row["result"] = f"skipped: {skipped}"
            raise
        row["result"] = "passed"

    def run(self, row, program, *arguments):
        "Run a program to its end, and see that litsock carried it."
        needs(program)
        command = [sys.executable, HERE / "witness.py", self.report, HERE / program, *arguments]
        done = subprocess.run([*map(str, command)], env=ENVIRONMENT, capture_output=True, text=True, timeout=LIMIT)
        assert done.returncode == 0, done.stderr or done.stdout
        row["sockets"] = self.testimony()
        return done.stdout

    def testimony(self):
        told = json.loads(self.report.read_text())
        assert told["made"] and not told["foreign"] and not told["standard module loaded"], told
        return ", ".join(f"{count} {kind}" for kind, count in sorted(told["made"].items()))


@pytest.fixture
def tried(programs, tmp_path):
    return Tried(programs, tmp_path)


# The web


@contextmanager
def web_server(*arguments, on_litsock=False):
    command = [sys.executable, *["-m", "litsock", "run"] * on_litsock, HERE / "web_server.py", *arguments]
    with process(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        yield int(server.stdout.readline())


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_requests_and_urllib3(scheme, tried, certificates):
    secure = scheme == "https"
    with tried(f"requests and urllib3, {scheme}", "talk to http.server over the standard module") as row:
        with web_server(*[certificates / "server.pem"] * secure) as port:
            tried.run(row, "use_requests.py", f"{scheme}://localhost:{port}", *[certificates / "authority.pem"] * secure)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_http_server(scheme, tried, certificates):
    secure = scheme == "https"
    with tried(f"http.server, {scheme}", "serves requests and urllib3 over the standard module") as row:
        needs("use_requests.py")
        witness = [sys.executable, HERE / "witness.py", tried.report, HERE / "web_server.py", *[certificates / "server.pem"] * secure]
        with process(*witness, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
            port = int(server.stdout.readline())
            client = [sys.executable, HERE / "use_requests.py", f"{scheme}://localhost:{port}", *[certificates / "authority.pem"] * secure]
            done = subprocess.run(client, env=ENVIRONMENT, capture_output=True, text=True, timeout=LIMIT)
            assert done.returncode == 0, done.stderr
            server.stdin.close()
            assert server.wait(LIMIT) == 0
        row["sockets"] = tried.testimony()


def test_http_server_as_a_module(tried, tmp_path):
    (tmp_path / "page.txt").write_text("a page")
    with tried("python -m http.server", "serves files until Ctrl-C") as row:
        command = [sys.executable, "-u", HERE / "witness.py", tried.report, "-m", "http.server", "--bind", "127.0.0.1", "0"]
        with process(*command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
            port = re.search(r"port (\d+)", server.stdout.readline())[1]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/page.txt", timeout=20) as page:
                assert page.read() == b"a page"
            server.send_signal(signal.SIGINT)
            output, log = server.communicate(timeout=20)
        assert server.returncode == 0 and "Keyboard interrupt" in output and '"GET /page.txt HTTP/1.1" 200' in log
        row["sockets"] = tried.testimony()


def test_aiohttp(tried, certificates):
    with tried("aiohttp", "client and server, HTTP, HTTPS and WebSocket, in asyncio") as row:
        tried.run(row, "use_aiohttp.py", certificates / "server.pem", certificates / "authority.pem")


# Others


def test_paramiko(tried):
    with tried("paramiko", "client and server: commands and files over SSH") as row:
        tried.run(row, "use_paramiko.py")


def test_dnspython(tried, certificates):
    with tried("dnspython", "asks a name server of its own over UDP, TCP and TLS") as row:
        tried.run(row, "use_dnspython.py", certificates / "server.pem", certificates / "authority.pem")


# Databases


def installed(command, package):
    "Where a command is; skips the test where it is not, and says which package of Debian's brings it."
    path = shutil.which(command, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.skip(f"there is no {command} here; on Debian: apt-get install {package}")
    return path


def free_port():
    "A port that was free a moment ago. The servers here cannot tell which one they were given."
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(server, is_up, log):
    "Wait until a server answers."
    deadline = time.monotonic() + LIMIT
    while not is_up():
        assert server.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def accepts(port):
    "Whether somebody listens on a port."
    try:
        socket.create_connection(("127.0.0.1", port), timeout=20).close()
        return True
    except ConnectionRefusedError:
        return False


def test_redis(tried, certificates, tmp_path):
    with tried("redis", "talks to a Redis server over TCP, TLS and a Unix socket, in threads and in asyncio") as row:
        command, port, tls_port, path, log = installed("redis-server", "redis-server"), free_port(), free_port(), tmp_path / "socket", tmp_path / "log"
        settings = {
            "bind": "127.0.0.1", "port": port, "tls-port": tls_port, "unixsocket": path, "dir": tmp_path, "save": "", "logfile": log,
            "tls-cert-file": certificates / "server.pem", "tls-key-file": certificates / "server.pem", "tls-ca-cert-file": certificates / "authority.pem",
            "tls-auth-clients": "no",
        }  # fmt: skip
        words = [word for name, value in settings.items() for word in (f"--{name}", value)]
        with process(command, *words, stdout=subprocess.DEVNULL) as server:
            log.touch()
            wait_for(server, lambda: accepts(port) and accepts(tls_port) and path.exists(), log)
            tried.run(row, "use_redis.py", port, tls_port, path, certificates / "authority.pem")


def test_pymysql(tried, certificates, tmp_path_factory):
    with tried("PyMySQL", "talks to a MariaDB server over TCP, TLS and a Unix socket") as row:
        make, command = installed("mariadb-install-db", "mariadb-server"), installed("mariadbd", "mariadb-server")
        folder, port = tmp_path_factory.mktemp("m"), free_port()  # a short path: that of a Unix socket has an end
        path, log, start = folder / "socket", folder / "log.err", folder / "start.sql"
        who = ["--user=root"] if os.geteuid() == 0 else []  # without that the server does not run as root
        place = ["--no-defaults", f"--datadir={folder / 'data'}", *who]
        done = subprocess.run([make, *place, "--auth-root-authentication-method=normal", "--skip-test-db"], capture_output=True, text=True, timeout=LIMIT)
        assert done.returncode == 0, done.stdout + done.stderr
        start.write_text("CREATE DATABASE litsock CHARACTER SET utf8mb4;\nCREATE USER litsock IDENTIFIED BY 'secret';\nGRANT ALL ON litsock.* TO litsock;\n")
        settings = {
            "socket": path, "port": port, "bind-address": "127.0.0.1", "log-error": log, "pid-file": folder / "pid", "init-file": start,
            "ssl-cert": certificates / "server.pem", "ssl-key": certificates / "server.pem", "ssl-ca": certificates / "authority.pem",
            "innodb-buffer-pool-size": "16M", "innodb-log-file-size": "4M", "max-allowed-packet": "64M", "skip-name-resolve": "ON",
        }  # fmt: skip
        log.touch()
        with process(command, *place, *(f"--{name}={value}" for name, value in settings.items())) as server:
            wait_for(server, lambda: "ready for connections" in log.read_text(), log)
            tried.run(row, "use_pymysql.py", port, path, certificates / "authority.pem")
