"""Every call of the specification, for the first time, in an atexit handler."""

import atexit
import os
import socket
import sys

from every_call import begin, run_each, tell


def at_exit(name, call):
    atexit.register(lambda: tell(name, call()))
    sys.exit()


numbers = begin(socket)
parent = os.getpid()
run_each(socket, numbers, at_exit)
