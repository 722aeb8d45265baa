"""`unittest.mock.patch` by name: `_socket.getaddrinfo`, `socket.getaddrinfo`, `socket.socket.connect`."""
# ways: run, cffi

import socket
import unittest.mock

server = socket.create_server(("127.0.0.1", 0))
port = server.getsockname()[1]
ANSWER = [(2, 1, 6, "", ("127.0.0.1", port))]


def connects():
    try:
        with socket.create_connection(("nobody.invalid", port)) as sock:
            return sock.getpeername()[1] == port
    except OSError as error:
        return type(error).__name__


for name in ("_socket.getaddrinfo", "socket.getaddrinfo", "socket._socket.getaddrinfo"):
    with unittest.mock.patch(name, return_value=ANSWER) as patched:
        print(name, connects(), patched.call_count)
with unittest.mock.patch("socket.socket.connect", return_value=None), unittest.mock.patch("socket.getaddrinfo", return_value=ANSWER):
    try:
        print(connects())
    except Exception as error:
        print(type(error).__name__)
with unittest.mock.patch("socket.gethostbyname", return_value="192.0.2.1"):
    print(socket.gethostbyname("nobody.invalid"))
for name in ("socketpair", "dup", "close", "getdefaulttimeout"):
    with unittest.mock.patch(f"_socket.{name}") as patched:
        try:
            for call in (socket.socketpair, lambda: socket.fromfd(server.fileno(), 2, 1), socket.getdefaulttimeout):
                call()
        except Exception:
            pass
        print(name, patched.call_count)
print("_socket", sorted(set(vars(socket._socket)) & {"socket", "SocketType", "CAPI", "error", "gaierror", "herror", "timeout", "has_ipv6", "AF_INET"}))
