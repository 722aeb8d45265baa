"""Processes of their own, for the tests: any interpreter, and the example programs."""

import subprocess
import sys
from contextlib import contextmanager
from threading import Thread, Timer

LIMIT = 30  # seconds, after which a program that hangs is killed, and its test fails


def python(*words, limit=2 * LIMIT, **options):
    "Run an interpreter to its end: status, standard output, standard error."
    options = {"capture_output": True, "text": True, "timeout": limit, "stdin": subprocess.DEVNULL} | options
    done = subprocess.run([sys.executable, *map(str, words)], **options)
    return done.returncode, done.stdout, done.stderr


@contextmanager
def started(*words, stderr=subprocess.PIPE):
    "An interpreter that runs beside the test."
    pipes = dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True)
    with subprocess.Popen([sys.executable, *words], **pipes) as process:
        clock = Timer(LIMIT, process.kill)
        clock.start()
        try:
            yield process
        finally:
            clock.cancel()
            process.kill()


def program(*words):
    "An example program, beside the test."
    return started("-m", "litsock.examples", *words)


def run(*words):
    "Run an example program to its end: status, standard output, standard error."
    return python("-m", "litsock.examples", *words)


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


@contextmanager
def beside(function, *arguments):
    "What a thread does meanwhile. When the block is over, it has to be done."
    thread = Thread(target=function, args=arguments, daemon=True)
    thread.start()
    yield
    thread.join(LIMIT)
    assert not thread.is_alive()
