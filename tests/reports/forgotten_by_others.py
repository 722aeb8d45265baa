"""Sockets that were accepted, paired, duplicated or caught in a cycle, and forgotten while warnings are errors."""

import gc
import os
import socket
import sys
import warnings

warnings.simplefilter("error", ResourceWarning)
sys.unraisablehook = lambda unraisable: None


def count():
    return len(os.listdir("/proc/self/fd"))


def accepted():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        server.accept()


def paired():
    socket.socketpair()


def listening():
    socket.create_server(("127.0.0.1", 0))


def duplicated():
    with socket.socket() as sock:
        sock.dup()
        socket.fromfd(sock.fileno(), sock.family, sock.type)


def in_a_cycle():
    sock = type("Cyclic", (socket.socket,), {})()
    sock.me = sock


def with_a_file():
    near, far = socket.socketpair()
    far.close()
    near.makefile("rb")


def file_outlives_socket():
    near, far = socket.socketpair()
    far.close()
    file = near.makefile("rb", buffering=0)
    del near
    return file.read(1)


def raised_in_init():
    class Strict(socket.socket):
        def __init__(self):
            super().__init__()
            raise LookupError

    try:
        Strict()
    except LookupError:
        pass


for forget in (accepted, paired, listening, duplicated, in_a_cycle, with_a_file, file_outlives_socket, raised_in_init):
    gc.collect()
    before = count()
    for _ in range(5):
        forget()
        gc.collect()
    print(forget.__name__, "left open:", count() - before)
