"""Runs a program on litsock and tells what carried it: witness.py REPORT PROGRAM.py ARGUMENT …

The program knows nothing of this. Each socket that Python makes, whoever implements it, is announced by the audit event
`socket.__new__`, with the object. So the report says of which classes the sockets were, and whether all were litsock's.
"""
import atexit
import collections
import json
import os
import sys

import litsock
from litsock import SocketType
from litsock.dropin.install import run_program

REPORT, PROCESS = sys.argv[1], os.getpid()
made, foreign = collections.Counter(), set()


def count(event, arguments):
    if event != "socket.__new__": return
    kind = type(arguments[0])
    name = f"{kind.__module__}.{kind.__qualname__}"
    made[name] += 1
    if not issubclass(kind, SocketType): foreign.add(name)


def report():
    if os.getpid() != PROCESS: return
    with open("/proc/self/maps") as maps: loaded = "/_socket." in maps.read()
    with open(REPORT, "w") as file: json.dump({"made": made, "foreign": sorted(foreign), "standard module loaded": loaded}, file)


sys.addaudithook(count)
atexit.register(report)
litsock.install()
run_program(sys.argv[2:])
