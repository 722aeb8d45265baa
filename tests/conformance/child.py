"""Run one of CPython's test modules in this process, and write what happens to a report, a JSON object a line.

    python child.py JOB.json

The job says which module, with which subject (`socket`, `litsock` standing in for it, or `simulated`: litsock on a
host of a simulated network, in virtual time), and which tests.
Nothing that imports `socket` may be imported before the subject is in its place.
"""
import faulthandler
import json
import os
import sys
from fnmatch import fnmatchcase


def put_litsock_in_place(path):
    """Let every later `import socket` and `import _socket` find litsock."""
    sys.path.insert(0, path)
    import litsock
    litsock.install()
    return litsock


def forget_broken_testcapi():
    """PyPy compiles `_testcapi` when it is imported; where its source is not installed (Debian), the tests do without it."""
    try: import _testcapi  # noqa: F401
    except ImportError: pass
    except Exception: sys.modules['_testcapi'] = None


def open_descriptors():
    """How many descriptors this process has open, or None where the system does not say."""
    for folder in ('/proc/self/fd', '/dev/fd'):
        if os.path.isdir(folder): return len(os.listdir(folder)) - 1
    return None


class Report:
    """The lines that the parent reads. A process forked by a test must not write to it."""
    def __init__(self, path):
        self.file = open(path, 'a', buffering=1, encoding='utf-8')
        self.pid = os.getpid()

    def __call__(self, event, **more):
        if os.getpid() == self.pid: self.file.write(json.dumps({'event': event, **more}) + '\n')


def flattened(suite):
    """The tests of nested suites, in order."""
    from unittest import TestSuite
    for test in suite:
        if isinstance(test, TestSuite): yield from flattened(test)
        else: yield test


def named(tests):
    """Give each test an id of its own: the second of the same name gets `#2`."""
    seen = {}
    for test in tests:
        name = test.id()
        seen[name] = seen.get(name, 0) + 1
        test.conformance_id = name if seen[name] == 1 else f'{name}#{seen[name]}'
        yield test


def chosen(tests, job):
    """The tests that the job asks for, and those that are left out: id -> the pattern that says so."""
    left_out, run = {}, []
    for test in tests:
        name = test.conformance_id
        rule = next((p for p in job['left_out'] if fnmatchcase(name, p)), None)
        if rule: left_out[name] = rule
        elif job['only'] is not None and name not in job['only']: continue
        elif job['pattern'] and not fnmatchcase(name, job['pattern']): continue
        elif name not in job['done']: run.append(test)
    return run, left_out


def result_class():
    """A `TestResult` that reports the start and the end of each test."""
    from unittest import TestResult
    import time

    class Reporting(TestResult):
        def __init__(self, report, limit):
            super().__init__()
            self.report, self.limit, self.began = report, limit, None

        def startTest(self, test):
            super().startTest(test)
            self.begin(test)

        def begin(self, test):
            """Python 3.12.1 skips and stops tests that it has not started."""
            if self.began is not None: return
            self.worst, self.text, self.began = None, '', time.monotonic()
            faulthandler.dump_traceback_later(self.limit, exit=True)
            self.report('start', id=test.conformance_id)

        def stopTest(self, test):
            self.begin(test)
            faulthandler.cancel_dump_traceback_later()
            self.report('end', id=test.conformance_id, outcome=self.worst or 'pass', text=self.text[-6000:],
                        seconds=round(time.monotonic() - self.began, 3))
            self.began = None
            super().stopTest(test)

        def note(self, outcome, test, text):
            """Keep the outcome of the running test; of several the first bad one counts."""
            if not hasattr(test, 'conformance_id') and not hasattr(test, 'test_case'):
                return self.report('fixture', id=test.id(), outcome=outcome, text=text[-6000:])
            self.begin(test)
            if self.worst in (None, 'skip'): self.worst, self.text = outcome, text

        def addError(self, test, err): self.note('error', test, self._exc_info_to_string(err, test))
        def addFailure(self, test, err): self.note('fail', test, self._exc_info_to_string(err, test))
        def addUnexpectedSuccess(self, test): self.note('fail', test, 'unexpected success')
        def addExpectedFailure(self, test, err): pass
        def addDuration(self, test, elapsed): pass

        def addSkip(self, test, reason):
            if not hasattr(test, 'test_case'): self.note('skip', test, str(reason))  # a part that skips is not the test

        def addSubTest(self, test, subtest, err):
            if err is None: return
            outcome = 'fail' if issubclass(err[0], test.failureException) else 'error'
            self.note(outcome, test, f'{subtest}\n' + self._exc_info_to_string(err, test))

    return Reporting


def main(job):
    if job['subject'] == 'socket': import socket as subject
    else: subject = put_litsock_in_place(job['litsock_path'])
    if job['subject'] != 'simulated': return run(job, subject)
    import platform
    platform.processor()  # is remembered: PyPy's test_socket asks for it, and a program is started to tell it
    with subject.Network().host('here'): run(job, subject)


def run(job, subject):
    """Run the tests with a subject that is in its place."""
    report = Report(job['report'])
    import gc
    import unittest
    from importlib import import_module
    if sys.implementation.name == 'pypy': forget_broken_testcapi()
    from test import support
    support.use_resources = dict.fromkeys(job['resources'])
    support.verbose = 0
    try:
        module = import_module('test.' + job['module'])
    except unittest.SkipTest as e:
        return report('unusable', outcome='skip', text=str(e))

    tests, left_out = chosen(named(flattened(unittest.defaultTestLoader.loadTestsFromModule(module))), job)
    report('begin', ids=[test.conformance_id for test in tests], left_out=left_out)
    suite = unittest.TestSuite(tests)
    del tests                        # the suite lets go of each test once it has run; so must we
    before = open_descriptors()
    suite.run(result_class()(report, job['limit']))
    gc.collect()
    if sys.modules['socket'] is not subject: raise RuntimeError('the subject is no longer in its place')
    report('done', descriptors=[before, open_descriptors()])


if __name__ == '__main__':
    with open(sys.argv[1], encoding='utf-8') as f: job = json.load(f)
    try:
        main(job)
    except BaseException:
        import traceback
        Report(job['report'])('unusable', outcome='error', text=traceback.format_exc()[-6000:])
        raise
