"""Run CPython's own tests of sockets on a host of a simulated network, and compare with the real kernel.

    python tests/conformance/simulated.py                # every module of simulated.toml
    python tests/conformance/simulated.py test_timeout   # one

What passes with litsock on the real kernel must pass there, unless `simulated.toml` names it with a reason.
"""
from __future__ import annotations

import sys
import tomllib
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))
from conformance.run import run_side

TABLE = tomllib.loads((Path(__file__).parent / 'simulated.toml').read_text(encoding='utf-8'))
LEFT_OUT = [pattern for rule in TABLE['left_out'] for pattern in rule['tests']]
EXCEPTIONS = [pattern for rule in TABLE.get('exception', []) for pattern in rule['tests']]
MOST = 0.05   # exceptions among what passes on the real kernel


class Compared(NamedTuple):
    """One module on both kernels."""
    both: list[str]                # passed on both
    excepted: list[str]            # passed on the real kernel only, and named in the table
    failures: dict[str, str]       # passed on the real kernel only: why not on the other


def compare(module: str) -> Compared:
    """Run a module on both kernels."""
    real, simulated = (run_side(module, subject, without=LEFT_OUT) for subject in ('litsock', 'simulated'))
    both, excepted, failures = [], [], {}
    for name, outcome in real.outcomes.items():
        found = simulated.outcomes.get(name)
        if outcome.what != 'pass': continue
        if found and found.what == 'pass': both.append(name)
        elif any(fnmatchcase(name, pattern) for pattern in EXCEPTIONS): excepted.append(name)
        elif found: failures[name] = f'{found.what}: {found.reason}'
        else: failures[name] = f'did not run: {simulated.unusable.reason if simulated.unusable else ""}'
    return Compared(both, excepted, failures)


def main(modules: list[str]) -> int:
    """The command."""
    found = {module: compare(module) for module in modules or TABLE['modules'] if find_spec(f'test.{module}')}
    for module, (both, excepted, failures) in found.items():
        print(f'{module}: {len(both)} pass on both kernels, {len(excepted) + len(failures)} on the real one only, of which {len(excepted)} have a reason')
        for name, why in failures.items(): print(f'  {name}: {why}')
    passed, excepted = (sum(len(compared[at]) for compared in found.values()) for at in (0, 1))
    failures = sum(len(compared.failures) for compared in found.values())
    print(f'together: {passed}, {excepted} and {failures} without a reason: {passed / max(passed + excepted + failures, 1):.1%}')
    return bool(failures)


if __name__ == '__main__': sys.exit(main(sys.argv[1:]))
