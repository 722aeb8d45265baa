"""Programs replace what stands in `socket` and `_socket`, import them anew, derive from them: what they meet with the standard module.

Each program runs in a process of its own, over the standard module and over litsock, and prints the same.
"""

from __future__ import annotations

import inspect
import os
import pickle
import subprocess
import sys
import typing
from functools import partial
from pathlib import Path

import pytest
from common import PYPY

import litsock

HOME = str(Path(litsock.__file__).parents[1])
START = """
import functools, importlib, inspect, pickle, socket, sys, threading, types, typing, unittest.mock, warnings, weakref
import _socket

def conversation():
    "Sockets made in every way there is, of what class they are, and that they work."
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as near:
        far, _ = server.accept()
        with far:
            near.sendall(b"x")
            far.settimeout(5)
            heard = far.recv(10)
        one, other = socket.socketpair()
        with one, other, socket.fromfd(one.fileno(), one.family, socket.SOCK_STREAM) as copy, one.dup() as double:
            copy.send(b"y")
            heard += other.recv(10)
            return heard, [type(sock).__name__ for sock in (server, near, far, one, other, copy, double)], far.family, one.family.name
"""
PROGRAMS = {
    "a subclass in its place": """
class Mine(socket.socket):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.mine = True
socket.socket = Mine
print(conversation())
""",
    "a function in its place": """
made, real = [], socket.socket
def make(family=-1, type=-1, proto=-1, fileno=None):
    made.append((int(family), int(type), int(proto), fileno is not None))
    return real(family, type, proto, fileno)
socket.socket = make
print(conversation(), made)
""",
    "a partial in its place": """
socket.socket = functools.partial(socket.socket)
print(conversation())
""",
    "a callable object in its place": """
class Maker:
    real = socket.socket
    def __call__(self, *arguments, **named): return self.real(*arguments, **named)
socket.socket = Maker()
print(conversation())
""",
    "a guard that sees the family": """
class Guard(socket.socket):
    def __new__(cls, family=-1, type=-1, proto=-1, fileno=None):
        if family == socket.AF_UNIX: return super().__new__(cls, family, type, proto, fileno)
        raise PermissionError("no network in this test")
socket.socket = Guard
one, other = socket.socketpair()
with one, other: print(type(one).__name__)
try: socket.create_server(("127.0.0.1", 0))
except PermissionError as error: print(error)
""",
    "a patched __init__": """
seen, real = [], socket.socket.__init__
def init(self, family=-1, type=-1, proto=-1, fileno=None):
    real(self, family, type, proto, fileno)
    seen.append(self.family.name)
socket.socket.__init__ = init
print(conversation(), seen)
socket.socket.__init__ = real
print(conversation(), len(seen))
""",
    "a patched method": """
real = socket.socket.send
with unittest.mock.patch.object(socket.socket, "send", lambda self, data, *more: real(self, data.upper(), *more)):
    one, other = socket.socketpair()
    with one, other: print(one.send(b"abc"), other.recv(10))
""",
    "_socket.getaddrinfo": """
rows = [(2, 1, 6, "", ("192.0.2.1", 80))]
with unittest.mock.patch("_socket.getaddrinfo", return_value=rows) as asked:
    print(socket.getaddrinfo("nowhere.example", 80), asked.call_args)
print(socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM), _socket.getaddrinfo("127.0.0.1", 80, 0, 1))
""",
    "a patched dictionary": """
def nowhere(*arguments): raise socket.gaierror(socket.EAI_NONAME, "not today")
with unittest.mock.patch.dict(vars(socket), {"getaddrinfo": nowhere}):
    try: socket.create_connection(("localhost", 1))
    except socket.gaierror as error: print(error)
with unittest.mock.patch("socket.gethostbyaddr", lambda name: ("full.example", [], [])): print(socket.getfqdn("127.0.0.1"))
with unittest.mock.patch("socket.has_ipv6", False): print(socket.has_dualstack_ipv6())
""",
    "the lower type": """
class X(_socket.socket): __slots__ = ("__weakref__", "_io_refs", "_closed")
x = X(socket.AF_INET, socket.SOCK_DGRAM)
x._io_refs = 5
print(weakref.ref(x)() is x, x._io_refs, x.fileno() >= 0, issubclass(socket.socket, _socket.socket))
x.close()
class Loud(socket.socket): pass
socket.socket = Loud
for sock in (*(_socket.socketpair() if hasattr(_socket, "socketpair") else ()), _socket.socket()):
    print(type(sock) is _socket.socket, type(sock).__module__, type(sock).__name__)
    sock.close()
""",
    "reloaded": """
module = importlib.reload(socket)
print(module is socket, conversation())
""",
    "imported anew": """
del sys.modules["socket"]
import socket as again
print(again is not socket, again.__name__)
socket = again
print(conversation())
""",
    "its signatures": """
print(typing.get_type_hints(socket.socket) == {})
print(list(inspect.signature(socket.socket).parameters))
for name in ("makefile", "accept", "dup", "sendfile", "close", "__enter__"):
    print(len(inspect.getsource(getattr(socket.socket, name))) > 20, typing.get_type_hints(getattr(socket.socket, name)) is not None)
""",
    "what else it holds": """
names = ["errno", "os", "io", "sys", "IntEnum", "IntFlag", "_socket"]
names += ["selectors"] if sys.version_info < (3, 14) else []  # later versions import them where they are used
names += ["array"] if sys.version_info < (3, 14) and sys.platform != "win32" else []
print([getattr(socket, name).__name__ for name in names])
print(socket.errno.ECONNREFUSED, socket._socket is _socket)
""",
    "a warning": """
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    socket.socket()
print(str(caught[0].message).partition(" fd=")[0])
""",
    "who they say they are": """
for thing in (socket.socket, socket.SocketIO, socket.AddressFamily, socket.SocketKind, socket.MsgFlag, socket.AddressInfo, socket.gaierror, socket.herror):
    print(thing.__module__, thing.__name__)
print(repr(socket.gaierror(1, "x")), repr(socket.AF_INET), socket.error is OSError)
""",
    "in a pickle": """
print(pickle.loads(pickle.dumps([socket.AF_INET, socket.SOCK_STREAM, socket.MSG_PEEK, socket.AI_PASSIVE])))
print(pickle.dumps([socket.AF_INET, socket.gaierror(-2, "x")], 2).count(b"csocket\\n"))
""",
    "in a subinterpreter": """
import os, _xxsubinterpreters as interpreters
reader, writer = os.pipe()
one = interpreters.create()
interpreters.run_string(one, f"import sys; sys.path[:] = {sys.path!r}\\nimport {socket.__spec__.name} as s, os\\n"
    "a, b = s.socketpair(); a.sendall(b'from the other'); os.write(%d, b.recv(100)); a.close(); b.close()" % writer)
print(os.read(reader, 100))
interpreters.destroy(one)
""",
}

