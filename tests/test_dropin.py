"""litsock in the place of `socket` for a whole process: what stands where, and that a program runs as it always did."""

import ast
import os
import py_compile
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from common import but_pypy
from processes import LIMIT, python

import litsock
from litsock import core
from litsock.dropin import install

HOME = str(Path(litsock.__file__).parents[1])
FAMILY_OF_A_PAIR = "AF_UNIX" if hasattr(litsock, "AF_UNIX") else "AF_INET"


def in_fresh_process(code):
    "What a program prints in an interpreter that has imported nothing, once litsock is installed."
    start = f"import sys; sys.path += {[os.path.abspath(place) for place in sys.path]!r}\nimport litsock\nlitsock.install()\n"
    status, output, complaints = python("-I", "-S", "-X", "dev", "-c", start + code)
    assert status == 0, complaints
    return output.splitlines()


# What stands where


def test_everybody_finds_litsock():
    code = """
import socket, _socket, ssl, selectors, asyncio, socketserver, http.server, http.client, urllib.request, smtplib, ftplib, imaplib
import poplib, xmlrpc.client, xmlrpc.server, logging.handlers, multiprocessing.connection, concurrent.futures, multiprocessing.reduction
from asyncio import trsock
assert socket is litsock and _socket.socket is litsock.SocketType and socket.SocketType is litsock.SocketType
for module in list(sys.modules.values()):
    for name, value in list(vars(module).items()):
        if isinstance(value, type) and value.__module__ == "socket" and value is not getattr(litsock, value.__name__): print(module.__name__, name)
assert issubclass(ssl.SSLSocket, litsock.socket)
maps = open("/proc/self/maps").read()
print("/_ssl." in maps, "/_socket." in maps)
"""
    has_c_of_ssl = sys.implementation.name == "cpython"  # PyPy's ssl is in Python
    assert in_fresh_process(code) == [f"{has_c_of_ssl} False"], "the C module of the standard socket must not even be loaded"


def test_c_module_has_plain_integers():
    code = """
import _socket
assert type(_socket.AF_INET) is int and _socket.AF_INET == litsock.AF_INET
assert type(_socket.has_ipv6) is bool
sock = _socket.socket()
assert type(sock) is litsock.SocketType
sock.close()
print(_socket.error is OSError, _socket.timeout is TimeoutError, _socket.__name__, hasattr(_socket, "nonsense"))
"""
    assert in_fresh_process(code) == ["True True _socket False"]


@pytest.mark.needs("cpython")  # PyPy's ssl is in Python: it takes whatever has a fileno()
def test_ssl_turns_down_what_it_cannot_read():
    code = """import _ssl, ssl, socket
with socket.socket() as sock:
    try: _ssl._SSLContext._wrap_socket(ssl.create_default_context(), sock, False)
    except TypeError as error: print("NoSocket" in str(error))
"""
    status, output, complaints = python("-m", "litsock", "run", "-c", code, env=os.environ | {"LITSOCK_FAST": "0", "PYTHONPATH": HOME})
    assert (status, output, complaints) == (0, "True\n", "")


def test_ssl_and_ctypes_only_for_those_who_ask():
    code = "import socket, socketserver, selectors\nprint([name for name in ('ssl', '_ssl', 'ctypes', 'litsock.dropin.tls') if name in sys.modules])"
    assert in_fresh_process(code) == ["[]"]


def test_replaced_names_are_replaced_for_all():
    code = """
import socket, urllib.request, http.client
def nowhere(*arguments): raise socket.gaierror(socket.EAI_NONAME, "not today")
socket.getaddrinfo = nowhere
try: http.client.HTTPConnection("localhost", 1).connect()
except socket.gaierror as error: print(error.strerror)
"""
    assert in_fresh_process(code) == ["not today"]


