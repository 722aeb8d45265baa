"""Runs in Windows' Python: tests of CPython, with the standard module or with litsock in its place.

    inside.py MODULE LIBRARY RESULT TESTS…    # MODULE is socket or litsock; LIBRARY has the package `test`

RESULT gets a line for each test. Tests that have a line already are not run again: after one that hangs, this ends with `AGAIN`.
"""

import os
import sys
import threading

module, library, result, *names = sys.argv[1:]
sys.path.append(library)  # behind Windows' own library
if module == "litsock":
    import litsock

    litsock.install()

import unittest  # noqa: E402  # it imports socket


AGAIN, LIMIT = 77, 60  # exit status; seconds for a test


class Outcomes(unittest.TextTestResult):
    "Writes what became of each test at once, and ends everything when one takes too long."

    def startTest(self, test):
        super().startTest(test)
        self.outcome, self.watch = "failed", threading.Timer(LIMIT, self.give_up, [test])
        self.watch.daemon = True
        self.watch.start()

    def stopTest(self, test):
        self.watch.cancel()
        self.write(test)
        super().stopTest(test)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.outcome = "ok"

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.outcome = "skipped"

    def write(self, test):
        with open(result, "a") as file:
            print(self.outcome, test.id(), file=file)

    def give_up(self, test):
        self.outcome = "hangs"
        self.write(test)
        os._exit(AGAIN)


def flat(suite):
    for one in suite:
        yield from flat(one) if isinstance(one, unittest.TestSuite) else [one]


if __name__ == "__main__":  # not in the processes that a test starts
    done = {line.split()[1] for line in open(result)} if os.path.exists(result) else set()
    suite = unittest.TestSuite(test for test in flat(unittest.defaultTestLoader.loadTestsFromNames(names)) if test.id() not in done)
    unittest.TextTestRunner(stream=sys.stdout, resultclass=Outcomes).run(suite)
    sys.stdout.flush()
    os._exit(0)  # without waiting for a thread that a test has left
