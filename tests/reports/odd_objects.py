"""Objects in odd states, and what moved from version to version: what is set by hand, made twice, or comes as another kind of number."""

import decimal
import fractions
import socket
import sys

with socket.socket() as sock:
    for value in (fractions.Fraction(1, 2), decimal.Decimal("1.5"), "1", 1j, 10**400, b"1", [], -0.0, 5e-324, True):
        try:
            print(sock.settimeout(value), sock.gettimeout())
        except Exception as error:
            print(type(error).__name__)
    for number in (2**100, 2**31, -(2**31) - 1, True):
        try:
            print(sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, number))
        except Exception as error:
            print(type(error).__name__)
for call in (socket.ntohs, socket.htons, socket.ntohl, socket.htonl, socket.if_indextoname):
    for number in (-1, -(2**100), 2**100, 2**32, 1.0):
        try:
            print(call.__name__, number, call(number))
        except Exception as error:
            print(call.__name__, number, type(error).__name__, getattr(error, "errno", None))
for name in ("", "a\0b", b"lo", bytearray(b"lo"), "x" * 300, 5, "\udcff", "é"):
    try:
        print(repr(name)[:20], socket.if_nametoindex(name) > 0)
    except Exception as error:
        print(repr(name)[:20], type(error).__name__, getattr(error, "errno", None))

sock = socket.socket()
sock._closed = 1
print(repr(sock).partition(".")[2][:15])
sock._closed = ""
sock._io_refs = 1
sock.close()
print(sock.fileno() >= 0, bool(sock._closed))
sock._decref_socketios()
print(sock.fileno())
sock.__init__()
print(bool(sock._closed), sock._io_refs, sock.fileno() >= 0, repr(sock).partition(".")[2][:10])
sock.close()

everything: dict = {}
exec("from socket import *", everything)
print([name in everything for name in ("socket", "SocketIO", "EBADF", "EAGAIN", "EWOULDBLOCK", "errno", "_LOCALHOST", "AF_INET", "create_server")])
if sys.version_info >= (3, 13):
    for arguments in ((), (socket.AF_INET,), (socket.AF_UNIX,), (socket.AF_INET, socket.SOCK_DGRAM), (socket.AF_INET, socket.SOCK_STREAM, 6)):
        try:
            one, other = socket._fallback_socketpair(*arguments)
            with one, other:
                one.sendall(b"hello")
                print(arguments, other.recv(9), one.gettimeout(), other.gettimeout(), type(one) is type(other) is socket.socket)
        except ValueError:
            print(arguments, "ValueError")
