"""Run CPython's own socket tests twice, with the standard module and with litsock in its place, and compare.

    python tests/conformance/run.py                              # every module of rules.toml
    python tests/conformance/run.py test_socket -k '*Sendmsg*'   # some tests of one
    python tests/conformance/run.py test_socket --only litsock   # one side alone, nothing to compare with

A test that passes with the standard module must pass with litsock, unless `rules.toml` lists it as a deviation.
"""
from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from threading import Event

from tqdm import tqdm

HERE = Path(__file__).resolve().parent
RULES = tomllib.loads((HERE / 'rules.toml').read_text(encoding='utf-8'))
LEFT_OUT = [rule for rule in RULES['left_out'] if rule.get('but_not_with', '') not in os.environ]
DEVIATIONS = {d['test']: d['why'] for d in RULES.get('deviation', [])}
RETRIES = 2              # how often a test that fails with litsock only is run again, alone
TOO_MANY_FOR_CHANCE = 20 # more failures than this are no accident: they are not run again
MOST_HANGS = 3           # after so many in one module its other tests are not run
SUBJECTS = ('socket', 'litsock')
interrupted = Event()    # set when the run is to end early: the children must not outlive it


@dataclass
class Outcome:
    """What became of one test."""
    what: str            # pass, skip, fail, error, hang, crash
    text: str = ''       # the reason of a skip, the traceback of a failure

    @property
    def reason(self) -> str:
        """The exception and its message, in one line."""
        lines = self.text.splitlines()
        starts = [i for i, line in enumerate(lines) if line.strip() and not line.startswith((' ', '\t'))] or [0]
        return ' '.join(' '.join(lines[starts[-1]:]).split())[:300]


@dataclass
class Side:
    """One subject's run of one module."""
    subject: str
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    fixtures: dict[str, Outcome] = field(default_factory=dict)  # set-up of classes and modules that failed or skipped
    left_out: dict[str, str] = field(default_factory=dict)      # id -> the pattern that says so
    descriptors: list[int | None] | None = None                 # before and after, where the process lived to the end
    unusable: Outcome | None = None                             # why the module could not be run at all
    seconds: float = 0.0
    bar: tqdm | None = None                                     # the progress, on a terminal
    without: list[str] = field(default_factory=list)            # patterns of ids that are left out


def litsock_path() -> str:
    """The folder that holds the package to test: where this interpreter finds it, or the repository."""
    spec = find_spec('litsock')
    return str(Path(spec.origin).parents[1] if spec and spec.origin else HERE.parents[1])


def run_side(
    module: str,                    # name of a module in the package `test`
    subject: str,                   # 'socket', 'litsock' or 'simulated'
    pattern: str | None = None,     # only ids that match
    only: list[str] | None = None,  # only these ids
    without: list[str] = [],        # patterns of ids to leave out, besides those of rules.toml
) -> Side:
    """Run a test module with a subject; after a hang or a crash a new process takes over the rest."""
    began, side = time.monotonic(), Side(subject, without=without)
    with tqdm(desc=f'{module} with {subject}', unit=' tests', disable=None, leave=False) as side.bar:
        while run_child(side, module, pattern, only):
            if sum(outcome.what == 'hang' for outcome in side.outcomes.values()) < MOST_HANGS: continue
            side.unusable = Outcome('hang', f'given up after {MOST_HANGS} tests that hang')
            break
    side.seconds = time.monotonic() - began
    if not (only or sys.stderr.isatty()): print(f'{module} with {subject}: {len(side.outcomes)} tests, {side.seconds:.0f} s', flush=True)
    return side


def limit_of(side: Side) -> int:
    """Seconds that a test may take. In virtual time none waits for anything, but all of its kernel is Python."""
    return RULES['seconds_per_test'] * (5 if side.subject == 'simulated' else 1)


