"""The `socket` module, written as a book. `import litsock as socket`, and every program that ran still runs.

Beyond what `socket` has: `trace()` records system calls, `capture()` packets; `sockets()` lists the sockets of the machine; a `Network` is
a simulated one. A socket has `info()`, `deadline()`, `recv_exactly()`, `send_segments()`, `sendmmsg()` and `recvmmsg()`. `describe()`
explains a constant, and `install()` lets `import socket` find litsock. In a terminal, `litsock --help`; the book: `litsock lab`.

This module is the front door. It has the public names, and it makes methods of the socket object from the functions that
modules beyond the specification offer.

PYTEST_DONT_REWRITE, or pytest warns that it comes too late to a module that `litsock run` has imported.
"""

__version__ = "0.1.0"

import errno
import io
import os
import sys

from . import constants, control_messages, core, families, files, names, services, timeouts
from .constants import EAGAIN, EBADF, EWOULDBLOCK, describe
from .control_messages import *
from .core import _GLOBAL_DEFAULT_TIMEOUT, _fallback_socketpair
from .files import GiveUp as _GiveupOnSendfile
from .files import SocketIO
from .names import *
from .services import *
from .timeouts import *

__all__ = [*core.__all__, *control_messages.__all__, *names.__all__, *services.__all__, *timeouts.__all__, *constants.__all__]

if sys.version_info < (3, 11, 10) or (3, 12) <= sys.version_info < (3, 12, 5):  # which have no such thing
    del _fallback_socketpair

_ABSENT = {"fromshare"}  # what the standard module does not have on this platform
if sys.platform == "win32":
    _ABSENT = {"CMSG_LEN", "CMSG_SPACE", "recv_fds", "send_fds", "sethostname"}
    __all__.append("errorTab")
for _name in *_ABSENT, "EBADF", "EAGAIN", "EWOULDBLOCK":  # the last three are there, but no part of what `import *` brings
    __all__.remove(_name)

__file__ = core.__file__  # where `inspect` looks for the source of the class

_LOCALHOST, _LOCALHOST_V6, _blocking_errnos = "127.0.0.1", "::1", {EAGAIN, EWOULDBLOCK}
_intenum_converter = constants.as_member

_LAZY = {  # what goes beyond the specification, and the module of litsock that is loaded when it is first used
    "capture": "observe.wire",
    "draw": "observe.drawing",
    "draw_address": "observe.drawing",
    "draw_message": "observe.drawing",
    "draw_option": "observe.drawing",
    "IncompleteRead": "extras.deadlines",
    "IncompleteReadBlocked": "extras.deadlines",
    "IncompleteReadError": "extras.deadlines",
    "IncompleteReadReset": "extras.deadlines",
    "IncompleteReadTimeout": "extras.deadlines",
    "MessageBuffer": "extras.fast_udp",
    "MessageRow": "extras.fast_udp",
    "Network": "simulation.network",
    "read_ancdata": "extras.ancillary",
    "read_pcapng": "observe.flows",
    "SegmentBuffer": "extras.fast_udp",
    "sockets": "observe.listing",
    "trace": "observe.tracing",
    "socket.deadline": "extras.deadlines",
    "socket.recv_exactly": "extras.deadlines",
    "socket.recv_exactly_into": "extras.deadlines",
    "socket.recv_segments": "extras.fast_udp",
    "socket.recv_segments_into": "extras.fast_udp",
    "socket.recvmmsg": "extras.fast_udp",
    "socket.recvmmsg_into": "extras.fast_udp",
    "socket.send_segments": "extras.fast_udp",
    "socket.sendmmsg": "extras.fast_udp",
    "socket.info": "observe.drawing",
    "socket._repr_html_": "observe.drawing",
}
_STANDARD = {"array": "array", "selectors": "selectors", "IntEnum": "enum", "IntFlag": "enum"}  # reachable through `socket`, too

TYPE_CHECKING = False
if "socket" in globals():  # loaded again, as `importlib.reload` does
    core._renew()
    if sys.modules.get("socket") is sys.modules["litsock"]:  # and `install` was called
        __name__ = "socket"

if not TYPE_CHECKING:
    from .constants import AddressFamily, AddressInfo, MsgFlag, SocketKind, error, gaierror, has_ipv6, herror, htonl, htons
    from .constants import inet_aton, inet_ntoa, inet_ntop, inet_pton, ntohl, ntohs, timeout

    globals().update(constants.CONSTANTS)  # with the names above what `import *` would bring, in a fraction of the time
    from .core import *
