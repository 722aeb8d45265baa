"""What packagers and users get: the source distribution, the wheel made from it, and what is said when something is missing."""

import email
import os
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
BUILDING = runpy.run_path(str(TOP / "tools" / "building.py"))


def tracked():
    "The files of the project, as git knows them."
    if not shutil.which("git") or not (TOP / ".git").exists():
        pytest.skip("needs a clone, and git")
    names = subprocess.run(["git", "ls-files"], cwd=TOP, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in names if (TOP / name).exists()]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    "The project's files and nothing else."
    folder = tmp_path_factory.mktemp("clone")
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(TOP / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def dist(clone, tmp_path_factory):
    "A source distribution, and the wheel that was made from it."
    if not find_spec("build"):
        pytest.skip("needs build: pip install build")
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", folder, clone], check=True, stdin=subprocess.DEVNULL)
    return folder


@pytest.fixture(scope="module")
def wheel(dist):
    return next(dist.glob("*.whl"))


def test_the_source_distribution_is_complete(dist):
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert set(tracked()) - names == set()


def test_a_wheel_has_the_package_the_types_and_the_book(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    source = {name for name in tracked() if name.startswith("litsock/") and name.endswith((".py", ".pyi", "py.typed"))}
    assert (source | {"litsock/constants.pyi"}) - names == set()
    assert {f"litsock/book/{Path(name).name}" for name in tracked() if name.startswith("nbs/")} - names == set()
    assert "litsock/book/bench/results.json" in names
    assert [name for name in names if not name.startswith(("litsock/", "litsock-"))] == []


def test_metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(next(name for name in archive.namelist() if name.endswith("METADATA"))).decode()
    found = email.message_from_string(text)
    assert found["Requires-Python"] == ">=3.11"
    assert set(found.get_all("Provides-Extra")) == {"cffi", "cli", "examples", "lab", "dev", "docs"}
    assert "Typing :: Typed" in found.get_all("Classifier")
    assert not any(".invalid" in str(value) for value in found.values())
    assert found["Description-Content-Type"] == "text/markdown" and found.get_payload().lstrip().startswith("<!--")


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    "An empty environment with the wheel in it, from which no compiler can be reached: the folder of its commands."
    folder = tmp_path_factory.mktemp("user")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    environment = {**os.environ, "PATH": str(folder / "bin"), "CC": "/no/compiler"}
    command = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", wheel]
    subprocess.run(command, check=True, env=environment, stdin=subprocess.DEVNULL)
    return folder / "bin"


@pytest.mark.parametrize("words, expected", [
    (["litsock", "families"], "AF_INET6"),
    (["litsock", "lab", "--help"], "usage: litsock lab"),
    (["python", "-m", "litsock.examples", "demo"], "echo"),
    (["python", "-c", "import sys, litsock; print({'socket', '_socket', 'cffi', '_cffi_backend'} & sys.modules.keys())"], "set()"),
])  # fmt: skip
def test_an_installed_wheel_works_without_a_compiler(installed, tmp_path, words, expected):
    done = subprocess.run(words, env={"PATH": str(installed), "HOME": str(tmp_path)}, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout


@pytest.mark.skipif(sys.implementation.name == "pypy", reason="PyPy calls through CFFI")
def test_nothing_else_is_installed(installed):
    done = subprocess.run([installed / "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True)
    assert {line.partition("=")[0] for line in done.stdout.splitlines()} - {"pip", "setuptools"} == {"litsock"}


def test_an_installed_wheel_passes_what_python_tests_of_sockets(installed, tmp_path):
    if not find_spec("test.test_socket"):
        pytest.skip(f"this interpreter has no test.test_socket (Debian: libpython{sys.version_info[0]}.{sys.version_info[1]}-testsuite)")
    if sys.implementation.name == "pypy" and not Path(sysconfig.get_path("stdlib"), "_testcapimodule.c").exists():
        pytest.skip("PyPy's test.support compiles a file that is not installed: _testcapimodule.c")
    line = ["litsock", "run", "-m", "unittest", "-q", "test.test_socket.BasicTCPTest", "test.test_socket.BasicUDPTest"]
    done = subprocess.run(line, env={"PATH": str(installed), "HOME": str(tmp_path)}, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "\nOK" in done.stderr, done.stderr


def test_installing_writes_nothing_into_the_folder(clone, tmp_path):
    """It may be somebody else's, or read-only."""
    before = {path: path.stat().st_mtime_ns for path in clone.rglob("*") if "egg-info" not in str(path)}
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, clone]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    assert {path: path.stat().st_mtime_ns for path in clone.rglob("*") if "egg-info" not in str(path)} == before


def test_a_clone_that_is_not_compiled_says_what_to_do(clone):
    """Python finds it first when it is started there, also after `pip install .`"""
    done = subprocess.run([sys.executable, "-m", "litsock", "--help"], cwd=clone, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert str(clone) in last and "pip install -e ." in last and "another folder" in last


def test_an_old_setuptools_is_refused_in_one_line(clone):
    code = "import setuptools; setuptools.__version__ = '66.1.1'; import sys; sys.argv = ['setup.py', '--version']; exec(open('setup.py').read())"
    done = subprocess.run([sys.executable, "-c", f"__file__ = 'setup.py'; {code}"], cwd=clone, capture_output=True, text=True)
    assert done.returncode == 1 and "setuptools 77" in done.stderr and "66.1.1" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("program", ["demo", "pass-file"])
def test_examples_that_start_others_find_the_installed_litsock_in_a_clone(installed, clone, program):
    done = subprocess.run([installed / "litsock", "example", program], cwd=clone, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "") and ("Every message came back." in done.stdout or "lines" in done.stdout)


@pytest.mark.needs("cpython")  # where CFFI can be missing
def test_without_cffi_the_calls_in_python_say_what_they_need():
    code = "import sys; sys.modules['_cffi_backend'] = None; import litsock"
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "LITSOCK_FAST": "0"}, capture_output=True, text=True)
    assert done.returncode == 1 and "pip install cffi" in done.stderr.splitlines()[-1]


ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}  # not of a make around


def run_make(folder, *words, **environment):
    return subprocess.run(["make", "--no-print-directory", *words], cwd=folder, capture_output=True, text=True, env={**ENVIRONMENT, **environment})


def last_line(done):
    return [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith(("==", "make:"))][-1]


@pytest.mark.parametrize("missing", ["compiler", "headers", "libc"])
def test_what_is_missing_is_said_in_one_line(clone, tmp_path, missing):
    """A compiler that refuses what includes a header stands for a machine that lacks it."""
    compiler = tmp_path / "cc"
    refused = {"headers": "Python.h", "libc": "socket.h"}.get(missing)
    if refused:
        compiler.write_text(f'#!/bin/sh\nfor word; do case "$word" in *.c) grep -q {refused} "$word" && exit 1;; esac; done\nexit 0\n')
        compiler.chmod(0o755)
    done = run_make(clone, "run", CC=str(compiler), PYTHON=sys.executable)
    assert done.returncode and not (clone / ".venv").exists()
    assert last_line(done) == BUILDING["advice"](missing)
    _, debian, fedora = BUILDING["PACKAGES"][missing]
    assert debian in last_line(done) and fedora in last_line(done)


def test_an_environment_without_pip_is_made_again(clone):
    """As Debian leaves it behind where python3-venv is missing."""
    half = clone / ".venv" / "bin"
    half.mkdir(parents=True)
    (half / "python").symlink_to(sys.executable)
    try:
        done = run_make(clone, ".venv/bin/pip", PYTHON=sys.executable)
        assert done.returncode == 0, done.stderr
        assert subprocess.run([half / "pip", "--version"], capture_output=True).returncode == 0
    finally:
        shutil.rmtree(clone / ".venv")


def test_without_venv(clone, tmp_path):
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "import sys; sys.modules[\'ensurepip\'] = None; import runpy; sys.argv = sys.argv[1:]; '
                      f'runpy.run_path(sys.argv[0], run_name=\'__main__\')" "$@"\n')
    python.chmod(0o755)
    done = run_make(clone, "run", PYTHON=str(python))
    assert done.returncode and not (clone / ".venv").exists()
    assert last_line(done) == BUILDING["advice"]("venv") and "python3-venv" in last_line(done)
