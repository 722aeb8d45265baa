"""The system calls of one operation: litsock's by its own record, the standard module's by strace.

python -m bench.calls MODULE CASE       # do the operation of a case once, between two marks that strace can see
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import get_ident
from time import monotonic
from typing import Any

import litsock
from litsock import kernel

from .table import CASES

# functions of `litsock.kernel` that make one system call each, and its name as strace writes it
NAMES = {
    "accept": "accept4",
    "bind": "bind",
    "close": "close",
    "connect": "connect",
    "dup": "fcntl",
    "getdescriptorflags": "fcntl",
    "getpeername": "getpeername",
    "getsockname": "getsockname",
    "getsockopt": "getsockopt",
    "listen": "listen",
    "poll": "ppoll",
    "recv": "recvfrom",
    "recv_into": "recvfrom",
    "recvfrom": "recvfrom",
    "recvfrom_into": "recvfrom",
    "recvmsg": "recvmsg",
    "recvmsg_into": "recvmsg",
    "send": "sendto",
    "sendfile": "sendfile",
    "sendmsg": "sendmsg",
    "sendto": "sendto",
    "setblocking": "ioctl",
    "setdescriptorflags": "fcntl",
    "setsockopt": "setsockopt",
    "shutdown": "shutdown",
    "socket": "socket",
    "socketpair": "socketpair",
}
MARK = "getppid"  # a system call that no socket makes


class Call(str):
    """A system call: its name, with what litsock asked and what the kernel answered."""

    arguments: tuple
    answer: Any
    began: float  # by the monotonic clock
    ended: float


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """A list that grows with each system call that litsock makes in this thread."""
    calls: list[Call] = []
    before = {name: getattr(kernel, name) for name in NAMES}
    thread = get_ident()

    def noting(name: str) -> Any:
        def noted(*arguments: Any) -> Any:
            if get_ident() != thread:
                return before[name](*arguments)
            calls.append(call := Call(NAMES[name]))
            call.arguments, call.began = arguments, monotonic()
            call.answer = before[name](*arguments)
            call.ended = monotonic()
            return call.answer

        return noted

    for name in NAMES:
        setattr(kernel, name, noting(name))
    try:
        yield calls
    finally:
        for name, function in before.items():
            setattr(kernel, name, function)


def strace(*command: str) -> list[str] | None:
    """What a program calls between two marks, in the thread that makes them; `None` where strace is not to be had."""
    if not shutil.which("strace"):
        return None
    names = ",".join(sorted({*NAMES.values(), MARK, "poll", "accept"}))
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report")
        whole = ["strace", "-f", "-o", str(report), "-e", f"trace={names}", *command]
        if subprocess.run(whole, cwd=Path(__file__).parents[1], capture_output=True, timeout=60).returncode:
            return None
        lines = [line.split(maxsplit=1) for line in report.read_text().splitlines()]
    thread = next(thread for thread, what in lines if what.startswith(MARK))
    calls = [what.partition("(")[0] for who, what in lines if who == thread and "(" in what and "resumed" not in what]
    marks = [number for number, call in enumerate(calls) if call == MARK]
    return calls[marks[-2] + 1 : marks[-1]]


def traced(module: str, case: str) -> list[str] | None:
    """What strace sees of the operation of a case."""
    return strace(sys.executable, "-m", "bench.calls", module, case)


# what `traced` answered for the standard module of CPython 3.11 on Linux
KNOWN = {
    "tcp-pingpong": "sendto recvfrom sendto recvfrom",
    "tcp-pingpong-timeout": "poll sendto poll recvfrom poll sendto poll recvfrom",
    "recv-timeout-waiting": "poll recvfrom",
    "recv-timeout-over": "poll",
    "recv-nothing": "recvfrom",
    "connect": "connect accept4 getsockname close",
    "connect-timeout": "connect poll getsockopt poll accept4 getsockname ioctl close",
}


def counts(case: str) -> str:
    """How many calls each module makes for the operation of a case; empty for a case that has none alone."""
    if not CASES[case].once:
        return ""
    with CASES[case].once(litsock) as operation, recorded() as ours:
        operation()
    theirs = traced("socket", case)
    return f"{len(theirs)} / {len(ours)}" if theirs else f"({len(KNOWN[case].split())}) / {len(ours)}"


def main() -> None:
    module, case = sys.argv[1:]
    with CASES[case].once(import_module(module)) as operation:
        os.getppid()
        operation()
        os.getppid()


if __name__ == "__main__":
    main()
