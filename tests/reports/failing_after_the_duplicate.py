"""What raises after a descriptor was duplicated, accepted or made closes it again."""
# better: a descriptor has an owner at every moment

import gc
import os
import socket
import sys


def count():
    if sys.implementation.name == "pypy":  # which closes what was dropped when it collects it
        gc.collect()
    return len(os.listdir("/proc/self/fd"))


class Refusing(socket.socket):
    ready = False

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        if Refusing.ready:
            raise LookupError("no more")


class NoIndex:
    def __index__(self):
        raise LookupError("no number")


real = socket.socket
sock, datagram = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
refusing = Refusing()
server = socket.create_server(("127.0.0.1", 0))
Refusing.ready = True


def accept():
    with real() as near:
        near.connect(server.getsockname())
        server.accept()


def replaced(call, by):
    socket.socket = by
    try:
        call()
    finally:
        socket.socket = real


audited = []


def audit(event, _):
    if audited and event == "socket.__new__":
        raise LookupError("audited")


def under_audit(call):
    audited.append(1)
    try:
        call()
    finally:
        audited.clear()


sys.addaudithook(audit)
fromfd, number = socket.fromfd, sock.fileno()
CALLS = {
    "family too large": lambda: fromfd(number, 2**40, 1),
    "type too large": lambda: fromfd(number, 2, 2**40),
    "protocol too large": lambda: fromfd(number, 2, 1, 2**40),
    "family no number": lambda: fromfd(number, "x", 1),
    "type no number": lambda: fromfd(number, 2, 1.5),
    "protocol raises": lambda: fromfd(number, 2, 1, NoIndex()),
    "no socket": lambda: fromfd(0, 2, 1),
    "class refuses": lambda: replaced(lambda: fromfd(number, 2, 1), Refusing),
    "audited": lambda: under_audit(lambda: fromfd(number, 2, 1)),
    "dup refused": refusing.dup,
    "dup audited": lambda: under_audit(sock.dup),
    "accept refused": lambda: replaced(accept, Refusing),
    "accept audited": lambda: (near := real(), near.connect(server.getsockname()), under_audit(server.accept)),
    "socketpair refused": lambda: replaced(socket.socketpair, Refusing),
    "socketpair audited": lambda: under_audit(socket.socketpair),
    "socketpair of a wrong type": lambda: socket.socketpair(socket.AF_UNIX, 2**40),
    "socket audited": lambda: under_audit(socket.socket),
    "create_server of a wrong place": lambda: socket.create_server(("127.0.0.1", -1)),
    "create_connection to a wrong place": lambda: socket.create_connection(("127.0.0.1", 1)),
    "create_connection from a wrong place": lambda: socket.create_connection(server.getsockname(), source_address=("127.0.0.1", -1)),
    "create_connection with a wrong timeout": lambda: socket.create_connection(server.getsockname(), timeout="x"),
}
import warnings

warnings.simplefilter("ignore")
wrong = []
for name, call in CALLS.items():
    before = count()
    try:
        call()
    except Exception as error:
        del error
    else:
        wrong.append(f"{name}: nothing was raised")
    if left := count() - before:
        wrong.append(f"{name}: {left} left open")
assert not wrong, "\n".join(wrong)
