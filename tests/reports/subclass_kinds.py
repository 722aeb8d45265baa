"""Subclasses of many kinds: methods written with each other, odd truth and equality, slots, generics, data classes, guards."""

import abc
import dataclasses
import gc
import io
import os
import socket
import threading
import typing
import weakref

server = socket.create_server(("127.0.0.1", 0))
place = server.getsockname()
TESTS = []
test = TESTS.append


@test
def settimeout_by_setblocking():
    class Sub(socket.socket):
        def settimeout(self, value):
            super().settimeout(value) if value else self.setblocking(value is None)

    with Sub() as sock:
        return [(sock.settimeout(value), sock.gettimeout(), sock.getblocking()) for value in (None, 0, 2, None)]


@test
def setblocking_by_settimeout():
    class Sub(socket.socket):
        def setblocking(self, flag):
            self.settimeout(None if flag else 0)

    with Sub() as sock:
        return [(sock.setblocking(flag), sock.gettimeout()) for flag in (True, False, True)]


@test
def gettimeout_and_timeout_that_lie():
    class Sub(socket.socket):
        timeout = 0.001

        def gettimeout(self):
            return 0.001

        def getblocking(self):
            return False

    with Sub() as sock:
        sock.connect(place)
        far, _ = server.accept()
        threading.Timer(0.3, far.send, [b"x"]).start()
        with sock.makefile("rb", buffering=0) as file:
            found = file.read(1)
        far.close()
        return found, socket.socket.gettimeout(sock)


@test
def connect_by_connect_ex():
    class Sub(socket.socket):
        def connect(self, address):
            if number := self.connect_ex(address):
                raise OSError(number, "no")

    with Sub() as sock:
        return sock.connect(place), socket.create_connection(place).close()


@test
def send_by_sendall_and_recv_by_recv_into():
    class Sub(socket.socket):
        def send(self, data, *flags):
            self.sendall(data, *flags)
            return len(data)

        def recv(self, size, *flags):
            buffer = bytearray(size)
            return bytes(buffer[: self.recv_into(buffer, size, *flags)])

    near, far = socket.socketpair()
    with Sub(fileno=near.detach()) as sock, far:
        sock.settimeout(10)
        return sock.send(b"abc"), far.send(b"de"), sock.recv(5), sock.sendfile(io.BytesIO(b"file")), far.recv(9)


@test
def sendall_by_send_and_recv_into_by_recv():
    class Sub(socket.socket):
        def sendall(self, data, *flags):
            while data:
                data = data[self.send(data[:2], *flags) :]

        def recv_into(self, buffer, size=0, *flags):
            data = self.recv(size or len(buffer), *flags)
            buffer[: len(data)] = data
            return len(data)

    near, far = socket.socketpair()
    with Sub(fileno=near.detach()) as sock, far:
        far.send(b"de\n")
        with sock.makefile("rb") as file:
            return sock.sendall(b"abcde"), far.recv(9), file.readline()


@test
def properties():
    class Sub(socket.socket):
        family = property(lambda self: "mine")
        type = property(lambda self: "mine too")
        proto = property(lambda self: "and this")

    with Sub() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.connect(place)
        return sock.family, sock.type, sock.proto, sock.getsockname()[0]


@test
def false_equal_and_unhashable():
    class Sub(socket.socket):
        __hash__ = None

        def __len__(self):
            return 0

        def __bool__(self):
            return False

        def __eq__(self, other):
            return True

    with Sub() as sock:
        sock.settimeout(10)
        sock.connect(place)
        sock.makefile("rb").close()
        return sock.sendfile(io.BytesIO(b"x")), sock.dup().close(), repr(sock)[:9]


@test
def hash_that_raises():
    class Sub(socket.socket):
        def __hash__(self):
            raise TypeError("no hash")

        def __eq__(self, other):
            raise TypeError("no comparison")

    with Sub() as sock:
        sock.settimeout(10)
        sock.connect(place)
        return sock.send(b"x"), sock.dup().close()


class Index:
    def __index__(self):
        return 7


