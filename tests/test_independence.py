"""litsock stands on its own: it needs no part of the standard module, and offers what that offers.

What a module has imported shows in a fresh interpreter only. So each of these tests starts one, without the `site`
module (`-S`), whose start-up files might import anything.
"""

from __future__ import annotations

import inspect
import json
import os
import pkgutil
import socket as standard
import subprocess
import sys
from array import array
from collections.abc import Callable
from typing import Any

import pytest
from common import PYPY

import litsock

BY_NATURE = {  # submodules that may import the standard module, and why
    "bench": "measures it",
    "test": "compares with it",
}
SUBMODULES = sorted(name for _, name, _ in pkgutil.iter_modules(litsock.__path__) if name not in BY_NATURE)


def imported_after(code: str) -> set[str]:
    """Which of `socket` and `_socket` a fresh interpreter has imported after running `code`."""
    path = [os.path.abspath(place) for place in sys.path]
    lines = [
        f"import sys; sys.path += [place for place in {path!r} if place not in sys.path]",
        code,
        "import json; print(json.dumps([name for name in ('socket', '_socket') if name in sys.modules]))",
    ]
    command = [sys.executable, "-I", "-S", "-c", "\n".join(lines)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert child.returncode == 0, child.stderr
    return set(json.loads(child.stdout.splitlines()[-1]))


USES = {
    "nothing": "import litsock",
    "TCP": """
import litsock as socket
with socket.create_server(("127.0.0.1", 0)) as listener:
    with socket.create_connection(listener.getsockname(), timeout=5) as near:
        far, _ = listener.accept()
        with far:
            near.sendall(b"hello")
            assert far.recv(5) == b"hello" """,
    "UDP with a timeout": """
import litsock as socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.bind(("127.0.0.1", 0))
    sock.settimeout(0.001)
    try:
        sock.recvfrom(1)
    except TimeoutError:
        pass
    sock.sendto(b"x", sock.getsockname())
    assert sock.recvfrom(1) == (b"x", sock.getsockname())""",
    "files": """
import litsock as socket
near, far = socket.socketpair()
with near, far, near.makefile("w") as out, far.makefile() as lines:
    print("a line", file=out, flush=True)
    assert lines.readline() == "a line\\n" """,
    "descriptors in messages": """
import litsock as socket
near, far = socket.socketpair()
with near, far:
    socket.send_fds(near, [b"x"], [near.fileno()])
    socket.close(socket.recv_fds(far, 1, 1)[1][0])""",
    "names": """
import litsock as socket
socket.getaddrinfo("localhost", None)""",
}


@pytest.mark.parametrize("use", USES)
def test_standard_module_is_not_imported(use: str):
    assert imported_after(USES[use]) == set()


@pytest.mark.parametrize("name", SUBMODULES)
def test_submodule_does_not_import_the_standard_module(name: str):
    assert imported_after(f"import litsock.{name}") == set()


def test_the_standard_module_would_be_noticed():
    assert imported_after("import socket") == {"socket", "_socket"}


# Descriptors

inheritable = os.get_handle_inheritable if sys.platform == "win32" else os.get_inheritable  # type: ignore[attr-defined]


def made_socket(keep: Callable) -> list[int]:
    return [keep(litsock.socket()).fileno()]


def made_socket_non_blocking(keep: Callable) -> list[int]:
    return [keep(litsock.socket(type=litsock.SOCK_STREAM | litsock.SOCK_NONBLOCK)).fileno()]


def made_socketpair(keep: Callable) -> list[int]:
    return [keep(sock).fileno() for sock in litsock.socketpair()]


def made_dup(keep: Callable) -> list[int]:
    return [keep(keep(litsock.socket()).dup()).fileno()]


def made_dup_of_inheritable(keep: Callable) -> list[int]:
    sock = keep(litsock.socket())
    sock.set_inheritable(True)
    return [keep(sock.dup()).fileno()]


def made_fromfd(keep: Callable) -> list[int]:
    sock = keep(litsock.socket())
    return [keep(litsock.fromfd(sock.fileno(), litsock.AF_INET, litsock.SOCK_STREAM)).fileno()]


def made_connection(keep: Callable) -> list[int]:
    listener = keep(litsock.create_server(("127.0.0.1", 0)))
    near = keep(litsock.create_connection(listener.getsockname()))
    return [sock.fileno() for sock in (listener, near, keep(listener.accept()[0]))]


def received_with_recvmsg(keep: Callable) -> list[int]:
    near, far = map(keep, litsock.socketpair())
    near.sendmsg([b"x"], [(litsock.SOL_SOCKET, litsock.SCM_RIGHTS, array("i", [near.fileno()] * 2))])
    _, messages, _, _ = far.recvmsg(1, litsock.CMSG_SPACE(8))
    return [keep(litsock.socket(fileno=fd)).fileno() for fd in array("i", messages[0][2])]


def received_with_recvmsg_into(keep: Callable) -> list[int]:
    near, far = map(keep, litsock.socketpair())
    near.sendmsg([b"x"], [(litsock.SOL_SOCKET, litsock.SCM_RIGHTS, array("i", [near.fileno()]))])
    _, messages, _, _ = far.recvmsg_into([bytearray(1)], litsock.CMSG_SPACE(4))
    return [keep(litsock.socket(fileno=fd)).fileno() for fd in array("i", messages[0][2])]


def received_with_recv_fds(keep: Callable) -> list[int]:
    near, far = map(keep, litsock.socketpair())
    litsock.send_fds(near, [b"x"], [near.fileno()])
    return [keep(litsock.socket(fileno=fd)).fileno() for fd in litsock.recv_fds(far, 1, 4)[1]]


WAYS = [
    made_socket, made_socket_non_blocking, made_socketpair, made_dup, made_dup_of_inheritable, made_fromfd,
    made_connection, received_with_recvmsg, received_with_recvmsg_into, received_with_recv_fds,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_descriptor_is_not_inheritable(way: Callable):
    socks: list[Any] = []

    def keep(sock: Any) -> Any:
        socks.append(sock)
        return sock

    try:
        numbers = way(keep)
        assert numbers and not any(map(inheritable, numbers))
    finally:
        for sock in socks:
            sock.close()


def test_inheritable_on_demand():
    with litsock.socket() as sock:
        answers = []
        for wanted in (True, False):
            sock.set_inheritable(wanted)
            answers.append((sock.get_inheritable(), inheritable(sock.fileno())))
    assert answers == [(True, True), (False, False)]


# Names


def test_every_public_name_exists():
    assert [name for name in litsock.__all__ if not hasattr(litsock, name)] == []


def test_what_is_loaded_when_first_used_is_offered_before() -> None:
    """In the place of `socket` it is not: programs that copy each name of that module would load everything."""
    code = "import sys, {0}; print('capture' in dir({0}), 'litsock.observe.wire' in sys.modules)"
    for words, expected in (["-c", code.format("litsock")], "True False\n"), (["-m", "litsock", "run", "-c", code.format("socket")], "False False\n"):
        assert subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=60).stdout == expected


@pytest.mark.needs("cpython")
@pytest.mark.parametrize("wrong, right", [("SOCK_STEAM", "SOCK_STREAM"), ("create_sever", "create_server"), ("captur", "capture")])
def test_a_mistyped_name_meets_a_proposal(wrong: str, right: str) -> None:
    done = subprocess.run([sys.executable, "-c", f"import litsock; litsock.{wrong}"], capture_output=True, text=True, timeout=60)
    assert done.stderr.splitlines()[-1] == f"AttributeError: module 'litsock' has no attribute '{wrong}'. Did you mean: '{right}'?"
    assert sorted(set(litsock.__all__)) == sorted(litsock.__all__), "a name stands in __all__ twice"


def test_star_import():
    namespace: dict[str, Any] = {}
    exec("from litsock import *", namespace)
    assert set(litsock.__all__) <= set(namespace)


# Signatures. Where the standard module is written in C, most functions have none to ask for: these are the documented
# ones. Of a parameter that is positional only, the name is nobody's business.

NONE_TO_ASK = {
    "socket.bind": lambda self, address, /: ...,
    "socket.connect": lambda self, address, /: ...,
    "socket.connect_ex": lambda self, address, /: ...,
    "socket.fileno": lambda self, /: ...,
    "socket.getpeername": lambda self, /: ...,
    "socket.getsockname": lambda self, /: ...,
    "socket.getblocking": lambda self, /: ...,
    "socket.gettimeout": lambda self, /: ...,
    "socket.setblocking": lambda self, flag, /: ...,
    "socket.settimeout": lambda self, value, /: ...,
    "socket.ioctl": lambda self, control, option, /: ...,
    "socket.share": lambda self, process_id, /: ...,
    "socket.shutdown": lambda self, how, /: ...,
    "socket.send": lambda self, data, flags=0, /: ...,
    "socket.sendall": lambda self, data, flags=0, /: ...,
    "socket.recv": lambda self, bufsize, flags=0, /: ...,
    "socket.recvfrom": lambda self, bufsize, flags=0, /: ...,
    "socket.recv_into": lambda self, buffer, nbytes=0, flags=0: ...,
    "socket.recvfrom_into": lambda self, buffer, nbytes=0, flags=0: ...,
    "socket.recvmsg": lambda self, bufsize, ancbufsize=0, flags=0, /: ...,
    "socket.recvmsg_into": lambda self, buffers, ancbufsize=0, flags=0, /: ...,
    "socket.sendmsg_afalg": lambda self, msg=(), *, op, iv=object(), assoclen=object(), flags=0: ...,
    "getaddrinfo": lambda host, port, family=0, type=0, proto=0, flags=0: ...,
    "gethostbyname": lambda hostname, /: ...,
    "gethostbyname_ex": lambda hostname, /: ...,
    "gethostbyaddr": lambda address, /: ...,
    "gethostname": lambda: ...,
    "getnameinfo": lambda address, flags, /: ...,
    "getprotobyname": lambda name, /: ...,
    "getdefaulttimeout": lambda: ...,
    "setdefaulttimeout": lambda timeout, /: ...,
    "sethostname": lambda name, /: ...,
    "close": lambda fd, /: ...,
    "dup": lambda fd, /: ...,
    "ntohl": lambda number, /: ...,
    "ntohs": lambda number, /: ...,
    "htonl": lambda number, /: ...,
    "htons": lambda number, /: ...,
    "inet_aton": lambda text, /: ...,
    "inet_ntoa": lambda packed, /: ...,
    "inet_pton": lambda family, text, /: ...,
    "inet_ntop": lambda family, packed, /: ...,
    "CMSG_LEN": lambda length, /: ...,
    "CMSG_SPACE": lambda length, /: ...,
    "if_nameindex": lambda: ...,
    "if_nametoindex": lambda name, /: ...,
    "if_indextoname": lambda index, /: ...,
}
TAKEN_BY_TURNS = {  # whose arguments mean different things by their number: no signature says so
    "socket.sendto", "socket.setsockopt", "socket.getsockopt", "socket.sendmsg", "socket.listen", "getservbyname",
    "getservbyport",
}  # fmt: skip


def functions(module: Any) -> dict[str, Any]:
    """The public functions of a module, and the methods of its socket class."""
    found = {
        f"socket.{name}": getattr(module.socket, name) for name in dir(module.socket) if is_public(module.socket, name)
    }
    return found | {name: getattr(module, name) for name in dir(module) if is_public(module, name)}


def is_public(owner: Any, name: str) -> bool:
    thing = getattr(owner, name, None)  # dir() names methods that are not available everywhere
    wanted = not name.startswith("_") or name == "__init__"
    return wanted and callable(thing) and not (isinstance(thing, type) and name != "socket")


BEYOND = {"create_connection": {"happy_eyeballs_delay"}}  # parameters that the standard module does not have

STANDARD, OURS = functions(standard), functions(litsock)
SHARED = sorted(name for name in OURS.keys() & STANDARD.keys() - TAKEN_BY_TURNS if name != "socket")


def expected_signature(name: str) -> inspect.Signature | None:
    """What the standard module says of itself, or else what its documentation says."""
    try:
        return inspect.signature(STANDARD[name])
    except ValueError:
        return inspect.signature(NONE_TO_ASK[name]) if name in NONE_TO_ASK else None


def parameters(signature: inspect.Signature, beyond: set[str] = set()) -> list[tuple]:
    """What counts: kinds, defaults, and the names that can be said. Those `beyond` must be keywords with a default."""
    only_here = inspect.Parameter.POSITIONAL_ONLY
    return [
        ("" if one.kind is only_here else one.name, one.kind.description, default(one))
        for one in signature.parameters.values()
        if one.name != "self" and not (one.name in beyond and one.kind is one.KEYWORD_ONLY and one.default is not one.empty)
    ]


def default(parameter: inspect.Parameter) -> Any:
    """A default value. One that only stands for 'nothing given' is any bare object."""
    return "nothing given" if type(parameter.default) is object else parameter.default


OTHERWISE = {  # on PyPy
    "socket.recv_into": "PyPy's names no parameters",
    "socket.recvfrom_into": "PyPy's names no parameters",
    "socket.sendmsg_afalg": "PyPy's has None where CPython's has ()",
}


@pytest.mark.parametrize("name", SHARED)
def test_signature(name: str):
    expected = expected_signature(name)
    if PYPY and name in OTHERWISE:
        pytest.skip(OTHERWISE[name])
    assert expected, f"no signature is known of {name}: write it into the table from the documentation"
    assert parameters(inspect.signature(OURS[name]), BEYOND.get(name, set())) == parameters(expected)


def accepted(call: Callable, *arguments: Any, **named: Any) -> bool:
    """Whether a call finds no fault with the number and the names of its arguments."""
    try:
        call(*arguments, **named)
    except TypeError:
        return False
    except Exception:
        pass
    return True


@pytest.mark.parametrize("count", range(7))
@pytest.mark.parametrize("name", sorted(TAKEN_BY_TURNS))
def test_number_of_arguments(name: str, count: int):
    """Integers fit none of these functions everywhere, but too few or too many of them fit nowhere."""
    if name not in OURS:
        pytest.skip(f"litsock has no {name} yet")
    if PYPY and name == "socket.setsockopt" and count not in (3, 4):
        pytest.skip("PyPy's setsockopt() does not count: it takes more arguments, and with too few it reads memory that it does not have")
    fitting = {
        "socket.sendto": [b"x", 0, ("127.0.0.1", 9)] if count != 2 else [b"x", ("127.0.0.1", 9)],
        "socket.setsockopt": [1, 2, 1] if count != 4 else [1, 2, None, 0],
        "socket.getsockopt": [1, 2, 4],
        "socket.sendmsg": [[b"x"], [], 0, ("127.0.0.1", 9)],
        "socket.listen": [1],
        "getservbyname": ["http", "tcp"],
        "getservbyport": [80, "tcp"],
    }[name]
    arguments = (fitting + [0] * count)[:count]
    answers = []
    for module, table in ((standard, STANDARD), (litsock, OURS)):
        with module.socket(module.AF_INET, module.SOCK_DGRAM) as sock:
            own = [sock] if name.startswith("socket.") else []
            answers.append(accepted(table[name], *own, *arguments))
    assert answers[1] == answers[0]
