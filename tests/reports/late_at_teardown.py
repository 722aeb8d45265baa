"""Every call of the specification, for the first time, in a `__del__` that runs while the modules are taken down."""

import builtins
import socket
import sys

from every_call import begin, run_each, tell

# The standard module of Python 3.15 imports array and selectors for these when they are called, which is too late here: there they are called at once.
TOO_LATE = ("send_fds", "recv_fds", "sendfile") if sys.version_info >= (3, 15) and "litsock" not in sys.modules else ()


class Last:
    def __init__(self, name, call, tell):
        self.name, self.call, self.tell = name, call, tell

    def __del__(self):
        self.tell(self.name, self.call())


def at_teardown(name, call):
    if name.startswith(TOO_LATE):
        return tell(name, call())
    builtins.kept = Last(name, call, tell)
    sys.exit()


run_each(socket, begin(socket), at_teardown)