def test_exceptions_have_no_more_to_say_than_the_standard_modules():
    code = """
import {module} as socket
def notes(call, *arguments):
    try: call(*arguments)
    except OSError as error: return len(getattr(error, "__notes__", []))
with socket.socket() as sock, socket.socket(socket.AF_UNIX) as unix:
    sock.bind(("127.0.0.1", 0))
    closed = sock.getsockname()
    print(notes(socket.create_connection, closed), notes(sock.bind, closed), notes(unix.bind, "x" * 200), notes(socket.getservbyname, "nobody knows"))
"""
    assert in_fresh_process(code.format(module="socket")) == ["0 0 0 0"]
    status, output, complaints = python("-c", code.format(module="litsock"))
    assert (status, output, complaints) == (0, "1 1 1 1\n", "")


def test_pytest_has_nothing_to_warn_of(tmp_path):
    """It looks for the modules of each distribution that has a plugin, in the list of files that an installed one has."""
    files = {"METADATA": "Name: as-installed\nVersion: 1\n", "RECORD": "litsock/__init__.py,,\n", "entry_points.txt": "[pytest11]\nos = os\n"}
    (tmp_path / "as_installed-1.dist-info").mkdir()
    for name, text in files.items():
        (tmp_path / "as_installed-1.dist-info" / name).write_text(text)
    (tmp_path / "test_it.py").write_text("def test_it(): pass\n")
    words = "-m", "litsock", "run", "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(tmp_path)
    status, output, complaints = python(*words, env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), HOME])})
    assert status == 0 and "1 passed" in output, output + complaints


def test_twice_is_once():
    assert in_fresh_process("first = list(sys.meta_path); litsock.install(); print(first == sys.meta_path)") == ["True"]


EARLY = ["socket", "_socket", "ssl", "asyncio, http.client"]


@pytest.mark.parametrize("early", but_pypy(EARLY, EARLY[-1], why="in PyPy's ssl other modules import socket, and are named instead"))
def test_too_late(early):
    status, output, complaints = python("-c", f"import {early}, sys; before = dict(sys.modules), list(sys.meta_path)\nimport litsock\n"
                                        "try: litsock.install()\nexcept RuntimeError as error: print(error)\n"
                                        "import socket, _socket; assert socket.__spec__.name == 'socket' and socket.socket.__module__ == 'socket'\n"
                                        "assert before[1] == sys.meta_path")
    assert status == 0, complaints
    assert output.startswith("socket has been imported already")
    assert " by " in output and "litsock run" in output
    assert ("__main__" if early.endswith("socket") else early.partition(",")[0]) in output


# A program runs as it always did

TELLS = """
import os, sys
here = {name: value for name, value in sorted(globals().items()) if name not in ("os", "sys", "__builtins__")}
here["__loader__"] = type(__loader__).__name__
here["__spec__"] = __spec__ and (__spec__.name, __spec__.origin)
print(here, type(__builtins__).__name__, sys.argv, sys.path, os.getcwd(), sys.modules["__main__"].__dict__ is globals())
import __main__
print(__main__.__name__, __main__ is sys.modules["__main__"])
"""

ENDS = {
    "by itself": "print('well')",
    "with a number": "raise SystemExit(3)",
    "with a large number": "raise SystemExit(1000)",
    "with words": "import sys; sys.exit('that is enough')",
    "with nothing": "raise SystemExit",
    "with None": "raise SystemExit(None)",
    "with an exception": "def divide(x):\n    return 1 / x\ndivide(0)",
    "with a chain": "try:\n    {}['x']\nexcept KeyError as error:\n    raise ValueError('wrong') from error",
    "with a group": "raise ExceptionGroup('several', [ValueError(1), OSError(2, 'no')])",
    "with Ctrl-C": "raise KeyboardInterrupt",
    "with a signal": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "at once": "import os; os._exit(7)",
    "before it began": "this is no Python",
    "with a wrong encoding": b"# coding: latin-1\nprint('\xe9')\n# " + b"\xff",
    "with bytes that are no text": b"print('\xff')",
    "with a zero": b"print(1)\0",
    "with a thread behind": "import threading, time\nthreading.Thread(target=lambda: [time.sleep(0.2), print('later', __name__)]).start()",
    "with a farewell": "import atexit, sys\natexit.register(lambda: print('farewell', sys.modules['__main__'].__name__))\n1 / 0",
    "its own way": "import sys\nsys.excepthook = lambda kind, value, trace: print('mine', kind, trace.tb_lineno, value.__traceback__.tb_lineno)\n1 / 0",
    "in a thread": "import threading\nthread = threading.Thread(target=lambda: 1 / 0)\nthread.start()\nthread.join()",
    "with a future": "from __future__ import annotations\nx: nonsense = 1\nprint(__annotations__)",
    "with a warning": "import warnings\nwarnings.warn('careful')\nwarnings.warn('deprecated', DeprecationWarning)",
    "asked for input": "print(input('who? '))",
    "with its last traceback": "import atexit, sys\natexit.register(lambda: print(sys.last_type, sys.last_value))\n1 / 0",
}

