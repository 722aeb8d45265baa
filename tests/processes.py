"""The example programs as processes of their own, for the tests."""

import subprocess
import sys
from contextlib import contextmanager
from threading import Thread, Timer

LIMIT = 30  # seconds, after which a program that hangs is killed, and its test fails


@contextmanager
def program(*words):
    "A program in a process of its own."
    command = [sys.executable, "-m", "litsock.examples", *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True) as process:
        clock = Timer(LIMIT, process.kill)
        clock.start()
        try:
            yield process
        finally:
            clock.cancel()
            process.kill()


def run(*words):
    "Run a program to its end: status, standard output, standard error."
    with program(*words) as process:
        output, complaints = process.communicate()
        return process.returncode, output, complaints


def port_of(server):
    "Where a server program listens, from its first line."
    first = server.stdout.readline()
    assert first.startswith("Listening on ")
    return first.split()[-1]


def one_line(complaint, *parts):
    "Whether that is all that was said, and says these things."
    assert complaint.count("\n") == 1 and complaint.endswith("\n"), complaint
    for part in parts:
        assert part in complaint
    return True


def beside(function, *arguments):
    "Run a function in a thread."
    thread = Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread
