"""Measure both modules in one process, round by round in turn, and print the ratio of each case.

python -m bench                         # every case
python -m bench connect bulk            # some
python -m bench --rounds 31 --json bench.json
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import socket as standard
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tqdm import tqdm

import litsock

from .calls import counts
from .cases import CASES, Case

SPEED = "ratio = litsock's speed / the standard module's, in the same round: above 1, litsock is the faster"


@dataclass
class Result:
    """Seconds of one operation, round by round."""

    standard: list[float]
    litsock: list[float]

    @property
    def ratios(self) -> list[float]:
        return [theirs / ours for theirs, ours in zip(self.standard, self.litsock)]


def measure(case: Case, rounds: int) -> Result:
    """A round to warm up, and then `rounds` that count. Who goes first changes every time."""
    seconds: dict[str, list[float]] = {"socket": [], "litsock": []}
    order = [standard, litsock]
    for _ in range(rounds + 1):
        for module in order:
            gc.collect()
            gc.disable()
            try:
                seconds[module.__name__].append(case.measure(module))
            finally:
                gc.enable()
        order.reverse()
    return Result(seconds["socket"][1:], seconds["litsock"][1:])


def hindrance(case: Case) -> str:
    """Why this machine cannot run a case, not even with the standard module; empty when it can."""
    try:
        case.measure(standard)
    except OSError as error:
        return str(error)
    return ""


def machine() -> dict[str, str]:
    """What the figures depend on."""
    return {
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()} ({platform.python_compiler()})",
        "litsock": litsock.__version__,
    }


def processor() -> str:
    """Its name, where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def amount(seconds: float) -> str:
    """Seconds, in the unit that suits them."""
    for unit, size in (("s ", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds / 1e-9:.4g} ns"


HEADINGS = f"{'case':24}{'one …':18}{'standard':>11}{'litsock':>11}{'ratio':>8}   {'min – max':13}{'target':>7}   calls"
CALLS = """
calls: system calls of one operation, by the standard module and by litsock. litsock keeps its own record; what the standard
module does, strace has seen just now, or (in brackets, where there is no strace) at some time before."""


def row(name: str, case: Case, result: Result) -> str:
    """A line of the table."""
    ratios = result.ratios
    spread = f"{min(ratios):.2f} – {max(ratios):.2f}"
    target = f"{case.target:.2f}" if case.target else "–"
    times = f"{amount(median(result.standard)):>11}{amount(median(result.litsock)):>11}"
    return f"{name:24}{case.operation:18}{times}{median(ratios):8.2f}   {spread:13}{target:>7}   {counts(name)}"


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="litsock beside the standard module")
    parser.add_argument("case", nargs="*", help="which cases; by default all of them")
    parser.add_argument("--rounds", type=int, default=15, help="rounds that count, beside one to warm up (default: 15)")
    parser.add_argument("--list", action="store_true", help="name the cases and stop")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single time to FILE")
    chosen = parser.parse_args()
    if unknown := set(chosen.case) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}; --list names them")
    if chosen.rounds < 1:
        parser.error("at least one round is needed")
    return chosen


def main() -> None:
    chosen = options()
    cases = {name: CASES[name] for name in chosen.case or CASES}
    if chosen.list:
        print(*cases, sep="\n")
        return
    about = machine()
    print(*(f"{key}: {value}" for key, value in about.items()), sep="\n")
    print(f"medians of {chosen.rounds} rounds; {SPEED}\n\n{HEADINGS}")
    results = {}
    for name, case in (bar := tqdm(cases.items(), leave=False, disable=None)):
        bar.set_description(name)
        if lacking := case.lacks(litsock):
            tqdm.write(f"{name:24}not there yet: litsock has no {', '.join(lacking)}")
            continue
        if reason := hindrance(case):
            tqdm.write(f"{name:24}not possible here: {reason}")
            continue
        results[name] = measure(case, chosen.rounds)
        tqdm.write(row(name, case, results[name]).rstrip())
    if any(CASES[name].once for name in results):
        print(CALLS)
    if chosen.json:
        found = {name: vars(result) | {"target": cases[name].target} for name, result in results.items()}
        chosen.json.write_text(json.dumps({"machine": about, "rounds": chosen.rounds, "seconds": found}, indent=1))


if __name__ == "__main__":
    main()
