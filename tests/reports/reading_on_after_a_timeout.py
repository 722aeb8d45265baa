"""A client of an event stream reads on after a timeout, by clearing the mark that the file has set."""

import socket

near, far = socket.socketpair()
near.settimeout(0.05)
raw = near.makefile("rb", buffering=0)
file = near.makefile("rb")
print(type(raw).__name__, raw._timeout_occurred, raw.name == near.fileno(), raw.mode, raw.readable(), raw.writable(), raw.seekable())
print(type(raw._sock) is socket.socket, raw._reading, raw._writing)
for attempt in range(2):
    try:
        raw.read(1)
    except OSError as error:
        print(type(error).__name__, error, raw._timeout_occurred)
raw._timeout_occurred = False
far.send(b"event\n")
print(raw.readline())

try:
    file.readline()
except TimeoutError as error:
    print(type(error).__name__)
try:
    file.readline()
except OSError as error:
    print(error)
far.send(b"again\n")
file.raw._timeout_occurred = False
print(file.readline(), file.raw._timeout_occurred)
raw.close()
try:
    raw.read(1)
except ValueError as error:
    print(error)
print(raw.name, raw._sock, raw.closed)
