"""Names that programs reach through the module though no documentation has them: `socket.errno`, `socket.os`, `socket._socket` and others."""

import socket
import sys

LATE = "selectors array" if sys.version_info < (3, 14) else ""  # later Pythons load them when they are first used
NAMES = f"""errno os sys io {LATE} IntEnum IntFlag _socket EBADF EAGAIN EWOULDBLOCK SocketIO SocketType CAPI error timeout has_ipv6
    _GLOBAL_DEFAULT_TIMEOUT _GiveupOnSendfile _LOCALHOST _LOCALHOST_V6 _blocking_errnos _intenum_converter __all__ __doc__ __file__ __name__ __spec__
    __loader__ __package__ dup fromfd close socketpair MsgFlag AddressInfo AddressFamily SocketKind""".split()
print([name for name in NAMES if not hasattr(socket, name)])
with socket.socket() as sock:
    sock.bind(("127.0.0.1", 0))
    try:
        socket.create_connection(sock.getsockname())
    except socket.error as error:
        print(error.errno == socket.errno.ECONNREFUSED)
print(socket.os.getpid() > 0, socket.io.BytesIO(b"x").read(), socket.sys.platform)
print(issubclass(socket.AddressFamily, socket.IntEnum), issubclass(socket.MsgFlag, socket.IntFlag))
print(socket._socket.AF_INET == socket.AF_INET, type(socket._socket.AF_INET).__name__, socket._socket.socket is socket.SocketType)
print(socket._blocking_errnos == {socket.EAGAIN, socket.EWOULDBLOCK} if hasattr(socket, "_blocking_errnos") else None)
print(sorted(name for name in socket.__all__ if not hasattr(socket, name)))
import types

print([name for name in ("os", "sys", "io", "errno", *LATE.split(), "_socket") if not isinstance(getattr(socket, name), types.ModuleType)])
