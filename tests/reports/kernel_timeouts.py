"""The kernel's own limits (SO_SNDTIMEO, SO_RCVTIMEO, SO_RCVLOWAT) hold: for connect, accept, send and receive, on blocking sockets and on others."""

import errno
import os
import signal
import socket
import struct
import threading
import time


def late(*_):
    os.write(2, f"{label} has not returned\n".encode())
    os._exit(1)


def limit(sock, option, seconds):
    sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", int(seconds), int(seconds % 1 * 1e6)))


def show(name, call):
    global label
    label = name
    signal.alarm(25)
    began = time.monotonic()
    try:
        found = call()
    except OSError as error:
        found = type(error).__name__, errno.errorcode.get(error.errno)
    signal.alarm(0)
    print(name, found, "waited" if time.monotonic() - began > 0.15 else "did not wait")


signal.signal(signal.SIGALRM, late)
busy = socket.socket()
busy.bind(("127.0.0.1", 0))
busy.listen(0)
kept = []
for _ in range(4):
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex(busy.getsockname())
    kept.append(sock)


def connecting(method, timeout=None):
    def call():
        with socket.socket() as sock:
            limit(sock, socket.SO_SNDTIMEO, 0.3)
            sock.settimeout(timeout)
            return getattr(sock, method)(busy.getsockname())

    return call


show("connect", connecting("connect"))
show("connect_ex", connecting("connect_ex"))
show("connect with a timeout that is shorter", connecting("connect", 0.2))

near, far = socket.socketpair()
limit(near, socket.SO_RCVTIMEO, 0.2)
limit(near, socket.SO_SNDTIMEO, 0.2)
for method, arguments in {
    "recv": (1,), "recv_into": (bytearray(1),), "recvfrom": (1,), "recvfrom_into": (bytearray(1),), "recvmsg": (1, 10), "recvmsg_into": ([bytearray(1)],)
}.items():
    show(method, lambda: getattr(near, method)(*arguments))
show("read", lambda: near.makefile("rb", buffering=0).read(1))
show("sendall", lambda: near.sendall(bytes(10**7)))
show("send", lambda: near.send(bytes(10**6)))
show("sendmsg", lambda: near.sendmsg([bytes(10**6)]))
server = socket.create_server(("127.0.0.1", 0))
limit(server, socket.SO_RCVTIMEO, 0.2)
show("accept", server.accept)

# A queue of a path: connect waits there until there is room, and SO_SNDTIMEO limits it
path = b"\0litsock full " + str(os.getpid()).encode()
full = socket.socket(socket.AF_UNIX)
full.bind(path)
full.listen(0)
first = socket.socket(socket.AF_UNIX)
first.connect(path)
with socket.socket(socket.AF_UNIX) as sock:
    limit(sock, socket.SO_SNDTIMEO, 0.2)
    show("connect to a path", lambda: sock.connect(path))

# SO_RCVLOWAT: a receive with a timeout is to wait for so many bytes
with socket.create_server(("127.0.0.1", 0)) as place:
    near = socket.create_connection(place.getsockname())
    far, _ = place.accept()
near.settimeout(20)
for method, take in {"recv": lambda: near.recv(100), "recv_into": lambda: near.recv_into(bytearray(100)), "recvmsg": lambda: near.recvmsg(100)[0]}.items():
    near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 6)
    far.send(b"abc")
    time.sleep(0.05)
    timer = threading.Timer(0.3, far.send, [b"def"])
    timer.start()
    show(f"{method} with SO_RCVLOWAT and a timeout", take)
    timer.join()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
    near.settimeout(0.01)
    try:
        near.recv(100)
    except TimeoutError:
        pass
    near.settimeout(20)
