"""Whole programs of the standard library, each in a process of its own, on one module or the other."""

from __future__ import annotations

import os
import subprocess
import sys
from types import ModuleType

BEGIN = """
import sys
if sys.argv[1] == "litsock":
    import litsock
    litsock.install()
import socket
assert socket.socket.__module__ == sys.argv[1]
from time import perf_counter
"""

HTTP = """
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

class Handler(BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", -1  # headers and page in one piece
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")
    def log_message(self, *_): pass

COUNT = 300
with HTTPServer(("127.0.0.1", 0), Handler) as server:
    Thread(target=server.serve_forever, daemon=True).start()
    client = HTTPConnection(*server.server_address)
    for count in (20, COUNT):  # the first ones warm up
        began = perf_counter()
        for _ in range(count):
            client.request("GET", "/")
            assert client.getresponse().read() == b"hello"
        seconds = perf_counter() - began
    client.close()
    server.shutdown()
print(seconds / COUNT)
"""

ASYNCIO = """
import asyncio

async def echo(reader, writer):
    while data := await reader.read(100):
        writer.write(data)
        await writer.drain()
    writer.close()

async def client(address):
    reader, writer = await asyncio.open_connection(*address)
    for _ in range(ROUNDS):
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
    writer.close()
    await writer.wait_closed()

CLIENTS, ROUNDS = 100, 20

async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    began = perf_counter()
    await asyncio.gather(*(client(address) for _ in range(CLIENTS)))
    print((perf_counter() - began) / (CLIENTS * ROUNDS))
    server.close()

asyncio.run(main())
"""


def seconds(module: ModuleType, program: str) -> float:
    "What a program says of itself, when it runs on that module."
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    line = [sys.executable, "-c", BEGIN + program, module.__name__]
    return float(subprocess.run(line, check=True, capture_output=True, env=environment).stdout)
