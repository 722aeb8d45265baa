"""The dictionary of the C module is patched; lookups that are built on it go through the patch."""

import socket
import unittest.mock

server = socket.create_server(("127.0.0.1", 0))
port = server.getsockname()[1]
ANSWER = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
with unittest.mock.patch.dict(vars(socket._socket), {"getaddrinfo": lambda *_, **__: ANSWER}):
    try:
        print(socket.getaddrinfo("nobody.invalid", port) == ANSWER)
        with socket.create_connection(("nobody.invalid", port)) as sock:
            print(sock.getpeername()[1] == port)
    except OSError as error:
        print(type(error).__name__)
