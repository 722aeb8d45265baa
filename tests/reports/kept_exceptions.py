"""An exception that was caught keeps nothing alive, and one that was kept holds no socket open. The collector is off."""
# cpython: what nothing refers to is gone at once

import gc
import socket
import tempfile
import weakref

gc.disable()


class Big:
    pass


def caught(call):
    """Whether what a caller had is gone as soon as it has dealt with the exception."""
    big = Big()
    reference = weakref.ref(big)

    def try_it(held):
        try:
            call()
        except Exception as error:
            return type(error).__name__
        return "nothing was raised"

    found = try_it(big)
    del big
    return found, "alive" if reference() else "gone"


def resolved():
    return socket.getaddrinfo("127.0.0.1", "no such service")


unix, datagram6, tcp = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
busy = socket.create_server(("127.0.0.1", 0))
impatient = socket.create_server(("127.0.0.1", 0))
impatient.settimeout(0.01)
never = socket.create_server(("127.0.0.1", 0))
never.setblocking(False)
near, far = socket.socketpair()
near.settimeout(0.01)
text = tempfile.TemporaryFile("w+")
closed = socket.socket()
closed.close()
CALLS = {
    "bind to a long path": lambda: unix.bind("x" * 200),
    "connect to a long path": lambda: unix.connect("x" * 200),
    "connect_ex to a long path": lambda: unix.connect_ex("x" * 200),
    "sendto a long path": lambda: unix.sendto(b"x", "x" * 200),
    "bind to a number": lambda: tcp.bind(5),
    "bind to a wrong port": lambda: tcp.bind(("127.0.0.1", 70000)),
    "bind to no host": lambda: tcp.bind((None, 1)),
    "bind to another's host": lambda: tcp.bind(("192.0.2.1", 1)),
    "bind in use": lambda: tcp.bind(busy.getsockname()),
    "connect refused": lambda: socket.socket().connect(("127.0.0.1", 1)),
    "connect to a path that is not there": lambda: unix.connect("nowhere"),
    "create_connection": lambda: socket.create_connection(("127.0.0.1", 1)),
    "create_connection, all errors": lambda: socket.create_connection(("127.0.0.1", 1), all_errors=True),
    "create_connection to a wrong port": lambda: socket.create_connection(("127.0.0.1", "no such service")),
    "create_server": lambda: socket.create_server(("127.0.0.1", -1)),
    "create_server in use": lambda: socket.create_server(busy.getsockname()),
    "gaierror": resolved,
    "gethostbyname": lambda: socket.gethostbyname("no such host.invalid" + "x" * 300),
    "getnameinfo": lambda: socket.getnameinfo(("x", 1), 0),
    "inet_pton": lambda: socket.inet_pton(socket.AF_INET, "x"),
    "getservbyname": lambda: socket.getservbyname("no such service"),
    "if_nametoindex": lambda: socket.if_nametoindex("nowhere"),
    "timeout of recv": lambda: near.recv(1),
    "timeout of recv_into": lambda: near.recv_into(bytearray(1)),
    "timeout of recvmsg": lambda: near.recvmsg(1, 100),
    "timeout of accept": impatient.accept,
    "nobody to accept": never.accept,
    "timeout of a file": near.makefile("rb").read,
    "sendall into a full buffer": lambda: near.sendall(bytes(10**7)),
    "recv of no number": lambda: near.recv("x"),
    "send of a text": lambda: near.send("x"),
    "sendmsg of a text": lambda: near.sendmsg(["x"]),
    "sendmsg with a wrong message": lambda: near.sendmsg([b"x"], [(1, 1)]),
    "recvmsg_into bytes": lambda: near.recvmsg_into([b"x"]),
    "setsockopt": lambda: tcp.setsockopt(socket.SOL_SOCKET, 9999, 1),
    "setsockopt of a text": lambda: tcp.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, "x"),
    "getsockopt": lambda: tcp.getsockopt(socket.SOL_SOCKET, 9999),
    "settimeout": lambda: tcp.settimeout(-1),
    "makefile of a wrong mode": lambda: tcp.makefile("x"),
    "sendfile of a text": lambda: near.sendfile(text),
    "getpeername": lambda: tcp.getpeername(),
    "listen on a closed one": closed.listen,
    "a wrong family": lambda: socket.socket(999),
    "a wrong descriptor": lambda: socket.socket(fileno=12345),
    "fromfd": lambda: socket.fromfd(12345, 2, 1),
    "socketpair": lambda: socket.socketpair(socket.AF_INET, 99),
    "shutdown": lambda: tcp.shutdown(5),
}
for name, call in CALLS.items():
    print(name, *caught(call))

# An exception that is kept, of a socket that nobody else has


class Sub(socket.socket):
    pass


def ends(kind):
    near, far = socket.socketpair()
    near = kind(fileno=near.detach())
    near.settimeout(0.01)
    far.settimeout(0.1)
    return near, far


TEMPORARY = {
    "recv": lambda sock: sock.recv(1),
    "recv_into": lambda sock: sock.recv_into(bytearray(1)),
    "recvfrom": lambda sock: sock.recvfrom(1),
    "recvmsg": lambda sock: sock.recvmsg(1),
    "send": lambda sock: sock.send("x"),
    "sendall": lambda sock: sock.sendall(bytes(10**7)),
    "sendmsg": lambda sock: sock.sendmsg(["x"]),
    "bind": lambda sock: sock.bind("x" * 200),
    "connect": lambda sock: sock.connect("nowhere"),
    "listen": lambda sock: sock.listen("x"),
    "setsockopt": lambda sock: sock.setsockopt(1, 9999, 1),
    "getsockopt": lambda sock: sock.getsockopt(1, 9999),
    "settimeout": lambda sock: sock.settimeout(-1),
    "shutdown": lambda sock: sock.shutdown(9),
}
import warnings

warnings.simplefilter("ignore", ResourceWarning)
for kind in (socket.socket, Sub):
    for name, call in TEMPORARY.items():
        near, far = ends(kind)
        box = [near]
        del near
        try:
            call(box.pop())
        except Exception as error:
            kept = error
        kept.__traceback__.tb_next.tb_frame.clear()  # of the lambda, which had the socket in its hands
        with far:
            try:
                while far.recv(10**7):
                    pass
                print(kind.__name__, name, type(kept).__name__, "closed")
            except TimeoutError:
                print(kind.__name__, name, type(kept).__name__, "still open")
        kept = None
print("garbage:", gc.collect() < 50)
