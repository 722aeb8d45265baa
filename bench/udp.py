"""What a datagram costs, by each way there is to send and receive it.

python -m bench.udp                          # a few seconds; prints a table
python -m bench.udp --json bench/udp.json    # and keeps every single time, for nbs/60_fast_udp.ipynb
"""

from __future__ import annotations

import argparse
import socket as standard
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from tqdm import trange

import litsock
from litsock import kernel

from .__main__ import machine
from .table import as_text

TOGETHER = 64  # datagrams on their way at once
SIZES = 64, 1200
SEGMENTS = 1, 2, 4, 8, 16, 32, 64, 128
HERE = "127.0.0.1", 0


@contextmanager
def pair(module: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Two sockets, and the address of the second."""
    with (
        module.socket(module.AF_INET, module.SOCK_DGRAM) as near,
        module.socket(module.AF_INET, module.SOCK_DGRAM) as far,
    ):
        near.bind(HERE)
        far.bind(HERE)
        far.settimeout(None)
        yield near, far, far.getsockname()


def seconds(work: Callable[[], Any], times: int) -> float:
    """How long some work takes, once it has been done before."""
    work()
    start = perf_counter()
    for _ in range(times):
        work()
    return (perf_counter() - start) / times


def loops(module: Any, size: int) -> float:
    """A loop of `sendto`, and one of `recvfrom`."""
    data = bytes(size)
    with pair(module) as (near, far, address):

        def work() -> None:
            for _ in range(TOGETHER):
                near.sendto(data, address)
            for _ in range(TOGETHER):
                far.recvfrom(2048)

        return seconds(work, 10) / TOGETHER


def vectors(size: int, *, ready: bool) -> float:
    """`sendmmsg` and `recvmmsg`: made ready once, or each time anew."""
    messages = bytes(size)
    with pair(litsock) as (near, far, address):
        row, buffer = litsock.MessageRow(near, [(messages, address)] * TOGETHER), litsock.MessageBuffer(TOGETHER)

        def work() -> None:
            near.sendmmsg(row if ready else [(messages, address)] * TOGETHER)
            found = 0
            while found < TOGETHER:
                for _ in far.recvmmsg_into(buffer) if ready else far.recvmmsg(TOGETHER):
                    found += 1

        return seconds(work, 10) / TOGETHER


def segments(size: int, count: int) -> float:
    """`send_segments` and `recv_segments`, with a look at every datagram."""
    data = bytes(size * count)
    with pair(litsock) as (near, far, address):
        buffer = litsock.SegmentBuffer()
        buffer.prepare(far)

        def work() -> None:
            near.send_segments(data, size, address=address)
            found = 0
            while found < count:
                arrived = far.recv_segments_into(buffer)
                for _view, _sender in arrived:
                    pass
                found += len(arrived)

        return seconds(work, 100) / count


def nowhere(module: Any) -> float:
    """What crossing into the kernel and back costs twice, without anything done there: there is no descriptor -1."""
    data, address = bytes(64), bytes(16)

    def work() -> None:
        kernel.sendto(-1, data, 0, address)
        kernel.recvfrom(-1, 2048, 0)

    return seconds(work, 640)


def ways() -> dict[str, Callable[[], float]]:
    """Everything that is measured."""
    found: dict[str, Callable[[], float]] = {"to the kernel and back": lambda: nowhere(litsock)}
    for size in SIZES:
        found[f"standard module, {size}"] = lambda size=size: loops(standard, size)
        found[f"litsock, {size}"] = lambda size=size: loops(litsock, size)
        found[f"sendmmsg, {size}"] = lambda size=size: vectors(size, ready=False)
        found[f"sendmmsg ready, {size}"] = lambda size=size: vectors(size, ready=True)
        for count in SEGMENTS:
            if count * size <= 65507:
                found[f"{count} segments, {size}"] = lambda size=size, count=count: segments(size, count)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.udp", description="what a datagram costs")
    parser.add_argument("--rounds", type=int, default=101, help="rounds that count, beside one to warm up (default: 101)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep every single time in FILE")
    chosen = parser.parse_args()
    every = ways()
    times: dict[str, list[float]] = {name: [] for name in every}
    for _ in trange(chosen.rounds + 1, leave=False, disable=None):
        for name, measure in every.items():
            times[name].append(measure())
    found = {name: [round(one * 1e9, 1) for one in rounds[1:]] for name, rounds in times.items()}
    print(f"nanoseconds for a datagram, sent and received: median and fastest of {chosen.rounds} rounds\n")
    print(*(f"{name:28}{median(rounds):9.1f}{min(rounds):9.1f}" for name, rounds in found.items()), sep="\n")
    if chosen.json:
        chosen.json.write_text(as_text({"machine": machine(), "nanoseconds": found}))


if __name__ == "__main__":
    main()
