"""A small virtual machine whose kernel has every socket family, with this machine's files in it.

A stock Debian kernel runs in software emulation (qemu). It sees the host's file system, read-only, under a layer of its
own, so everything that is installed here can run there, as root of the virtual machine, and nothing it does remains.
Nobody needs to be root here.
"""

import argparse
import shlex
import shutil
import signal
import sys
import time
import xml.etree.ElementTree as xml
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from machine import HERE, TOP, run


def execute(notebooks, tree):
    "Execute notebooks in the machine, in place. If one of them fails, none is changed."
    for page in notebooks:
        if not (tree / page).is_file():
            sys.exit(f"there is no {page} in {tree}")
    pages = shlex.join(notebooks)
    with TemporaryDirectory() as name:
        status = run(f"python -m jupyter nbconvert --to notebook --execute --ExecutePreprocessor.startup_timeout=600 --inplace {pages} && cp {pages} /run/out/", tree, Path(name))
        if not status:
            for page in notebooks:
                shutil.copyfile(Path(name, Path(page).name), tree / page)
    return status


def test(tree):
    "Run the chapters and tests that want a kernel with everything, and say how many there were."
    began = time.monotonic()
    with TemporaryDirectory() as name:
        status = run(f"sh {HERE.relative_to(TOP)}/tests.sh", tree, Path(name))
        reports = sorted(Path(name).glob("*.xml"))
        print("", *counts(reports), sep="\n")
        for report in reports:  # the site shows what was measured
            shutil.copyfile(report, tree / "build" / f"families-{report.name}")
    print(f"In the virtual machine: {'failed' if status else 'all passed'}, in {time.monotonic() - began:.0f} s.")
    return status


def counts(reports):
    "How many cells and tests ran, and why others did not."
    cases = [case for report in reports for case in xml.parse(report).iter("testcase")]
    skipped = [case.find("skipped") for case in cases if case.find("skipped") is not None]
    cells = sum(case.get("name").startswith("Cell") for case in cases)
    lines = [f"{cells} cells and {len(cases) - cells} tests, {len(skipped)} of them skipped"]
    return lines + [f"  skipped: {n}: {why}" for why, n in Counter(element.get("message") for element in skipped).most_common()]


def arguments():
    "What the command line asks for."
    parser = argparse.ArgumentParser(prog="python tools/vm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, default=TOP, help="the working copy (default: the one this lies in)")
    what = parser.add_subparsers(dest="what", required=True)
    command = what.add_parser("run", help="run a command in a copy of the working copy")
    command.add_argument("command", nargs=argparse.REMAINDER)
    pages = what.add_parser("execute", help="execute notebooks there, and keep their outputs")
    pages.add_argument("notebooks", nargs="+", metavar="notebook")
    what.add_parser("test", help="the chapters on families, the examples, and CPython's own tests")
    options = parser.parse_args()
    if options.what == "run" and not options.command:
        command.error("there is no command to run")
    return options


def main():
    options = arguments()
    tree = options.tree.resolve()
    if options.what == "test":
        return test(tree)
    if options.what == "execute":
        return execute(options.notebooks, tree)
    with TemporaryDirectory() as results:
        return run(shlex.join(options.command), tree, Path(results))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped")
