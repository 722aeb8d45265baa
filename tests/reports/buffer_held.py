"""While a call waits, its buffer is held: another thread cannot clear it, and the answer is what came."""
# cpython: an array that C reads or writes cannot be resized; PyPy resizes it, and the process ends with a broken heap

import array
import socket
import sys
import threading
import time


def while_waiting(call, buffer, end):
    """Start a call that waits, try to change the size of its buffer from here, and let the call end."""
    found = []
    thread = threading.Thread(target=lambda: found.append(outcome(call)), daemon=True)
    thread.start()
    until_held(buffer)
    time.sleep(0.02)  # the call has begun to wait, if it had not
    try:
        del buffer[:]
        changed = "cleared"
    except BufferError:
        changed = "BufferError"
    end()
    thread.join(30)
    return found, changed


def until_held(buffer):
    """Wait until somebody holds the buffer, however slow the machine is; at most five seconds."""
    deadline = time.monotonic() + 5
    try:
        while time.monotonic() < deadline:
            buffer.append(0)
            buffer.pop()
            time.sleep(0.001)
    except BufferError:
        pass


def outcome(call):
    try:
        return call()
    except Exception as error:
        return type(error).__name__


def fill(sock):
    """Send until nothing more goes."""
    timeout = sock.gettimeout()
    sock.setblocking(False)
    try:
        while True:
            sock.send(bytes(10_000))
    except BlockingIOError:
        sock.settimeout(timeout)


def empty(sock):
    sock.settimeout(1)
    try:
        while sock.recv(100_000):
            pass
    except TimeoutError:
        pass


sys.setswitchinterval(60)  # threads change where one waits, and not between `append` and `pop`
RECEIVING = {
    "recv_into": lambda sock, buffer: sock.recv_into(buffer),
    "recv_into with a size": lambda sock, buffer: sock.recv_into(buffer, 50),
    "recvfrom_into": lambda sock, buffer: sock.recvfrom_into(buffer)[0],
    "recvfrom_into with a size": lambda sock, buffer: sock.recvfrom_into(buffer, 50)[0],
    "recvmsg_into": lambda sock, buffer: sock.recvmsg_into([buffer])[0],
    "recvmsg_into two": lambda sock, buffer: sock.recvmsg_into([bytearray(2), buffer])[0],
    "recvmsg_into of a generator": lambda sock, buffer: sock.recvmsg_into(part for part in [buffer])[0],
    "a file's readinto": lambda sock, buffer: sock.makefile("rb", buffering=0).readinto(buffer),
}
SENDING = {
    "send": lambda sock, data: sock.send(data),
    "sendall": lambda sock, data: sock.sendall(data),
    "sendmsg": lambda sock, data: sock.sendmsg([data]),
    "sendmsg two": lambda sock, data: sock.sendmsg([b"xy", data]),
    "a file's write": lambda sock, data: sock.makefile("wb", buffering=0).write(data),
}
for timeout in (None, 20):
    for name, call in RECEIVING.items():
        for make in (lambda: bytearray(100), lambda: array.array("b", bytes(100))):
            near, far = socket.socketpair()
            with near, far:
                near.settimeout(timeout)
                buffer = make()
                print(timeout, name, *while_waiting(lambda: call(near, buffer), buffer, lambda: far.send(b"hello")))
    for name, call in SENDING.items():
        near, far = socket.socketpair()
        with near, far:
            near.settimeout(timeout)
            fill(near)
            buffer = bytearray(b"x" * 100)
            print(timeout, name, *while_waiting(lambda: call(near, buffer), buffer, lambda: empty(far)))
near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
with near, far:
    far.bind("")
    near.settimeout(20)
    fill(near)
    buffer = bytearray(b"x" * 100)
    print("sendto", *while_waiting(lambda: near.send(buffer), buffer, lambda: empty(far)))

# Afterwards nothing holds it, however the call ended
near, far = socket.socketpair()
with near, far:
    near.settimeout(0.01)
    buffer = bytearray(100)
    for name, call in RECEIVING.items():
        found = outcome(lambda: call(near, buffer))
        buffer.append(1)
        print("after", name, found)
    fill(near)
    for name, call in SENDING.items():
        found = outcome(lambda: call(near, buffer))
        buffer.append(1)
        print("after", name, found)
