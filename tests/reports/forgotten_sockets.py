"""A forgotten socket is closed, whatever happens while Python says that it was forgotten."""

import gc
import os
import socket
import sys
import warnings

sys.unraisablehook = lambda unraisable: None


class NoRepr(socket.socket):
    def __repr__(self):
        raise ValueError("no repr")


class NoName(socket.socket):
    def __repr__(self):
        return f"<{self.name}>"


class NoPeer(socket.socket):
    def getpeername(self):
        raise RuntimeError("never had one")

    def getsockname(self):
        raise RuntimeError("never had one")


class NoNumber(socket.socket):
    def fileno(self):
        raise RuntimeError("not yours")


class NoFamily(socket.socket):
    family = property(lambda self: self.nothing)


class NoClose(socket.socket):
    def close(self):
        raise RuntimeError("not now")

    def _real_close(self):
        raise RuntimeError("not now")


def show_nothing(*_):
    raise OSError("standard error is closed")


def is_closed(kind, action):
    """Forget one end of a pair. Closed means: the descriptor is gone, and the other end sees it."""
    near, far = socket.socketpair()
    far.settimeout(5)
    forgotten = kind(fileno=near.detach())
    number = forgotten.fileno() if kind is not NoNumber else socket.socket.fileno(forgotten)
    with warnings.catch_warnings():
        warnings.simplefilter(action, ResourceWarning)
        del forgotten
        gc.collect()
    try:
        os.fstat(number)
    except OSError:
        gone = True
    else:
        gone = False
    with far:
        return gone and far.recv(1) == b""


for kind in (socket.socket, NoRepr, NoName, NoPeer, NoNumber, NoFamily, NoClose):
    for action in ("ignore", "error", "always"):
        shown, warnings.showwarning = warnings.showwarning, (lambda *_: None) if action == "always" else show_nothing
        print(kind.__name__, action, is_closed(kind, action))
        warnings.showwarning = shown
warnings.showwarning = show_nothing
print("showing a warning fails:", is_closed(socket.socket, "always"))
warnings.warn = None
print("warnings.warn is gone:", is_closed(socket.socket, "always"))
