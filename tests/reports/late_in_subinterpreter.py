"""Every call of the specification in an isolated sub-interpreter, which imports the module for itself."""
# python: 3.12

import os
import socket
import sys

from every_call import CALLS, begin, run_each

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

CODE = """
import sys
sys.path[:] = {path!r}
if {litsock!r} == "install":
    import litsock
    litsock.install()
    import socket
elif {litsock!r} == "import":
    import litsock as socket
else:
    import socket
import every_call
name = {name!r}
call = every_call.CALLS[name]
sockets = every_call.given(socket, call, {numbers!r})
every_call.tell(name, every_call.outcome(call, socket, *sockets))
"""


def within(name, call):
    litsock = "" if "litsock" not in sys.modules else "install" if sys.modules.get("socket") is socket else "import"
    at = list(CALLS).index(name)
    code = CODE.format(path=sys.path, litsock=litsock, name=name, numbers=numbers[at * 4 : at * 4 + 4])
    number = interpreters.create()
    run = getattr(interpreters, "exec", None) or interpreters.run_string
    failed = run(number, code)
    if failed:
        os.write(1, f"{name}: {failed.formatted if hasattr(failed, 'formatted') else failed}\n".encode())


numbers = begin(socket)
run_each(socket, numbers, within)
