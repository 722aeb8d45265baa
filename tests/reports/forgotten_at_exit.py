"""A process that ends with warnings as errors, and a socket it never closed: its peer sees the end, and the status is 0."""

import socket
import sys
import warnings

if sys.argv[1:2] != ["child"]:
    import subprocess

    near, far = socket.socketpair()
    near.set_inheritable(True)
    with near, far:
        started = subprocess.Popen([sys.executable, *sys.orig_argv[1:], "child", str(near.fileno())], close_fds=False, stderr=subprocess.PIPE)
        near.close()
        far.settimeout(60)
        print(far.recv(9), far.recv(9))
        _, said = started.communicate(timeout=60)
        print(started.returncode, b"Fatal" in said)
        sys.exit()

warnings.simplefilter("error")
kept = socket.socket(fileno=int(sys.argv[2]))
kept.send(b"alive")
