"""The command `litsock`, as its users meet it."""

import errno
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from processes import LIMIT, one_line, python

import litsock
from litsock import __main__ as command


def run(*words, **options):
    "Status, standard output, standard error."
    return python("-m", "litsock", *words, **options)


@pytest.mark.parametrize("words", [[], ["families"], ["resolve"], ["constants"], ["example"], ["run"], ["lab"]])
def test_help(words):
    status, output, complaint = run(*words, "--help")
    assert (status, complaint) == (0, "")
    assert output.startswith("usage: litsock")


def test_without_a_command_it_lists_them():
    assert run() == run("--help") and run("example") == run("example", "--help")


@pytest.mark.parametrize("words", ["telephone", "resolve", "example telephone", "example echo-server --port x", "lab a b", "run --telephone x.py"])
def test_wrong_command_line(words):
    status, output, complaint = run(*words.split())
    assert (status, output) == (2, "")
    assert one_line(complaint, "--help")


def test_version():
    assert run("--version") == (0, f"litsock {litsock.__version__}\n", "")


def test_families():
    status, output, complaint = run("families")
    assert (status, complaint) == (0, "")
    assert "AF_INET6" in output and "AF_CAN" in output


@pytest.mark.needs("netbase")
def test_resolve():
    status, output, complaint = run("resolve", "127.0.0.1", "http")
    assert (status, complaint) == (0, "")
    title, first, *_ = output.splitlines()
    assert title.split() == ["family", "type", "protocol", "address"]
    assert first.split() == ["AF_INET", "SOCK_STREAM", "tcp", "127.0.0.1", "port", "80"]
    assert "::1" in run("resolve", "::1")[1]


@pytest.mark.parametrize("words", [["no.such.host.invalid"], ["localhost", "no-such-service"], ["a" * 300], [""]])
def test_resolve_what_is_not_known(words):
    status, output, complaint = run("resolve", *words)
    assert (status, output) == (1, "") and one_line(complaint, "litsock: ")


def test_constants():
    assert "TCP_NODELAY" in run("constants", "TCP_NO*")[1]
    assert run("constants")[1].count("\n") > 1000
    assert "SO_REUSEADDR" in run("constants", "2")[1]
    status, output, complaint = run("constants", "SO_REUSADDR")
    assert (status, output) == (1, "") and one_line(complaint, "did you mean SO_REUSEADDR")


def test_error_numbers():
    number = errno.ECONNREFUSED
    for words in (["constants", str(number)], ["constants", "ECONNREFUSED"], ["errno", str(number)], ["errno", "econnref*"], ["errno", hex(number)]):
        status, output, complaint = run(*words)
        assert (status, complaint) == (0, "") and ["ECONNREFUSED", str(number), *os.strerror(number).split()] in map(str.split, output.splitlines())
    assert len(run("errno")[1].splitlines()) == len(errno.errorcode)
    status, output, complaint = run("errno", "ENONSENSE")
    assert (status, output) == (1, "") and one_line(complaint, "ENONSENSE")


def test_sockets():
    with litsock.create_server(("127.0.0.1", 0)) as server:
        status, output, complaint = run("sockets")
        port = str(server.getsockname()[1])
        assert (status, complaint) == (0, "") and port in output
        assert len(run("sockets", "--kind", "tcp", "-l", "--pid", str(os.getpid()), "--port", port)[1].splitlines()) == 2


def test_examples():
    assert run("example", "scatter")[1].endswith("Received b'Hello, world'\n")
    status, output, complaint = run("example", "fetch", "nonsense")
    assert (status, output) == (1, "") and one_line(complaint, "fetch: ")


def test_run_a_program(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import socket, sys; print(socket.__spec__.name, sys.argv[1:], __name__); sys.exit(3)")
    assert run("run", str(program), "--flag", "-m", "x") == (3, "litsock ['--flag', '-m', 'x'] __main__\n", "")
    (tmp_path / "module.py").write_text(program.read_text())
    assert run("run", "-m", "module", "--flag", cwd=tmp_path)[:2] == (3, "litsock ['--flag'] __main__\n")


CODE = "import sys; print(sys.argv, __name__, sys.path[0], sorted(globals()), __loader__)"


@pytest.mark.parametrize("words, text", [(["-c", CODE, "a", "-c", "--trace"], ""), (["-", "x", "-m"], CODE), (["--", "program.py", "--"], "")])
def test_run_as_python_does(words, text, tmp_path):
    (tmp_path / "program.py").write_text(CODE.replace(", __loader__", ""))
    environment = os.environ | {"PYTHONPATH": str(Path(litsock.__file__).parents[1])}
    answers = []
    for command in ([], ["-m", "litsock", "run"]):
        done = subprocess.run([sys.executable, *command, *words], input=text, capture_output=True, text=True, timeout=LIMIT, cwd=tmp_path, env=environment)
        answers.append((done.returncode, done.stdout, done.stderr))
    assert answers[1] == answers[0] and answers[0][0] == 0, answers


@pytest.mark.parametrize("words", [["--no-data"], ["--output", "x"]])
def test_what_to_print_needs_something_to_print(words, tmp_path):
    status, output, complaint = run("run", *words, "program.py", cwd=tmp_path)
    assert (status, output) == (1, "") and one_line(complaint, "--trace")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="packets are captured on Linux only")
