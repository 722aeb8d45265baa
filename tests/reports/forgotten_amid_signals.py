"""Sockets are forgotten while a signal handler raises again and again: no descriptor is lost."""
# ways: run, import
# Without the C type a descriptor in some thousands is lost: a finaliser in Python can be struck before its first step.

import gc
import os
import random
import signal
import socket
import sys
import time
import warnings


class Struck(Exception):
    pass


def forget():
    for _ in range(100):
        socket.socket()


def strike(_, frame):
    global struck
    while frame and frame.f_code is not forget.__code__:
        frame = frame.f_back
    if frame:
        struck += 1
        raise Struck


warnings.simplefilter("always")
warnings.showwarning = lambda *_: sum(range(200))  # takes its time, so that signals find it
sys.unraisablehook = lambda unraisable: None
signal.signal(signal.SIGALRM, strike)
before = len(os.listdir("/proc/self/fd"))
struck, end = 0, time.monotonic() + 2
while time.monotonic() < end:
    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 3e-4), random.uniform(1e-4, 3e-4))
    try:
        forget()
    except (Struck, SystemError):  # the interpreter says the second one where it did not expect the first
        pass
    signal.setitimer(signal.ITIMER_REAL, 0)
gc.collect()
assert struck > 50, struck
left = len(os.listdir("/proc/self/fd")) - before
print("left open:", left)
assert not left