else:  # the same for type checkers, which follow neither a table nor `setattr`
    from collections.abc import Callable
    from typing import Any, ParamSpec

    from .constants import *
    from .core import SocketType, close, dup, has_dualstack_ipv6, recv_fds, send_fds
    from .extras import deadlines, fast_udp
    from .extras.ancillary import read_ancdata as read_ancdata
    from .extras.deadlines import IncompleteRead as IncompleteRead
    from .extras.deadlines import IncompleteReadBlocked as IncompleteReadBlocked
    from .extras.deadlines import IncompleteReadError as IncompleteReadError
    from .extras.deadlines import IncompleteReadReset as IncompleteReadReset
    from .extras.deadlines import IncompleteReadTimeout as IncompleteReadTimeout
    from .extras.fast_udp import MessageBuffer as MessageBuffer
    from .extras.fast_udp import MessageRow as MessageRow
    from .extras.fast_udp import SegmentBuffer as SegmentBuffer
    from .observe import drawing
    from .observe.drawing import draw as draw
    from .observe.drawing import draw_address as draw_address
    from .observe.drawing import draw_message as draw_message
    from .observe.drawing import draw_option as draw_option
    from .observe.listing import sockets as sockets
    from .observe.tracing import trace as trace
    from .observe.flows import read_pcapng as read_pcapng
    from .observe.wire import capture as capture
    from .simulation.network import Network as Network

    class socket(core.socket):
        deadline = deadlines.deadline
        recv_exactly, recv_exactly_into = deadlines.recv_exactly, deadlines.recv_exactly_into
        send_segments = fast_udp.send_segments
        recv_segments, recv_segments_into = fast_udp.recv_segments, fast_udp.recv_segments_into
        sendmmsg, recvmmsg, recvmmsg_into = fast_udp.sendmmsg, fast_udp.recvmmsg, fast_udp.recvmmsg_into
        info, _repr_html_ = drawing.info, drawing._repr_html_

        def accept(self) -> tuple["socket", Any]: ...  # type: ignore[empty-body]

    _P = ParamSpec("_P")

    def _one(function: Callable[_P, core.socket]) -> Callable[_P, socket]: ...  # type: ignore[empty-body]
    def _two(function: Callable[_P, tuple[core.socket, core.socket]]) -> Callable[_P, tuple[socket, socket]]: ...  # type: ignore[empty-body]

    fromfd, socketpair = _one(core.fromfd), _two(core.socketpair)
    create_connection, create_server = _one(core.create_connection), _one(core.create_server)


def _load(name):
    "What the table of lazy names means by a name."
    from importlib import import_module

    try:
        module = import_module(f"litsock.{_LAZY[name]}")
    except ImportError as error:
        raise AttributeError(f"{name} is not available on {sys.platform}: {error}") from error
    return getattr(module, name.removeprefix("socket."))


class _LazyMethod:
    "Stands for a method of the socket object until it is first used."

    def __init__(self, name):
        self.name = name

    def __get__(self, sock, cls):
        method = _load(self.name)
        setattr(core.socket, self.name.removeprefix("socket."), method)
        return method if sock is None else method.__get__(sock)


for _name in _LAZY:
    if _name.startswith("socket."):
        setattr(core.socket, _name.removeprefix("socket."), _LazyMethod(_name))

for _name in _ABSENT:
    globals().pop(_name, None)



class _Nearby(type(sys)):  # type: ignore[misc]  # a module
    "This module to Python, which proposes a name for a mistyped one only where it has fewer than 750 to look at: those that begin alike."

    def __init__(self, wanted):
        super().__init__(__name__)
        self.__wanted = wanted

    def __dir__(self):
        return [name for name in globals()["__dir__"]() if name[:1] == self.__wanted[:1]]


names.PUBLIC = globals()  # functions that use one another meet here, and so meet what a program puts in the place of one


if not TYPE_CHECKING:

    def __getattr__(name):
        if name in _LAZY:
            value = _load(name)
        elif name in _STANDARD:
            from importlib import import_module

            module = import_module(_STANDARD[name])
            value = module if name == module.__name__ else getattr(module, name)
        elif name == "_socket":
            value = _lower_module()
        elif name == "errorTab" and sys.platform == "win32":
            value = {code: core.failure(-code).strerror for code in errno.errorcode if code > 10000}
        elif name == "CAPI":
            return __getattr__("_socket").CAPI
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=_Nearby(name))
        return globals().setdefault(name, value)

    def __dir__():
        "What can be asked for, before it is loaded, too; in the place of `socket`, whose names some programs copy, what is loaded."
        if getattr(sys.modules.get("socket"), "__dict__", None) is globals():
            return sorted(globals())
        return sorted({*globals(), *(name for name in _LAZY if "." not in name)})


def _bypassing_tls():
    "The methods beyond the specification that send or receive, and would do so past TLS."
    return [name.removeprefix("socket.") for name in _LAZY if name.startswith(("socket.recv", "socket.send"))]


def _lower_module():
    "What `import _socket` finds once litsock is installed, and `socket._socket` is in any case."
    from .dropin.install import lower_module

    return lower_module(sys.modules["litsock"])


def install() -> None:
    """Put litsock in the place of `socket`, for the whole process: from then on `import socket` finds it.

    Call it before anything imports `socket`; afterwards it is a `RuntimeError`, which names the modules that did. A second
    call does nothing.
    """
    from .dropin.install import replace_socket

    replace_socket(sys.modules["litsock"], _bypassing_tls())


if sys.platform == "emscripten":  # Python in a browser, which has no network: programs live on a simulated host
    from .simulation.browser_host import enter

    enter()
