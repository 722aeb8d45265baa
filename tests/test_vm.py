"""The tool that boots the virtual machine, without booting one: what it says when it cannot, and that nothing stays behind.

Whether the machine works, `make test-families` says.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the virtual machine is for x86_64 machines")
VM = Path(__file__).resolve().parents[1] / "tools" / "vm"
FAKE = '#!/bin/sh\necho booting >&2\necho $$ > "$PIDFILE"\nexec sleep 60\n'  # a qemu that never comes to an end
DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, {tools!r})
import machine
machine.PACKAGES = {{}}
machine.LIMIT = {limit}
machine.kernel = lambda: Path({kernel!r})
machine.initramfs = lambda modules: b""
sys.exit(machine.run("true", Path({tree!r}), Path({results!r})))
"""


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    "The module machine.py."
    monkeypatch.syspath_prepend(str(VM))
    import machine

    return machine


@pytest.fixture
def driver(tmp_path: Path) -> Any:
    "Starts a program that runs a machine whose qemu does nothing for a minute. Answers with it and with qemu's number."
    if not shutil.which("setpriv"):
        pytest.skip("needs the program setpriv (Debian: util-linux)")
    for folder in ("bin", "tree", "results", "kernel/boot", "kernel/lib/modules/6"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "kernel" / "boot" / "vmlinuz-6").touch()
    (tmp_path / "bin" / "qemu-system-x86_64").write_text(FAKE)
    (tmp_path / "bin" / "qemu-system-x86_64").chmod(0o755)
    pidfile = tmp_path / "pid"

    def start(limit: int) -> tuple[subprocess.Popen[str], int]:
        places = {name: str(tmp_path / name) for name in ("tree", "results", "kernel")}
        around = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PIDFILE": str(pidfile)}
        program = [sys.executable, "-c", DRIVER.format(tools=str(VM), limit=limit, **places)]
        running = subprocess.Popen(program, env=around, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while not (pidfile.exists() and pidfile.read_text().endswith("\n")):
            assert running.poll() is None, running.stderr and running.stderr.read()
            time.sleep(0.02)
        return running, int(pidfile.read_text())

    return start


def is_gone(pid: int) -> bool:
    "Whether a process has ended, or ends soon."
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_a_machine_that_takes_too_long_is_ended(driver: Any, tmp_path: Path) -> None:
    running, qemu = driver(limit=1)
    output, complaint = running.communicate(timeout=60)
    assert running.returncode == 1 and "== booting 6" in output
    assert "the virtual machine took longer than 1 s" in complaint and "vm-console.log" in complaint and "Traceback" not in complaint
    assert (tmp_path / "tree" / "build" / "vm-console.log").exists()
    assert is_gone(qemu)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_machine_does_not_outlive_the_tool(driver: Any, how: signal.Signals) -> None:
    running, qemu = driver(limit=60)
    running.send_signal(how)
    assert running.wait(timeout=30) != 0
    running.communicate()
    assert is_gone(qemu)


def test_what_is_missing_is_said_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, VM, "run", "true"], env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "apt-get install qemu-system-x86 busybox-static" in done.stderr


@pytest.mark.parametrize("words, complaint", [([], "required: what"), (["run"], "no command"), (["execute", "nbs/none.ipynb"], "no nbs/none.ipynb")])
def test_wrong_commands(words: list[str], complaint: str) -> None:
    done = subprocess.run([sys.executable, VM, *words], capture_output=True, text=True)
    assert done.returncode and complaint in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("apt, complaint", [
    ("", "apt-get is missing"),
    ("#!/bin/sh\necho 'E: No packages found' >&2\nexit 100\n", "apt-get update"),
    ('#!/bin/sh\necho linux-image-6.1.0-9-amd64\necho "E: Failed to fetch it" >&2\n[ "$1" = depends ]\n', "apt-get: E: Failed to fetch it"),
])  # fmt: skip
def test_a_kernel_that_cannot_be_had(machine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, apt: str, complaint: str) -> None:
    for name in ("apt-get", "apt-cache") if apt else ():
        (tmp_path / name).write_text(apt)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(machine, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin" if apt else str(tmp_path))
    with pytest.raises(SystemExit, match=complaint):
        machine.kernel()
    assert not list((tmp_path / "cache").iterdir())


def test_a_module_comes_after_those_it_needs(machine: Any, tmp_path: Path) -> None:
    (tmp_path / "modules.dep").write_text("net/9p-virtio.ko: net/9p.ko virtio.ko.xz\nnet/9p.ko: net/netfs.ko\nnet/netfs.ko:\nvirtio.ko.xz:\n")
    names = [path.name for path in machine.with_dependencies(["9p_virtio", "9p"], tmp_path)]
    assert names == ["netfs.ko", "9p.ko", "virtio.ko.xz", "9p-virtio.ko"]


def test_the_copy_is_without_what_can_be_made_again(machine: Any, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in ("nbs/a.ipynb", "litsock/core.py", "litsock/__pycache__/core.pyc", "build/x", ".venv/bin/python", ".git/HEAD", "tests/build/y"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    machine.pack(tree, tmp_path / "tree.tar")
    packed = subprocess.run(["tar", "-tf", tmp_path / "tree.tar"], capture_output=True, text=True, check=True).stdout.split()
    assert {name for name in packed if not name.endswith("/")} == {"./nbs/a.ipynb", "./litsock/core.py", "./tests/build/y"}
