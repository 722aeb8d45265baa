"""The C extension: the suite without it, its C under sanitisers, and no state that threads could share."""

from __future__ import annotations

import os
import random
import runpy
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from errno import EBADF
from pathlib import Path

import pytest

import litsock
from litsock.kernel import c_socket
from litsock import kernel

TOP = Path(__file__).resolve().parents[1]
BUILDING = runpy.run_path(str(TOP / "tools" / "building.py"))
SANITIZE = runpy.run_path(str(TOP / "tools" / "sanitize.py"))
HERE = "LITSOCK_SANITIZED" in os.environ or os.environ.get("LITSOCK_FAST") == "0"
once = pytest.mark.skipif(HERE, reason="this is the run under sanitisers, or without the C extension, that another test started")

WITHOUT = [
    "nbs/00_core.ipynb", "nbs/20_timeouts.ipynb", "nbs/91a_c_calls.ipynb", "nbs/90_kernel.ipynb",
    "tests/test_bad_input.py", "tests/test_socket_object.py", "tests/test_fast_path.py",
]  # fmt: skip


@once
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.implementation.name == "pypy", reason="PyPy calls through CFFI anyway")
def test_a_good_share_of_the_suite_through_cffi_alone():
    """`LITSOCK_FAST=0 make test` runs all of it."""
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *WITHOUT]
    done = subprocess.run(line, cwd=TOP, env=os.environ | {"LITSOCK_FAST": "0"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:]


def test_which_kernel():
    """The variable does what it says: the extension is in use, unless it was switched off."""
    cold = os.environ.get("LITSOCK_FAST") == "0" or sys.implementation.name == "pypy"
    assert (type(kernel.send) is type(lambda: None)) == cold


@once
@pytest.mark.needs("cpython")
@pytest.mark.timeout(600)
@pytest.mark.skipif(bool(SANITIZE["lacking"]()), reason=SANITIZE["lacking"]())
def test_under_sanitisers():
    """`make sanitize` runs more."""
    line = [sys.executable, "tools/sanitize.py", "tests/test_fast_path.py", "tests/test_socket_object.py"]
    done = subprocess.run(line, cwd=TOP, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]


# Nothing is shared between threads


def writable(text, folder):
    """The names of all variables that C text makes and that can be written to."""
    (folder / "text.c").write_text(text, encoding="utf-8")
    line = [*BUILDING["compiler"](), "-c", "-fPIC", f"-I{sysconfig.get_paths()['include']}", "text.c", "-o", "text.o"]
    subprocess.run(line, cwd=folder, check=True)
    symbols = subprocess.run(["nm", "text.o"], cwd=folder, check=True, capture_output=True, text=True).stdout
    return {line.split()[-1] for line in symbols.splitlines() if line.split()[-2] in "dDbBC"}


compiled = pytest.mark.skipif(
    not (shutil.which(BUILDING["compiler"]()[0]) and shutil.which("nm")), reason="there is no C compiler, or no nm"
)


@compiled
@pytest.mark.needs("cpython")  # the type needs what PyPy's headers lack
def test_no_variable_outlives_a_call(tmp_path):
    """But for the tables that describe the module and its type, which nobody writes to once it is loaded."""
    tables = {"functions", "own_functions", "name_functions", "slots", "module", "methods", "members", "attributes", "type_slots", "type_spec"}
    assert writable(c_socket.SOURCE, tmp_path) == tables


@compiled
@pytest.mark.needs("cpython")
def test_a_static_would_be_seen(tmp_path):
    extra = "\nint used(void) { static int times; return ++times; }\n"
    assert any(name.startswith("times") for name in writable(c_socket.SOURCE + extra, tmp_path))


def test_free_threads_are_declared():
    """Where the headers know how to say it: an interpreter without a lock would switch one on for us otherwise."""
    declaration = c_socket.SOURCE.partition("#ifdef Py_MOD_GIL_NOT_USED")[2].partition("#endif")[0] or c_socket.SOURCE
    assert "{Py_mod_gil, Py_MOD_GIL_NOT_USED}" in declaration


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python has a global lock: it is no free-threaded build")
def test_the_lock_stays_off():
    assert not sys._is_gil_enabled()


def storm(workers):
    """Run them all at the same time. What one of them raises is raised here."""
    raised = []
    together = threading.Barrier(len(workers))

    def guarded(work):
        together.wait()
        try:
            work()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=[work], daemon=True) for work in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "somebody hangs"
    if raised:
        raise raised[0]