@test
def guarded_attributes():
    class Sub(socket.socket):
        def __getattr__(self, name):
            raise RuntimeError(f"asked for {name}")

        def __setattr__(self, name, value):
            if name not in ("_closed", "_io_refs"):
                raise RuntimeError(f"set {name}")
            super().__setattr__(name, value)

        def __delattr__(self, name):
            raise RuntimeError(f"deleted {name}")

    with Sub() as sock:
        sock.settimeout(10)
        sock.connect(place)
        sock.makefile("rb").close()
        sock.dup().close()
        sock.settimeout(Index())
        sock.setblocking(Index())
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        sock.__init__(fileno=sock.fileno())
        return sock.send(b"x"), sock.gettimeout(), sock.detach() > 0


@test
def every_attribute_watched():
    asked = set()

    class Sub(socket.socket):
        def __getattribute__(self, name):
            asked.add(name)
            return super().__getattribute__(name)

    near, far = socket.socketpair()
    with Sub(fileno=near.detach()) as sock, far:
        sock.settimeout(10)
        sock.send(b"x"), sock.sendall(b"y"), far.send(b"answer"), sock.recv(3), sock.recv_into(bytearray(3)), sock.gettimeout()
    return sorted(name for name in asked if not name.startswith("_litsock_"))


@test
def slots():
    class Sub(socket.socket):
        __slots__ = ("peer", "_buf")

    with Sub() as sock:
        sock.peer, sock._buf = 1, b""
        try:
            sock.other = 1
        except AttributeError as error:
            return sock.peer, type(error).__name__


@test
def own_attributes():
    class Sub(socket.socket):
        pass

    with Sub() as sock:
        sock.anything = 1
        return list(vars(sock)), weakref.ref(sock)() is sock


@test
def no_init():
    class Sub(socket.socket):
        def __init__(self):
            pass

    sock = Sub()
    found = [sock.fileno(), int(sock.family), int(sock.type), sock.proto, sock.gettimeout(), repr(sock)[-60:]]
    for method, arguments in {"send": (b"x",), "recv": (1,), "settimeout": (1,), "listen": (), "shutdown": (2,), "setblocking": (True,)}.items():
        try:
            found.append(getattr(sock, method)(*arguments))
        except OSError as error:
            found.append((method, error.errno))
    return found


@test
def init_twice():
    with socket.socket() as sock:
        first = sock.fileno()
        sock.__init__(socket.AF_INET6, socket.SOCK_DGRAM)
        second = sock.fileno()
        if first != second and os.path.exists(f"/proc/self/fd/{first}"):
            socket.close(first)  # the standard module has lost it
        sock.settimeout(5)
        try:
            sock.__init__(999)
        except OSError:
            pass
        found = sock.family.name, sock.type.name, sock.fileno() == second, sock.gettimeout()
        sock.__init__(sock.family, sock.type, sock.proto, second)
        return *found, sock.fileno() == second, sock.gettimeout()


@test
def no_init_and_a_default_timeout():
    socket.setdefaulttimeout(5)
    sock = socket.socket.__new__(socket.socket)
    socket.setdefaulttimeout(3)
    before = sock.gettimeout()
    sock.__init__()
    socket.setdefaulttimeout(None)
    with sock:
        return before, sock.gettimeout()


@test
def own_arguments():
    class Sub(socket.socket):
        def __new__(cls, host, port):
            self = super().__new__(cls)
            self.target = host, port
            return self

        def __init__(self, host, port):
            super().__init__()
            self.connect(self.target)

    with Sub(*place) as sock:
        return sock.getpeername() == place


@test
def a_thread_and_a_socket():
    class Sub(threading.Thread, socket.socket):
        def __init__(self):
            threading.Thread.__init__(self, daemon=True)
            socket.socket.__init__(self)

        def run(self):
            self.connect(place)

    sock = Sub()
    sock.start()
    sock.join()
    with sock:
        return sock.getpeername() == place


@test
def abstract():
    class Sub(socket.socket, metaclass=abc.ABCMeta):
        @abc.abstractmethod
        def go(self): ...

    class Concrete(Sub):
        def go(self):
            return 1

    with Concrete() as sock:
        return sock.go()


