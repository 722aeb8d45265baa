"""`_socket` holds the lower type, which programs derive from, and which never makes the class that stands in `socket.socket`."""
# ways: run, cffi

import _socket
import gc
import os
import socket
import weakref


class Lean(_socket.socket):
    __slots__ = ("__weakref__", "label")


class Plain(_socket.socket):
    pass


lean = Lean(socket.AF_INET, socket.SOCK_STREAM)
lean.label = "mine"
reference = weakref.ref(lean)
print(type(lean).__mro__[1] is _socket.socket, lean.family == socket.AF_INET, lean.label, hasattr(lean, "__dict__"))
lean.close()
del lean
gc.collect()
print(reference())
plain = Plain(fileno=_socket.dup(os.dup(_socket.socket().detach())))
plain.anything = 5
print(plain.anything, hasattr(plain, "__dict__"))
plain.close()

print(issubclass(socket.socket, _socket.socket), socket.socket is _socket.socket, socket.SocketType is _socket.SocketType is _socket.socket)
print("__weakref__" in dir(socket.socket), "__weakref__" in dir(_socket.socket))

replaced = socket.socket
socket.socket = None
try:
    pair = _socket.socketpair()
    print([type(end) is _socket.socket for end in pair])
    pair[0].send(b"x")
    print(pair[1].recv(1), pair[0].gettimeout())
    pair[0].bind("")
    number, address = None, None
    server = _socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    near = _socket.socket()
    near.connect(server.getsockname())
    number, address = server._accept()
    print(type(number), address == near.getsockname())
    os.close(number)
finally:
    socket.socket = replaced
for name in ("accept", "makefile", "sendfile", "dup", "__enter__", "_accept", "sendmsg", "timeout"):
    print(name, hasattr(_socket.socket, name))
for end in (*pair, server, near):
    end.close()
print(repr(pair[0]).startswith("<socket object, fd=-1, family=1, type=1, proto=0>"))
print(_socket.socket.__name__, _socket.socket.__module__, _socket.error is OSError, _socket.timeout is TimeoutError, _socket.gaierror is socket.gaierror)
