"""The system calls of one operation: litsock's by its own trace, the standard module's by strace.

python -m bench.calls MODULE CASE       # do the operation of a case once, between two marks that strace can see
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import current_thread
from typing import Any

import litsock
from litsock.observe.recording import LIBRARY

from .table import CASES

STRACE_NAMES = {"send": "sendto", "recv": "recvfrom"}  # glibc makes these two of the calls with an address
TRACED = """
    accept accept4 bind close connect fcntl getpeername getsockname getsockopt ioctl listen poll ppoll recvfrom recvmsg sendfile sendmsg
    sendto setsockopt shutdown socket socketpair
""".split()
MARK = "getppid"  # a system call that no socket makes


class Call(str):
    """A system call: its name as strace writes it, with what was asked and when."""

    arguments: tuple
    began: float  # by the monotonic clock
    ended: float


class Calls(Sequence):
    """The system calls of a trace, which may still grow."""

    def __init__(self, trace: Any):
        self.trace = trace

    def all(self) -> list[Call]:
        found = []
        for record in self.trace._calls():
            if record.signature.function not in LIBRARY:
                found.append(call := Call(STRACE_NAMES.get(record.signature.function, record.signature.function)))
                call.arguments, call.began, call.ended = record.values, record.start, record.end
        return found

    def __len__(self) -> int:
        return len(self.all())

    def __getitem__(self, index: Any) -> Any:
        return self.all()[index]

    def __eq__(self, other: object) -> bool:
        return self.all() == other

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.pretty(self.all())


@contextmanager
def recorded() -> Iterator[Calls]:
    """The system calls that litsock makes in this thread."""
    with litsock.trace(thread=current_thread()) as trace:
        yield Calls(trace)


def strace(*command: str) -> list[str] | None:
    """What a program calls between two marks, in the thread that makes them; `None` where strace is not to be had."""
    if not shutil.which("strace"):
        return None
    names = ",".join([*TRACED, MARK])
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