@test
def generic():
    item = typing.TypeVar("item")

    class Sub(socket.socket, typing.Generic[item]):
        pass

    with Sub[int]() as sock:
        return type(sock).__name__


@test
def data_class():
    @dataclasses.dataclass(eq=False)
    class Sub(socket.socket):
        host: str
        timeout_seconds: float = 3

        def __post_init__(self):
            super().__init__()

    with Sub("here") as sock:
        return sock.host, sock.connect(place)


@test
def another_class_assigned():
    class Sub(socket.socket):
        __slots__ = ()

        def hello(self):
            return "hello"

    with socket.socket() as sock:
        sock.__class__ = Sub
        return sock.hello()


@test
def adopting():
    class Sub(socket.socket):
        def __init__(self, sock):
            super().__init__(sock.family, sock.type, sock.proto, fileno=sock.detach())

    with Sub(socket.create_connection(place)) as sock:
        return sock.send(b"x")


@test
def weak_references():
    sock = socket.socket()
    reference, ended = weakref.ref(sock), []
    keys = weakref.WeakKeyDictionary({sock: 1})
    weakref.finalize(sock, ended.append, 1)
    sock.close()
    del sock
    gc.collect()
    return reference(), len(keys), ended


@test
def real_close():
    closed = []

    class Sub(socket.socket):
        def _real_close(self, *arguments):
            closed.append(self.fileno() > 0)
            super()._real_close(*arguments)

    sock = Sub()
    file = sock.makefile("rb")
    sock.close()
    before = closed[:]
    file.close()
    return before, closed


@test
def accept_by_private_accept():
    class Sub(socket.socket):
        def accept(self):
            number, address = self._accept()
            return Sub(self.family, self.type, self.proto, fileno=number), address

    with Sub() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        with socket.create_connection(sock.getsockname()):
            far, _ = sock.accept()
            with far:
                return type(far).__name__


@test
def inherited_twice_and_mixed():
    class Mixin:
        def send(self, data, *more):
            return super().send(data.upper(), *more)

    class Sub(Mixin, socket.socket):
        pass

    class SubSub(Sub):
        def send(self, data, *more):
            return super().send(data + b"!", *more)

    near, far = socket.socketpair()
    with SubSub(fileno=near.detach()) as sock, far:
        return sock.send(b"abc"), far.recv(9)


@test
def replaced_on_the_object():
    class Sub(socket.socket):
        pass

    near, far = socket.socketpair()
    with Sub(fileno=near.detach()) as sock, far:
        sock.recv_into = lambda buffer, *more: 0
        sock.send = lambda data, *more: len(data)
        with sock.makefile("rb") as file:
            return file.read(), sock.sendfile(io.BytesIO(b"never sent"))


@test
def wrapped():
    class Wrapper:
        def __init__(self, sock):
            self._sock = sock

        def __getattr__(self, name):
            return getattr(self._sock, name)

    sock = Wrapper(socket.socket())
    sock.connect(place)
    sock.makefile("rb").close()
    near, far = map(Wrapper, socket.socketpair())
    socket.send_fds(near, [b"x"], [0])
    found = socket.recv_fds(far, 9, 1)
    socket.close(found[1][0])
    for each in (sock, near, far):
        each.close()
    return found[0]


@test
def init_subclass_and_class_getitem():
    made = []

    class Base(socket.socket):
        def __init_subclass__(cls, **named):
            made.append((cls.__name__, named.pop("label", None)))
            super().__init_subclass__(**named)

    class Sub(Base, label="one"):
        pass

    Sub().close()
    return made


@test
def unbound_methods_called_on_a_subclass():
    class Sub(socket.socket):
        def send(self, *_):
            raise AssertionError

    near, far = socket.socketpair()
    with Sub(fileno=near.detach()) as sock, far:
        return socket.socket.send(sock, b"x"), super(Sub, sock).send(b"y"), far.recv(9)


for function in TESTS:
    try:
        print(function.__name__, function())
    except Exception as error:
        print(function.__name__, "raises", type(error).__name__, error)
