"""Numbers that only have `__index__`, as those of numpy: each method takes them, and asks each argument once."""

import socket
import sys


class Number:
    def __init__(self, value):
        self.value, self.asked = value, 0

    def __index__(self):
        self.asked += 1
        return self.value


def show(name, call, *values):
    numbers = [Number(value) for value in values]
    try:
        found = call(*numbers)
    except Exception as error:
        found = type(error).__name__, getattr(error, "errno", None)
    if isinstance(found, socket.socket):
        with found:
            found = found.family, found.type
    print(name, found)
    if "litsock" in sys.modules and name not in TWICE:
        assert all(number.asked <= 1 for number in numbers), (name, [number.asked for number in numbers])


TWICE = "CMSG_LEN"  # this program asks twice; the standard module does so in a few others
near, far = socket.socketpair()
near.settimeout(20)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
tcp = socket.socket()
far.send(b"0123456789" * 20)
show("recv", lambda n: near.recv(n), 3)
show("recv with flags", lambda n, f: near.recv(n, f), 3, 0)
show("recvfrom", lambda n, f: near.recvfrom(n, f), 3, 0)
show("recv_into", lambda n, f: near.recv_into(bytearray(9), n, f), 3, 0)
show("recvfrom_into", lambda n, f: near.recvfrom_into(bytearray(9), n, f), 3, 0)
show("recvmsg", lambda n: near.recvmsg(n), 3)
show("recvmsg with all", lambda n, a, f: near.recvmsg(n, a, f), 3, 64, 0)
show("recvmsg_into", lambda a, f: near.recvmsg_into([bytearray(3)], a, f), 64, 0)
show("recvmsg_into with one", lambda a: near.recvmsg_into([bytearray(3)], a), 64)
show("recv_fds", lambda n, f: socket.recv_fds(near, n, 2, f), 3, 0)
show("send", lambda f: near.send(b"x", f), 0)
show("sendall", lambda f: near.sendall(b"x", f), 0)
show("sendto", lambda f, p: udp.sendto(b"x", f, ("127.0.0.1", p)), 0, 9)
show("sendmsg", lambda f: near.sendmsg([b"x"], [], f), 0)
show("sendmsg with a message", lambda a, b: near.sendmsg([b"x"], [(a, b, bytes(4))]), 1, 1)
show("send_fds", lambda fd, f: socket.send_fds(near, [b"x"], [fd], f), 0, 0)
show("socket", lambda a, b, c: socket.socket(a, b, c), 2, 1, 0)
show("socket of a descriptor", lambda n: socket.socket(fileno=n), tcp.dup().detach())
show("fromfd", lambda n, a, b: socket.fromfd(n, a, b), tcp.fileno(), 2, 1)
show("socketpair", lambda a, b, c: [end.close() for end in socket.socketpair(a, b, c)], 1, 1, 0)
show("bind", lambda p: tcp.bind(("127.0.0.1", p)), 0)
show("listen", lambda n: tcp.listen(n), 5)
show("connect", lambda p: socket.socket().connect(("127.0.0.1", p)), 1)
show("getsockopt", lambda a, b: tcp.getsockopt(a, b), 1, 3)
show("getsockopt with a length", lambda a, b, n: tcp.getsockopt(a, b, n), 1, 3, 4)
show("setsockopt", lambda a, b, v: tcp.setsockopt(a, b, v), 1, 9, 1)
show("setsockopt with bytes", lambda a, b: tcp.setsockopt(a, b, bytes(8)), 1, 13)
show("setsockopt with a length", lambda a, b, n: tcp.setsockopt(a, b, None, n), 1, 9999, 4)
show("settimeout", lambda n: (tcp.settimeout(n), tcp.gettimeout()), 3)
show("setdefaulttimeout", lambda n: (socket.setdefaulttimeout(n), socket.getdefaulttimeout(), socket.setdefaulttimeout(None)), 3)
show("shutdown", lambda n: near.shutdown(n), 1)
show("htons", lambda n: socket.htons(n), 1)
show("htonl", lambda n: socket.htonl(n), 1)
show("inet_ntop", lambda n: socket.inet_ntop(n, bytes(4)), 2)
show("inet_pton", lambda n: socket.inet_pton(n, "::1"), 10)
show("CMSG_LEN", lambda n: (socket.CMSG_LEN(n), socket.CMSG_SPACE(n)), 4)
show("if_indextoname", lambda n: socket.if_indextoname(n), 1)
show("getservbyport", lambda n: socket.getservbyport(n), 80)
show("getnameinfo", lambda p, f: socket.getnameinfo(("127.0.0.1", p), f), 80, 3)
show("getaddrinfo", lambda p, a, b, c, f: socket.getaddrinfo("127.0.0.1", p, a, b, c, f), 80, 2, 1, 6, 4)
show("getaddrinfo with numbers but for the port", lambda a, b, c, f: socket.getaddrinfo("127.0.0.1", 80, a, b, c, f), 2, 1, 6, 4)
show("dup", lambda n: socket.close(socket.dup(n)), tcp.fileno())
show("close", lambda n: socket.close(n), tcp.dup().detach())
show("create_server", lambda p, n: socket.create_server(("127.0.0.1", p), backlog=n).close(), 0, 5)
