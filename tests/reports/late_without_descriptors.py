"""Every call of the specification, for the first time, in a process that has no descriptor left."""

import os
import resource
import socket

from every_call import begin, run_each, tell


def without_descriptors(name, call):
    resource.setrlimit(resource.RLIMIT_NOFILE, (1200, 1200))
    try:
        while True:
            os.dup(0)
    except OSError:
        pass
    tell(name, call())


run_each(socket, begin(socket), without_descriptors)