OTHER_WORDS = "with bytes that are no text", "with a zero"  # the parser complains differently of a file and of its bytes


def both(words, folder, options=()):
    "What `python WORDS` comes to without litsock and with it; the same environment for both."
    told = dict(cwd=folder, env=os.environ | {"PYTHONPATH": HOME})
    return python(*options, *words, **told), python(*options, "-m", "litsock", "run", *words, **told)


@pytest.mark.parametrize("end", ENDS)
def test_ends_as_it_did(end, tmp_path):
    text = ENDS[end]
    (tmp_path / "program.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    without, with_litsock = both(["program.py"], tmp_path)
    if end == "with a zero" and not without[0]:
        pytest.skip("this Python reads a file up to its first zero byte only, as all before 3.11.4 did")
    if end in OTHER_WORDS:
        without, with_litsock = [(status, output, complaints.count("SyntaxError: ")) for status, output, complaints in (without, with_litsock)]
    assert with_litsock == without


def places(folder):
    "Programs in every form that Python runs."
    (folder / "program.py").write_text(TELLS)
    (folder / "far" / "away").mkdir(parents=True)
    (folder / "far" / "program.py").write_text(TELLS)
    (folder / "link.py").symlink_to(folder / "far" / "program.py")
    (folder / "no_suffix").write_text(TELLS)
    py_compile.compile(str(folder / "program.py"), str(folder / "compiled.pyc"), doraise=True)
    (folder / "package").mkdir()
    for name in ("__init__", "__main__", "part"):
        (folder / "package" / f"{name}.py").write_text(TELLS if name != "__init__" else "import sys; print(sys.argv, __name__)")
    (folder / "bare").mkdir()
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        archive.writestr("__main__.py", TELLS)


WORDS = [
    ["program.py"], ["program.py", "-x", "--help", "", "ž", "-m"], ["./program.py"], ["far/../program.py", "a"], ["far/program.py"], ["link.py"],
    ["no_suffix"], ["compiled.pyc"], ["package", "a"], ["./package/"], ["archive.zip", "b"], ["-m", "program", "c"], ["-m", "package", "-m"],
    ["-m", "package.part"], ["-m", "far.program"],
]  # fmt: skip


@pytest.mark.parametrize("options", [[], ["-P"]], ids="-".join)
@pytest.mark.parametrize("words", but_pypy(WORDS, ["./package/"], why="PyPy keeps the dot of this path"), ids=" ".join)
def test_finds_itself_where_it_was(words, options, tmp_path):
    places(tmp_path)
    if options == ["-P"] and words[0] == "-m": words = ["-m", "json.tool", "--help"]
    without, with_litsock = both(words, tmp_path, options)
    assert without[0] == 0, without
    assert with_litsock == without


NOT_THERE = [["missing.py"], ["bare"], ["-m", "missing"], ["-m", "package.missing"], ["-m", "bare"]]


@pytest.mark.parametrize("words", but_pypy(NOT_THERE, ["missing.py"], why="PyPy says it without quotation marks"), ids=" ".join)
def test_says_what_is_not_there(words, tmp_path):
    places(tmp_path)
    without, with_litsock = both(words, tmp_path)
    assert with_litsock == without
    assert without[0] and len(without[2].splitlines()) == 1


def test_ctrl_c_from_outside(tmp_path):
    (tmp_path / "program.py").write_text("import time\nprint('ready', flush=True)\ntime.sleep(60)")
    command = [sys.executable, "-m", "litsock", "run", "program.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
                          env=os.environ | {"PYTHONPATH": HOME}) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=LIMIT)
    assert process.returncode == -signal.SIGINT
    assert "dropin" not in complaints and complaints.splitlines()[-1] == "KeyboardInterrupt"


