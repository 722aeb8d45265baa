"""Arguments at the edges: of options, names, numbers. What the standard module of this Python does with them, it does everywhere."""

import decimal
import fractions
import socket


def show(name, call):
    try:
        print(name, call())
    except Exception as error:
        print(name, type(error).__name__, error.args[0] if isinstance(error, socket.gaierror) else "" if isinstance(error, socket.herror) else getattr(error, "errno", ""))


tcp = socket.socket()
for size in (0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 4, 2**63, 2**64, -1, -(2**31), -(2**63)):
    show(f"setsockopt None {size}", lambda: tcp.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, None, size))
for value in (2**31, 2**32, -(2**31) - 1, 2**63, 2**100, -(2**100), 1.0, None, "x", True):
    show(f"setsockopt {value}", lambda: tcp.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, value))
    show(f"setsockopt level {value}", lambda: tcp.setsockopt(value, socket.SO_KEEPALIVE, 1))
    show(f"setsockopt option {value}", lambda: tcp.setsockopt(socket.SOL_SOCKET, value, 1))
    show(f"getsockopt {value}", lambda: tcp.getsockopt(value, 1))
for size in (0, 1024, 1025, -1, 2**31, 2**64):
    show(f"getsockopt length {size}", lambda: tcp.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE, size))
for host in ("<broadcast>", "", "<any>", "255.255.255.255", "0", "127.1", "0x7f.1"):
    show(f"gethostbyname {host}", lambda: socket.gethostbyname(host))
    show(f"gethostbyname_ex {host}", lambda: socket.gethostbyname_ex(host)[2])
for name in ("ntohs", "htons", "ntohl", "htonl"):
    for value in (-1, -(2**40), 0, 65535, 65536, 2**31, 2**32 - 1, 2**32, 2**70, 1.0, "1", None, True):
        show(f"{name} {value}", lambda: getattr(socket, name)(value))
for value in (-1, 0, 2**31, 2**32 - 1, 2**32, 2**64, -(2**70), "1", 1.0, None):
    show(f"if_indextoname {value}", lambda: socket.if_indextoname(value))
for name in ("", "lo\0", b"lo", "\udc80", "nobody", "x" * 1000, 5, None, bytearray(b"lo"), "ü"):
    show(f"if_nametoindex {name!r:.20}", lambda: socket.if_nametoindex(name))
for value in (decimal.Decimal("1.5"), fractions.Fraction(3, 2), "1", b"1", [], float("nan"), float("inf"), -0.0, -1e-12, 1e-12, 2**62, 1e300, True, 9223372036.854775, 9223372036.9):
    show(f"settimeout {value!r}", lambda: (tcp.settimeout(value), tcp.gettimeout()))
    show(f"setdefaulttimeout {value!r}", lambda: (socket.setdefaulttimeout(value), socket.getdefaulttimeout()))
    socket.setdefaulttimeout(None)
for number in (-1, -(2**31), 2**64, 1.0, "x"):
    show(f"socket fileno {number}", lambda: socket.socket(fileno=number))
    show(f"close {number}", lambda: socket.close(number))
    show(f"dup {number}", lambda: socket.dup(number))
for port in (-1, 65535, 65536, 2**31, 2**64, 1.0, "80", None, True):
    show(f"bind port {port}", lambda: socket.socket().bind(("127.0.0.9", port)) if port not in (65535, True) else None)
    show(f"getservbyport {port}", lambda: socket.getservbyport(port))
    show(f"getnameinfo {port}", lambda: socket.getnameinfo(("127.0.0.1", port), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV))
    show(f"connect port {port}", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("127.0.0.1", port)))
for backlog in (-1, 0, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**64, 1.0, None):
    show(f"listen {backlog}", lambda: tcp.listen(backlog))
for value in (0, 1, -1, 2**31 - 65, 2**31, 2**63, 2**64, 1.0):
    show(f"CMSG_LEN {value}", lambda: socket.CMSG_LEN(value))
    show(f"CMSG_SPACE {value}", lambda: socket.CMSG_SPACE(value))
print(hasattr(socket, "_fallback_socketpair"))
