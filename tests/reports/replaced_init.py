"""`socket.socket.__init__`, or another method, is replaced: accepted, paired, duplicated sockets go through it too."""

import gc
import socket
import sys

made = []
original = socket.socket.__init__


def init(self, *arguments, **named):
    original(self, *arguments, **named)
    if self.family == socket.AF_INET and self.type == socket.SOCK_STREAM:
        self.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    made.append((self.family.name, self.type.name, self.proto, self.gettimeout()))


def since(count):
    new = made[count:]
    del made[:]
    return new


socket.socket.__init__ = init
with socket.create_server(("127.0.0.1", 0)) as server:
    print("create_server", since(0))
    with socket.create_connection(server.getsockname()) as near:
        print("create_connection", since(0))
        far, _ = server.accept()
        print("accept", since(0), far.getsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE))
        with far, far.dup() as again, socket.fromfd(far.fileno(), socket.AF_INET, socket.SOCK_STREAM):
            print("dup, fromfd", since(0), type(again).__name__)
for pair in (socket.socketpair(), socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)):
    print("socketpair", since(0), [sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) for sock in pair])
    for sock in pair:
        sock.close()
socket.setdefaulttimeout(7)
for sock in socket.socketpair():
    sock.close()
print("socketpair with a default timeout", since(0))
socket.setdefaulttimeout(None)


def failing(self, *arguments, **named):
    original(self, *arguments, **named)
    raise LookupError("not today")


with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as near:
    near.connect(server.getsockname())
    socket.socket.__init__ = failing
    for make in (server.accept, socket.socketpair, server.dup, lambda: socket.create_server(("127.0.0.1", 0))):
        try:
            make()
        except LookupError as error:
            print(error)
    near.settimeout(5)
    if sys.implementation.name == "pypy":  # which closes what was dropped when it collects it
        gc.collect()
    print("the refused connection is closed:", near.recv(1))
socket.socket.__init__ = original

# Other methods that are replaced on the class, and reached through the others
calls = []


def logged(name):
    method = getattr(socket.socket, name)

    def replacement(self, *arguments):
        calls.append(name)
        return method(self, *arguments)

    return method, replacement


saved = {}
for name in ("connect", "settimeout", "setsockopt", "bind", "listen", "setblocking", "sendmsg", "recvmsg", "send", "recv_into", "close"):
    saved[name], replacement = logged(name)
    setattr(socket.socket, name, replacement)
with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), 5, ("127.0.0.1", 0)) as near:
    near.sendfile(__import__("io").BytesIO(b"line\n"))
    far, _ = server.accept()
    with far, far.makefile("rb") as file:
        print(file.readline())
for name, method in saved.items():
    setattr(socket.socket, name, method)
print(calls)
