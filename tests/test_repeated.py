"""Every call of the specification leaves nothing behind, however often it is made: no object, no memory, no descriptor.

    pytest tests/test_repeated.py              # each call a few hundred times
    python tests/test_repeated.py 100000       # so often, or for half a minute each; with what has grown
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import struct
import sys
import time
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent / "reports")]
import every_call
import litsock
from litsock.families.addresses import BoundedCache

WARM = 100  # calls until caches are full
LONGEST = 30  # seconds for one call in a long run
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: no TIME_WAIT, so that ports do not run out


def brief(sock, call):
    "With a timeout that is over almost at once."
    sock.settimeout(0.0001)
    return call()




@pytest.fixture(autouse=True)
def short(monkeypatch):
    "Caches that are soon full, and timeouts that are soon over, where the reports wait long enough for a slow machine."
    monkeypatch.setattr(BoundedCache, "limit", 16)
    monkeypatch.setattr(every_call, "timed", brief)


def connection():
    "A listening socket, and one connected to it."
    listening = litsock.create_server(("127.0.0.1", 0))
    return listening, litsock.create_connection(listening.getsockname())


def sockets(kinds):
    "What a call is given, and what else has to be closed after it."
    given, others = [], []
    for kind in kinds:
        if kind in every_call.PLAIN:
            given.append(litsock.socket(*every_call.PLAIN[kind]))
        elif kind in ("listening", "connected"):
            pair = connection()
            given.append(pair[kind == "connected"])
            others.append(pair[kind == "listening"])
    if "near" in kinds:
        near, far = litsock.socketpair()
        far.send(b"0123456789\n")
        given[:0] = [near, far][: 1 + ("far" in kinds)]
        others.append(far)
    return given, others


def once(call):
    given, others = sockets(every_call.needs(call))
    every_call.outcome(call, litsock, *given)
    for sock in given + others:
        if sock.fileno() >= 0 and sock.type == litsock.SOCK_STREAM and sock.family == litsock.AF_INET:
            sock.setsockopt(litsock.SOL_SOCKET, litsock.SO_LINGER, RESET)
        sock.close()


def held():
    "Blocks that the interpreter has allocated, and open descriptors."
    gc.collect()
    return sys.getallocatedblocks(), len(os.listdir("/proc/self/fd"))


def grown(call, times, seconds=LONGEST):
    "How many blocks, descriptors and KiB there are more after so many calls, and how many calls there were."
    for _ in range(WARM):
        once(call)
    (blocks, descriptors), most = held(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    end, made = time.monotonic() + seconds, 0
    while made < times and time.monotonic() < end:
        once(call)
        made += 1
    after = held()
    return after[0] - blocks, after[1] - descriptors, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most, made


@pytest.mark.skipif(not hasattr(sys, "getallocatedblocks"), reason="this Python does not count its blocks")
@pytest.mark.parametrize("name", every_call.CALLS)
def test_nothing_is_left(name):
    for _ in range(3):  # something else may grow, but not again and again
        blocks, descriptors, _, made = grown(every_call.CALLS[name], WARM, seconds=5)
        assert descriptors == 0
        if blocks < made / 5:
            return
    pytest.fail(f"{blocks} blocks more after {made} calls")



def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("times", nargs="?", type=int, default=100_000)
    times = parser.parse_args().times
    BoundedCache.limit, every_call.timed = 16, brief
    print(f"{'call':34}{'calls':>8}{'blocks':>8}{'descriptors':>13}{'KiB':>8}")
    for name, call in every_call.CALLS.items():
        blocks, descriptors, memory, made = grown(call, times)
        print(f"{name:34}{made:8}{blocks:8}{descriptors:13}{memory:8}", flush=True)


if __name__ == "__main__":
    main()