def run_child(side: Side, module: str, pattern: str | None, only: list[str] | None) -> bool:
    """Run what is left in one process. True if it ended in the middle of a test, and more may be left."""
    settings = RULES['modules'].get(module, {})
    with tempfile.TemporaryDirectory(prefix='lit', ignore_cleanup_errors=True) as folder:
        report, log, job = (Path(folder, name) for name in ('report', 'log', 'job'))
        (scratch := Path(folder, 't')).mkdir()
        job.write_text(json.dumps(dict(
            module=module, subject=side.subject, litsock_path=litsock_path(), report=str(report), pattern=pattern, only=only,
            done=list(side.outcomes), left_out=[pattern for rule in LEFT_OUT for pattern in rule['tests']] + side.without,
            resources=RULES['resources'] + settings.get('resources', []), limit=limit_of(side))))
        report.touch()
        with open(log, 'wb') as out, open(report, encoding='utf-8') as events:
            child = subprocess.Popen(
                [sys.executable, '-u', '-E', '-bb', '-W', 'default', str(HERE / 'child.py'), str(job)],
                cwd=scratch, env=os.environ | {'TMPDIR': str(scratch)}, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
            try:
                running, how = follow(side, child, events)
            finally:
                end(child)
        if not how and child.returncode not in (0, -signal.SIGKILL): how = f'the process ended with {child.returncode}'
        if running is None:
            if how and not side.unusable: side.unusable = Outcome('crash', how + '\n' + tail(log))
            return False
        what = 'hang' if how.startswith('more than') else 'crash'
        side.outcomes[running] = Outcome(what, f'{tail(log)}\n{how}')
        return True


def follow(side: Side, child: subprocess.Popen, events) -> tuple[str | None, str]:
    """Read the child's events until it is done, hangs or dies: the test it was in, and how it ended ('' is well)."""
    running, last, line, limit = None, time.monotonic(), '', limit_of(side)
    while not interrupted.is_set():
        ended = child.poll() is not None   # asked before the last read, so that nothing it wrote is lost
        while piece := events.readline():
            line += piece
            if not line.endswith('\n'): break
            event, line, last = json.loads(line), '', time.monotonic()
            kind = event['event']
            if kind == 'begin':
                side.left_out, side.bar.total = event['left_out'], len(side.outcomes) + len(event['ids'])
            elif kind == 'start': running = event['id']
            elif kind == 'end':
                side.outcomes[event['id']], running = Outcome(event['outcome'], event['text']), None
                side.bar.update()
            elif kind == 'fixture': side.fixtures[event['id']] = Outcome(event['outcome'], event['text'])
            elif kind == 'unusable':
                side.unusable = Outcome(event['outcome'], event['text'])
                return None, ''
            elif kind == 'done':
                side.descriptors = event['descriptors']
                return None, ''
        if ended or time.monotonic() - last > limit + 5:   # the child ends by itself when a test is over the limit
            slow = time.monotonic() - last > 0.99 * limit
            return running, f'more than {limit} seconds' if slow else f'the process ended with {child.returncode}'
        time.sleep(0.02)
    raise KeyboardInterrupt


def end(child: subprocess.Popen) -> None:
    """Let a child that is done leave; end it, and what it started, if it does not."""
    try:
        child.wait(timeout=0 if interrupted.is_set() else 2)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def tail(log: Path) -> str:
    """The end of what a child printed."""
    return log.read_bytes()[-3000:].decode(errors='replace')


@dataclass
class Verdict:
    """The two sides of one module, compared test by test."""
    module: str
    standard: Side
    litsock: Side
    passed: list[str] = field(default_factory=list)            # with both
    retried: list[str] = field(default_factory=list)           # of those, the ones that needed a second run, alone
    skipped: dict[str, str] = field(default_factory=dict)      # with both: id -> why
    deviations: list[str] = field(default_factory=list)        # fail with litsock, and are listed
    not_counted: dict[str, str] = field(default_factory=dict)  # what a comparison cannot use: id -> why
    failures: dict[str, Outcome] = field(default_factory=dict)


def why_missing(side: Side, name: str) -> Outcome:
    """What is known about a test that did not run."""
    for fixture, outcome in side.fixtures.items():
        where = fixture[fixture.find('(') + 1:].rstrip(')')
        if name.startswith(where): return Outcome('missing', f'{outcome.text}\n{fixture}: {outcome.reason}')
    return Outcome('missing', side.unusable.text if side.unusable else 'no such test with litsock in place')


def compare(module: str, pattern: str | None = None) -> Verdict:
    """Run a module with both subjects; what fails with litsock only is run again, alone, before it counts."""
    at_once = 1 if RULES['modules'][module].get('one_after_the_other') else 2
    with ThreadPoolExecutor(at_once) as pool:
        runs = [pool.submit(run_side, module, subject, pattern) for subject in SUBJECTS]
        try:
            verdict = Verdict(module, *(run.result() for run in runs))
        except BaseException:
            interrupted.set()
            raise
    standard, litsock = verdict.standard, verdict.litsock
    suspects = {}
    for name, wanted in standard.outcomes.items():
        got = litsock.outcomes.get(name) or why_missing(litsock, name)
        if wanted.what == got.what == 'pass': verdict.passed.append(name)
        elif wanted.what == got.what == 'skip': verdict.skipped[name] = wanted.text
        elif wanted.what == 'pass' and name in DEVIATIONS: verdict.deviations.append(name)
        elif wanted.what == 'pass': suspects[name] = got
        else:
            verdict.not_counted[name] = f'standard module: {wanted.what} ({wanted.reason}); litsock: {got.what}' + (
                '' if got.what == 'pass' else f' ({got.reason})')
    chance = len(suspects) <= TOO_MANY_FOR_CHANCE
    for name, outcome in suspects.items():
        if chance and passes_alone(module, name):
            verdict.passed.append(name)
            verdict.retried.append(name)
        else: verdict.failures[name] = outcome
    if litsock.unusable and not standard.unusable: verdict.failures[f'{module}: the process'] = litsock.unusable
    return verdict


def passes_alone(module: str, name: str) -> bool:
    """Whether a test that failed passes in a process of its own."""
    for _ in range(RETRIES):
        outcome = run_side(module, 'litsock', only=[name]).outcomes.get(name)
        if outcome and outcome.what == 'pass': return True
        if outcome and outcome.what == 'hang': break   # once more is time enough
    return False


def summary(verdicts: list[Verdict]) -> list[str]:
    """The table of counts that ends a run, and what stands behind the counts."""
    head = ('module', 'passed', 'skipped', 'deviations', 'failed', 'not counted', 'left out', 'seconds', 'descriptors')
    counts = [(len(v.passed), len(v.skipped), len(v.deviations), len(v.failures), len(v.not_counted),
               len(v.standard.left_out)) for v in verdicts]
    rows = [head] + [
        (v.module, *map(str, n), f'{v.standard.seconds:.0f} / {v.litsock.seconds:.0f}',
         f'{growth(v.standard)} / {growth(v.litsock)}') for v, n in zip(verdicts, counts)]
    rows.append(('together', *(str(sum(column)) for column in zip(*counts)),
                 ' / '.join(f'{sum(getattr(v, side).seconds for v in verdicts):.0f}' for side in ('standard', 'litsock')), ''))
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ['  '.join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))) for row in rows]
    lines += ['', 'seconds and descriptors (open before, and after): standard module / litsock.',
              'Resources given to the tests: ' + ', '.join(RULES['resources']) + '; the network to '
              + ', '.join(m for m, how in RULES['modules'].items() if 'network' in how.get('resources', [])) + ' only.']
    patterns = Counter(pattern for v in verdicts for pattern in v.standard.left_out.values())
    for rule in LEFT_OUT:
        which = [f'{pattern.removeprefix("test.")} ({patterns[pattern]})' for pattern in rule['tests'] if patterns[pattern]]
        if which: lines.append(f'left out with both: {rule["why"]}: {", ".join(which)}')
    reasons = Counter(' '.join(why.split())[:100] or f'{name} gives no reason' for v in verdicts for name, why in v.skipped.items())
    lines += [f'skipped with both: {n}: {why}' for why, n in reasons.most_common()]
    lines += [f'passed on retry: {name}' for v in verdicts for name in v.retried]
    lines += [f'not counted: {name}: {why}' for v in verdicts for name, why in v.not_counted.items()]
    lines += [f'deviation: {name}: {DEVIATIONS[name]}' for v in verdicts for name in v.deviations]
    lines += [f'listed as a deviation, but passes: {name}' for v in verdicts for name in v.passed if name in DEVIATIONS]
    return lines


