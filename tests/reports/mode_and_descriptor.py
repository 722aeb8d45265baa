"""A handler that raises interrupts a change of the timeout: what the object says and what the descriptor does agree at every moment."""
# cpython: a handler may raise at the beginning of a `with`; PyPy makes a TypeError of it

import itertools
import os
import random
import signal
import socket
import time


class Struck(Exception):
    pass


def change():
    for value in VALUES:
        sock.settimeout(value)
        sock.setblocking(value is None)


def make():
    for _ in range(20):
        socket.setdefaulttimeout(next(DEFAULTS))
        made[:] = [socket.socket(), *socket.socketpair()]
        near = socket.socket()
        made.append(near)
        near.setblocking(False)
        near.connect_ex(place)
        far, _ = server.accept()
        made.append(far)
        made.append(far.dup())


def strike(_, frame):
    global struck
    while frame and frame.f_code not in (change.__code__, make.__code__):
        frame = frame.f_back
    if frame:
        struck += 1
        raise Struck


VALUES = [None, 0, 3, 0.5] * 25
DEFAULTS = itertools.cycle([None, 5, 0.5])
sock = socket.socket()
made = []
server = socket.create_server(("127.0.0.1", 0))
place = server.getsockname()
signal.signal(signal.SIGALRM, strike)
for action in (change, make):
    struck, end = 0, time.monotonic() + 1.5
    while time.monotonic() < end:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 2e-4), random.uniform(5e-5, 2e-4))
        try:
            action()
        except Struck:
            pass
        signal.setitimer(signal.ITIMER_REAL, 0)
        for each in [sock, server, *made]:
            if each.fileno() > 0:
                state = each.gettimeout(), os.get_blocking(each.fileno())
                assert (state[0] is None) == state[1], f"timeout {state[0]}, the descriptor {'blocks' if state[1] else 'does not block'}"
        for each in made:
            each.close()
    assert struck > 20, struck
print("agreed")
