"""Which overridden methods and properties does each method of a socket go through? A subclass sees the same ones."""

import io
import os
import socket
import tempfile

METHODS = """accept bind close connect connect_ex detach dup fileno get_inheritable getblocking getpeername getsockname getsockopt gettimeout
    listen makefile recv recv_into recvfrom recvfrom_into recvmsg recvmsg_into send sendall sendfile sendmsg sendto set_inheritable setblocking
    setsockopt settimeout shutdown _accept _real_close _decref_socketios __enter__ __exit__ __init__""".split()
calls = []


class Logged(socket.socket):
    pass


def log(name):
    method = getattr(socket.socket, name)

    def logged(self, *arguments, **named):
        calls.append(name)
        return method(self, *arguments, **named)

    setattr(Logged, name, logged)


def log_property(name):
    def logged(self):
        calls.append("." + name)
        return getattr(super(Logged, self), name)

    setattr(Logged, name, property(logged))


for name in METHODS:
    log(name)
for name in ("family", "type", "proto", "timeout"):
    log_property(name)


def show(label, call, *arguments):
    calls.clear()
    try:
        call(*arguments)
    except Exception as error:
        calls.append(type(error).__name__)
    seen = " ".join(calls)
    if label.startswith("sendfile"):  # how often it asks for the descriptor differs between Pythons
        seen = seen.replace(" fileno", "")
    print(f"{label}: {seen}")


server = socket.create_server(("127.0.0.1", 0))
place = server.getsockname()
for mode in (None, 20, 0):
    print("timeout", mode)
    sock = Logged()
    show("connect", sock.connect, place)
    far, _ = server.accept()
    show("settimeout", sock.settimeout, mode)
    show("send", sock.send, b"x")
    show("send of an array", sock.send, memoryview(b"xy").cast("H"))
    show("sendall", sock.sendall, b"x")
    show("sendmsg", sock.sendmsg, [b"x"])
    show("sendto", sock.sendto, b"x", place)
    for method, arguments in {
        "recv": (1,), "recv_into": (bytearray(1),), "recvfrom": (1,), "recvfrom_into": (bytearray(1),), "recvmsg": (1,), "recvmsg_into": ([bytearray(1)],)
    }.items():
        if mode != 0:
            far.send(b"y")
        show(method, getattr(sock, method), *arguments)
    show("recv of a wrong type", sock.recv, "x")
    show("repr", repr, sock)
    for name in ("getsockname", "getpeername", "fileno", "gettimeout", "getblocking", "get_inheritable"):
        show(name, getattr(sock, name))
    show("dup", lambda: sock.dup().close())
    show("getsockopt", sock.getsockopt, 1, 3)
    show("setsockopt", sock.setsockopt, 1, 9, 1)
    show("set_inheritable", sock.set_inheritable, False)
    with tempfile.TemporaryFile() as file:
        file.write(b"abc")
        file.flush()
        show("sendfile", sock.sendfile, file)
    show("sendfile from memory", sock.sendfile, io.BytesIO(b"abc"))
    show("sendfile of a text", sock.sendfile, io.StringIO("abc"))
    show("makefile", lambda: sock.makefile("rb").close())
    with sock.makefile("rwb") as file:
        far.send(b"line\n")
        show("readline", file.readline)
        show("write", lambda: (file.write(b"x"), file.flush()))
        show("file.fileno", file.fileno)
        show("close while there is a file", sock.close)
        show("close the file", file.close)
    show("close again", sock.close)
    far.close()

listening = Logged()
show("bind", listening.bind, ("127.0.0.1", 0))
show("listen", listening.listen)
near = socket.create_connection(socket.socket.getsockname(listening))
show("accept", lambda: listening.accept()[0].close())
near.close()
show("setblocking", listening.setblocking, False)
show("accept nothing", listening.accept)
show("shutdown", listening.shutdown, 2)
show("with", lambda: listening.__enter__() and listening.__exit__(None, None, None))


def within():
    with Logged() as sock:
        sock.bind(("127.0.0.1", 0))


show("a block", within)
sock = Logged()
show("connect_ex", sock.connect_ex, place)
show("detach", lambda: os.close(sock.detach()))
show("from a descriptor", lambda: Logged(fileno=os.dup(server.fileno())).close())
show("with a flag in the type", lambda: Logged(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK).close())
socket.setdefaulttimeout(5)
show("with a default timeout", lambda: Logged().close())
socket.setdefaulttimeout(None)
lower = Logged()
show("to select", __import__("select").select, [], [lower], [], 0)
show("forgotten", lambda: lower.close())

# With Logged in the place of socket.socket
real, socket.socket = socket.socket, Logged
show("create_server", lambda: socket.create_server(("127.0.0.1", 0)).close())
show("create_server for both", lambda: socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True).close())
show("create_connection", lambda: socket.create_connection(place).close())
show("create_connection from", lambda: socket.create_connection(place, 5, ("127.0.0.1", 0)).close())
show("create_connection to nobody", lambda: socket.create_connection(("127.0.0.1", 1)))
show("socketpair", lambda: [end.close() for end in socket.socketpair()])
show("fromfd", lambda: socket.fromfd(server.fileno(), socket.AF_INET, socket.SOCK_STREAM).close())
near, far = socket.socketpair()
with near, far:
    show("send_fds", socket.send_fds, near, [b"x"], [0])
    show("recv_fds", lambda: [os.close(number) for number in socket.recv_fds(far, 10, 2)[1]])
socket.socket = real