def growth(side: Side) -> str:
    """The descriptors a process had open before the tests and after."""
    return '{}→{}'.format(*side.descriptors) if side.descriptors else '?'


def failures(verdict: Verdict, whole: bool = False) -> list[str]:
    """A line for each test that litsock fails, or the whole traceback."""
    return [f'{outcome.what.upper()} {name}: ' + ('\n' + outcome.text if whole else outcome.reason)
            for name, outcome in sorted(verdict.failures.items())]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('modules', nargs='*', metavar='module', help='test_socket, …; all of rules.toml if none is named')
    parser.add_argument('-k', dest='pattern', help='only tests with this in their id; * and ? are wildcards')
    parser.add_argument('--only', choices=[*SUBJECTS, 'simulated'], help='run one side, and compare with nothing')
    parser.add_argument('-v', dest='whole', action='store_true', help='show whole tracebacks')
    args = parser.parse_args()
    unknown = set(args.modules) - set(RULES['modules'])
    if unknown: parser.error(f'not in rules.toml: {", ".join(sorted(unknown))}')
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    pattern = args.pattern and f'*{args.pattern}*'
    verdicts = []
    for module in args.modules or RULES['modules']:
        if not find_spec(f'test.{module}'): print(f'{module}: this interpreter does not have it')
        elif args.only: show(run_side(module, args.only, pattern), module, args.whole)
        else:
            verdicts.append(compare(module, pattern))
            print(*failures(verdicts[-1], args.whole), f'{module}: {len(verdicts[-1].passed)} passed', sep='\n', flush=True)
    if verdicts: print('', *summary(verdicts), sep='\n')
    return any(v.failures for v in verdicts)


def show(side: Side, module: str, whole: bool) -> None:
    """Print one side."""
    if side.unusable: print(f'{module}: {side.unusable.text}')
    for name, outcome in (side.outcomes | side.fixtures).items():
        if outcome.what != 'pass': print(f'{outcome.what.upper()} {name}: {outcome.text if whole else outcome.reason}')
    passed = sum(outcome.what == 'pass' for outcome in side.outcomes.values())
    print(f'{module} with {side.subject}: {passed} of {len(side.outcomes)} passed, {len(side.left_out)} left out, '
          f'{side.seconds:.1f} s, descriptors {growth(side)}')


if __name__ == '__main__':
    sys.exit(main())
