"""`socket.socket` is replaced by something else: what makes a socket calls whatever stands there, and uses what it answers with."""

import functools
import socket
import unittest.mock

real = socket.socket
asked = []


def note(family=-1, type=-1, proto=-1, fileno=None):
    asked.append((int(family), int(type), int(proto), fileno is not None))


def function(*arguments, **named):
    note(*arguments, **named)
    return real(*arguments, **named)


def exact(family=socket.AF_INET, type=socket.SOCK_STREAM, proto=0, fileno=None):
    return function(family, type, proto, fileno)


class Callable:
    def __call__(self, *arguments, **named):
        return function(*arguments, **named)

    def method(self, *arguments, **named):
        return function(*arguments, **named)


class Counting(real):
    def __init__(self, *arguments, **named):
        note(*arguments, **named)
        super().__init__(*arguments, **named)
        self.received = 0

    def recv(self, *arguments):
        data = super().recv(*arguments)
        self.received += len(data)
        return data


class ByNew(real):
    def __new__(cls, *arguments, **named):
        note(*arguments, **named)
        return super().__new__(cls)


class Meta(type):
    def __call__(cls, *arguments, **named):
        note(*arguments, **named)
        return super().__call__(*arguments, **named)


class ByMeta(real, metaclass=Meta):
    pass


class Wrapper:
    """No socket at all: it has one."""

    def __init__(self, *arguments, **named):
        note(*arguments, **named)
        self._sock = real(*arguments, **named)

    def __getattr__(self, name):
        return getattr(self._sock, name)


class Guard(real):
    """Lets nothing be made that leaves the machine."""

    def __new__(cls, family=-1, type=-1, proto=-1, fileno=None):
        note(family, type, proto, fileno)
        if family != socket.AF_UNIX:
            raise RuntimeError("no network in tests")
        return super().__new__(cls, family, type, proto, fileno)


REPLACEMENTS = {
    "function": function,
    "function with names": exact,
    "partial": functools.partial(function),
    "callable object": Callable(),
    "bound method": Callable().method,
    "lambda": lambda *arguments, **named: function(*arguments, **named),
    "subclass with __init__": Counting,
    "subclass with __new__": ByNew,
    "class of a metaclass": ByMeta,
    "wrapper": Wrapper,
    "mock": unittest.mock.Mock(side_effect=function),
    "guard": Guard,
    "None": None,
}


def outcome(call, *arguments, **named):
    """What a call answers with, as classes; or what it raises. And what the replacement was asked for meanwhile."""
    asked.clear()
    try:
        made = call(*arguments, **named)
    except Exception as error:
        return type(error).__name__, str(error) if isinstance(error, RuntimeError) else "", asked[:]
    parts = made if isinstance(made, tuple) else (made,)
    kinds = [type(part).__name__ for part in parts if hasattr(part, "fileno")]
    for part in parts:
        if hasattr(part, "fileno"):
            received = getattr(part, "received", None)
            if received is not None:
                kinds.append(received)
            part.close()
    return kinds, asked[:]


def accept(server):
    near = real()
    near.connect(real.getsockname(server))
    with near:
        return server.accept()


for name, replacement in REPLACEMENTS.items():
    server, nonblocking = real(), real()
    for sock in (server, nonblocking):
        sock.bind(("127.0.0.1", 0))
        sock.listen()
    nonblocking.settimeout(5)
    udp = real(socket.AF_INET, socket.SOCK_DGRAM)
    subclassed = Counting(fileno=real().detach())
    socket.socket = replacement
    try:
        print(name)
        print("  accept", outcome(accept, server))
        print("  accept with a timeout", outcome(accept, nonblocking))
        print("  socketpair", outcome(socket.socketpair))
        print("  socketpair of datagrams", outcome(socket.socketpair, socket.AF_UNIX, socket.SOCK_DGRAM))
        print("  fromfd", outcome(socket.fromfd, udp.fileno(), socket.AF_INET, socket.SOCK_DGRAM))
        print("  dup", outcome(udp.dup), outcome(subclassed.dup))
        print("  create_server", outcome(socket.create_server, ("127.0.0.1", 0)))
        print("  create_connection", outcome(socket.create_connection, server.getsockname()))
        print("  has_dualstack_ipv6", outcome(socket.has_dualstack_ipv6)[-1])
    finally:
        socket.socket = real
        for sock in (server, nonblocking, udp, subclassed):
            sock.close()
