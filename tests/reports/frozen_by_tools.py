"""freezegun and time-machine stop time; a socket's timeout does not stop with it."""
# needs: package:freezegun, package:time_machine

import datetime
import os
import signal
import socket
import time

import freezegun
import time_machine

genuine = time.perf_counter


def late(*_):
    os.write(2, b"a receive has not returned\n")
    os._exit(1)


signal.signal(signal.SIGALRM, late)
near, far = socket.socketpair()


def waits(label):
    signal.alarm(25)
    near.settimeout(0.2)
    try:
        near.recv(1)
    except TimeoutError:
        print(label, "timed out")
    near.settimeout(20)
    far.send(b"ten bytes!")
    print(label, near.recv(10))
    signal.alarm(0)


with freezegun.freeze_time("2024-01-01"):
    waits("freezegun")
with freezegun.freeze_time("2024-01-01", tick=True):
    waits("freezegun that ticks")
with freezegun.freeze_time("2024-01-01") as frozen:
    frozen.tick(1000)
    waits("freezegun, later")
with freezegun.freeze_time("1970-01-01", auto_tick_seconds=15):
    waits("freezegun that jumps")
with time_machine.travel(datetime.datetime(2024, 1, 1), tick=False):
    waits("time-machine")
with time_machine.travel(0, tick=True):
    waits("time-machine that ticks")

# Begun while frozen, ended after it
signal.alarm(25)
near.settimeout(0.4)
freezer = freezegun.freeze_time("2024-01-01")
freezer.start()
signal.signal(signal.SIGUSR1, lambda *_: freezer.stop())
if not os.fork():
    time.sleep(0.1)
    os.kill(os.getppid(), signal.SIGUSR1)
    os._exit(0)
try:
    near.recv(1)
except TimeoutError:
    print("begun while frozen: timed out")
os.wait()
signal.alarm(0)
