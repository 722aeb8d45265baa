"""Every call of the specification, for the first time, as a user who may not read what the program was loaded from."""
# needs: root

import os
import shutil
import socket
import sys
import tempfile

from every_call import begin, run_each, tell

NOBODY = 65534


def private_copy():
    """A folder that only root may read, with litsock in it where litsock is in use. Python's own files may be anybody's."""
    folder = tempfile.mkdtemp()
    if "litsock" in sys.modules:
        shutil.copytree(sys.modules["litsock"].__path__[0], folder + "/litsock")
    return folder


def after_setuid(name, call):
    os.chdir("/")
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    tell(name, call())


home = os.environ.get("PYTHONPATH", "") if "SOCKETS" in os.environ else private_copy()
numbers = begin(socket, home)
try:
    run_each(socket, numbers, after_setuid)
finally:
    shutil.rmtree(home)
