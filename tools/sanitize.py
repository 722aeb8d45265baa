"""Run tests with both C extensions built for the address and undefined-behaviour sanitisers: python tools/sanitize.py [TEST…]

A copy of the project is made in a temporary folder, with the C of the notebooks compiled anew. What the sanitisers find ends the
process, and so the run fails. Leaks are not looked for: the interpreter keeps much to its end.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import building

TOP = Path(__file__).resolve().parents[1]
COPIED = "litsock", "tests", "bench", "tools", "nbs", "conftest.py", "pyproject.toml", "settings.ini"
TESTS = "tests/test_kernel.py", "tests/test_bad_input.py", "tests/test_socket_object.py", "tests/test_fast_path.py", "tests/test_fast_udp.py"
SANITISERS = "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer", "-g", "-O1"


def library(name) -> str:
    "Where the compiler keeps a library; empty where it has none."
    if not shutil.which(building.compiler()[0]):
        return ""
    found = subprocess.run([building.compiler()[0], f"-print-file-name={name}"], capture_output=True, text=True).stdout.strip()
    return found if os.path.isabs(found) else ""


def lacking() -> str:
    "What this machine would have to have, in words; empty when it has all."
    if not shutil.which(building.compiler()[0]):
        return f"there is no C compiler ({building.compiler()[0]})"
    missing = [name for name in ("libasan.so", "libubsan.so") if not library(name)]
    return f"the compiler comes without {' and '.join(missing)}" if missing else ""


def copy(to) -> None:
    "The project, without what was compiled before."
    for name in COPIED:
        if (TOP / name).is_dir():
            shutil.copytree(TOP / name, to / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        else:
            shutil.copyfile(TOP / name, to / name)


def build(package) -> None:
    "Compile both extensions in place."
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    for name, source in building.sources(package).items():
        line = [*building.compiler(), "-shared", "-fPIC", *SANITISERS, *building.includes(), source, "-o", package / f"{name}{suffix}"]
        subprocess.run(line, check=True, cwd=package)


def run(folder, tests) -> int:
    "The tests, in an interpreter whose memory is watched."
    environment = os.environ | {
        "LD_PRELOAD": f"{library('libasan.so')} {library('libubsan.so')}",
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",  # more memory than there is: as without it
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONMALLOC": "malloc",  # or the interpreter's own allocator hides where a block ends
        "PYTHONPATH": str(folder),
        "LITSOCK_SANITIZED": "1",
    }
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    return subprocess.run(line, cwd=folder, env=environment).returncode


def main(tests) -> int:
    if reason := lacking():
        print(f"not possible here: {reason}")
        return 2
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        copy(folder)
        build(folder / "litsock" / "kernel")
        return run(folder, tests or TESTS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