def test_packets_that_may_not_be_captured_are_refused_in_one_line():
    code = ("import errno, os, runpy, sys; from litsock.observe import wire\n"
            "def refuse(*arguments): raise PermissionError(errno.EPERM, 'capturing packets needs the capability CAP_NET_RAW')\n"
            "wire.open_ring = refuse; sys.argv[1:] = ['run', '--packets', '-c', 'print(1)']; runpy.run_module('litsock', run_name='__main__')")  # fmt: skip
    status, output, complaint = python("-c", code)
    assert (status, output) == (1, "") and one_line(complaint, "litsock: capturing packets needs")


@pytest.mark.parametrize("words", [
    "capture --read /nowhere/x", pytest.param("capture nowhere0", marks=pytest.mark.needs("root")), "resolve nowhere.invalid",
    "resolve nowhere.invalid http", "resolve 127.0.0.1 nowhere", "example fetch http://nowhere.invalid/",
])  # fmt: skip
def test_a_complaint_says_what_it_is_about(words):
    status, output, complaint = run(*words.split())
    assert (status, output) == (1, "") and one_line(complaint, "nowhere")


@pytest.mark.needs("AF_NETLINK")
@pytest.mark.parametrize("words, expected", [("--state slumbering", "established"), ("--kind telephone", "tcp")])
def test_sockets_that_cannot_be(words, expected):
    status, output, complaint = run("sockets", *words.split())
    assert (status, output) == (1, "") and one_line(complaint, words.split()[1]) and expected in complaint
    assert run("sockets", "--state", "close-wait", "--kind", "tcp6")[::2] == (0, "")


def test_without_docstrings():
    assert python("-OO", "-m", "litsock", "constants", "ECONNREFUSED")[::2] == (0, "")
    assert "errno" in python("-OO", "-m", "litsock", "--help")[1]


def test_a_program_starts_without_the_other_commands():
    code = "import sys; print([name for name in ('litsock.examples', 'litsock.observe', 'argcomplete', 'pathlib') if name in sys.modules])"
    assert run("run", "-c", code)[1] == "[]\n"


def test_run_nothing(tmp_path):
    status, output, complaint = run("run")
    assert (status, output) == (1, "") and one_line(complaint, "which program?")
    status, output, complaint = run("run", str(tmp_path / "none.py"))
    assert status != 0 and output == "" and "none.py" in complaint.splitlines()[-1]


def test_who_reads_may_stop_reading():
    line = f"{shlex.quote(sys.executable)} -m litsock constants | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (141, "") and done.stdout.count("\n") == 1


@pytest.mark.parametrize("words", ["constants", "families", "errno", "sockets", "resolve 127.0.0.1", "example scatter"])
def test_a_closed_standard_output(words):
    line = f"{shlex.quote(sys.executable)} -m litsock {words} >&-"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_port_has_sixteen_bits():
    status, output, complaint = run("resolve", "localhost", "65536")
    assert (status, output) == (1, "") and one_line(complaint, "65536 is not a port")


def test_the_book_is_copied_once_and_never_written_over(tmp_path):
    folder = tmp_path / "mine"
    assert command.copy_book(folder) == len(list(Path(command.book()).glob("*.ipynb")))
    assert (folder / "bench" / "results.json").exists()  # what pages draw
    (folder / "index.ipynb").write_text("mine")
    (folder / "00_core.ipynb").unlink()
    assert command.copy_book(folder) == 1
    assert (folder / "index.ipynb").read_text() == "mine"


def test_lab_without_jupyterlab(tmp_path):
    code = """if True:
        import sys
        sys.modules["jupyterlab"] = None
        import importlib.util
        importlib.util.find_spec = lambda name: None
        from litsock.__main__ import main
        sys.exit(main(["lab", "mine"]))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "") and one_line(done.stderr, "pip install 'litsock[lab]'")
    assert os.listdir(tmp_path) == []


def test_a_wheel_brings_the_book_and_the_command(tmp_path):
    top = Path(__file__).parent.parent
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, top]
    subprocess.run(build, check=True, stdin=subprocess.DEVNULL)
    wheel = next(tmp_path.glob("*.whl"))
    names = subprocess.run([sys.executable, "-m", "zipfile", "-l", wheel], capture_output=True, text=True).stdout
    for part in ("litsock/book/index.ipynb", "litsock/book/bench/results.json", "litsock/examples/streams.py", "litsock/families/__init__.py", "py.typed"):
        assert part in names


def test_words_are_completed():
    pytest.importorskip("argcomplete", reason="needs argcomplete: pip install 'litsock[cli]'")
    environment = {
        **os.environ, "_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "COMP_LINE": "litsock fam", "COMP_POINT": "11",
        "_ARGCOMPLETE_STDOUT_FILENAME": "/dev/stdout",
    }
    assert run(env=environment)[1].strip() == "families"
