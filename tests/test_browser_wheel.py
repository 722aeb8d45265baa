"""The wheel for a browser, without a browser: built, and imported where the bindings are missing and the platform claims to be WebAssembly."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from litsock import kernel
from litsock.kernel import pure_python

TOP = Path(__file__).parent.parent
PROGRAM = """
import asyncio, concurrent.futures, os, selectors, ssl, subprocess, sys, threading, time

sys.path.insert(0, sys.argv[1])
sys.modules["_cffi_backend"] = None  # whoever imports it fails
sys.platform = "emscripten"
import errno

import litsock
from litsock.kernel.pure_python import NotInBrowser

assert litsock.__file__.startswith(sys.argv[1]) and litsock.kernel._fast is None


def raised(call, *arguments, **named):
    try:
        return call(*arguments, **named)
    except Exception as error:
        return type(error), getattr(error, "errno", None)


server = litsock.create_server(("localhost", 0))
client = litsock.create_connection(server.getsockname())
peer, _ = server.accept()
client.sendall(b"loopback")
assert peer.recv(100) == b"loopback" and litsock.gethostname() == "localhost"

client.settimeout(60)
began = time.monotonic()
assert raised(client.recv, 1)[0] is TimeoutError and 60 <= time.monotonic() - began < 61  # virtual seconds
peer.setblocking(False)
assert raised(peer.recv, 1) == (BlockingIOError, 11) and errno.EAGAIN == 11
assert raised(litsock.create_connection, ("localhost", 1)) == (ConnectionRefusedError, 111)
assert raised(litsock.getaddrinfo, "nobody.invalid", 80) == (litsock.gaierror, litsock.EAI_NONAME)
assert raised(litsock.socket, litsock.AF_PACKET, litsock.SOCK_RAW) == (OSError, 97)
assert raised(subprocess.run, ["true"])[0] is NotInBrowser

(listening,) = litsock.sockets(kind="tcp", port=server.getsockname()[1], listening=True)
assert listening.state == "LISTEN"

threading.Thread(target=lambda: client.sendall(b"from a thread")).start()
peer.settimeout(5)
assert peer.recv(100) == b"from a thread"


async def talk():
    async def upper(reader, writer):
        writer.write((await reader.read(100)).upper())
        writer.close()

    async with await asyncio.start_server(upper, "localhost", 8080):
        reader, writer = await asyncio.open_connection("localhost", 8080)
        writer.write(b"asyncio")
        try:
            return await reader.read(100)
        finally:
            writer.close()


assert asyncio.run(talk()) == b"ASYNCIO"
print("done", flush=True)
os._exit(0)  # the interpreter that ends is the browser's business
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, unpacked."""
    folder = tmp_path_factory.mktemp("browser")
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--wheel-dir", folder / "dist"]
    if importlib.util.find_spec("pip") is None:
        pytest.skip("needs pip")
    built = subprocess.run([sys.executable, "-m", "pip", "wheel", *options, TOP], env=os.environ | {"LITSOCK_FOR": "emscripten"}, capture_output=True, text=True)
    if built.returncode and "setuptools" in built.stderr:
        pytest.skip("needs setuptools from PyPI, to build a wheel")
    assert not built.returncode, built.stderr
    (made,) = (folder / "dist").glob("*.whl")
    assert made.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(made) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_its_numbers_are_those_that_the_compiler_found(wheel):
    found: dict = {}
    exec((wheel / "litsock" / "kernel" / "linux_tables.py").read_text(encoding="utf-8"), found)
    for name, value in pure_python.measure(kernel).items():
        assert found[name] == value
    assert found["GROUPS"][0]["AF_INET"] == 2 and found["TEXTS"][111] == "Connection refused"


def test_programs_live_on_a_simulated_host(wheel):
    done = subprocess.run([sys.executable, "-S", "-c", PROGRAM, str(wheel)], capture_output=True, text=True, timeout=120)
    assert done.stdout == "done\n", done.stderr