def test_a_program_may_be_run_by_a_program(tmp_path):
    (tmp_path / "program.py").write_text("import socket; print(socket.__spec__.name, __name__)\nraise SystemExit(5)")
    code = f"import litsock; litsock.install()\nfrom litsock.dropin.install import run_program\ntry: run_program([{str(tmp_path / 'program.py')!r}])\nexcept SystemExit as end: print(end.code)"
    assert python("-c", code, env=os.environ | {"PYTHONPATH": HOME}) == (0, "litsock __main__\n5\n", "")


# Children

FAMILY = """
import multiprocessing, socket, sys
from concurrent.futures import ProcessPoolExecutor

def who(sock=None):
    told = [socket.__spec__.name, __name__]
    if sock is None: return told
    with sock:
        sock.sendall(b"from the child")
        return told + [type(sock).__module__, sock.family.name]

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        print(pool.submit(who).result(30))
        near, far = socket.socketpair()
        with near, far:
            print(pool.submit(who, far).result(30), repr(near.recv(100)))
    with context.Pool(1) as pool:
        print(pool.apply(who))
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("way", ["program", "install"])
def test_children_of_multiprocessing(method, way, tmp_path):
    (tmp_path / "family.py").write_text("import litsock\nlitsock.install()\n" * (way == "install") + FAMILY)
    start = ["-m", "litsock", "run"] * (way == "program")
    status, output, complaints = python(*start, "family.py", method, cwd=tmp_path, env=os.environ | {"PYTHONPATH": HOME})
    assert (status, complaints) == (0, "")
    main = "__main__" if method == "fork" else "__mp_main__"
    told = ["litsock", main]
    assert output.splitlines() == [str(told), f"{told + ['socket', FAMILY_OF_A_PAIR]} b'from the child'", str(told)]


def test_children_find_litsock_wherever_it_came_from(tmp_path):
    (tmp_path / "family.py").write_text(f"import sys\nsys.path.insert(0, {HOME!r})\nimport litsock\nlitsock.install()\n" + FAMILY)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    status, output, complaints = python("family.py", "spawn", cwd=tmp_path, env=environment)
    assert (status, complaints) == (0, "") and output.count("litsock") == 3


def test_other_programs_run_as_they_are(tmp_path):
    (tmp_path / "program.py").write_text("import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import socket; print(socket.__spec__.name)'])")
    assert python("-m", "litsock", "run", tmp_path / "program.py")[1] == "socket\n"


@pytest.mark.parametrize("home", ["/home/o'neill/\\udc80\\xfc", r"C:\Users\O'Neill\new"])
def test_the_command_line_has_no_quotes_that_windows_would_end_a_word_at(monkeypatch, home):
    monkeypatch.setattr(core, "__file__", f"{home}/litsock/core.py")
    text = install.install_first(["python", "-c", "from multiprocessing.spawn import spawn_main; spawn_main()"])[2]
    assert '"' not in text
    assert ast.literal_eval(text.partition("insert(0, ")[2].partition("); ")[0]) == home


def test_install_first_leaves_other_command_lines_alone():
    for words in ([], ["python"], ["python", "-c"], ["python", "-c", "print()"], ["python", "-c", "from multiprocessing.resource_tracker import main"]):
        assert install.install_first(words) is words


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_children_of_an_interpreter_that_refuses_to_compare_bytes_with_text(method, tmp_path):
    (tmp_path / "family.py").write_text(FAMILY)
    status, output, complaints = python("-bb", "-m", "litsock", "run", "family.py", method, cwd=tmp_path, env=os.environ | {"PYTHONPATH": HOME})
    assert (status, complaints) == (0, "") and output.count("litsock") == 3
