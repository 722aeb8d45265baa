"""Every call of the specification, for the first time in a thread, while the process forks: the child's own first call works."""

import os
import signal
import socket
import sys
import threading

from every_call import begin, run_each, tell


class Watch:
    """Finds what the others find, and keeps whoever loads a module waiting, with the lock of that module."""

    def __init__(self):
        self.asked = threading.Event()

    def find_spec(self, name, path=None, target=None):
        for finder in sys.meta_path:
            if finder is not self and (spec := finder.find_spec(name, path, target)):
                self.loader, spec.loader = spec.loader, self
                return spec

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.asked.set()
        threading.Event().wait(20)
        self.loader.exec_module(module)


def amid_fork(name, call):
    def first():
        call()
        done.append(1)
        watch.asked.set()

    done, watch = [], Watch()
    thread = threading.Thread(target=first, daemon=True)
    sys.meta_path.insert(0, watch)
    thread.start()
    watch.asked.wait(30)
    if done:  # nothing had to be imported
        thread.join()
        return tell(name, "ok")
    if pid := os.fork():
        _, status = os.waitpid(pid, 0)
        return tell(name, "the child hangs" if status else "ok")
    sys.meta_path.remove(watch)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(3)
    call()
    os._exit(0)


run_each(socket, begin(socket), amid_fork)