OTHERWISE = {  # on PyPy
    "a warning": "needs CPython's reference counts",
    "who they say they are": "PyPy's gaierror and herror say that they come from _socket",
    "in a pickle": "PyPy's gaierror says that it comes from _socket",
}


def printed(program: str, *start: str) -> str:
    """What a program prints."""
    command = [sys.executable, *start, "-c", START + program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ | {"PYTHONPATH": HOME})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_over_both(name: str):
    if PYPY and name in OTHERWISE:
        pytest.skip(OTHERWISE[name])
    if "_xxsubinterpreters" in PROGRAMS[name]:
        pytest.importorskip("_xxsubinterpreters", reason="needs the module _xxsubinterpreters of CPython up to 3.12")
    ours = printed(PROGRAMS[name], "-m", "litsock", "run")
    assert ours == printed(PROGRAMS[name])


def test_every_method_has_type_hints():
    for name in filter(partial(hasattr, litsock.socket), dir(litsock.socket)):  # dir() names methods that are not available everywhere
        method = inspect.getattr_static(litsock.socket, name)
        if method is inspect.getattr_static(object, name, None):  # not litsock's; on PyPy it has hints, and no source
            continue
        if hasattr(getattr(litsock.socket, name), "__annotations__") or type(method).__name__ == "_LazyMethod":
            assert typing.get_type_hints(getattr(litsock.socket, name)) is not None
            assert inspect.getsource(getattr(litsock.socket, name))


def test_a_pickle_is_read_without_litsock():
    code = "pickle.dump([socket.AF_INET, socket.SOCK_STREAM, socket.MSG_PEEK, socket.gaierror(-2, 'x'), socket.timeout('y')], sys.stdout.buffer)"
    words = [sys.executable, "-m", "litsock", "run", "-c", START + code]
    data = subprocess.run(words, capture_output=True, timeout=60, check=True, env=os.environ | {"PYTHONPATH": HOME}).stdout
    read = "import pickle, sys; print(pickle.load(sys.stdin.buffer), 'litsock' in sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", read], input=data, capture_output=True, timeout=60, check=True)
    assert done.stdout.decode().strip().endswith("TimeoutError('y')] False") and b"<AddressFamily.AF_INET: 2>" in done.stdout
    assert pickle.loads(data)[0] == litsock.AF_INET
