"""Measure both modules in one process, round by round in turn, and print the ratio of each case.

python -m bench                         # every case
python -m bench connect bulk            # some
python -m bench --rounds 31 --json bench/results.json     # where the book and the site look for results

What the file has: `machine` (what the figures depend on, and the date), `rounds`, and `cases`: for each its name, with
`operation`, `unit` ("seconds" or "bytes"), `about`, `target`, `standard`, `litsock` and, where they were measured too,
`method` (C methods that make the call and do nothing else) and `limit` (a loop of C): the figure of each round, smaller is
better; `ratio` (the standard module's figure over litsock's, in the same round: `median`, `min`, `max`), and `calls` (system
calls of one operation: `standard`, `litsock`) where they were counted.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import re
import socket as standard
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from tqdm import tqdm

import litsock

from .calls import counts
from .limits import limit, methods
from .table import CASES, Case, as_text

RATIO = "ratio = the standard module's figure / litsock's, in the same round: above 1, litsock is better"
RESULTS = Path("build", "bench.json")


@dataclass
class Result:
    """Seconds of one operation, or bytes, round by round."""

    standard: list[float] = field(default_factory=list)
    litsock: list[float] = field(default_factory=list)
    method: list[float] = field(default_factory=list)  # methods of C that do nothing else; empty where none were measured
    limit: list[float] = field(default_factory=list)  # a loop of C; the same

    @property
    def ratios(self) -> list[float]:
        return [theirs / ours for theirs, ours in zip(self.standard, self.litsock)]


def measure(name: str, rounds: int) -> Result:
    """A round to warm up, and then `rounds` that count. Who goes first changes every time."""
    case, result = CASES[name], Result()
    order = [(standard, result.standard), (litsock, result.litsock)]
    if case.method and (least := methods()):
        order.insert(1, (least, result.method))
    for number in range(rounds + 1):
        for module, figures in order:
            figures.append(undisturbed(case, module))
        if case.limit and (figure := limit(name)) is not None:
            result.limit.append(figure)
        order.reverse()
        if number == 0:
            for figures in vars(result).values():
                figures.clear()
    return result


def undisturbed(case: Case, module: Any) -> float:
    """Measure one module, without collections of garbage."""
    gc.collect()
    gc.disable()
    try:
        return case.measure(module)
    finally:
        gc.enable()


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
        "date": date.today().isoformat(),
    }


def processor() -> str:
    """Its name, where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def amount(figure: float, unit: str) -> str:
    """A figure, in the unit that suits it."""
    if unit == "bytes":
        return f"{figure:.4g} B "
    for name, size in (("s ", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if figure >= size:
            return f"{figure / size:.4g} {name}"
    return f"{figure / 1e-9:.4g} ns"


HEADINGS = (
    f"{'case':24}{'standard':>11}{'litsock':>11}{'C method':>11}{'C':>11}{'ratio':>8}   {'min – max':15}{'target':>7}   calls   one …"
)
CALLS = """
calls: system calls of one operation, by the standard module and by litsock. litsock keeps its own record; what the standard
module does, strace has seen just now, or (in brackets, where there is no strace) at some time before."""


def row(name: str, result: Result) -> str:
    """A line of the table."""
    case, ratios = CASES[name], result.ratios
    spread = f"{min(ratios):.2f} – {max(ratios):.2f}"
    target = f"{case.target:.2f}" if case.target else "–"
    columns = (amount(median(figures), case.unit) if figures else "" for figures in vars(result).values())
    figures = "".join(f"{column:>11}" for column in columns)
    return f"{name:24}{figures}{median(ratios):8.2f}   {spread:15}{target:>7}   {counts(name):8}{case.operation}"


def record(name: str, result: Result) -> dict[str, Any]:
    """What is kept of a case."""
    case, ratios = CASES[name], result.ratios
    about = {"operation": case.operation, "unit": case.unit, "about": first_line(case), "target": case.target}
    figures = {who: [float(f"{figure:.5g}") for figure in figures] for who, figures in vars(result).items() if figures}
    spread = {"median": median(ratios), "min": min(ratios), "max": max(ratios)}
    found = about | figures | {"ratio": {which: round(ratio, 3) for which, ratio in spread.items()}}
    if how_many := counts(name):
        found["calls"] = dict(zip(("standard", "litsock"), map(int, re.findall(r"\d+", how_many))))
    return found


def first_line(case: Case) -> str:
    """What its docstring says, or that of the function that it calls with arguments of its own."""
    function = getattr(case.measure, "func", case.measure)
    return " ".join((function.__doc__ or "").split("\n\n")[0].split())


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="litsock beside the standard module")
    parser.add_argument("case", nargs="*", help="which cases; by default all of them")
    parser.add_argument("--rounds", type=int, default=15, help="rounds that count, beside one to warm up (default: 15)")
    parser.add_argument("--list", action="store_true", help="name the cases and stop")
    parser.add_argument("--json", type=Path, metavar="FILE", default=RESULTS, help=f"write every figure to FILE (default: {RESULTS})")
    chosen = parser.parse_args()
    if unknown := set(chosen.case) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}; --list names them")
    if chosen.rounds < 1:
        parser.error("at least one round is needed")
    return chosen


def stay_on_one_core() -> None:
    """Keep this process and its children on one core: the two sides of most cases take turns, and to wake another core takes longer than the work."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def main() -> None:
    chosen = options()
    cases = {name: CASES[name] for name in chosen.case or CASES}
    if chosen.list:
        print(*cases, sep="\n")
        return
    stay_on_one_core()
    about = machine()
    print(*(f"{key}: {value}" for key, value in about.items()), sep="\n")
    print(f"medians of {chosen.rounds} rounds; {RATIO}\n\n{HEADINGS}")
    kept = {}
    for name, case in (bar := tqdm(cases.items(), leave=False, disable=None)):
        bar.set_description(name)
        if lacking := case.lacks(litsock):
            tqdm.write(f"{name:24}not there yet: litsock has no {', '.join(lacking)}")
            continue
        if reason := hindrance(case):
            tqdm.write(f"{name:24}not possible here: {reason}")
            continue
        result = measure(name, chosen.rounds)
        kept[name] = record(name, result)
        tqdm.write(row(name, result))
    if any("calls" in found for found in kept.values()):
        print(CALLS)
    chosen.json.parent.mkdir(exist_ok=True)
    chosen.json.write_text(as_text({"machine": about, "rounds": chosen.rounds, "cases": kept}))
    print(f"\nevery figure: {chosen.json}")


if __name__ == "__main__":
    main()
