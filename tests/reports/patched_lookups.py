"""Test tools patch the module, its dictionary, the class or the C module beneath; what is built on top goes through the patch."""

import socket
import unittest.mock

real = socket.getaddrinfo
server = socket.create_server(("127.0.0.1", 0))
port = server.getsockname()[1]
ANSWER = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
asked = []


def fake(host, *arguments, **named):
    asked.append(host)
    return ANSWER


def connects():
    """Whether a name that nobody has leads to the server."""
    asked.clear()
    try:
        with socket.create_connection(("nobody.invalid", port)) as sock:
            return sock.getpeername()[1] == port, asked
    except OSError as error:
        return type(error).__name__, asked


def looked_up():
    try:
        return socket.getaddrinfo("nobody.invalid", port)[0][4][1] == port
    except OSError as error:
        return type(error).__name__


with unittest.mock.patch.object(socket, "getaddrinfo", fake):
    print("patch.object", connects(), looked_up())
with unittest.mock.patch.dict(vars(socket), {"getaddrinfo": fake}):
    print("patch.dict", connects(), looked_up())
socket.__dict__["getaddrinfo"] = fake
print("the dictionary", connects(), looked_up())
socket.__dict__["getaddrinfo"] = real
print(socket.getaddrinfo is real)
socket.getaddrinfo = fake
print("assigned", connects(), looked_up())
socket.getaddrinfo = real
with unittest.mock.patch.object(socket._socket, "getaddrinfo", fake):
    print("beneath", connects(), looked_up(), asked)

CALLS = {
    "gethostname": (lambda: socket.getfqdn(), "x.example", [("gethostbyaddr", ("y.example", [], []))]),
    "gethostbyaddr": (lambda: socket.getfqdn("127.0.0.1"), ("host.example", ["alias"], ["127.0.0.1"]), []),
    "create_connection": (lambda: socket.create_connection(("127.0.0.1", 1)), "replaced", []),
    "getdefaulttimeout": (lambda: socket.getdefaulttimeout(), 77, []),
    "has_ipv6": (lambda: socket.has_dualstack_ipv6() or socket.has_ipv6, False, []),
    "has_dualstack_ipv6": (lambda: socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True), None, []),
    "dup": (lambda: type(socket.fromfd(server.fileno(), 2, 1)).__name__, None, []),
}
for name, (call, value, more) in CALLS.items():
    replacement = value if name == "has_ipv6" else unittest.mock.Mock(return_value=value)
    with unittest.mock.patch.object(socket, name, replacement):
        for other, answer in more:
            unittest.mock.patch.object(socket, other, unittest.mock.Mock(return_value=answer)).start()
        try:
            print(name, call())
        except Exception as error:
            print(name, type(error).__name__)
        unittest.mock.patch.stopall()

with unittest.mock.patch.object(socket, "socket") as mocked:
    mocked.return_value.recv.return_value = b"mocked"
    sock = socket.create_connection(("127.0.0.1", port))
    print(sock.recv(5), mocked.return_value.connect.call_args[0][0] == ("127.0.0.1", port), mocked.call_count)
with unittest.mock.patch.object(socket.socket, "connect", side_effect=ConnectionRefusedError(111, "by a test")) as connect:
    print(connects.__name__, end=" ")
    try:
        socket.create_connection(("127.0.0.1", port))
    except OSError as error:
        print(error, connect.call_count)
with unittest.mock.patch.object(socket.socket, "send", return_value=3), unittest.mock.patch.object(socket.socket, "recv", return_value=b"abc"):
    with socket.socket() as sock:
        print(sock.send(b"x"), sock.recv(1))
with unittest.mock.patch.object(socket.socket, "recv_into", side_effect=[0]):
    near, far = socket.socketpair()
    with near, far, near.makefile("rb") as file:
        print(file.read())
print("makefile" in vars(socket.socket), "accept" in vars(socket.socket))
specified = unittest.mock.create_autospec(socket.socket, instance=True)
specified.recv.return_value = b"y"
print(specified.recv(1), isinstance(specified, socket.socket))
