"""Every call of the specification, for the first time, in a `__del__` that runs while the modules are taken down."""

import builtins
import socket
import sys

from every_call import begin, run_each, tell

# Newer standard modules (of 3.14.10, not yet of 3.13.18) import these only when they are called, which is too late here: there they are called at once.
IMPORTS = {"send_fds": "array", "recv_fds": "array", "sendfile": "selectors"}
TOO_LATE = () if "litsock" in sys.modules else tuple(name for name, module in IMPORTS.items() if not hasattr(socket, module))


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
