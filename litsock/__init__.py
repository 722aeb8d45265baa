"""The `socket` module, written as a book. `import litsock as socket`, and every program that ran still runs."""

__version__ = "0.1.0"

import sys
from errno import EAGAIN, EBADF, EWOULDBLOCK
from types import ModuleType

from . import constants, core, families, files, messages, names, timeouts
from .constants import *
from .core import *
from .core import _GLOBAL_DEFAULT_TIMEOUT
from .files import GiveUp as _GiveupOnSendfile
from .files import SocketIO
from .messages import *
from .names import *
from .timeouts import *

__all__ = [*constants.__all__, *core.__all__, *messages.__all__, *names.__all__, *timeouts.__all__]

_LOCALHOST, _LOCALHOST_V6 = "127.0.0.1", "::1"

LATER = {  # what goes beyond the specification is loaded when it is first used
    "draw": "observe.drawing",
    "draw_message": "observe.drawing",
    "draw_option": "observe.drawing",
    "IncompleteReadError": "extras.deadlines",
    "install": "dropin.install",
    "MessageRoom": "extras.fast_udp",
    "MessageRow": "extras.fast_udp",
    "read_ancdata": "extras.ancillary",
    "SegmentRoom": "extras.fast_udp",
    "sockets": "observe.listing",
    "trace": "observe.tracing",
}

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .extras.ancillary import read_ancdata as read_ancdata
    from .extras.deadlines import IncompleteReadError as IncompleteReadError
    from .dropin.install import install as install
    from .extras.fast_udp import MessageRoom as MessageRoom
    from .extras.fast_udp import MessageRow as MessageRow
    from .extras.fast_udp import SegmentRoom as SegmentRoom
    from .observe.listing import sockets as sockets
    from .observe.tracing import trace as trace
    from .observe.drawing import draw as draw
    from .observe.drawing import draw_message as draw_message
    from .observe.drawing import draw_option as draw_option
else:

    def __getattr__(name):
        if name not in LATER:
            raise AttributeError(f"module 'litsock' has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"litsock.{LATER[name]}"), name)


class FrontDoor(ModuleType):
    """A module whose attributes can be replaced for all of litsock.

    Programs that bring a proxy or a resolver of their own write `socket.socket = …` or `socket.getaddrinfo = …`, and
    expect `create_connection` to use it. So what is set here is set in each room that knows the name.
    """

    rooms = constants, families, messages, timeouts, names, files, core

    def __setattr__(self, name, value):
        for room in self.rooms:
            if name in vars(room) and name in vars(self):
                setattr(room, name, value)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = FrontDoor
