"""Runs in Windows' Python: tests of CPython, with the standard module or with litsock in its place.

    inside.py MODULE LIBRARY RESULT TESTS…    # MODULE is socket or litsock; LIBRARY has the package `test`
"""

import json
import sys

module, library, result, *names = sys.argv[1:]
sys.path.append(library)  # behind Windows' own library
if module == "litsock":
    import litsock

    litsock.install()

import unittest  # noqa: E402  # it imports socket


class Outcomes(unittest.TextTestResult):
    "Keeps what became of each test."

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.outcomes = {}

    def addSuccess(self, test):
        super().addSuccess(test)
        self.outcomes[test.id()] = "ok"

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.outcomes[test.id()] = "skipped"


if __name__ == "__main__":  # not in the processes that a test starts
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    done = unittest.TextTestRunner(stream=sys.stdout, resultclass=Outcomes).run(suite)
    with open(result, "w") as file:
        json.dump(done.outcomes, file)
