"""What several test modules use and pytest has no fixture for. The fixtures stand in conftest.py."""

import gc
import os
import signal
import sys
import time
from contextlib import contextmanager

import pytest

PYPY = sys.implementation.name == "pypy"


def but_pypy(values, *others, why):
    """Parameters of a test; PyPy's own module does otherwise for some of them, so that there is nothing to compare with."""
    return [pytest.param(value, marks=pytest.mark.skipif(PYPY and repr(value) in map(repr, others), reason=why)) for value in values]


def descriptors():
    """The descriptors of this process that are open, once what nobody has any more is gone. Windows does not list them."""
    gc.collect()
    if sys.platform == "win32":
        return set()
    return set(os.listdir("/proc/self/fd"))


def since(moment):
    """Seconds since a moment of `time.perf_counter()`, to the nanosecond: the last digits of such a difference mean nothing."""
    return round(time.perf_counter() - moment, 9)


class Struck(Exception):
    """Raised by a signal handler, wherever it may be."""


def strike(*_):
    raise Struck


@contextmanager
def alarms(handler, first, every=0.0):
    """Signals to this process: after so many seconds, and then again and again where `every` is given."""
    previous = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, first, every)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
