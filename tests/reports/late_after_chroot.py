"""Every call of the specification, for the first time, after chroot: no file of Python's can be found any more."""
# needs: root

import os
import socket
import tempfile

from every_call import begin, run_each, tell


def after_chroot(name, call):
    os.chroot(empty)
    os.chdir("/")
    tell(name, call())


numbers = begin(socket)
with tempfile.TemporaryDirectory() as empty:
    run_each(socket, numbers, after_chroot)
