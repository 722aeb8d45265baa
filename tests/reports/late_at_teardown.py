"""Every call of the specification, for the first time, in a `__del__` that runs while the modules are taken down."""

import builtins
import socket
import sys

from every_call import begin, run_each, tell


class Last:
    def __init__(self, name, call, tell):
        self.name, self.call, self.tell = name, call, tell

    def __del__(self):
        self.tell(self.name, self.call())


def at_teardown(name, call):
    builtins.kept = Last(name, call, tell)
    sys.exit()


run_each(socket, begin(socket), at_teardown)