def test_many_threads_with_sockets_of_their_own():
    """Small messages, which come by way of the stack, and large ones, which do not; each arrives as it was sent."""

    def talk(seed):
        numbers = random.Random(seed)
        near, far = litsock.socketpair()
        buffer = bytearray(5_000)
        with near, far:
            for _ in range(300):
                data = numbers.randbytes(numbers.choice([1, 64, 255, 4_096, 5_000]))
                near.sendall(data)
                kind = numbers.randrange(3)
                if kind == 0:
                    assert far.recv_exactly(len(data)) == data
                elif kind == 1:
                    assert far.recv(len(data)) == data
                else:
                    assert far.recv_into(buffer, len(data)) == len(data) and buffer[: len(data)] == data

    storm([lambda seed=seed: talk(seed) for seed in range(8)])


def test_many_threads_with_one_socket():
    """Every message is received by exactly one of them, whole."""
    near, far = litsock.socketpair(type=litsock.SOCK_DGRAM)
    got, lock = [], threading.Lock()

    def send(first):
        for number in range(first, first + 500):
            near.send(number.to_bytes(4, "big") * 16)

    def receive():
        mine = []
        while (data := far.recv(100)) != b"end":
            mine.append(data)
        with lock:
            got.extend(mine)

    def send_all():
        storm([lambda first=first: send(first) for first in range(0, 2_000, 500)])
        for _ in range(4):
            near.send(b"end")

    with near, far:
        storm([receive] * 4 + [send_all])
    assert sorted(got) == [number.to_bytes(4, "big") * 16 for number in range(2_000)]


def test_a_buffer_in_which_little_arrived_is_used_again():
    """Of 256 KiB that were asked for, only what arrived is made anew; and what was handed out stays as it was."""
    tracemalloc = pytest.importorskip("tracemalloc")
    near, far = litsock.socketpair()
    with near, far:
        near.send(b"first")
        first = far.recv(262_144)
        tracemalloc.start()
        near.send(b"second")
        second = far.recv(262_144)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        near.send(bytes(100_000))
        large = far.recv(262_144)
        near.send(b"\1" * 50_000)
        far.recv(262_144)
        assert (first, second, large) == (b"first", b"second", bytes(100_000))
        assert most < 20_000


def test_a_buffer_is_held_while_somebody_receives_into_it():
    near, far = litsock.socketpair()
    buffer, refused = bytearray(100), []
    with near, far:
        thread = threading.Thread(target=far.recv_into, args=[buffer])
        thread.start()
        end = time.monotonic() + 10
        while not refused and time.monotonic() < end:
            try:
                buffer.append(0)
                buffer.pop()
            except BufferError as error:
                refused.append(error)
        near.send(b"x")
        thread.join(10)
        assert refused and buffer[:1] == b"x"


def test_closing_under_others():
    """Whoever is too late gets EBADF, never somebody else's data and never a crash."""

    def use(sock):
        while True:
            try:
                sock.send(b"x")
                sock.recv(1)
            except BlockingIOError:
                pass
            except OSError as error:
                assert error.errno == EBADF
                return

    for _ in range(20):
        near, far = litsock.socketpair()
        with far:
            near.setblocking(False)
            far.setblocking(False)
            storm([lambda: use(near), lambda: use(near), near.close])


def test_a_timeout_changed_under_others():
    """Whoever reads it sees one that was set, and a call that waits ends by one of them."""
    seconds = 0.0, 0.001, 0.25, 2.5
    near, far = litsock.socketpair()

    def change():
        numbers = random.Random(1)
        for _ in range(2_000):
            near.settimeout(numbers.choice(seconds[:2]))
            near.settimeout(numbers.choice(seconds))
        near.settimeout(0.001)

    def read():
        for _ in range(2_000):
            assert near.gettimeout() in (None, *seconds)

    def wait():
        for _ in range(20):
            with pytest.raises((BlockingIOError, TimeoutError)):
                near.recv(1)

    with near, far:
        near.settimeout(0.001)
        storm([change, read, read, wait])

