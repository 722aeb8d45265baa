"""pytest-socket forbids sockets in tests: its guard sees each family and each host, and asyncio still has its pair."""
# needs: package:pytest_socket
# ways: run, cffi

import asyncio
import socket

import pytest_socket

server = socket.create_server(("127.0.0.1", 0))
place = server.getsockname()


def show(name, call):
    try:
        found = call()
        for sock in found if isinstance(found, tuple) else [found]:
            if hasattr(sock, "close"):
                sock.close()
        print(name, "allowed")
    except Exception as error:
        print(name, type(error).__name__ if type(error).__module__ == "pytest_socket" else "not blocked")


def everything():
    show("socket", socket.socket)
    show("unix", lambda: socket.socket(socket.AF_UNIX))
    show("pair", socket.socketpair)
    show("create_connection", lambda: socket.create_connection(place))
    show("create_server", lambda: socket.create_server(("127.0.0.1", 0)))
    show("fromfd", lambda: socket.fromfd(server.fileno(), socket.AF_INET, socket.SOCK_STREAM))
    show("elsewhere", lambda: socket.create_connection(("192.0.2.1", 80), timeout=0.01))

    async def nothing():
        return 1

    show("asyncio", lambda: asyncio.run(nothing()))


for name, guard in {
    "disabled": lambda: pytest_socket.disable_socket(),
    "disabled but for paths": lambda: pytest_socket.disable_socket(allow_unix_socket=True),
    "enabled": pytest_socket.enable_socket,
    "hosts": lambda: pytest_socket.socket_allow_hosts(["127.0.0.1"]),
}.items():
    print(name)
    guard()
    everything()
pytest_socket._remove_restrictions()
everything()
